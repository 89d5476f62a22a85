package show_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/show"
)

// What a show becomes is told to its viewers, with the show as it is then; who begins to watch gets what the last event told.
func TestEvents(t *testing.T) {
	t.Parallel()
	w, shows, host := setup(t)
	s, err := shows.Create(t.Context(), host, draft)
	w.Must(err)
	_, err = shows.Start(t.Context(), w.Buyer(0), s.ID)
	if !errors.Is(err, show.ErrNotHost) {
		t.Fatal(err)
	}
	french := show.French
	_, err = shows.Update(t.Context(), host, s.ID, show.Edit{Language: &french})
	w.Must(err)
	_, err = shows.Start(t.Context(), host, s.ID)
	w.Must(err)
	var got []string
	for _, e := range w.Events(show.Topic(s.ID)) {
		change, err := show.FromEvent(e)
		w.Must(err)
		got = append(got, fmt.Sprintf("%d %s: %s %s", e.Version, e.Kind, change.Show.Status, change.Show.Language))
	}
	if want := []string{"1 SCHEDULED: SCHEDULED EN", "2 CHANGED: SCHEDULED FR", "3 STARTED: LIVE FR"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	snapshot, err := shows.Snapshot(s.ID)(t.Context())
	w.Must(err)
	change, err := show.FromEvent(snapshot)
	if err != nil || snapshot.Version != 3 || snapshot.Kind != realtime.KindSnapshot || snapshot.Topic != show.Topic(s.ID) || change.Show.Status != show.Live {
		t.Errorf("%+v, %+v, %v", snapshot, change, err)
	}
	if _, err := shows.Snapshot(id.New())(t.Context()); !errors.Is(err, show.ErrNotFound) {
		t.Errorf("no such show: %v", err)
	}
	if _, err := show.FromEvent(realtime.Event{Payload: []byte("{")}); err == nil {
		t.Error("half a payload was read")
	}
}

// Whoever tells a show's viewers gets the next version; who gives up takes none.
func TestAppendAtOnce(t *testing.T) {
	t.Parallel()
	w, shows, host := setup(t)
	s, err := shows.Create(t.Context(), host, draft)
	w.Must(err)
	undone := errors.New("undone")
	errs := domaintest.AtOnce(24, func(i int) error {
		var event realtime.Event
		err := postgres.InTx(t.Context(), w.Pool, func(tx pgx.Tx) (err error) {
			if event, err = show.AppendTx(t.Context(), tx, s.ID, "NOTED", map[string]int{"by": i}); err == nil && i%3 == 0 {
				err = undone
			}
			return err
		})
		if err == nil {
			w.Told.Publish(t.Context(), event)
		}
		return err
	})
	for i, err := range errs {
		if i%3 == 0 != errors.Is(err, undone) {
			t.Errorf("%d: %v", i, err)
		}
	}
	if events := w.Events(show.Topic(s.ID)); len(events) != 17 { // Events insists on versions without a hole
		t.Errorf("%d events", len(events))
	}
}
