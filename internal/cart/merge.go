package cart

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/postgres"
)

// Merge puts what is in a guest's cart into the user's who they turn out to be, and ends the guest's. Quantities are added, up to what is
// available, and never below what the user had; a line is for later where it is in both; what the user sells themselves is left out, and
// so is what does not fit into 50 lines, the newest first. leftOut says how many lines. A token of no cart has been merged before, or was
// pruned: then there is nothing to do.
func (s *Service) Merge(ctx context.Context, user uuid.UUID, token string) (_ Cart, leftOut int, err error) {
	defer fault.Wrap(&err, "merge a guest's cart")
	guest, err := s.find(ctx, Owner{Token: token})
	if postgres.NoRows(err) || err == nil && token == "" {
		c, err := s.Get(ctx, Owner{User: user})
		return c, 0, err
	}
	if err != nil {
		return Cart{}, 0, err
	}
	free, err := s.freeOf(ctx, guest.ID)
	if err != nil {
		return Cart{}, 0, err
	}
	var into db.Cart
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) (err error) {
		if into, _, err = s.lockTx(ctx, tx, Owner{User: user}); err != nil {
			return err
		}
		if guest, err = s.q.CartOfGuestLock(ctx, tx, digest(token)); err != nil {
			return err
		}
		if leftOut, err = s.mergeTx(ctx, tx, user, guest.ID, into.ID, free); err != nil {
			return err
		}
		return s.q.CartDelete(ctx, tx, guest.ID)
	})
	if postgres.NoRows(err) { // somebody else merged it in this moment
		leftOut, err = 0, nil
	}
	if err != nil {
		return Cart{}, 0, err
	}
	c, err := s.Get(ctx, Owner{User: user})
	return c, leftOut, err
}

// freeOf is how many are free of what is in a cart.
func (s *Service) freeOf(ctx context.Context, cart uuid.UUID) (map[uuid.UUID]int32, error) {
	lines, err := s.q.CartLines(ctx, s.pool, cart)
	if err != nil {
		return nil, err
	}
	variants := make([]uuid.UUID, len(lines))
	for i, l := range lines {
		variants[i] = l.CartLine.VariantID
	}
	return s.stock.Available(ctx, variants)
}

func (s *Service) mergeTx(ctx context.Context, tx pgx.Tx, user, guest, into uuid.UUID, free map[uuid.UUID]int32) (leftOut int, err error) {
	all, err := s.q.CartLines(ctx, tx, guest)
	if err != nil {
		return 0, err
	}
	brought, err := s.q.CartLinesToMerge(ctx, tx, guest, user)
	if err != nil {
		return 0, err
	}
	had, err := s.q.CartLines(ctx, tx, into)
	if err != nil {
		return 0, err
	}
	mine := make(map[uuid.UUID]db.CartLinesRow, len(had))
	for _, l := range had {
		mine[l.CartLine.VariantID] = l
	}
	leftOut = len(all) - len(brought)
	for _, b := range brought {
		m, there := mine[b.VariantID]
		if !there && len(mine) >= maxLines {
			leftOut++
			continue
		}
		mine[b.VariantID] = m
		err := s.q.CartLineSet(ctx, tx, db.CartLineSetParams{
			CartID: into, VariantID: b.VariantID, Saved: b.Saved && (!there || m.CartLine.Saved), PriceSeen: b.PriceSeen, CurrencySeen: b.CurrencySeen,
			Quantity: merged(m.CartLine.Quantity, b.Quantity, free[b.VariantID]+m.Held),
		})
		if err != nil {
			return 0, err
		}
	}
	return leftOut, nil
}

// merged is how many of a variant two carts have together: what both have, but no more than there is, no less than one of them had for
// certain, and never more than a line may have.
func merged(mine, theirs, available int32) int32 {
	return min(mine+theirs, max(available, mine, 1), maxQuantity)
}
