package explain

import (
	"context"
	_ "embed" // the query
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/order"
)

//go:embed order.sql
var orderQuery string

// Part is which part of the product knows of something that happened.
type Part string

// The parts.
const (
	Offer      Part = "OFFER" // the price that was agreed on
	Quote      Part = "QUOTE"
	Order      Part = "ORDER"
	Stock      Part = "STOCK"
	Code       Part = "CODE"
	Payment    Part = "PAYMENT"
	Provider   Part = "PROVIDER" // what the payment provider told us
	Money      Part = "MONEY"    // an entry of the ledger
	Refund     Part = "REFUND"
	Chargeback Part = "CHARGEBACK"
	Shipment   Part = "SHIPMENT"
	Claim      Part = "CLAIM" // what its buyer says is wrong, and what became of it
	Risk       Part = "RISK"  // what was looked at before its money moved, and what staff decided
	Invoice    Part = "INVOICE"
	Staff      Part = "STAFF"
	Notice     Part = "NOTICE"
)

// Happening is one thing that happened. Amounts are in the currency's minor unit; what goes on still is told at the time of asking.
type Happening struct {
	At   time.Time `json:"at"`
	Part Part      `json:"part"`
	What string    `json:"what"`
}

// Service holds the use cases of this package.
type Service struct{ pool *pgxpool.Pool }

// New makes a Service.
func New(pool *pgxpool.Pool) *Service { return &Service{pool: pool} }

// Order tells all that happened to an order, in the order of time, as one moment of the database knows it.
func (s *Service) Order(ctx context.Context, o uuid.UUID) (_ []Happening, err error) {
	defer fault.Wrap(&err, "explain order %s", o)
	rows, err := s.pool.Query(ctx, orderQuery, o, id.Order.Encode(o))
	if err != nil {
		return nil, err
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Happening])
	if err == nil && len(all) == 0 {
		err = order.ErrNotFound
	}
	return all, err
}
