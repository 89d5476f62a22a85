package invoice

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/blob"
	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/pace"
	"github.com/souklive/souk/internal/pdf"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
)

// Kind says what a document is.
type Kind string

// The kinds.
const (
	AnInvoice  Kind = "INVOICE"
	CreditNote Kind = "CREDIT_NOTE" // that takes some of an invoice back, or all
)

// Invoice is an invoice, or a credit note.
type Invoice struct {
	ID       uuid.UUID
	Kind     Kind
	OrderID  uuid.UUID
	SellerID uuid.UUID
	BuyerID  uuid.UUID
	Of       *uuid.UUID // a credit note's invoice
	IssuedAt time.Time
	Total    money.Amount
	Tax      money.Amount // of it
	Content  Content

	year, number int
}

// NodeID is the id that clients see.
func (i Invoice) NodeID() id.ID { return id.Invoice.ID(i.ID) }

// Number is what it is called by its seller: INV-2026-000042, or CRN-2026-000007.
func (i Invoice) Number() string {
	series := "INV"
	if i.Kind == CreditNote {
		series = "CRN"
	}
	return fmt.Sprintf("%s-%d-%06d", series, i.year, i.number)
}

// CreditsID is the id of a credit note's invoice, nil of an invoice.
func (i Invoice) CreditsID() *id.ID {
	if i.Of == nil {
		return nil
	}
	return new(id.Invoice.ID(*i.Of))
}

// TaxRate is the tax at one rate.
type TaxRate struct {
	Label     string
	Base      *money.Amount // what it is of, without it; nil on what was issued before that was kept
	Amount    money.Amount
	Included  bool
	Estimated bool
}

// TaxRates are the tax by rate.
func (i Invoice) TaxRates() []TaxRate {
	all := make([]TaxRate, len(i.Content.Taxes))
	for n, t := range i.Content.Taxes {
		all[n] = TaxRate{Label: t.Label, Amount: i.moneyOf(t.Amount), Included: t.Included, Estimated: t.Estimated}
		if t.Base != nil {
			all[n].Base = new(i.moneyOf(*t.Base))
		}
	}
	return all
}

func invoiceOf(row db.Invoice) (Invoice, error) {
	c := money.Currency(row.Currency)
	i := Invoice{
		ID: row.ID, Kind: Kind(row.Kind), OrderID: row.OrderID, SellerID: row.SellerID, BuyerID: row.BuyerID, Of: row.InvoiceID, IssuedAt: row.IssuedAt,
		Total: money.New(row.Total, c), Tax: money.New(row.Tax, c), year: int(row.Year), number: int(row.Number),
	}
	if err := json.Unmarshal(row.Content, &i.Content); err != nil {
		return i, fmt.Errorf("invoice %s: %w", row.ID, err)
	}
	return i, nil
}

// Config is what a Service works with.
type Config struct {
	Pool    *pgxpool.Pool
	Orders  *order.Service
	Store   blob.Store // where PDFs are kept
	Hub     realtime.Publisher
	Clock   clock.Clock
	Log     *slog.Logger
	BaseURL func() string // of links
	Key     []byte        // that signs them
}

// Service holds the use cases of this package.
type Service struct {
	Config

	q     *db.Queries
	fonts func() (*pdf.Fonts, error)
	busy  chan struct{}         // who makes a PDF: a few at once
	pace  *pace.Limiter[string] // by user
}

// rendering is how many PDFs are made at once.
const rendering = 2

// New makes a Service.
func New(c Config) *Service {
	return &Service{Config: c, q: db.New(), fonts: sync.OnceValues(pdf.Load), busy: make(chan struct{}, rendering), pace: pace.New[string](fileEvery, fileBurst, c.Clock)}
}

// OfOrders reads, for a loader, the documents of orders: the invoice, then its credit notes, the oldest first.
func (s *Service) OfOrders(ctx context.Context, orders []uuid.UUID) (map[uuid.UUID][]Invoice, error) {
	rows, err := s.q.InvoicesOfOrders(ctx, s.Pool, orders)
	if err != nil {
		return nil, err
	}
	all := make(map[uuid.UUID][]Invoice, len(orders))
	for _, row := range rows {
		i, err := invoiceOf(row)
		if err != nil {
			return nil, err
		}
		all[i.OrderID] = append(all[i.OrderID], i)
	}
	return all, nil
}

// Reader is who reads an invoice: its buyer, its seller, or staff.
type Reader struct {
	User  uuid.UUID
	Staff bool
}

// May says whether they may read what is between a buyer and a seller.
func (r Reader) May(buyer, seller uuid.UUID) bool {
	return r.Staff || r.User == buyer || r.User == seller
}

// Get reads an invoice that the reader may read.
func (s *Service) Get(ctx context.Context, who Reader, invoice uuid.UUID) (Invoice, error) {
	row, err := s.q.InvoiceByID(ctx, s.Pool, invoice)
	if postgres.NoRows(err) || err == nil && !who.May(row.BuyerID, row.SellerID) {
		return Invoice{}, ErrNotFound
	}
	if err != nil {
		return Invoice{}, err
	}
	return invoiceOf(row)
}
