// Package demo fills an empty Souk with people, things and a live show, so that the first page is worth looking
// at. It uses the domains as the API does, and is for play money only.
package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/media"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/show"
)

// Password is the password of every demo account.
const Password = "open-sesame"

const (
	showTitle    = "Friday evening at the souk"
	lotDuration  = 20 * time.Minute
	lotExtension = 10 * time.Second
	keepEvery    = 3 * time.Second
)

// Account is one of the people of the demo.
type Account struct {
	As    string // host, buyer, support, admin: what the person is for
	Name  string
	Email string
	Role  identity.Role
}

// Accounts are the people of the demo, in the order in which they are shown.
func Accounts() []Account {
	return []Account{
		{"host", "Hana", "hana@souk.example", identity.Seller},
		{"buyer", "Bilal", "bilal@souk.example", identity.Buyer},
		{"buyer", "Chloé", "chloe@souk.example", identity.Buyer},
		{"support", "Sami", "sami@souk.example", identity.Support},
		{"admin", "Amal", "amal@souk.example", identity.Admin},
	}
}

// Services are the domains that the demo fills.
type Services struct {
	Identity *identity.Service
	Catalog  *catalog.Service
	Media    *media.Service
	Shows    *show.Service
	Payment  *payment.Service
	Auctions *auction.Service
	Log      *slog.Logger

	side int // of a photo, for tests, which have no time to paint; 0 is photoSide
}

// Seed makes the demo's people, listings and show where they are missing. Run again after a crash it goes on
// where it stopped.
func (s Services) Seed(ctx context.Context) (err error) {
	defer fault.Wrap(&err, "make the demo data")
	host, err := s.people(ctx)
	if err != nil {
		return err
	}
	if _, err := s.stall(ctx, host); err != nil {
		return err
	}
	return s.keepLotOpen(ctx, host)
}

// people makes the accounts and gives each buyer a first sum to bid with. It answers the host.
func (s Services) people(ctx context.Context) (host identity.User, err error) {
	for _, a := range Accounts() {
		user, known, err := s.Identity.UserByEmail(ctx, a.Email)
		if err != nil {
			return host, err
		}
		if !known {
			user, err = s.Identity.Register(ctx, identity.SignUpInput{
				Email: a.Email, Password: Password, Name: a.Name, Role: a.Role,
			})
			if errors.Is(err, identity.ErrEmailTaken) { // another server starts at this moment
				user, _, err = s.Identity.UserByEmail(ctx, a.Email)
			}
			if err != nil {
				return host, err
			}
		}
		if a.Role == identity.Seller {
			host = user
		}
		if a.Role == identity.Buyer {
			if _, err := s.Payment.TopUp(ctx, user.ID, payment.TopUpInput{
				Amount: money.New(500_00, "EUR"), PaymentMethod: "pm_card_visa", IdempotencyKey: "demo",
			}); err != nil {
				return host, fmt.Errorf("give %s a first sum: %w", a.Name, err)
			}
		}
	}
	return host, nil
}

// stall lists what is missing of the goods, and answers them all. What was sold is listed anew, so that the
// stall is always full.
func (s Services) stall(ctx context.Context, host identity.User) (map[string]catalog.Listing, error) {
	there, err := s.Catalog.OnMarket(ctx, host.ID)
	if err != nil {
		return nil, err
	}
	listed := make(map[string]catalog.Listing, len(goods))
	for _, l := range there {
		if known, ok := listed[l.Title]; !ok || known.Status != catalog.Active {
			listed[l.Title] = l
		}
	}
	for i, g := range goods {
		if _, ok := listed[g.title]; ok {
			continue
		}
		if listed[g.title], err = s.list(ctx, host, i); err != nil {
			return nil, err
		}
	}
	return listed, nil
}

func (s Services) list(ctx context.Context, host identity.User, n int) (catalog.Listing, error) {
	g := goods[n]
	picture, err := g.draw(cmp.Or(s.side, photoSide))
	if err != nil {
		return catalog.Listing{}, err
	}
	upload, err := s.Media.Announce(ctx, host.ID, "image/png", int64(len(picture)))
	if err != nil {
		return catalog.Listing{}, err
	}
	if err := s.Media.Store(ctx, upload.PhotoID, picture); err != nil {
		return catalog.Listing{}, err
	}
	in := catalog.CreateInput{
		Title: g.title, Description: g.description, Condition: g.condition,
		Photos: []uuid.UUID{upload.PhotoID},
	}
	if g.price > 0 {
		price := money.New(g.price, "EUR")
		in.Price = &price
	}
	return s.Catalog.Create(ctx, host.ID, in)
}

// KeepLotOpen opens the show's next lot whenever the last one has closed, until ctx ends: the demo is live at
// whatever hour somebody looks at it.
func (s Services) KeepLotOpen(ctx context.Context) error {
	host, known, err := s.Identity.UserByEmail(ctx, Accounts()[0].Email)
	if err != nil || !known {
		return errors.Join(err, errors.New("the demo has no host"))
	}
	tick := time.NewTicker(keepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := s.keepLotOpen(ctx, host); err != nil && ctx.Err() == nil {
				s.Log.WarnContext(ctx, "the demo's next lot could not be opened and will be tried again", "error", err)
			}
		}
	}
}

func (s Services) keepLotOpen(ctx context.Context, host identity.User) error {
	live, err := s.liveShow(ctx, host)
	if err != nil {
		return err
	}
	byShow, err := s.Auctions.ByShow(ctx, []uuid.UUID{live.ID})
	if err != nil {
		return err
	}
	lots := byShow[live.ID]
	if len(lots) > 0 && lots[0].Status == auction.Open {
		return nil
	}
	turn := 0
	if len(lots) > 0 {
		turn = int(*lots[0].LotNumber)
	}
	listed, err := s.stall(ctx, host)
	if err != nil {
		return err
	}
	for i := range goods { // in turn, but for what the host has put into an auction by hand
		next := listed[goods[(turn+i)%len(goods)].title]
		if next.Status != catalog.Active {
			continue
		}
		_, err = s.Auctions.Start(ctx, host.ID, auction.StartInput{
			Listing: next.ID, Show: &live.ID, StartPrice: money.New(20_00, "EUR"),
			Duration: lotDuration, Extension: lotExtension,
		})
		if errors.Is(err, catalog.ErrListingTaken) { // another server has opened the lot at this moment
			return nil
		}
		return err
	}
	return nil
}

func (s Services) liveShow(ctx context.Context, host identity.User) (show.Show, error) {
	first := page.MaxFirst
	shows, err := s.Shows.List(ctx, show.Filter{Host: &host.ID}, show.Latest, page.Args{First: &first})
	if err != nil {
		return show.Show{}, err
	}
	for _, candidate := range shows.Nodes {
		if candidate.Title != showTitle || candidate.Status.Over() {
			continue
		}
		if candidate.Status == show.Live {
			return candidate, nil
		}
		return s.Shows.Start(ctx, host.ID, candidate.ID)
	}
	created, err := s.Shows.Create(ctx, host.ID, show.Draft{
		Title: showTitle, Description: "A lot every few minutes, for as long as the demo runs.", StartsAt: time.Now(), Categories: []string{"home", "antiques"},
	})
	if err != nil {
		return show.Show{}, err
	}
	return s.Shows.Start(ctx, host.ID, created.ID)
}
