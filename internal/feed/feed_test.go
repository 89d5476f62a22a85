package feed_test

import (
	"errors"
	"fmt"
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

// News of several are told together, each user's in its order and with versions of their own.
func TestTellingSeveral(t *testing.T) {
	t.Parallel()
	data := pgtest.New(t)
	ada, ben, thing := id.New(), id.New(), id.Auction.ID(id.New())
	for _, user := range []uuid.UUID{ada, ben} {
		if _, err := data.Admin.Exec(t.Context(),
			`INSERT INTO app_user (id, email, name, role, password_hash) VALUES ($1, $2, 'A', 'BUYER', 'x')`, user, user.String()+"@example.com"); err != nil {
			t.Fatal(err)
		}
	}
	tell := func(news ...feed.News) (told []string) {
		t.Helper()
		if err := postgres.InTx(t.Context(), data.Pool, func(tx pgx.Tx) error {
			events, err := feed.TellTx(t.Context(), tx, news...)
			for _, e := range events {
				told = append(told, fmt.Sprintf("%s %d %s", map[realtime.Topic]string{feed.Topic(ada): "ada", feed.Topic(ben): "ben"}[e.Topic], e.Version, e.Kind))
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return told
	}
	if got := tell(); got != nil {
		t.Errorf("nothing told %v", got)
	}
	tell(feed.News{User: ben, Kind: feed.Outbid, Object: thing})
	got := tell(
		feed.News{User: ben, Kind: feed.Outbid, Object: thing}, feed.News{User: ada, Kind: feed.Outbid, Object: thing},
		feed.News{User: ben, Kind: feed.AuctionWon, Object: thing},
	)
	want := []string{"ada 1 OUTBID", "ben 2 OUTBID", "ben 3 AUCTION_WON"}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("told %v, want %v", got, want)
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
