package feed_test

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/feed"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/pgtest"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
)

// Many at once get versions without a hole or a double, and a transaction that fails takes none.
func TestVersions(t *testing.T) {
	t.Parallel()
	data := pgtest.New(t)
	user, thing := id.New(), id.TopUp.ID(id.New())
	if _, err := data.Admin.Exec(t.Context(),
		`INSERT INTO app_user (id, email, name, role, password_hash) VALUES ($1, 'a@example.com', 'A', 'BUYER', 'x')`, user); err != nil {
		t.Fatal(err)
	}
	var (
		mu       sync.Mutex
		versions []int64
		group    sync.WaitGroup
	)
	undone := errors.New("undone")
	for i := range 20 {
		group.Go(func() {
			var event realtime.Event
			err := postgres.InTx(t.Context(), data.Pool, func(tx pgx.Tx) (err error) {
				if event, err = feed.AppendTx(t.Context(), tx, user, feed.TopUpChanged, thing); err == nil && i%4 == 3 {
					err = undone
				}
				return err
			})
			if errors.Is(err, undone) {
				return
			}
			if object, readErr := feed.Object(event); err != nil || readErr != nil || object == nil || *object != thing {
				t.Errorf("got %+v, %v, %v", event, err, readErr)
			}
			mu.Lock()
			defer mu.Unlock()
			versions = append(versions, event.Version)
		})
	}
	group.Wait()
	slices.Sort(versions)
	for i, v := range versions {
		if v != int64(i)+1 {
			t.Fatalf("versions %v", versions)
		}
	}
	snapshot, err := feed.New(data.Pool).Snapshot(user)(t.Context())
	if err != nil || snapshot.Version != 15 || snapshot.Kind != realtime.KindSnapshot || snapshot.Topic != feed.Topic(user) || snapshot.At.IsZero() {
		t.Errorf("got %+v, %v", snapshot, err)
	}
	if object, err := feed.Object(snapshot); object != nil || err != nil {
		t.Errorf("a snapshot is about %v, %v", object, err)
	}
	if nobody, err := feed.New(data.Pool).Snapshot(uuid.New())(t.Context()); err != nil || nobody.Version != 0 {
		t.Errorf("a user who was told nothing: %+v, %v", nobody, err)
	}
}

func TestObjectThatIsNone(t *testing.T) {
	t.Parallel()
	for _, payload := range []string{`{`, `{"object":"x"}`, `{}`} {
		if object, err := feed.Object(realtime.Event{Kind: "X", Payload: []byte(payload)}); err == nil {
			t.Errorf("%s is about %v", payload, object)
		}
	}
}
