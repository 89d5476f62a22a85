package promotion

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/money"
)

const (
	maxCodes = 5
	// maxTries is how many codes that there are not somebody may try in an hour.
	maxTries = 20
)

// Ask is what a quote asks for.
type Ask struct {
	Quote    uuid.UUID
	User     uuid.UUID
	Codes    []string
	Agreed   bool // at a price that buyer and seller have agreed on, of which sellers' promotions take nothing off
	Currency money.Currency
	Groups   []Group
}

// CheckCodes reads the codes that somebody has typed, before anything is set aside for them: each once. Tries are counted before they are looked at, so that who asks for many
// at once has no more of them; a quote that is made takes its try back.
func (s *Service) CheckCodes(ctx context.Context, user uuid.UUID, typed []string) (codes []string, err error) {
	if len(typed) > maxCodes {
		return nil, ErrTooMany
	}
	for _, code := range typed {
		if code = Normalise(code); !slices.Contains(codes, code) {
			codes = append(codes, code)
		}
	}
	if len(codes) == 0 {
		return nil, nil
	}
	tries, err := s.q.PromotionCouponTry(ctx, s.pool, user)
	if err == nil && tries > maxTries {
		slow := *ErrTooManyTries
		slow.RetryIn = time.Hour
		return nil, slow.At("couponCodes")
	}
	return codes, err
}

// QuoteTx takes off what promotions give, and takes a use of each for the quote. Where one that applies by itself is used up it is left out; a coupon that gives
// nothing is refused, with the code that it is about. What is taken is there with the transaction's end, or not at all.
func (s *Service) QuoteTx(ctx context.Context, tx pgx.Tx, ask Ask) (discounts []Discount, err error) {
	defer fault.Wrap(&err, "apply promotions")
	found, why, err := s.foundTx(ctx, tx, ask)
	if err != nil {
		return nil, err
	}
	for {
		given, refused := Apply(ask.Groups, found)
		if err := unused(ask.Codes, given, append(refused, why...)); err != nil {
			return nil, err
		}
		short, err := s.takeTx(ctx, tx, ask, given)
		if err != nil || short == nil {
			return given, err
		}
		found = slices.DeleteFunc(found, func(p Promotion) bool { return p.ID == short.ID })
	}
}

// unused refuses a code of which no promotion takes anything off. Several may have it: the platform's, and each seller's.
func unused(codes []string, given []Discount, refused []Refusal) error {
	for _, code := range codes {
		if slices.ContainsFunc(given, func(d Discount) bool { return d.Promotion.Code != nil && *d.Promotion.Code == code }) {
			continue
		}
		i := slices.IndexFunc(refused, func(r Refusal) bool { return *r.Promotion.Code == code })
		if i < 0 {
			return ErrUnknown.At("couponCodes").With("coupon", code)
		}
		return refused[i].at()
	}
	return nil
}

// foundTx is which promotions there are for what is bought: those that apply by themselves, and those of the codes; why has those of the codes that are not to be used now.
func (s *Service) foundTx(ctx context.Context, tx pgx.Tx, ask Ask) (found []Promotion, why []Refusal, err error) {
	rows, err := s.q.PromotionsForSellers(ctx, tx, sellersOf(ask.Groups), append([]string{}, ask.Codes...))
	if err != nil {
		return nil, nil, err
	}
	if len(ask.Codes) > 0 {
		if err := s.q.PromotionCouponKnown(ctx, tx, ask.User); err != nil {
			return nil, nil, err
		}
	}
	byCategory := false
	for _, row := range rows {
		p := promotionOf(row.Promotion)
		r := Refusal{Promotion: p}
		switch {
		case p.Currency != ask.Currency, ask.Agreed && !p.ByPlatform():
			r.Err = ErrNotForThis
		case row.Over:
			r.Err = ErrExpired
		case !row.Started:
			r.Err = ErrNotYet
		default:
			found, byCategory = append(found, p), byCategory || len(p.Categories) > 0
			continue
		}
		if p.Code != nil {
			why = append(why, r)
		}
	}
	if byCategory {
		err = s.categoriesTx(ctx, tx, ask.Groups)
	}
	return found, why, err
}

// categoriesTx reads the categories of what is bought.
func (s *Service) categoriesTx(ctx context.Context, tx pgx.Tx, groups []Group) error {
	var listings []uuid.UUID
	for _, g := range groups {
		for _, l := range g.Lines {
			listings = append(listings, l.Listing)
		}
	}
	rows, err := s.q.PromotionCategoriesOfListings(ctx, tx, listings)
	for i, g := range groups {
		for j, l := range g.Lines {
			for _, row := range rows {
				if row.ListingID == l.Listing {
					groups[i].Lines[j].Categories = append(groups[i].Lines[j].Categories, row.CategoryID)
				}
			}
		}
	}
	return err
}

// takeTx takes a use of each promotion that gives something, in the order of their ids, all or none. It answers the one that applies by itself and is used up.
func (s *Service) takeTx(ctx context.Context, tx pgx.Tx, ask Ask, given []Discount) (short *Promotion, err error) {
	uses := usesOf(given)
	if len(uses) == 0 {
		return nil, nil
	}
	point, err := tx.Begin(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = point.Rollback(ctx) }()
	for _, u := range uses {
		why, err := s.q.PromotionTake(ctx, point, db.PromotionTakeParams{PromotionID: u.Promotion.ID, QuoteID: ask.Quote, UserID: ask.User, Amount: u.Amount})
		switch {
		case err != nil:
			return nil, err
		case why == "":
		case u.Promotion.Code == nil:
			return &u.Promotion, nil
		case why == "ENDED":
			return nil, Refusal{u.Promotion, ErrExpired}.at()
		default:
			return nil, Refusal{u.Promotion, ErrUsedUp}.at()
		}
	}
	return nil, point.Commit(ctx)
}

// usesOf adds up what each promotion takes off, in the order of their ids.
func usesOf(given []Discount) (uses []Use) {
	for _, d := range given {
		i := slices.IndexFunc(uses, func(u Use) bool { return u.Promotion.ID == d.Promotion.ID })
		if i < 0 {
			uses, i = append(uses, Use{Promotion: d.Promotion}), len(uses)
		}
		uses[i].Amount += d.Amount
	}
	slices.SortFunc(uses, func(a, b Use) int { return strings.Compare(a.Promotion.ID.String(), b.Promotion.ID.String()) })
	return uses
}
