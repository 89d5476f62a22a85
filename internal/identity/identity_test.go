package identity_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
)

const password = "correct horse"

func somebody(email string) identity.SignUpInput {
	return identity.SignUpInput{Email: email, Password: password, Name: "Ada", Role: identity.Buyer}
}

func TestSignUp(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	in := identity.SignUpInput{Email: " Ada@Souk.example ", Password: password, Name: "  Ada 🙂 ", Role: identity.Seller}
	s, err := w.Identity.SignUp(t.Context(), in)
	if err != nil || s.Email() != "Ada@Souk.example" || s.User.Name != "Ada 🙂" || s.Role() != identity.Seller || !strings.HasPrefix(s.Token, "souk_") {
		t.Fatalf("%+v, %v", s, err)
	}
	got, err := w.Identity.Authenticate(t.Context(), s.Token)
	if err != nil || got.ID != s.ID || got.User.ID != s.User.ID || got.User.Name != "Ada 🙂" || got.Token != "" || !got.ExpiresAt.Equal(s.ExpiresAt) {
		t.Errorf("%+v, %v", got, err)
	}
	users, err := w.Identity.UsersByID(t.Context(), []uuid.UUID{s.User.ID, id.New()})
	if err != nil || len(users) != 1 || users[s.User.ID].Email != "Ada@Souk.example" {
		t.Errorf("%+v, %v", users, err)
	}
}

func TestSignUpRefuses(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	_, err := w.Identity.SignUp(t.Context(), somebody("taken@souk.example"))
	w.Must(err)
	before := w.Digest()
	for name, c := range map[string]struct {
		change func(*identity.SignUpInput)
		err    error
		field  string
	}{
		"no address":             {func(in *identity.SignUpInput) { in.Email = "" }, identity.ErrEmailInvalid, "email"},
		"no @":                   {func(in *identity.SignUpInput) { in.Email = "ada.souk.example" }, identity.ErrEmailInvalid, "email"},
		"no domain":              {func(in *identity.SignUpInput) { in.Email = "ada@" }, identity.ErrEmailInvalid, "email"},
		"a domain without a dot": {func(in *identity.SignUpInput) { in.Email = "ada.b@localhost" }, identity.ErrEmailInvalid, "email"},
		"a name beside it":       {func(in *identity.SignUpInput) { in.Email = "Ada <ada@souk.example>" }, identity.ErrEmailInvalid, "email"},
		"two addresses":          {func(in *identity.SignUpInput) { in.Email = "a@souk.example, b@souk.example" }, identity.ErrEmailInvalid, "email"},
		"a line in it":           {func(in *identity.SignUpInput) { in.Email = "a@souk.example\nBcc: b@souk.example" }, identity.ErrEmailInvalid, "email"},
		"NUL in it":              {func(in *identity.SignUpInput) { in.Email = "a\x00b@souk.example" }, identity.ErrEmailInvalid, "email"},
		"quoted NUL in it":       {func(in *identity.SignUpInput) { in.Email = "\"a\x00b\"@souk.example" }, identity.ErrEmailInvalid, "email"},
		"not UTF-8":              {func(in *identity.SignUpInput) { in.Email = "a\xff@souk.example" }, identity.ErrEmailInvalid, "email"},
		"too long":               {func(in *identity.SignUpInput) { in.Email = strings.Repeat("a", 250) + "@souk.example" }, identity.ErrEmailInvalid, "email"},
		"taken":                  {func(in *identity.SignUpInput) { in.Email = "taken@souk.example" }, identity.ErrEmailTaken, "email"},
		"taken in another case":  {func(in *identity.SignUpInput) { in.Email = "TAKEN@Souk.Example" }, identity.ErrEmailTaken, "email"},
		"a password of 9 runes":  {func(in *identity.SignUpInput) { in.Password = strings.Repeat("é", 9) }, identity.ErrPasswordLength, "password"},
		"a password of 201":      {func(in *identity.SignUpInput) { in.Password = strings.Repeat("é", 201) }, identity.ErrPasswordLength, "password"},
		"no name":                {func(in *identity.SignUpInput) { in.Name = " \n " }, identity.ErrNameLength, "name"},
		"a name of 81 runes":     {func(in *identity.SignUpInput) { in.Name = strings.Repeat("é", 81) }, identity.ErrNameLength, "name"},
		"a name with NUL":        {func(in *identity.SignUpInput) { in.Name = "A\x00da" }, identity.ErrNameLength, "name"},
		"a name of two lines":    {func(in *identity.SignUpInput) { in.Name = "A\nda" }, identity.ErrNameLength, "name"},
		"a name not UTF-8":       {func(in *identity.SignUpInput) { in.Name = "Ad\xc3" }, identity.ErrNameLength, "name"},
		"support":                {func(in *identity.SignUpInput) { in.Role = identity.Support }, identity.ErrForbidden, ""},
		"admin":                  {func(in *identity.SignUpInput) { in.Role = identity.Admin }, identity.ErrForbidden, ""},
		"no role":                {func(in *identity.SignUpInput) { in.Role = "" }, identity.ErrForbidden, ""},
	} {
		in := somebody("ada@souk.example")
		c.change(&in)
		_, err := w.Identity.SignUp(t.Context(), in)
		f, _ := fault.As(err)
		if !errors.Is(err, c.err) || strings.Join(f.Field, ".") != c.field {
			t.Errorf("%s: %v, want %v at %q", name, err, c.err, c.field)
		}
	}
	if w.Digest() != before {
		t.Error("a refusal left something")
	}
	longest := somebody("ada@souk.example")
	longest.Password, longest.Name = strings.Repeat("🙂", 200), strings.Repeat("é", 80)
	_, err = w.Identity.SignUp(t.Context(), longest)
	w.Must(err)
	if _, err := w.Identity.SignIn(t.Context(), longest.Email, longest.Password); err != nil {
		t.Errorf("the longest: %v", err)
	}
}

// Of several who want one address at once, in whatever case, one gets it.
func TestSignUpRace(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	errs := domaintest.AtOnce(6, func(i int) error {
		_, err := w.Identity.SignUp(t.Context(), somebody([]string{"ada@souk.example", "Ada@SOUK.example"}[i%2]))
		return err
	})
	if codes := domaintest.Codes(errs); codes[""] != 1 || codes["EMAIL_TAKEN"] != 5 {
		t.Errorf("%v", codes)
	}
	if users, sessions := w.Int(`SELECT count(*) FROM app_user`), w.Int(`SELECT count(*) FROM session`); users != 1 || sessions != 1 {
		t.Errorf("%d users, %d sessions", users, sessions)
	}
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	first, err := w.Identity.SignUp(t.Context(), somebody("ada@souk.example"))
	w.Must(err)
	second, err := w.Identity.SignIn(t.Context(), " ADA@souk.example ", password)
	if err != nil || second.User.ID != first.User.ID || second.Token == first.Token || second.ID == first.ID {
		t.Fatalf("%+v, %v", second, err)
	}
	_, wrong := w.Identity.SignIn(t.Context(), "ada@souk.example", "wrong horse")
	for name, try := range map[string][2]string{
		"an unknown address":       {"ben@souk.example", password},
		"no password":              {"ada@souk.example", ""},
		"an endless password":      {"ada@souk.example", strings.Repeat("x", 1001)},
		"an endless address":       {strings.Repeat("x", 300), password},
		"an address with NUL":      {"ada\x00@souk.example", password},
		"an address not UTF-8":     {"ada\xff@souk.example", password},
		"a password with NUL":      {"ada@souk.example", password + "\x00"},
		"no address":               {"", password},
		"a pattern for an address": {"%@souk.example", password},
	} {
		_, err := w.Identity.SignIn(t.Context(), try[0], try[1])
		if !errors.Is(err, identity.ErrCredentials) || fmt.Sprint(err) != fmt.Sprint(wrong) {
			t.Errorf("%s: %v, a wrong password: %v", name, err, wrong)
		}
	}
	if n := w.Int(`SELECT count(*) FROM session`); n != 2 {
		t.Errorf("%d sessions", n)
	}
}

// What is at rest does not sign anybody in.
func TestSecretsAtRest(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	s, err := w.Identity.SignUp(t.Context(), somebody("ada@souk.example"))
	w.Must(err)
	var hash string
	var token []byte
	w.Must(w.Admin.QueryRow(t.Context(), `SELECT u.password_hash, s.token_hash FROM app_user u JOIN session s ON s.user_id = u.id`).Scan(&hash, &token))
	if sum := sha256.Sum256([]byte(s.Token)); !bytes.Equal(token, sum[:]) {
		t.Error("the token is kept as something else than its digest")
	}
	if strings.Contains(hash, password) || !strings.HasPrefix(hash, "$argon2id$") {
		t.Errorf("the password is kept as %s", hash)
	}
	if n := w.Int(`SELECT count(*) FROM session t WHERE t::text LIKE '%' || $1 || '%'`, s.Token); n != 0 {
		t.Error("the token is kept")
	}
	for name, secret := range map[string]string{"the digest": string(token), "the hash": hash, "the session's id": s.ID.String()} {
		if _, err := w.Identity.Authenticate(t.Context(), secret); !errors.Is(err, identity.ErrUnauthenticated) {
			t.Errorf("%s signs in: %v", name, err)
		}
	}
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	_, err := w.Identity.SignUp(t.Context(), somebody("ada@souk.example"))
	w.Must(err)
	open := func() identity.Session {
		s, err := w.Identity.SignIn(t.Context(), "ada@souk.example", password)
		w.Must(err)
		return s
	}
	valid, revoked, expired := open(), open(), open()
	w.Must(w.Identity.SignOut(t.Context(), revoked.ID))
	w.Must(w.Identity.SignOut(t.Context(), revoked.ID)) // twice is no error
	w.Must(w.Identity.SignOut(t.Context(), id.New()))
	w.Exec(`UPDATE session SET expires_at = clock_timestamp() WHERE id = $1`, expired.ID)
	for name, c := range map[string]struct {
		token string
		err   error
	}{
		"valid":         {valid.Token, nil},
		"revoked":       {revoked.Token, identity.ErrUnauthenticated},
		"expired":       {expired.Token, identity.ErrUnauthenticated},
		"none":          {"", identity.ErrUnauthenticated},
		"only a prefix": {"souk_", identity.ErrUnauthenticated},
		"one more byte": {valid.Token + "x", identity.ErrUnauthenticated},
		"one less":      {valid.Token[:len(valid.Token)-1], identity.ErrUnauthenticated},
		"endless":       {"souk_" + strings.Repeat("x", 10_000), identity.ErrUnauthenticated},
		"NUL and more":  {"souk_\x00\xff", identity.ErrUnauthenticated},
	} {
		if _, err := w.Identity.Authenticate(t.Context(), c.token); !errors.Is(err, c.err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMay(t *testing.T) {
	t.Parallel()
	roles := []identity.Role{identity.Buyer, identity.Seller, identity.Support, identity.Admin, "", "ROOT"}
	// Who may what a field allows to one role alone.
	want := map[identity.Role][]identity.Role{
		identity.Buyer:   {identity.Buyer, identity.Seller},
		identity.Seller:  {identity.Seller},
		identity.Support: {identity.Support, identity.Admin},
		identity.Admin:   {identity.Admin},
	}
	for field, may := range want {
		for _, r := range roles {
			if got := r.May([]identity.Role{field}); got != slices.Contains(may, r) {
				t.Errorf("%q on a field of %s: %t", r, field, got)
			}
		}
	}
	for _, r := range roles {
		if r.May(nil) {
			t.Errorf("%q may what nobody may", r)
		}
		if r.May([]identity.Role{identity.Buyer, identity.Support}) != (r != "" && r != "ROOT") {
			t.Errorf("%q on a field of buyers and support", r)
		}
	}
}
