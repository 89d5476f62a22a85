package show_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/feed"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/show"
)

// crowd has so many follow a host.
func crowd(w *domaintest.World, host uuid.UUID, n int) {
	w.T.Helper()
	w.Exec(`INSERT INTO app_user (id, email, name, role, password_hash)
		SELECT gen_random_uuid(), 'fan' || i || '@souk.example', 'A fan', 'BUYER', 'x' FROM generate_series(1, $1::int) i`, n)
	w.Exec(`INSERT INTO follow (followed_id, follower_id) SELECT $1, id FROM app_user WHERE name = 'A fan'`, host)
}

// told counts those who were told of a show, and insists that nobody was told twice.
func told(w *domaintest.World, s show.Show, what feed.Kind) int64 {
	w.T.Helper()
	const of = ` FROM event WHERE kind = $1 AND payload ->> 'object' = $2`
	n := w.Int(`SELECT count(*)`+of, string(what), s.NodeID().String())
	if topics := w.Int(`SELECT count(DISTINCT topic)`+of, string(what), s.NodeID().String()); topics != n {
		w.T.Errorf("%d were told %d times", topics, n)
	}
	return n
}

// Followers are told of a show when it is scheduled and when it is live, each once, though the job runs in many places at once
// and again; who ended it, or follows another, is not.
func TestFollowersAreTold(t *testing.T) {
	t.Parallel()
	w, shows, host := setup(t)
	crowd(w, host, 450)
	fan, former := w.User(identity.Buyer), w.User(identity.Buyer)
	w.Must(w.Follows.Begin(t.Context(), fan, host))
	w.Must(w.Follows.Begin(t.Context(), former, host))
	w.Must(w.Follows.End(t.Context(), former, host))
	w.Must(w.Follows.Begin(t.Context(), w.User(identity.Buyer), former))
	s, err := shows.Create(t.Context(), host, draft)
	w.Must(err)
	announce := func(what feed.Kind) {
		t.Helper()
		for _, err := range domaintest.AtOnce(4, func(int) error { return shows.Announce(t.Context(), s.ID, what) }) {
			w.Must(err)
		}
		if n := told(w, s, what); n != 451 {
			t.Errorf("%d were told", n)
		}
	}
	announce(feed.ShowScheduled)
	_, err = shows.Start(t.Context(), host, s.ID)
	w.Must(err)
	announce(feed.ShowLive)
	events := w.Events(feed.Topic(fan))
	if len(events) != 2 || feed.Kind(events[0].Kind) != feed.ShowScheduled || feed.Kind(events[1].Kind) != feed.ShowLive {
		t.Errorf("a fan is told %+v", events)
	}
	if object, err := feed.Object(events[0]); err != nil || *object != s.NodeID() {
		t.Errorf("of %v, %v", object, err)
	}
	if n := w.Int(`SELECT count(*) FROM river_job WHERE kind = 'show_announce'`); n != 2 {
		t.Errorf("%d jobs", n)
	}
	if n := w.Int(`SELECT sum(told) FROM show_announcement WHERE done_at IS NOT NULL`); n != 902 {
		t.Errorf("%d are counted", n)
	}
}

// What was cut off goes on where it stopped.
func TestAnnouncementGoesOn(t *testing.T) {
	t.Parallel()
	w, shows, host := setup(t)
	crowd(w, host, 250)
	s, err := shows.Create(t.Context(), host, draft)
	w.Must(err)
	w.Exec(`UPDATE show_announcement SET after_id = (SELECT follower_id FROM follow ORDER BY follower_id OFFSET 99 LIMIT 1)`)
	w.Must(shows.Announce(t.Context(), s.ID, feed.ShowScheduled))
	if n := told(w, s, feed.ShowScheduled); n != 150 {
		t.Errorf("%d were told", n)
	}
}

// A show that has begun, or is over, before its followers are told is not announced as what it was.
func TestAnnouncementThatIsLate(t *testing.T) {
	t.Parallel()
	w, shows, host := setup(t)
	w.Must(w.Follows.Begin(t.Context(), w.User(identity.Buyer), host))
	s, err := shows.Create(t.Context(), host, draft)
	w.Must(err)
	_, err = shows.Start(t.Context(), host, s.ID)
	w.Must(err)
	w.Must(shows.Announce(t.Context(), s.ID, feed.ShowScheduled))
	w.Exec(`UPDATE show SET status = 'ENDED', ended_at = now() WHERE id = $1`, s.ID)
	w.Must(shows.Announce(t.Context(), s.ID, feed.ShowLive))
	if n := told(w, s, feed.ShowScheduled) + told(w, s, feed.ShowLive); n != 0 {
		t.Errorf("%d were told", n)
	}
	if err := shows.Announce(t.Context(), id.New(), feed.ShowLive); err == nil {
		t.Error("a show that is not was announced")
	}
}
