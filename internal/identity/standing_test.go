package identity_test

import (
	"errors"
	"testing"
	"time"

	"github.com/souklive/souk/internal/adminlog"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
)

// A birth date is told once, and is one that there is.
func TestBirthDate(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	user := w.User(identity.Buyer)
	tomorrow := time.Now().AddDate(0, 0, 2).Format(time.DateOnly)
	before := w.Digest()
	for _, wrong := range []string{"", "1990", "31.12.1990", "1990-02-30", "1899-12-31", "1990-12-31T00:00:00Z", "٢٠٠٠-01-01", tomorrow, "9999-01-01"} {
		if _, err := w.Identity.SetBirthDate(t.Context(), user, wrong); !errors.Is(err, identity.ErrBirthDate) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	if w.Digest() != before {
		t.Error("a refusal left something")
	}
	days := []string{"2000-02-29", "2000-03-01"}
	errs := domaintest.AtOnce(8, func(i int) error {
		_, err := w.Identity.SetBirthDate(t.Context(), user, days[i%2])
		return err
	})
	if codes := domaintest.Codes(errs); codes[""] != 4 || codes["BIRTH_DATE_SET"] != 4 {
		t.Errorf("%v", codes)
	}
}

// Staff give a tier and say why; a repetition and a refusal leave nothing.
func TestTier(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	user, staff := w.User(identity.Buyer), identity.User{ID: w.User(identity.Support), Role: identity.Support}
	set := func(tier identity.Tier, reason string) error {
		u, err := w.Identity.SetTier(t.Context(), staff, user, tier, reason)
		if err == nil && u.Tier != tier {
			t.Errorf("the tier is %s, want %s", u.Tier, tier)
		}
		return err
	}
	w.Must(set(identity.Unverified, ""))
	if err := set(identity.Verified, ""); !errors.Is(err, adminlog.ErrReason) {
		t.Errorf("without a reason: %v", err)
	}
	if _, err := w.Identity.SetTier(t.Context(), staff, id.New(), identity.Trusted, "x"); !errors.Is(err, identity.ErrUserNotFound) {
		t.Errorf("nobody: %v", err)
	}
	if n := w.Int("SELECT count(*) FROM admin_action"); n != 0 {
		t.Errorf("%d records of nothing", n)
	}
	for _, err := range domaintest.AtOnce(6, func(int) error { return set(identity.Trusted, "known for years") }) {
		w.Must(err)
	}
	w.Must(set(identity.Verified, "not that well"))
	if n := w.Int("SELECT count(*) FROM admin_action WHERE action = 'USER_TRUSTED'") + 10*w.Int("SELECT count(*) FROM admin_action WHERE action = 'USER_VERIFIED'"); n != 11 {
		t.Errorf("%d records", n)
	}
}
