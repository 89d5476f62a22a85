package catalog

import (
	"context"
	"slices"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/postgres"
)

// maxDeleted is how many listings are deleted in one call.
const maxDeleted = 100

// History is something of a listing's that stays, so that the listing does too. The schema's enum ListingHistory has the same names.
type History string

// What a listing may have lived through.
const (
	HistoryOrder        History = "ORDER"
	HistoryAuction      History = "AUCTION"
	HistoryReservation  History = "RESERVATION"
	HistoryFlashSale    History = "FLASH_SALE"
	HistoryStock        History = "STOCK" // it has movements
	HistoryCodes        History = "CODES"
	HistoryConversation History = "CONVERSATION"
	HistoryModeration   History = "MODERATION" // staff hid it, now or once
)

// Deletion is what became of a listing that its seller wanted deleted.
type Deletion struct {
	Listing uuid.UUID
	Refused *fault.Error // why it stays; nil where it is gone
}

// Delete deletes listings of the seller's own, with their photos: those that nobody has bought, bid on, set aside or written about. Each
// is deleted as a whole or kept as a whole, and what became of it is told of each, in the order in which they were named. One that was
// deleted before is gone: a call that was cut off may be repeated.
func (s *Service) Delete(ctx context.Context, seller uuid.UUID, listings []uuid.UUID) (_ []Deletion, err error) {
	defer fault.Wrap(&err, "delete %d listings", len(listings))
	if len(listings) < 1 || len(listings) > maxDeleted {
		return nil, ErrDeleteCount.At("listingIds")
	}
	deletions := make([]Deletion, 0, len(listings))
	for i, listing := range listings {
		if slices.Contains(listings[:i], listing) { // told where it was named first
			continue
		}
		refused, err := s.delete(ctx, seller, listing)
		if err != nil {
			return nil, err
		}
		if refused != nil {
			refused = refused.At("listingIds", strconv.Itoa(i))
		}
		deletions = append(deletions, Deletion{Listing: listing, Refused: refused})
	}
	return deletions, nil
}

// delete deletes one listing, or says why not.
func (s *Service) delete(ctx context.Context, seller, listing uuid.UUID) (*fault.Error, error) {
	err := postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error { return s.deleteTx(ctx, tx, seller, listing) })
	if f, ok := fault.As(err); ok && (f.Is(ErrListingNotFound) || f.Is(ErrListingKept)) {
		return f, nil
	}
	return nil, err
}

func (s *Service) deleteTx(ctx context.Context, tx pgx.Tx, seller, listing uuid.UUID) error {
	row, err := s.q.ListingLock(ctx, tx, listing)
	if postgres.NoRows(err) {
		before, err := s.q.ListingDeletedBy(ctx, tx, listing, seller)
		if err == nil && !before {
			return ErrListingNotFound
		}
		return err
	}
	if err != nil {
		return err
	}
	if row.SellerID != seller {
		return ErrListingNotFound
	}
	photos, err := s.q.ListingPhotoIDs(ctx, tx, listing)
	if err != nil {
		return err
	}
	kept, err := s.q.ListingErase(ctx, tx, listing, seller, id.Listing.Encode(listing))
	if err != nil {
		return err
	}
	if len(kept) > 0 {
		return ErrListingKept.With("listing", listing).With("history", historyOf(kept))
	}
	return s.media.GiveUpTx(ctx, tx, photos)
}

func historyOf(kept []string) []History {
	history := make([]History, len(kept))
	for i, k := range kept {
		history[i] = History(k)
	}
	return history
}
