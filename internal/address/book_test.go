package address_test

import (
	"slices"
	"strconv"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/address"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/identity"
)

// book is a user with an address book.
type book struct {
	*domaintest.World
	*address.Service
	user uuid.UUID
}

func setup(t *testing.T) *book {
	t.Helper()
	w := domaintest.New(t)
	return &book{World: w, Service: address.New(w.Pool), user: w.User(identity.Buyer)}
}

// at is an address that differs by its number.
func at(n int) address.Postal {
	p := paris()
	p.Line1 = strconv.Itoa(n) + " rue de la Paix"
	return p
}

func (b *book) add(n int) address.Address {
	b.T.Helper()
	a, err := b.Create(b.Ctx(), b.user, at(n), false)
	b.Must(err)
	return a
}

// defaults are the streets of the book, the default's marked.
func (b *book) streets() (all []string) {
	b.T.Helper()
	list, err := b.List(b.Ctx(), b.user)
	b.Must(err)
	for _, a := range list {
		street := a.Line1
		if a.Default {
			street += "!"
		}
		all = append(all, street)
	}
	return all
}

func (b *book) want(streets ...string) {
	b.T.Helper()
	for i := range streets {
		n, mark := streets[i], ""
		if n[len(n)-1] == '!' {
			n, mark = n[:len(n)-1], "!"
		}
		streets[i] = n + " rue de la Paix" + mark
	}
	if got := b.streets(); !slices.Equal(got, streets) {
		b.T.Errorf("the book is %q, want %q", got, streets)
	}
}

func TestOneDefault(t *testing.T) {
	t.Parallel()
	b := setup(t)
	one, two := b.add(1), b.add(2)
	b.want("1!", "2")
	if again := b.add(2); again != two {
		t.Errorf("a retry made %+v", again)
	}
	b.want("1!", "2")
	three, err := b.Create(t.Context(), b.user, at(3), true)
	b.Must(err)
	b.want("3!", "2", "1")
	if _, err := b.Update(t.Context(), b.user, one.ID, address.Change{Default: true, Line2: new("2nd floor")}); err != nil {
		t.Error(err)
	}
	b.want("1!", "3", "2")
	b.Must(b.Delete(t.Context(), b.user, one.ID))
	b.want("3!", "2")
	b.Must(b.Delete(t.Context(), b.user, three.ID))
	b.Must(b.Delete(t.Context(), b.user, two.ID))
	b.want()
	b.add(4)
	b.want("4!")
}

// What is changed is checked as a whole: another country asks for its own postal code.
func TestChange(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.add(1)
	if _, err := b.Update(t.Context(), b.user, a.ID, address.Change{Country: new("BE")}); of(err) != "ADDRESS_POSTAL_CODE postalCode" {
		t.Errorf("with the old postal code: %v", err)
	}
	got, err := b.Update(t.Context(), b.user, a.ID, address.Change{Country: new("BE"), PostalCode: new("b 1000"), City: new("Bruxelles"), Phone: new("")})
	if err != nil || got.Country != "BE" || got.PostalCode != "1000" || got.Phone != "" || got.Line1 != a.Line1 || !got.Default {
		t.Errorf("%+v, %v", got, err)
	}
	if now, err := b.Get(t.Context(), b.user, a.ID); err != nil || now != got {
		t.Errorf("%+v, %v", now, err)
	}
}

// Nobody reads, changes or deletes another's.
func TestOthersAddresses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a, other := b.add(1), b.User(identity.Buyer)
	for _, who := range []struct{ user, address uuid.UUID }{{other, a.ID}, {b.user, uuid.New()}} {
		_, read := b.Get(t.Context(), who.user, who.address)
		_, changed := b.Update(t.Context(), who.user, who.address, address.Change{City: new("Lyon")})
		for _, err := range []error{read, changed, b.Delete(t.Context(), who.user, who.address)} {
			if domaintest.Code(err) != "ADDRESS_NOT_FOUND" {
				t.Error(err)
			}
		}
	}
	b.want("1!")
}

// Of many at once there are never more than fifty, never two defaults, and none twice.
func TestAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range 47 {
		b.add(i)
	}
	codes := domaintest.Codes(domaintest.AtOnce(8, func(i int) error {
		_, err := b.Create(t.Context(), b.user, at(100+i/2), i%3 == 0) // each by two
		return err
	}))
	if codes[""] != 6 || codes["TOO_MANY_ADDRESSES"] != 2 {
		t.Errorf("%v", codes)
	}
	if n := b.Int(`SELECT count(*) FROM address WHERE user_id = $1`, b.user); n != 50 {
		t.Errorf("%d addresses", n)
	}
	if n := b.Int(`SELECT count(*) FROM address WHERE user_id = $1 AND is_default`, b.user); n != 1 {
		t.Errorf("%d defaults", n)
	}
}
