package listingfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/spreadsheet"
)

const (
	batchProducts = 50
	maxErrors     = 10_000 // that are kept; all are counted

	// Work that fails is tried again. Beyond so many times a product that fails by itself is refused, so that the others are imported; beyond
	// so many more, about two hours, the file is.
	triesOfProducts = 5
	triesOfFile     = 120
)

// errElsewhere ends a run: another one has gone on, or the import is over.
var errElsewhere = errors.New("the import is elsewhere")

// Run works at an import for a time, and says whether there is more. Any number may run at once: whoever finds that another has
// gone on leaves. That it has failed is counted.
func (s *Service) Run(ctx context.Context, imp uuid.UUID, until time.Time) (more bool, err error) {
	defer fault.Wrap(&err, "import %s", imp)
	more, err = s.run(ctx, imp, until)
	if err != nil && ctx.Err() == nil { // where the database is away, it is not counted either
		err = errors.Join(err, s.q.ListingImportTried(ctx, s.Pool, imp))
	}
	return more, err
}

func (s *Service) run(ctx context.Context, imp uuid.UUID, until time.Time) (more bool, err error) {
	row, err := s.q.ListingImportByID(ctx, s.Pool, imp)
	if postgres.NoRows(err) || err == nil && Status(row.Status) != Running {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if row.Tries >= triesOfFile {
		return false, s.refuse(ctx, imp, ErrBroken)
	}
	header, err := spreadsheet.ReadHeader(s.read(ctx, imp, 0), columns)
	if refusal, ok := fault.As(err); ok {
		return false, s.refuse(ctx, imp, refusal)
	}
	if err != nil {
		return false, err
	}
	offset, line := row.BytesDone, int(row.NextLine)
	if offset == 0 {
		offset, line = header.Length, 2
	}
	file := newProducts(spreadsheet.NewReader(s.read(ctx, imp, offset), header, offset, line))
	at := row.BytesDone
	for {
		products, err := file.batch()
		if err != nil {
			return false, err
		}
		over, err := s.apply(ctx, imp, at, products, file)
		if errors.Is(err, errElsewhere) {
			return false, nil
		}
		if err != nil || over {
			return false, err
		}
		at = file.offset
		if s.Clock.Now().After(until) {
			return true, nil
		}
	}
}

// refuse ends an import whose file is no good.
func (s *Service) refuse(ctx context.Context, imp uuid.UUID, refusal *fault.Error) error {
	return postgres.InTx(ctx, s.Pool, func(tx pgx.Tx) error {
		row, err := s.q.ListingImportLock(ctx, tx, imp)
		if err != nil || Status(row.Status) != Running {
			return err
		}
		_, err = s.endTx(ctx, tx, imp, Failed, refusal)
		return err
	})
}

// tally is what a batch did.
type tally struct {
	rows, created, changed, refused int
	errs                            db.ListingImportErrorsInsertParams
}

func (t *tally) refuse(rows []spreadsheet.Row, errs map[int]*fault.Error) {
	t.refused += len(rows)
	for i, row := range rows {
		refusal := errs[i]
		if refusal == nil {
			refusal = ErrProduct
		}
		column := ""
		if len(refusal.Field) > 0 {
			column = refusal.Field[0]
		}
		t.errs.Lines = append(t.errs.Lines, int32(row.Line))
		t.errs.ColumnNames = append(t.errs.ColumnNames, column)
		t.errs.Codes = append(t.errs.Codes, refusal.Code)
		t.errs.Messages = append(t.errs.Messages, refusal.Message)
	}
}

// apply imports a batch of products and notes how far the file is done, in one transaction; over says that it was the last.
func (s *Service) apply(ctx context.Context, imp uuid.UUID, at int64, batch []product, file *products) (over bool, err error) {
	err = postgres.InTx(ctx, s.Pool, func(tx pgx.Tx) error {
		row, err := s.q.ListingImportLock(ctx, tx, imp)
		if postgres.NoRows(err) || err == nil && (Status(row.Status) != Running || row.BytesDone != at) {
			return errElsewhere
		}
		if err != nil {
			return err
		}
		var done tally
		for _, p := range batch {
			if err := s.applyOne(ctx, tx, row, p, &done); err != nil {
				return err
			}
		}
		if err := s.note(ctx, tx, row, done, file); err != nil {
			return err
		}
		if over = file.over; over {
			_, err = s.endTx(ctx, tx, imp, Done, nil)
		}
		return err
	})
	return over, err
}

// applyOne imports a product within a savepoint of its own: one that is refused leaves nothing.
func (s *Service) applyOne(ctx context.Context, tx pgx.Tx, imp db.ListingImport, p product, done *tally) error {
	done.rows += len(p.rows) + p.beyond
	done.refused += p.beyond
	if errs := p.bad(); len(errs) > 0 {
		done.refuse(p.rows, errs)
		return nil
	}
	var created bool
	err := pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) (err error) {
		created, err = s.put(ctx, tx, imp.SellerID, p)
		return err
	})
	refusal, ok := fault.As(err)
	switch {
	case err == nil && created:
		done.created++
	case err == nil:
		done.changed++
	case (!ok || refusal.Kind == fault.Internal) && imp.Tries >= triesOfProducts && !circumstance(err):
		s.Log.ErrorContext(ctx, "a product can't be imported", "import", imp.ID, "line", p.rows[0].Line, "error", err)
		done.refuse(p.rows, map[int]*fault.Error{0: ErrBroken})
	case !ok || refusal.Kind == fault.Internal || refusal.Kind.Retryable():
		return fmt.Errorf("line %d: %w", p.rows[0].Line, err)
	default:
		i, refusal := p.blame(refusal)
		done.refuse(p.rows, map[int]*fault.Error{i: refusal})
	}
	return nil
}

// circumstance says of an error that it is not the product's: what was cut off, a deadlock, a database that has no room or is being shut
// down. Where the connection itself is gone, nothing that follows in the transaction is kept.
func circumstance(err error) bool {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	return ok && slices.Contains([]string{"08", "25", "40", "53", "55", "57", "58"}, refused.Code[:2])
}

// note writes how far the file is done, and what was refused of it.
func (s *Service) note(ctx context.Context, tx pgx.Tx, row db.ListingImport, done tally, file *products) error {
	err := s.q.ListingImportAdvance(ctx, tx, db.ListingImportAdvanceParams{
		ID: row.ID, BytesDone: file.offset, NextLine: int32(file.line), RowsDone: int32(done.rows),
		Created: int32(done.created), Changed: int32(done.changed), Refused: int32(done.refused),
	})
	room := max(0, maxErrors-int(row.Refused))
	if n := min(room, len(done.errs.Lines)); err == nil && n > 0 {
		done.errs.ImportID, done.errs.LastNumber = row.ID, row.Refused
		done.errs.Lines, done.errs.ColumnNames = done.errs.Lines[:n], done.errs.ColumnNames[:n]
		done.errs.Codes, done.errs.Messages = done.errs.Codes[:n], done.errs.Messages[:n]
		err = s.q.ListingImportErrorsInsert(ctx, tx, done.errs)
	}
	return err
}

// products puts the rows of a file together that are one product's.
type products struct {
	reader *spreadsheet.Reader
	ahead  *ahead
	offset int64 // where the first product begins that no batch has had
	line   int   // and at which line
	over   bool  // there is none
}

// ahead is a row that was read and belongs to the next product.
type ahead struct {
	row    spreadsheet.Row
	offset int64
	line   int
}

func newProducts(r *spreadsheet.Reader) *products {
	return &products{reader: r, offset: r.Offset(), line: r.Line()}
}

// batch is the next products; what comes behind them is where offset and line are then.
func (f *products) batch() ([]product, error) {
	var batch []product
	for len(batch) < batchProducts && !f.over {
		p, err := f.next()
		if err != nil {
			return nil, err
		}
		if len(p.rows) > 0 {
			batch = append(batch, p)
		}
	}
	return batch, nil
}

// next is the next product; none at the end. Rows that can't be read belong to the product that they stand in.
func (f *products) next() (p product, err error) {
	handle := ""
	for {
		a, err := f.read()
		if errors.Is(err, io.EOF) {
			f.over, f.offset, f.line = true, f.reader.Offset(), f.reader.Line()
			return p, nil
		}
		if err != nil {
			return p, err
		}
		own := a.row.Cells[columnHandle]
		switch {
		case a.row.Empty():
			continue
		case len(p.rows) == 0:
			handle = own
		case a.row.Err == nil && (own == "" || own != handle), a.row.Err != nil && handle == "":
			f.ahead, f.offset, f.line = &a, a.offset, a.line
			return p, nil
		}
		if len(p.rows) == maxProductRows {
			p.beyond++
			continue
		}
		p.rows = append(p.rows, a.row)
	}
}

func (f *products) read() (a ahead, err error) {
	if f.ahead != nil {
		a, f.ahead = *f.ahead, nil
		return a, nil
	}
	a.offset, a.line = f.reader.Offset(), f.reader.Line()
	a.row, err = f.reader.Read()
	return a, err
}
