package promotion

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/adminlog"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/idempotency"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/text"
)

const (
	maxCovered    = 100
	promotionList = 'P' // marks cursors of lists
)

// Actor is who makes promotions: a seller theirs, an admin the platform's.
type Actor struct {
	User   uuid.UUID
	Admin  bool
	Reason string // why, where it is the platform's
}

// Input are a promotion's terms.
type Input struct {
	ByPlatform     bool
	Code           *string // nil: it applies by itself
	Title          string
	Kind           Kind
	BasisPoints    *int
	Amount         *money.Amount
	Most           *money.Amount
	Currency       money.Currency
	Minimum        *money.Amount
	Stackable      bool
	Sellers        []uuid.UUID
	Listings       []uuid.UUID
	Categories     []uuid.UUID
	StartsAt       *time.Time // nil: at once
	EndsAt         *time.Time
	MaxUses        *int
	MaxUsesPerUser *int
	Budget         *money.Amount
	IdempotencyKey string
}

// hash is of everything that has to be the same when a key is used again.
func (in Input) hash() []byte {
	in.IdempotencyKey = ""
	text, _ := json.Marshal(in) //nolint:musttag // only to be hashed; what has no cycles, and numbers that are, is JSON
	sum := sha256.Sum256(fmt.Appendf(nil, "promotion\n%s", text))
	return sum[:]
}

// check refuses terms that make no promotion, and normalises the rest.
func (in *Input) check(now time.Time) error {
	if in.Code != nil {
		code := Normalise(*in.Code)
		if code == "" {
			return ErrCode
		}
		in.Code = &code
	}
	if in.Title = text.Clean(in.Title); in.Title == "" || utf8.RuneCountInString(in.Title) > 80 || !text.IsLine(in.Title) {
		return ErrTitle
	}
	positive := func(a *money.Amount) bool { return a == nil || a.Minor > 0 && a.Currency == in.Currency }
	switch {
	case (in.Kind == Percent) != (in.BasisPoints != nil), (in.Kind == Amount) != (in.Amount != nil), in.Kind == Amount && in.Most != nil,
		in.BasisPoints != nil && (*in.BasisPoints < 1 || *in.BasisPoints > 10_000), !positive(in.Amount), !positive(in.Most), !positive(in.Minimum):
		return ErrTerms
	case in.MaxUses != nil && !limit(*in.MaxUses), in.MaxUsesPerUser != nil && !limit(*in.MaxUsesPerUser):
		return ErrLimits
	case in.EndsAt != nil && (!in.EndsAt.After(now) || in.StartsAt != nil && !in.EndsAt.After(*in.StartsAt)):
		return ErrTimes
	case in.ByPlatform != (in.Budget != nil), !positive(in.Budget):
		return ErrBudget
	case len(in.Sellers) > maxCovered, len(in.Listings) > maxCovered, len(in.Categories) > maxCovered, !in.ByPlatform && len(in.Sellers) > 0:
		return ErrCovers
	}
	return nil
}

func limit(n int) bool { return n > 0 && n <= 1<<31-1 }

// Create makes a promotion: a seller's own, of their own goods, or the platform's, whose budget is set aside with it. The same key with the same input answers the first.
func (s *Service) Create(ctx context.Context, who Actor, in Input) (p Promotion, err error) {
	defer fault.Wrap(&err, "create a promotion")
	if err := idempotency.CheckKey(in.IdempotencyKey); err != nil {
		return p, err
	}
	if in.ByPlatform && !who.Admin {
		return p, identity.ErrForbidden
	}
	hash := in.hash()
	if first, err := s.q.PromotionByKey(ctx, s.pool, who.User, in.IdempotencyKey); !postgres.NoRows(err) {
		return again(first, hash, err)
	}
	if err := in.check(s.clock.Now()); err != nil {
		return p, err
	}
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		row, err := s.createTx(ctx, tx, who, in, hash)
		p = promotionOf(row)
		return err
	})
	if postgres.Violates(err, "promotion_key") { // by the same request, sent twice at once
		first, err := s.q.PromotionByKey(ctx, s.pool, who.User, in.IdempotencyKey)
		return again(first, hash, err)
	}
	if postgres.Violates(err, "promotion_code") {
		err = ErrCodeTaken
	}
	return p, err
}

func again(first db.Promotion, hash []byte, err error) (Promotion, error) {
	if err == nil && !bytes.Equal(first.RequestHash, hash) {
		err = idempotency.ErrKeyReused
	}
	return promotionOf(first), err
}

func (s *Service) createTx(ctx context.Context, tx pgx.Tx, who Actor, in Input, hash []byte) (db.Promotion, error) {
	row := db.PromotionInsertParams{
		ID: id.New(), Code: in.Code, Title: in.Title, Kind: string(in.Kind), BasisPoints: number32(in.BasisPoints), Amount: minor(in.Amount), Most: minor(in.Most), Currency: string(in.Currency),
		Stackable: in.Stackable, SellerIds: ids(in.Sellers), ListingIds: ids(in.Listings), CategoryIds: ids(in.Categories), StartsAt: in.StartsAt, EndsAt: in.EndsAt,
		MaxUses: number32(in.MaxUses), MaxUsesPerUser: number32(in.MaxUsesPerUser), Budget: minor(in.Budget), CreatedBy: who.User, IdempotencyKey: in.IdempotencyKey, RequestHash: hash,
	}
	if in.Minimum != nil {
		row.Minimum = in.Minimum.Minor
	}
	if !in.ByPlatform {
		row.SellerID = &who.User
	}
	if err := s.checkCovers(ctx, tx, who, in); err != nil {
		return db.Promotion{}, err
	}
	p, err := s.q.PromotionInsert(ctx, tx, row)
	if err == nil {
		err = s.recordTx(ctx, tx, who, adminlog.PromotionCreated, p)
	}
	if err == nil && in.Budget != nil {
		err = fundTx(ctx, tx, p.ID, *in.Budget, *in.Budget)
	}
	return p, err
}

// checkCovers refuses what is not there, or is another's.
func (s *Service) checkCovers(ctx context.Context, tx pgx.Tx, who Actor, in Input) error {
	if len(in.Listings) > 0 && !in.ByPlatform {
		n, err := s.q.PromotionListingsOfSeller(ctx, tx, in.Listings, who.User)
		if err != nil || n != int64(len(in.Listings)) {
			return orElse(err, ErrCovers.At("listingIds"))
		}
	}
	if len(in.Categories) > 0 {
		n, err := s.q.PromotionCategoriesKnown(ctx, tx, in.Categories)
		if err != nil || n != int64(len(in.Categories)) {
			return orElse(err, ErrCovers.At("categoryIds"))
		}
	}
	return nil
}

func orElse(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

func minor(a *money.Amount) *int64 {
	if a == nil {
		return nil
	}
	return &a.Minor
}

// ids are rows' arrays, which are not null.
func ids(some []uuid.UUID) []uuid.UUID { return append([]uuid.UUID{}, some...) }

// recordTx keeps what an admin does to the platform's promotions, who has to say why.
func (s *Service) recordTx(ctx context.Context, tx pgx.Tx, who Actor, kind adminlog.Kind, p db.Promotion) error {
	if p.SellerID != nil {
		return nil
	}
	_, err := adminlog.RecordTx(ctx, tx, adminlog.Entry{Actor: who.User, Kind: kind, Subject: id.Promotion.Encode(p.ID), Reason: who.Reason})
	return err
}

// fundTx sets money of the platform's aside for its promotion, so that its budget is then so much in all. It posts, and so comes last.
func fundTx(ctx context.Context, tx pgx.Tx, promotion uuid.UUID, more, budget money.Amount) error {
	_, err := ledger.PostTx(ctx, tx, ledger.Entry{
		Key: "promotion:" + promotion.String() + ":budget:" + strconv.FormatInt(budget.Minor, 10), Flow: ledger.FlowPromotion, Cause: ledger.Cause{Kind: "promotion", ID: promotion},
		Legs: []ledger.Leg{
			{Account: ledger.Account{Kind: ledger.Promotions, Currency: more.Currency}, Amount: -more.Minor},
			{Account: ledger.Account{Kind: ledger.PromoBudget, Owner: promotion, Currency: more.Currency}, Amount: more.Minor},
		},
	})
	return err
}

// Change is what may change of a promotion; what is nil stays.
type Change struct {
	EndsAt         *time.Time
	MaxUses        *int
	MaxUsesPerUser *int
	Budget         *money.Amount // in all
}

// Change changes a promotion of one's own. Doing it again changes nothing more.
func (s *Service) Change(ctx context.Context, who Actor, promotion uuid.UUID, in Change) (p Promotion, err error) {
	defer fault.Wrap(&err, "change promotion %s", promotion)
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		row, err := s.lockTx(ctx, tx, who, promotion)
		if err != nil {
			return err
		}
		before := promotionOf(row)
		if err := in.check(before, s.clock.Now()); err != nil {
			return err
		}
		change := db.PromotionUpdateParams{ID: promotion, EndsAt: row.EndsAt, MaxUses: row.MaxUses, MaxUsesPerUser: row.MaxUsesPerUser, Budget: row.Budget}
		if in.EndsAt != nil {
			change.EndsAt = in.EndsAt
		}
		if in.MaxUses != nil {
			change.MaxUses = number32(in.MaxUses)
		}
		if in.MaxUsesPerUser != nil {
			change.MaxUsesPerUser = number32(in.MaxUsesPerUser)
		}
		if in.Budget != nil {
			change.Budget = &in.Budget.Minor
		}
		if row, err = s.q.PromotionUpdate(ctx, tx, change); err != nil {
			return err
		}
		p = promotionOf(row)
		if err := s.recordTx(ctx, tx, who, adminlog.PromotionChanged, row); err != nil {
			return err
		}
		if in.Budget == nil || *in.Budget == *before.Budget {
			return nil
		}
		return fundTx(ctx, tx, promotion, money.New(in.Budget.Minor-before.Budget.Minor, p.Currency), *p.Budget)
	})
	return p, err
}

// check refuses what may not change.
func (in Change) check(p Promotion, now time.Time) error {
	switch {
	case in.EndsAt != nil && (!in.EndsAt.After(now) || !in.EndsAt.After(p.StartsAt)):
		return ErrTimes
	case in.MaxUses != nil && (p.MaxUses == nil || !limit(*in.MaxUses) || *in.MaxUses < p.Uses),
		in.MaxUsesPerUser != nil && (p.MaxUsesPerUser == nil || !limit(*in.MaxUsesPerUser)):
		return ErrLimits
	case in.Budget != nil && (p.Budget == nil || in.Budget.Currency != p.Currency || in.Budget.Minor < p.Budget.Minor):
		return ErrBudget
	}
	return nil
}

// End ends a promotion of one's own at once. Quotes that have it bind all the same. Ending it again is harmless.
func (s *Service) End(ctx context.Context, who Actor, promotion uuid.UUID) (p Promotion, err error) {
	defer fault.Wrap(&err, "end promotion %s", promotion)
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		row, err := s.lockTx(ctx, tx, who, promotion)
		if err != nil {
			return err
		}
		if row.EndedAt == nil {
			if err := s.recordTx(ctx, tx, who, adminlog.PromotionEnded, row); err != nil {
				return err
			}
		}
		row, err = s.q.PromotionEnd(ctx, tx, promotion)
		p = promotionOf(row)
		return err
	})
	return p, err
}

// lockTx locks a promotion for who may change it.
func (s *Service) lockTx(ctx context.Context, tx pgx.Tx, who Actor, promotion uuid.UUID) (db.Promotion, error) {
	row, err := s.q.PromotionLock(ctx, tx, promotion)
	if postgres.NoRows(err) || err == nil && !who.owns(row.SellerID) {
		return row, ErrNotFound
	}
	return row, err
}

func (who Actor) owns(seller *uuid.UUID) bool {
	if seller == nil {
		return who.Admin
	}
	return *seller == who.User
}

// Get reads a promotion of one's own.
func (s *Service) Get(ctx context.Context, who Actor, promotion uuid.UUID) (Promotion, error) {
	row, err := s.q.PromotionGet(ctx, s.pool, promotion)
	if postgres.NoRows(err) || err == nil && !who.owns(row.SellerID) {
		return Promotion{}, ErrNotFound
	}
	return promotionOf(row), err
}

// Page is a page of a list of promotions.
type Page = page.Page[Promotion]

// Edge is one row of it.
type Edge = page.Edge[Promotion]

// List is a seller's promotions, the platform's where there is none, the newest first.
func (s *Service) List(ctx context.Context, seller *uuid.UUID, args page.Args) (Page, error) {
	size, err := args.Size()
	if err != nil {
		return Page{}, err
	}
	before, err := args.Before(promotionList)
	if err != nil {
		return Page{}, err
	}
	rows, err := s.q.PromotionPage(ctx, s.pool, db.PromotionPageParams{SellerID: seller, BeforeAt: before.At, BeforeID: before.ID, PageSize: int32(size + 1)})
	cursor := func(p Promotion) string { return page.Key{At: p.CreatedAt, ID: p.ID}.Encode(promotionList) }
	return page.Of(rows, size, promotionOf, cursor), err
}
