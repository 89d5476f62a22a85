package payment

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/page"
)

const statementList = 'W' // marks cursors of statements

// What lines of a statement were for, read for loaders: of the ids that are asked, those of the user's own.

// RefundsOfUser are refunds by their ids.
func (s *Service) RefundsOfUser(ctx context.Context, user uuid.UUID, ids []uuid.UUID) (map[uuid.UUID]Refund, error) {
	rows, err := s.q.RefundsOfUser(ctx, s.pool, ids, user)
	return keyed(rows, err, "refunds", func(row db.Refund) (uuid.UUID, Refund) { return row.ID, refundFrom(row) })
}

// ExchangesOf are exchanges by their ids.
func (s *Service) ExchangesOf(ctx context.Context, user uuid.UUID, ids []uuid.UUID) (map[uuid.UUID]Exchange, error) {
	rows, err := s.q.ExchangesOfUser(ctx, s.pool, ids, user)
	return keyed(rows, err, "exchanges", func(row db.Exchange) (uuid.UUID, Exchange) { return row.ID, exchangeFrom(row) })
}

// ChargebacksOf are chargebacks by their ids.
func (s *Service) ChargebacksOf(ctx context.Context, user uuid.UUID, ids []uuid.UUID) (map[uuid.UUID]Chargeback, error) {
	rows, err := s.q.ChargebacksOfUser(ctx, s.pool, ids, user)
	return keyed(rows, err, "chargebacks", func(row db.ChargebacksOfUserRow) (uuid.UUID, Chargeback) {
		return row.Chargeback.ID, chargebackFrom(row.Chargeback, row.OrderID)
	})
}

// WithdrawalsOf are withdrawals by their ids, with their parts.
func (s *Service) WithdrawalsOf(ctx context.Context, user uuid.UUID, ids []uuid.UUID) (map[uuid.UUID]Withdrawal, error) {
	parts, err := s.q.RefundsOfCauses(ctx, s.pool, string(RefundOfWithdrawal), ids)
	if err != nil {
		return nil, fmt.Errorf("read the parts of withdrawals: %w", err)
	}
	refunds := make(map[uuid.UUID][]Refund, len(ids))
	for _, part := range parts {
		refunds[part.CauseID] = append(refunds[part.CauseID], refundFrom(part))
	}
	rows, err := s.q.WithdrawalsOfUser(ctx, s.pool, ids, user)
	return keyed(rows, err, "withdrawals", func(row db.Withdrawal) (uuid.UUID, Withdrawal) {
		return row.ID, withdrawalOf(row, refunds[row.ID])
	})
}

// keyed makes rows into what they are, by id.
func keyed[R, T any](rows []R, err error, what string, from func(R) (uuid.UUID, T)) (map[uuid.UUID]T, error) {
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", what, err)
	}
	all := make(map[uuid.UUID]T, len(rows))
	for _, row := range rows {
		key, value := from(row)
		all[key] = value
	}
	return all, nil
}

// StatementPage is a page of a wallet's statement.
type StatementPage = page.Page[ledger.Line]

// StatementEdge is a line of a statement with its cursor.
type StatementEdge = page.Edge[ledger.Line]

// Statement is what has gone into and out of a user's wallet in one currency, the newest first. What is held has
// left the wallet, and comes back as a line of its own.
func (s *Service) Statement(ctx context.Context, user uuid.UUID, c money.Currency, args page.Args) (StatementPage, error) {
	size, err := args.Size()
	if err != nil {
		return StatementPage{}, err
	}
	before, err := args.BeforeNumber(statementList)
	if err != nil {
		return StatementPage{}, err
	}
	wallet := ledger.Account{Kind: ledger.Wallet, Owner: user, Currency: c}
	lines, err := ledger.Statement(ctx, s.pool, wallet, before, int32(size+1))
	return page.Of(lines, size, func(l ledger.Line) ledger.Line { return l }, func(l ledger.Line) string {
		return page.EncodeNumber(statementList, l.Number)
	}), err
}
