package notify_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/feed"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/notify"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
)

// bundle is what a test of notices needs.
type bundle struct {
	*domaintest.World
	*notify.Service
}

func setup(t *testing.T) *bundle {
	t.Helper()
	w := domaintest.New(t)
	return &bundle{w, notify.New(w.Pool)}
}

// insert writes notices in a transaction of their own, which ends as it is told to.
func (b *bundle) insert(end error, notes ...notify.Note) (told []realtime.Event, err error) {
	err = postgres.InTx(b.Ctx(), b.Pool, func(tx pgx.Tx) (err error) {
		if told, err = notify.InsertTx(b.Ctx(), tx, notes...); err == nil {
			err = end
		}
		return err
	})
	return told, err
}

func (b *bundle) list(recipient uuid.UUID, unread bool, args page.Args) notify.NoticePage {
	b.T.Helper()
	p, err := b.List(b.Ctx(), recipient, unread, args)
	b.Must(err)
	return p
}

func note(recipient uuid.UUID, key string) notify.Note {
	return notify.Note{
		Recipient: recipient, Kind: notify.PriceDropped, Subject: id.Listing.ID(id.New()), Key: key,
		Parameters: []notify.Parameter{notify.Sum("price", domaintest.EUR(12_50)), notify.Text("left", "3")},
	}
}

// Of many that tell the same at once, one does; a transaction that fails tells nothing; and each new notice is told live, once.
func TestOneThingIsToldOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ada, ben := b.User(identity.Buyer), b.User(identity.Buyer)
	events := make([]int, 20)
	undone := errors.New("undone")
	errs := domaintest.AtOnce(20, func(i int) error {
		// Both orders of recipients: feeds are locked in the order of their ids all the same.
		notes := []notify.Note{note(ada, "the same"), note(ben, fmt.Sprint("own ", i)), note(ben, "the same")}
		if i%2 == 1 {
			slices.Reverse(notes)
		}
		var end error
		if i%5 == 4 {
			end = undone
		}
		told, err := b.insert(end, notes...)
		if errors.Is(err, undone) {
			return nil
		}
		events[i] = len(told)
		return err
	})
	for _, err := range errs {
		b.Must(err)
	}
	sum := 0
	for _, n := range events {
		sum += n
	}
	if n := len(b.list(ada, false, page.Args{}).Nodes); n != 1 {
		t.Errorf("ada was told %d times", n)
	}
	bens := b.list(ben, true, page.Args{First: new(100)}).Nodes
	if len(bens) != 17 || sum != 18 { // 16 of their own and the same
		t.Errorf("ben was told %d, %d events", len(bens), sum)
	}
	if version := b.Int(`SELECT version FROM user_feed WHERE user_id = $1`, ben); version != 17 {
		t.Errorf("ben's feed stands at %d", version)
	}
	// Their order is that of their events.
	for i, n := range bens {
		version := b.Int(`SELECT version FROM event WHERE topic = $1 AND payload->>'object' = $2`, string(feed.Topic(ben)), n.NodeID().String())
		if version != int64(len(bens)-i) {
			t.Errorf("notice %d is event %d", i, version)
		}
	}
	got := bens[0]
	if p := got.Parameters; len(p) != 2 || p[0].Value != "12.50 EUR" || *p[0].Money != domaintest.EUR(12_50) || p[1] != notify.Text("left", "3") {
		t.Errorf("parameters %+v", got.Parameters)
	}
	if told, err := b.insert(nil); told != nil || err != nil {
		t.Errorf("nothing told: %v, %v", told, err)
	}
}

func TestReading(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ada, ben := b.User(identity.Buyer), b.User(identity.Buyer)
	for i := range 7 {
		_, err := b.insert(nil, note(ada, strconv.Itoa(i)), note(ben, strconv.Itoa(i)))
		b.Must(err)
	}
	unread := func(want int) {
		t.Helper()
		if n, err := b.Unread(b.Ctx(), ada); err != nil || n != want {
			t.Errorf("%d unread, %v; want %d", n, err, want)
		}
	}
	unread(7)
	var all []notify.Notice
	args := page.Args{First: new(3)}
	for more := true; more; {
		p := b.list(ada, false, args)
		all, more, args.After = append(all, p.Nodes...), p.HasNext, p.PageInfo().EndCursor
	}
	if len(all) != 7 {
		t.Fatalf("%d in pages", len(all))
	}
	first, err := b.Read(b.Ctx(), ada, all[0].ID)
	if err != nil || first.ReadAt == nil {
		t.Fatalf("read %+v, %v", first, err)
	}
	if again, err := b.Read(b.Ctx(), ada, all[0].ID); err != nil || !again.ReadAt.Equal(*first.ReadAt) {
		t.Errorf("read again %+v, %v", again, err)
	}
	unread(6)
	for name, read := range map[string]func() error{
		"read": func() error { _, err := b.Read(b.Ctx(), ben, all[1].ID); return err },
		"get":  func() error { _, err := b.Get(b.Ctx(), ben, all[1].ID); return err },
	} {
		if err := read(); !errors.Is(err, notify.ErrNotFound) {
			t.Errorf("%s another's: %v", name, err)
		}
	}
	b.Must(b.ReadUpTo(b.Ctx(), ada, new(all[4].Cursor())))
	unread(3)
	if left := b.list(ada, true, page.Args{}).Nodes; len(left) != 3 || left[0].ID != all[1].ID || left[2].ID != all[3].ID {
		t.Errorf("left %+v", left)
	}
	for _, cursor := range []string{"", "x", page.Key{}.Encode('L')} {
		if err := b.ReadUpTo(b.Ctx(), ada, &cursor); !errors.Is(err, page.ErrCursor) {
			t.Errorf("up to %q: %v", cursor, err)
		} else if f, _ := fault.As(err); !slices.Equal(f.Field, []string{"upTo"}) {
			t.Errorf("blames %v", f.Field)
		}
	}
	b.Must(b.ReadUpTo(b.Ctx(), ada, nil))
	unread(0)
	if n, err := b.Unread(b.Ctx(), ben); err != nil || n != 7 {
		t.Errorf("another's: %d, %v", n, err)
	}
}

func TestOldNoticesGo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ada := b.User(identity.Buyer)
	_, err := b.insert(nil, note(ada, "old"), note(ada, "young"))
	b.Must(err)
	b.Exec(`UPDATE notification SET created_at = now() - interval '91 days' WHERE dedup_key = 'old'`)
	if n, err := b.Prune(b.Ctx()); err != nil || n != 1 {
		t.Errorf("pruned %d, %v", n, err)
	}
	if left := b.list(ada, false, page.Args{}).Nodes; len(left) != 1 {
		t.Errorf("left %+v", left)
	}
}
