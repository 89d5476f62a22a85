package address

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/postgres"
)

const maxAddresses = 50

// Service holds the use cases of this package.
type Service struct {
	pool *pgxpool.Pool
	q    *db.Queries
}

// New makes a Service.
func New(pool *pgxpool.Pool) *Service { return &Service{pool: pool, q: db.New()} }

// List is a user's address book: the default first, then the newest.
func (s *Service) List(ctx context.Context, user uuid.UUID) ([]Address, error) {
	rows, err := s.q.AddressesOfUser(ctx, s.pool, user)
	book := make([]Address, len(rows))
	for i, row := range rows {
		book[i] = addressOf(row)
	}
	return book, err
}

// Get reads one of a user's own addresses.
func (s *Service) Get(ctx context.Context, user, address uuid.UUID) (Address, error) {
	row, err := s.q.AddressOfUser(ctx, s.pool, address, user)
	if postgres.NoRows(err) {
		return Address{}, ErrNotFound
	}
	return addressOf(row), err
}

// Create puts an address into the book. The first is the default. One that is there already is answered and not added again.
func (s *Service) Create(ctx context.Context, user uuid.UUID, p Postal, makeDefault bool) (_ Address, err error) {
	if p, err = Normalise(p); err != nil {
		return Address{}, err
	}
	defer fault.Wrap(&err, "add an address")
	var row db.Address
	err = s.change(ctx, user, func(tx pgx.Tx) (err error) {
		row, err = s.q.AddressSame(ctx, tx, db.AddressSameParams{
			UserID: user, Name: p.Name, Line1: p.Line1, Line2: p.Line2, City: p.City, Region: p.Region, PostalCode: p.PostalCode, Country: p.Country, Phone: p.Phone,
		})
		if postgres.NoRows(err) {
			row, err = s.addTx(ctx, tx, user, p)
		}
		if err == nil && makeDefault && !row.IsDefault {
			row, err = s.defaultTx(ctx, tx, user, row.ID)
		}
		return err
	})
	return addressOf(row), err
}

func (s *Service) addTx(ctx context.Context, tx pgx.Tx, user uuid.UUID, p Postal) (db.Address, error) {
	n, err := s.q.AddressCount(ctx, tx, user)
	if err != nil {
		return db.Address{}, err
	}
	if n >= maxAddresses {
		return db.Address{}, ErrTooMany
	}
	return s.q.AddressInsert(ctx, tx, db.AddressInsertParams{
		ID: id.New(), UserID: user, Name: p.Name, Line1: p.Line1, Line2: p.Line2, City: p.City, Region: p.Region,
		PostalCode: p.PostalCode, Country: p.Country, Phone: p.Phone, IsDefault: n == 0,
	})
}

// Change is what changes of an address; what is nil stays.
type Change struct {
	Name, Line1, Line2, City, Region, PostalCode, Country, Phone *string

	Default bool // make it the default; there is no other way for a default to stop being it
}

// of is the address as it is meant to be.
func (c Change) of(p Postal) Postal {
	for _, f := range []struct{ from, to *string }{
		{c.Name, &p.Name}, {c.Line1, &p.Line1}, {c.Line2, &p.Line2}, {c.City, &p.City},
		{c.Region, &p.Region}, {c.PostalCode, &p.PostalCode}, {c.Country, &p.Country}, {c.Phone, &p.Phone},
	} {
		if f.from != nil {
			*f.to = *f.from
		}
	}
	return p
}

// Update changes an address; what becomes of it as a whole is checked. Orders that were sent to it keep what they have.
func (s *Service) Update(ctx context.Context, user, address uuid.UUID, c Change) (_ Address, err error) {
	defer fault.Wrap(&err, "change address %s", address)
	var row db.Address
	err = s.change(ctx, user, func(tx pgx.Tx) (err error) {
		if row, err = s.q.AddressOfUser(ctx, tx, address, user); err != nil {
			return err
		}
		p, err := Normalise(c.of(addressOf(row).Postal))
		if err != nil {
			return err
		}
		row, err = s.q.AddressSet(ctx, tx, db.AddressSetParams{
			ID: address, UserID: user, Name: p.Name, Line1: p.Line1, Line2: p.Line2, City: p.City, Region: p.Region,
			PostalCode: p.PostalCode, Country: p.Country, Phone: p.Phone,
		})
		if err == nil && c.Default && !row.IsDefault {
			row, err = s.defaultTx(ctx, tx, user, address)
		}
		return err
	})
	return addressOf(row), found(err)
}

// Delete takes an address out of the book, for good. The newest that is left becomes the default where this one was.
func (s *Service) Delete(ctx context.Context, user, address uuid.UUID) (err error) {
	defer fault.Wrap(&err, "delete address %s", address)
	return found(s.change(ctx, user, func(tx pgx.Tx) error {
		wasDefault, err := s.q.AddressDelete(ctx, tx, address, user)
		if err != nil || !wasDefault {
			return err
		}
		return s.q.AddressNewDefault(ctx, tx, user)
	}))
}

func (s *Service) defaultTx(ctx context.Context, tx pgx.Tx, user, address uuid.UUID) (db.Address, error) {
	if err := s.q.AddressUndefault(ctx, tx, user, address); err != nil {
		return db.Address{}, err
	}
	return s.q.AddressDefault(ctx, tx, address, user)
}

// change works on a user's addresses, one at a time.
func (s *Service) change(ctx context.Context, user uuid.UUID, do func(pgx.Tx) error) error {
	return postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if err := s.q.AddressUserLock(ctx, tx, user); err != nil {
			return err
		}
		return do(tx)
	})
}

func found(err error) error {
	if postgres.NoRows(err) {
		return ErrNotFound.At("addressId")
	}
	return err
}
