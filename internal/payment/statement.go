package payment

import (
	"context"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/page"
)

const statementList = 'W' // marks cursors of statements

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
