package identity_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
)

func TestBan(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	support := identity.User{ID: w.User(identity.Support), Role: identity.Support}
	first, err := w.Identity.SignUp(t.Context(), somebody("ada@souk.example"))
	w.Must(err)
	second, err := w.Identity.SignIn(t.Context(), "ada@souk.example", password)
	w.Must(err)
	other, err := w.Identity.SignUp(t.Context(), somebody("bob@souk.example"))
	w.Must(err)

	ban, err := w.Identity.Ban(t.Context(), support, first.User.ID, "  sells what does not exist ")
	if err != nil || ban.Reason != "sells what does not exist" || ban.User.ID != first.User.ID || ban.At.IsZero() {
		t.Fatalf("%+v, %v", ban, err)
	}
	before := w.Digest()
	again, err := w.Identity.Ban(t.Context(), support, first.User.ID, "another reason")
	if err != nil || again != ban || w.Digest() != before {
		t.Errorf("a second ban: %+v, %v", again, err)
	}
	for _, s := range []identity.Session{first, second} {
		if _, err := w.Identity.Authenticate(t.Context(), s.Token); !errors.Is(err, identity.ErrUnauthenticated) {
			t.Errorf("a banned user's session: %v", err)
		}
	}
	if _, err := w.Identity.Authenticate(t.Context(), other.Token); err != nil {
		t.Errorf("somebody else's session: %v", err)
	}
	if _, err := w.Identity.SignIn(t.Context(), "ada@souk.example", password); !errors.Is(err, identity.ErrBanned) {
		t.Errorf("sign-in: %v", err)
	}
	if _, err := w.Identity.SignIn(t.Context(), "ada@souk.example", "another password"); !errors.Is(err, identity.ErrCredentials) {
		t.Errorf("a wrong password learns of the ban: %v", err)
	}
	if got, err := w.Identity.BanOf(t.Context(), first.User.ID); err != nil || *got != ban {
		t.Errorf("%+v, %v", got, err)
	}

	user, err := w.Identity.Unban(t.Context(), support, first.User.ID, "it existed")
	if err != nil || user.ID != first.User.ID {
		t.Errorf("%+v, %v", user, err)
	}
	if got, err := w.Identity.BanOf(t.Context(), first.User.ID); err != nil || got != nil {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := w.Identity.Authenticate(t.Context(), first.Token); !errors.Is(err, identity.ErrUnauthenticated) {
		t.Errorf("an old session came back: %v", err)
	}
	if _, err := w.Identity.SignIn(t.Context(), "ada@souk.example", password); err != nil {
		t.Errorf("sign-in afterwards: %v", err)
	}
}

func TestBanRefuses(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	user := func(role identity.Role) identity.User { return identity.User{ID: w.User(role), Role: role} }
	support, admin, colleague, buyer := user(identity.Support), user(identity.Admin), user(identity.Support), user(identity.Buyer)
	before := w.Digest()
	for name, c := range map[string]struct {
		by, whom identity.User
		reason   string
		code     string
	}{
		"nobody":           {admin, identity.User{ID: id.New()}, "x", "USER_NOT_FOUND"},
		"no reason":        {admin, buyer, " \n", "REASON_LENGTH"},
		"oneself":          {admin, admin, "x", "BAN_OF_ONESELF"},
		"a colleague":      {support, colleague, "x", "BAN_NEEDS_ADMIN"},
		"an admin":         {support, admin, "x", "BAN_NEEDS_ADMIN"},
		"a text of tricks": {support, buyer, "a\u202eb", "TEXT_CONTROL_CHARACTERS"},
	} {
		if _, err := w.Identity.Ban(t.Context(), c.by, c.whom.ID, c.reason); domaintest.Code(err) != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.Identity.Unban(t.Context(), admin, buyer.ID, "x"); domaintest.Code(err) != "USER_NOT_BANNED" {
		t.Errorf("letting in who is in: %v", err)
	}
	if _, err := w.Identity.BanOf(t.Context(), uuid.New()); domaintest.Code(err) != "USER_NOT_FOUND" {
		t.Errorf("nobody's ban: %v", err)
	}
	if w.Digest() != before {
		t.Error("a refusal left a trace")
	}
	if _, err := w.Identity.Ban(t.Context(), admin, colleague.ID, "x"); err != nil {
		t.Errorf("an admin bans support: %v", err)
	}
	if _, err := w.Identity.Unban(t.Context(), support, colleague.ID, "x"); domaintest.Code(err) != "BAN_NEEDS_ADMIN" {
		t.Errorf("support lets a colleague back in: %v", err)
	}
}

// Whoever signs in at the moment of a ban is refused, or is ended by it.
func TestBanAndSignInAtOnce(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	admin := identity.User{ID: w.User(identity.Admin), Role: identity.Admin}
	ada, err := w.Identity.SignUp(t.Context(), somebody("ada@souk.example"))
	w.Must(err)
	for range 5 {
		var together sync.WaitGroup
		begin := make(chan struct{})
		sessions := make(chan identity.Session, 4)
		for range cap(sessions) {
			together.Go(func() {
				<-begin
				s, err := w.Identity.SignIn(t.Context(), "ada@souk.example", password)
				if err == nil {
					sessions <- s
				} else if !errors.Is(err, identity.ErrBanned) {
					t.Error(err)
				}
			})
		}
		together.Go(func() {
			<-begin
			if _, err := w.Identity.Ban(t.Context(), admin, ada.User.ID, "now"); err != nil {
				t.Error(err)
			}
		})
		close(begin)
		together.Wait()
		close(sessions)
		for s := range sessions {
			if _, err := w.Identity.Authenticate(t.Context(), s.Token); !errors.Is(err, identity.ErrUnauthenticated) {
				t.Errorf("a session outlived the ban: %v", err)
			}
		}
		_, err := w.Identity.Unban(t.Context(), admin, ada.User.ID, "again")
		w.Must(err)
	}
}
