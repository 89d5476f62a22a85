package cart

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"math/bits"
	"net/netip"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/inventory"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/pace"
	"github.com/souklive/souk/internal/postgres"
)

const (
	maxLines    = 50
	maxQuantity = 1000
	tokenPrefix = "crt_"
)

// Status says whether a line can be bought.
type Status string

// The statuses of a line.
const (
	Available   Status = "AVAILABLE"
	Short       Status = "SHORT"       // there is less than the line wants
	Unavailable Status = "UNAVAILABLE" // there is none, or it is sold no more
)

// Line is so many of a variant, as it was when it was put in and as it is now.
type Line struct {
	VariantID     uuid.UUID
	SellerID      uuid.UUID
	Quantity      int
	SavedForLater bool
	PriceSeen     money.Amount  // when it was put in, or last changed
	Price         *money.Amount // now; nil where it is not for its owner to see
	Available     int           // now, with what is set aside for this cart
	Reserved      int           // of them, set aside for this cart
	AddedAt       time.Time

	offered bool
}

// Status says whether the line can be bought.
func (l Line) Status() Status {
	switch {
	case l.Available == 0 || l.Price == nil:
		return Unavailable
	case l.Available < l.Quantity:
		return Short
	default:
		return Available
	}
}

// Group is what a cart has of one seller.
type Group struct {
	SellerID uuid.UUID
	Lines    []Line
}

// Cart is what somebody means to buy.
type Cart struct {
	ReservationID *uuid.UUID // what is set aside of it, or was
	Lines         []Line     // the oldest first
}

// Groups are the lines to buy by their sellers, in the order in which they were put in.
func (c Cart) Groups() []Group {
	groups, at := []Group{}, map[uuid.UUID]int{}
	for _, l := range c.Lines {
		if l.SavedForLater || !l.offered {
			continue
		}
		i, known := at[l.SellerID]
		if !known {
			i, at[l.SellerID] = len(groups), len(groups)
			groups = append(groups, Group{SellerID: l.SellerID})
		}
		groups[i].Lines = append(groups[i].Lines, l)
	}
	return groups
}

// Saved are the lines that are kept for later, whether or not they can be bought.
func (c Cart) Saved() []Line {
	return c.where(func(l Line) bool { return l.SavedForLater })
}

// Gone are the lines to buy whose listing is not for their owner to see any more.
func (c Cart) Gone() []Line {
	return c.where(func(l Line) bool { return !l.SavedForLater && !l.offered })
}

func (c Cart) where(is func(Line) bool) []Line {
	lines := []Line{}
	for _, l := range c.Lines {
		if is(l) {
			lines = append(lines, l)
		}
	}
	return lines
}

// LineCount is how many lines the cart has.
func (c Cart) LineCount() int { return len(c.Lines) }

// Totals are what can be bought costs now, one for each currency; nil where a sum is beyond what money counts.
func (c Cart) Totals() []money.Amount {
	var all []Line
	for _, g := range c.Groups() {
		all = append(all, g.Lines...)
	}
	return totals(all)
}

// Totals are what can be bought of the seller's costs now, as Cart.Totals are.
func (g Group) Totals() []money.Amount { return totals(g.Lines) }

func totals(lines []Line) []money.Amount {
	sums := []money.Amount{}
	for _, l := range lines {
		n := min(l.Quantity, l.Available)
		if l.Price == nil || n == 0 {
			continue
		}
		high, low := bits.Mul64(uint64(l.Price.Minor), uint64(n))
		if high > 0 || low > 1<<63-1 {
			return nil
		}
		cost, found := money.New(int64(low), l.Price.Currency), false
		for i, sum := range sums {
			if sum.Currency != cost.Currency {
				continue
			}
			more, err := sum.Add(cost)
			if err != nil {
				return nil
			}
			sums[i], found = more, true
		}
		if !found {
			sums = append(sums, cost)
		}
	}
	return sums
}

// Owner is whose cart is meant: that of a guest's token where there is one, else a user's; neither for a guest who has none yet.
type Owner struct {
	User  uuid.UUID // zero where nobody is signed in
	Token string
	From  netip.Addr // where a guest comes from
}

// Service holds the use cases of this package.
type Service struct {
	pool  *pgxpool.Pool
	q     *db.Queries
	stock *inventory.Service

	guests *pace.Limiter[netip.Addr] // carts that were made for an address
}

// Guests of one address have so many carts at once, and one more a minute: behind one there may be a whole office.
const (
	guestEvery = time.Minute
	guestBurst = 60
)

// New makes a Service.
func New(pool *pgxpool.Pool, stock *inventory.Service, c clock.Clock) *Service {
	return &Service{pool: pool, q: db.New(), stock: stock, guests: pace.New[netip.Addr](guestEvery, guestBurst, c)}
}

func digest(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

func isToken(token string) bool { return strings.HasPrefix(token, tokenPrefix) && len(token) <= 100 }

// Get reads a cart: what is in it, as it is now. A user who has put nothing in has an empty one.
func (s *Service) Get(ctx context.Context, o Owner) (Cart, error) {
	row, err := s.find(ctx, o)
	if postgres.NoRows(err) {
		if o.Token != "" || o.User == uuid.Nil {
			return Cart{}, ErrNotFound.At("cartToken")
		}
		return Cart{}, nil
	}
	if err != nil {
		return Cart{}, err
	}
	return s.read(ctx, row)
}

func (s *Service) find(ctx context.Context, o Owner) (db.Cart, error) {
	switch {
	case o.Token != "" && !isToken(o.Token):
		return db.Cart{}, pgx.ErrNoRows
	case o.Token != "":
		return s.q.CartOfGuest(ctx, s.pool, digest(o.Token))
	case o.User == uuid.Nil:
		return db.Cart{}, pgx.ErrNoRows
	default:
		return s.q.CartOfUser(ctx, s.pool, &o.User)
	}
}

// read is a cart as it is now, by two statements however many lines it has.
func (s *Service) read(ctx context.Context, row db.Cart) (Cart, error) {
	rows, err := s.q.CartLines(ctx, s.pool, row.ID)
	if err != nil {
		return Cart{}, err
	}
	variants := make([]uuid.UUID, len(rows))
	for i, r := range rows {
		variants[i] = r.CartLine.VariantID
	}
	free, err := s.stock.Available(ctx, variants)
	if err != nil {
		return Cart{}, err
	}
	c := Cart{ReservationID: row.ReservationID, Lines: make([]Line, len(rows))}
	for i, r := range rows {
		c.Lines[i] = lineOf(r, int(free[r.CartLine.VariantID]))
	}
	return c, nil
}

func lineOf(r db.CartLinesRow, free int) Line {
	l := Line{
		VariantID: r.CartLine.VariantID, SellerID: r.SellerID, Quantity: int(r.CartLine.Quantity), SavedForLater: r.CartLine.Saved,
		PriceSeen: money.New(r.CartLine.PriceSeen, money.Currency(r.CartLine.CurrencySeen)), AddedAt: r.CartLine.AddedAt,
		Reserved: int(r.Held), offered: r.Offered,
	}
	if r.Offered && r.Price != nil {
		l.Price = &money.Amount{Minor: *r.Price, Currency: money.Currency(*r.Currency)}
		l.Available = free + l.Reserved
	}
	return l
}

// lockTx locks a cart, and makes one where its owner has none: a guest's with a token, which is told this once.
func (s *Service) lockTx(ctx context.Context, tx pgx.Tx, o Owner) (row db.Cart, token string, err error) {
	switch {
	case o.Token != "":
		row, err = db.Cart{}, pgx.ErrNoRows
		if isToken(o.Token) {
			row, err = s.q.CartOfGuestLock(ctx, tx, digest(o.Token))
		}
		if postgres.NoRows(err) {
			err = ErrNotFound.At("cartToken")
		}
	case o.User != uuid.Nil:
		row, err = s.q.CartOfUserLock(ctx, tx, id.New(), &o.User)
	default:
		if wait, ok := s.guests.Take(pace.Customer(o.From)); !ok {
			return row, "", tooMany(wait)
		}
		token = tokenPrefix + rand.Text()
		row, err = s.q.CartInsertGuest(ctx, tx, id.New(), digest(token))
	}
	return row, token, err
}
