package invoice

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/notify"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/work"
)

const (
	issueEvery = time.Second
	duePage    = 100
	// mostFailures ends a run: so many orders that can't be invoiced are no matter of theirs.
	mostFailures = 20
)

// IssueLoop issues what is due, until ctx ends. Any number of servers may do so at once.
func (s *Service) IssueLoop(ctx context.Context) error {
	return work.Every(ctx, issueEvery, s.Log, "issuing invoices", s.IssueDue)
}

// IssueDue issues what is due, each order's in a transaction of its own, so that one that fails holds up no other.
func (s *Service) IssueDue(ctx context.Context) error {
	var failed []error
	for after := int64(0); ; {
		due, err := s.q.InvoiceDueOrders(ctx, s.Pool, after, duePage)
		if err != nil {
			return errors.Join(append(failed, err)...)
		}
		for _, d := range due {
			after = d.First
			if err := s.Issue(ctx, d.OrderID); err != nil {
				failed = append(failed, err)
			}
			if len(failed) == mostFailures {
				return errors.Join(failed...)
			}
		}
		if len(due) < duePage {
			return errors.Join(failed...)
		}
	}
}

// Issue issues what an order that was sent lacks: its invoice, and a credit note for each refund. Again is harmless.
func (s *Service) Issue(ctx context.Context, orderID uuid.UUID) (err error) {
	defer fault.Wrap(&err, "issue the invoice of order %s", orderID)
	lines, err := s.Orders.Lines(ctx, []uuid.UUID{orderID}) // which never change
	if err != nil {
		return err
	}
	charges, err := s.Orders.ChargesOf(ctx, []uuid.UUID{orderID})
	if err != nil {
		return err
	}
	var told []realtime.Event
	err = postgres.InTx(ctx, s.Pool, func(tx pgx.Tx) (err error) {
		told, err = s.issueTx(ctx, tx, orderID, lines[orderID], charges[orderID])
		return err
	})
	if err == nil && len(told) > 0 {
		s.Hub.Publish(ctx, told...)
	}
	return err
}

func (s *Service) issueTx(ctx context.Context, tx pgx.Tx, orderID uuid.UUID, lines []order.Line, charges []order.Charge) ([]realtime.Event, error) {
	row, err := s.q.InvoiceSource(ctx, tx, orderID) // locks the order
	if err != nil || row.Order.SentAt == nil {
		return nil, err
	}
	if _, err := s.q.InvoiceDueDone(ctx, tx, orderID); err != nil {
		return nil, err
	}
	rows, err := s.q.InvoicesOfOrders(ctx, tx, []uuid.UUID{orderID})
	if err != nil {
		return nil, err
	}
	var (
		issued []Invoice
		notes  []notify.Note
	)
	for _, r := range rows {
		i, err := invoiceOf(r)
		if err != nil {
			return nil, err
		}
		issued = append(issued, i)
	}
	if len(issued) == 0 {
		content, total, tax, err := contentOf(row, lines, charges)
		if err != nil {
			return nil, err
		}
		i, err := s.insertTx(ctx, tx, Invoice{
			ID: id.New(), Kind: AnInvoice, OrderID: orderID, SellerID: row.Order.SellerID, BuyerID: row.Order.BuyerID, Content: content,
			Total: money.New(total, money.Currency(row.Order.Currency)), Tax: money.New(tax, money.Currency(row.Order.Currency)),
		}, nil)
		if err != nil {
			return nil, err
		}
		issued, notes = append(issued, i), append(notes, i.ready())
	}
	refunds, err := s.q.InvoiceRefundsOpen(ctx, tx, orderID)
	if err != nil {
		return nil, err
	}
	for _, refund := range refunds {
		note, err := s.creditTx(ctx, tx, issued, row.Order, refund)
		if err != nil {
			return nil, err
		}
		issued, notes = append(issued, note), append(notes, note.ready())
	}
	return notify.InsertTx(ctx, tx, notes...)
}

// ready tells its buyer of it.
func (i Invoice) ready() notify.Note {
	return notify.Note{Recipient: i.BuyerID, Kind: notify.InvoiceIssued, Subject: i.NodeID(), Key: "invoice:" + i.ID.String()}
}

// creditTx issues the credit note of a refund, behind the invoice and the credit notes that there are.
func (s *Service) creditTx(ctx context.Context, tx pgx.Tx, issued []Invoice, o db.Order, refund db.OrderRefund) (Invoice, error) {
	invoice := issued[0]
	content, total, tax, err := creditOf(invoice, creditedBy(issued[1:]), o, refund)
	if err != nil {
		return Invoice{}, err
	}
	note := invoice
	note.ID, note.Kind, note.Of, note.Content = id.New(), CreditNote, &invoice.ID, content
	note.Total, note.Tax = invoice.moneyOf(total), invoice.moneyOf(tax)
	return s.insertTx(ctx, tx, note, &refund.ID)
}

// insertTx writes a document, which gets its number and its time with that.
func (s *Service) insertTx(ctx context.Context, tx pgx.Tx, i Invoice, refund *uuid.UUID) (Invoice, error) {
	content, err := json.Marshal(i.Content)
	if err != nil {
		return Invoice{}, err
	}
	row, err := s.q.InvoiceInsert(ctx, tx, db.InvoiceInsertParams{
		ID: i.ID, Kind: string(i.Kind), OrderID: i.OrderID, SellerID: i.SellerID, BuyerID: i.BuyerID, InvoiceID: i.Of, RefundID: refund,
		Currency: string(i.Total.Currency), Total: i.Total.Minor, Tax: i.Tax.Minor, Content: content,
	})
	if err != nil {
		return Invoice{}, err
	}
	return invoiceOf(row)
}
