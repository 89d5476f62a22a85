package video_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/show"
	"github.com/souklive/souk/internal/showchat"
	"github.com/souklive/souk/internal/video"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// shelf is the shows that there are.
type shelf map[uuid.UUID]show.Show

func (s shelf) Get(_ context.Context, wanted uuid.UUID) (show.Show, error) {
	if sh, ok := s[wanted]; ok {
		return sh, nil
	}
	return show.Show{}, show.ErrNotFound
}

// show puts a show onto the shelf.
func (s shelf) show(host uuid.UUID, status show.Status) uuid.UUID {
	sh := show.Show{ID: id.New(), HostID: host, Status: status}
	s[sh.ID] = sh
	return sh.ID
}

// ticking is a clock that tests move.
type ticking struct{ now time.Time }

func (c *ticking) Now() time.Time { return c.now }

func newService(t *testing.T, w *domaintest.World, shows shelf, c clock.Clock) *video.Service {
	t.Helper()
	signer, err := video.NewAgora("970CA35de60c44645bbae8a215061b33", "5CFd2fd1755d40ecb72977518be15d3b")
	w.Must(err)
	return video.New(w.Pool, shows, signer, c)
}

// Who gets which role, by the show's state.
func TestRoles(t *testing.T) {
	t.Parallel()
	w, shows := domaintest.New(t), shelf{}
	v := newService(t, w, shows, clock.Fixed(now))
	host, another := w.User(identity.Seller), w.User(identity.Seller)
	for status, want := range map[show.Status][3]any{ // to the host, another, a guest
		show.Scheduled: {video.Host, "VIDEO_SHOW_NOT_LIVE", "VIDEO_SHOW_NOT_LIVE"},
		show.Live:      {video.Host, video.Audience, video.Audience},
		show.Ended:     {"VIDEO_SHOW_NOT_LIVE", "VIDEO_SHOW_NOT_LIVE", "VIDEO_SHOW_NOT_LIVE"},
	} {
		sh := shows.show(host, status)
		for i, who := range []uuid.UUID{host, another, uuid.Nil} {
			token, err := v.Token(t.Context(), video.Viewer{User: who}, sh)
			if got := domaintest.Code(err) + string(token.Role); got != fmt.Sprint(want[i]) {
				t.Errorf("%s: person %d gets %s, want %s: %v", status, i, got, want[i], err)
			}
			if err == nil && (token.Channel != id.Show.Encode(sh) || !token.ExpiresAt.Equal(now.Add(time.Hour)) || token.Token == "") {
				t.Errorf("%s: %+v", status, token)
			}
		}
	}
	if _, err := v.Token(t.Context(), video.Viewer{User: host}, id.New()); !errors.Is(err, show.ErrNotFound) {
		t.Errorf("no such show: %v", err)
	}
	if _, err := video.New(w.Pool, shows, nil, clock.Fixed(now)).Token(t.Context(), video.Viewer{User: host}, id.New()); !errors.Is(err, video.ErrOff) {
		t.Errorf("without a provider: %v", err)
	}
}

// Who is banned from a show gets no token for it: only for others.
func TestOutcastsDoNotWatch(t *testing.T) {
	t.Parallel()
	w, shows := domaintest.New(t), shelf{}
	v := newService(t, w, shows, clock.Fixed(now))
	host, ada, ben := w.User(identity.Seller), w.User(identity.Buyer), w.User(identity.Buyer)
	sh, err := w.Shows.Create(t.Context(), host, show.Draft{Title: "A show", StartsAt: time.Now()})
	w.Must(err)
	sh.Status = show.Live
	shows[sh.ID] = sh
	other := shows.show(host, show.Live)
	w.Must2(w.ShowChat.Moderate(t.Context(), host, showchat.MemberInput{Show: sh.ID, User: ada, Action: showchat.Ban, Reason: "spam"}))
	for _, c := range []struct {
		who, in uuid.UUID
		code    string
	}{{ada, sh.ID, "CHAT_BANNED"}, {ada, other, ""}, {ben, sh.ID, ""}, {host, sh.ID, ""}, {uuid.Nil, sh.ID, ""}} {
		if _, err := v.Token(t.Context(), video.Viewer{User: c.who}, c.in); domaintest.Code(err) != c.code {
			t.Errorf("%s in %s: %v, want %q", c.who, c.in, err, c.code)
		}
	}
}

// A user has one uid, however often and at once they ask; nobody else has it. Guests have another each time.
func TestUIDs(t *testing.T) {
	t.Parallel()
	w, shows := domaintest.New(t), shelf{}
	v := newService(t, w, shows, clock.Fixed(now))
	live := shows.show(w.User(identity.Seller), show.Live)
	askers := []uuid.UUID{w.User(identity.Buyer), w.User(identity.Buyer), w.User(identity.Seller), uuid.Nil}
	uids := make([]string, 40)
	for _, err := range domaintest.AtOnce(len(uids), func(i int) error {
		token, err := v.Token(t.Context(), video.Viewer{User: askers[i%len(askers)]}, live)
		uids[i] = token.UID
		return err
	}) {
		w.Must(err)
	}
	whose := map[string]int{}
	for i, uid := range uids {
		asker := i % len(askers)
		if first, known := whose[uid]; known && (first != asker || asker == 3) {
			t.Errorf("%s is %d's and %d's", uid, first, asker)
		}
		whose[uid] = asker
		var n uint32
		if _, err := fmt.Sscan(uid, &n); err != nil || n == 0 || (asker == 3) != (n > 1<<31-1) {
			t.Errorf("asker %d has %s", asker, uid)
		}
	}
	if len(whose) != 3+10 {
		t.Errorf("%d uids: %v", len(whose), whose)
	}
}

// One user, and the guests of one address, get so many tokens a minute; nobody else notices.
func TestLimit(t *testing.T) {
	t.Parallel()
	w, shows, c := domaintest.New(t), shelf{}, &ticking{now.Add(20 * time.Second)}
	v := newService(t, w, shows, c)
	live := shows.show(w.User(identity.Seller), show.Live)
	user, another := w.User(identity.Buyer), w.User(identity.Buyer)
	home, away := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	ask := func(who video.Viewer) error {
		_, err := v.Token(t.Context(), who, live)
		return err
	}
	for who, most := range map[video.Viewer]int{{User: user, Addr: home}: 30, {Addr: home}: 600} {
		for n := range most {
			if err := ask(who); err != nil {
				t.Fatalf("%d: %v", n, err)
			}
		}
		err := ask(who)
		if f, ok := fault.As(err); !ok || !errors.Is(err, video.ErrTooMany) || f.RetryIn != 40*time.Second {
			t.Errorf("one more: %v", err)
		}
	}
	if err := ask(video.Viewer{User: user, Addr: away}); !errors.Is(err, video.ErrTooMany) {
		t.Errorf("from elsewhere: %v", err)
	}
	w.Must(ask(video.Viewer{User: another, Addr: home}))
	w.Must(ask(video.Viewer{Addr: away}))
	c.now = c.now.Add(40 * time.Second)
	w.Must(ask(video.Viewer{User: user, Addr: home}))
	w.Must(ask(video.Viewer{Addr: home}))
}
