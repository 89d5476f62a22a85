package referral

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/feed"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
)

// JoinTx ties a new user to the one whose code they name, in the transaction that makes the user. It refuses with
// REFERRAL_CODE_UNKNOWN. What it answers is to be called after the commit.
func (s *Service) JoinTx(ctx context.Context, tx pgx.Tx, referee uuid.UUID, code string) (told func(context.Context), err error) {
	defer fault.Wrap(&err, "join by a referral code")
	referrer, code, err := s.owner(ctx, tx, code)
	if err != nil {
		return nil, err
	}
	row := db.ReferralInsertParams{ID: id.New(), RefereeID: referee, ReferrerID: referrer, Code: code}
	if err := s.q.ReferralInsert(ctx, tx, row); err != nil {
		return nil, err
	}
	event, err := feed.AppendTx(ctx, tx, referrer, feed.ReferralChanged, id.Referral.ID(row.ID))
	return func(ctx context.Context) { s.publish(ctx, event) }, err
}

// Sale is an order that has been completed.
type Sale struct {
	Order, Buyer uuid.UUID
	Total        money.Amount
	Fee          money.Amount // what the platform keeps of it
}

// CompletedTx gives the buyer's referrer a pending commission, where there is a referrer and this is the first sale to earn
// one. It is called under the order's lock, before the caller's own entries. The events are to be published after
// the commit.
func (s *Service) CompletedTx(ctx context.Context, tx pgx.Tx, sale Sale) (_ []realtime.Event, err error) {
	defer fault.Wrap(&err, "commission on order %s", sale.Order)
	commission := s.commission(sale)
	if commission.Minor <= 0 {
		return nil, nil
	}
	row, err := s.q.ReferralPend(ctx, tx, db.ReferralPendParams{
		RefereeID: sale.Buyer, OrderID: sale.Order, Amount: commission.Minor, Currency: string(commission.Currency),
		WindowSeconds: s.window.Seconds(),
	})
	if postgres.NoRows(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return s.moveTx(ctx, tx, row, ledger.FlowReferral, referralCost, referralPending)
}

// commission is the referrer's share of a sale.
func (s *Service) commission(sale Sale) money.Amount {
	share := sale.Total.BasisPoints(s.basisPoints)
	return money.New(min(share.Minor, sale.Fee.Minor), share.Currency)
}

// ReversedTx takes back the pending commission of an order that was refunded in full or cancelled. One that has matured
// stays. It is called under the order's lock, before the caller's own entries. The events are to be published after the
// commit.
func (s *Service) ReversedTx(ctx context.Context, tx pgx.Tx, order uuid.UUID) (_ []realtime.Event, err error) {
	defer fault.Wrap(&err, "take back the commission on order %s", order)
	row, err := s.q.ReferralCancel(ctx, tx, order)
	if postgres.NoRows(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return s.moveTx(ctx, tx, row, ledger.FlowReferral, referralPending, referralCost)
}

// ReferrerTx is who hears of what CompletedTx and ReversedTx do with a buyer's orders; nil where nobody may. Their feed belongs to those that such a transaction locks together.
func (s *Service) ReferrerTx(ctx context.Context, tx pgx.Tx, buyer uuid.UUID) (*uuid.UUID, error) {
	referrer, err := s.q.ReferralReferrer(ctx, tx, buyer)
	if postgres.NoRows(err) {
		return nil, nil
	}
	return &referrer, err
}

// mature pays a commission that is due into its referrer's wallet; of many who try, one does.
func (s *Service) mature(ctx context.Context, referral uuid.UUID) (err error) {
	defer fault.Wrap(&err, "mature referral %s", referral)
	var told []realtime.Event
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		told = nil
		row, err := s.q.ReferralMature(ctx, tx, referral)
		if postgres.NoRows(err) {
			return nil
		}
		if err != nil {
			return err
		}
		told, err = s.moveTx(ctx, tx, row, ledger.FlowMaturity, referralPending, wallet)
		return err
	})
	if err != nil {
		return err
	}
	s.publish(ctx, told...)
	return nil
}

// account is where a commission lies.
type account func(referrer uuid.UUID, c money.Currency) ledger.Account

func referralCost(_ uuid.UUID, c money.Currency) ledger.Account {
	return ledger.Account{Kind: ledger.ReferralCost, Currency: c}
}

func referralPending(referrer uuid.UUID, c money.Currency) ledger.Account {
	return ledger.Account{Kind: ledger.ReferralPending, Owner: referrer, Currency: c}
}

func wallet(referrer uuid.UUID, c money.Currency) ledger.Account {
	return ledger.Account{Kind: ledger.Wallet, Owner: referrer, Currency: c}
}

// moveTx tells the referrer of the new status, and moves the commission with it.
func (s *Service) moveTx(ctx context.Context, tx pgx.Tx, row db.Referral, flow ledger.Flow, from, to account) ([]realtime.Event, error) {
	event, err := feed.AppendTx(ctx, tx, row.ReferrerID, feed.ReferralChanged, id.Referral.ID(row.ID))
	if err != nil {
		return nil, err
	}
	commission := commissionOf(row)
	_, err = ledger.PostTx(ctx, tx, ledger.Entry{
		Key: fmt.Sprintf("referral:%s:%s", row.ID, entryOf[Status(row.Status)]), Flow: flow, Cause: ledger.Cause{Kind: "referral", ID: row.ID},
		Legs: []ledger.Leg{
			{Account: from(row.ReferrerID, commission.Currency), Amount: -commission.Minor},
			{Account: to(row.ReferrerID, commission.Currency), Amount: commission.Minor},
		},
	})
	return []realtime.Event{event}, err
}

// entryOf is the last part of the key of the entry that a status comes with.
var entryOf = map[Status]string{Pending: "pending", Matured: "matured", Cancelled: "cancelled"}

func (s *Service) publish(ctx context.Context, events ...realtime.Event) {
	if s.hub != nil {
		s.hub.Publish(ctx, events...)
	}
}
