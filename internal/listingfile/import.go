package listingfile

import (
	"context"
	"log/slog"
	"math"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/postgres"
)

const (
	maxBytes   = 64 << 20
	maxOpen    = 3
	importList = 'f'
	errorList  = 'F'
)

// Status is where an import stands.
type Status string

// The statuses of an import.
const (
	Waiting   Status = "WAITING" // for its file
	Running   Status = "RUNNING"
	Done      Status = "DONE"
	Failed    Status = "FAILED" // the file as a whole is no good
	Cancelled Status = "CANCELLED"
)

// Import is one file of a seller's, and how far it is done.
type Import struct {
	ID        uuid.UUID
	SellerID  uuid.UUID
	Status    Status
	Bytes     int64
	BytesDone int64
	Rows      int    // that were read
	Created   int    // listings
	Changed   int    // listings
	Refused   int    // rows
	Failure   string // the code of why the whole file is no good; else empty
	FailedAt  string // the column to blame, where one is
	CreatedAt time.Time
	EndedAt   *time.Time
}

// NodeID is the id that clients see.
func (i Import) NodeID() id.ID { return id.Import.ID(i.ID) }

// Progress is how much of the file is done, from 0 to 1.
func (i Import) Progress() float64 { return float64(i.BytesDone) / float64(i.Bytes) }

func importOf(row db.ListingImport) Import {
	i := Import{
		ID: row.ID, SellerID: row.SellerID, Status: Status(row.Status), Bytes: row.Bytes, BytesDone: row.BytesDone, Rows: int(row.RowsDone),
		Created: int(row.Created), Changed: int(row.Changed), Refused: int(row.Refused), CreatedAt: row.CreatedAt, EndedAt: row.EndedAt,
	}
	if row.Failure != nil {
		i.Failure = *row.Failure
	}
	if row.FailedAt != nil {
		i.FailedAt = *row.FailedAt
	}
	return i
}

// ImportPage is a page of a list of Imports.
type ImportPage = page.Page[Import]

// ImportEdge is one row of it.
type ImportEdge = page.Edge[Import]

// RowError is why a row was refused.
type RowError struct {
	Number  int // of the import's errors, in the order of the file
	Line    int // of the file; the header is line 1
	Column  *string
	Code    string
	Message string
}

// ErrorPage is a page of a list of RowErrors.
type ErrorPage = page.Page[RowError]

// ErrorEdge is one row of it.
type ErrorEdge = page.Edge[RowError]

// Jobs enqueues a job inside a transaction; a River client does.
type Jobs interface {
	InsertTx(ctx context.Context, tx pgx.Tx, args river.JobArgs, opts *river.InsertOpts) (*rivertype.JobInsertResult, error)
}

// Service holds the use cases of this package.
type Service struct {
	Config
	q *db.Queries
}

// Config are the parts that the service works with; all are required.
type Config struct {
	Pool    *pgxpool.Pool
	Catalog *catalog.Service
	Jobs    Jobs
	Clock   clock.Clock
	Log     *slog.Logger
	BaseURL func() string // the server's public address, without a slash at its end
	Key     []byte        // signs links
}

// New makes the service.
func New(c Config) *Service { return &Service{Config: c, q: db.New()} }

// Begin announces a file of so many bytes, and gives the link to send it to.
func (s *Service) Begin(ctx context.Context, seller uuid.UUID, bytes int64) (_ Import, _ Link, err error) {
	if bytes < 1 || bytes > maxBytes {
		return Import{}, Link{}, ErrBytes.At("bytes")
	}
	defer fault.Wrap(&err, "begin an import")
	var row db.ListingImport
	err = postgres.InTx(ctx, s.Pool, func(tx pgx.Tx) error {
		if err := s.q.ListingImportLimitLock(ctx, tx, seller.String()); err != nil {
			return err
		}
		open, err := s.q.ListingImportOpenCount(ctx, tx, seller)
		if err == nil && open >= maxOpen {
			return ErrTooMany
		}
		if err != nil {
			return err
		}
		row, err = s.q.ListingImportInsert(ctx, tx, id.New(), seller, bytes)
		return err
	})
	if err != nil {
		return Import{}, Link{}, err
	}
	return importOf(row), s.link(http.MethodPut, row.ID), nil
}

// Cancel ends a seller's import where it stands; what it has imported stays.
func (s *Service) Cancel(ctx context.Context, seller, imp uuid.UUID) (cancelled Import, err error) {
	defer fault.Wrap(&err, "cancel import %s", imp)
	err = postgres.InTx(ctx, s.Pool, func(tx pgx.Tx) error {
		row, err := s.q.ListingImportLock(ctx, tx, imp)
		if cancelled, err = s.own(seller, row, err); err != nil || cancelled.Status == Cancelled {
			return err
		}
		if cancelled.EndedAt != nil {
			return ErrImportOver
		}
		cancelled, err = s.endTx(ctx, tx, imp, Cancelled, nil)
		return err
	})
	return cancelled, err
}

// endTx ends an import; its file is needed no more. failure is why the file is no good, nil where it is not to blame.
func (s *Service) endTx(ctx context.Context, tx pgx.Tx, imp uuid.UUID, status Status, failure *fault.Error) (Import, error) {
	end := db.ListingImportEndParams{ID: imp, Status: string(status)}
	if failure != nil {
		end.Failure = &failure.Code
		if column, ok := failure.Data["column"].(string); ok {
			end.FailedAt = &column
		}
	}
	row, err := s.q.ListingImportEnd(ctx, tx, end)
	if err != nil {
		return Import{}, err
	}
	return importOf(row), s.q.ListingImportPartsDelete(ctx, tx, imp)
}

func (s *Service) own(seller uuid.UUID, row db.ListingImport, err error) (Import, error) {
	if postgres.NoRows(err) || err == nil && row.SellerID != seller {
		return Import{}, ErrImportNotFound
	}
	return importOf(row), err
}

// Get reads one of a seller's imports.
func (s *Service) Get(ctx context.Context, seller, imp uuid.UUID) (Import, error) {
	row, err := s.q.ListingImportByID(ctx, s.Pool, imp)
	return s.own(seller, row, err)
}

// List is a seller's imports, the newest first.
func (s *Service) List(ctx context.Context, seller uuid.UUID, args page.Args) (ImportPage, error) {
	size, err := args.Size()
	if err != nil {
		return ImportPage{}, err
	}
	before, err := args.Before(importList)
	if err != nil {
		return ImportPage{}, err
	}
	rows, err := s.q.ListingImportPage(ctx, s.Pool, db.ListingImportPageParams{
		SellerID: seller, BeforeAt: before.At, BeforeID: before.ID, PageSize: int32(size + 1),
	})
	return page.Of(rows, size, importOf, func(i Import) string { return page.Key{At: i.CreatedAt, ID: i.ID}.Encode(importList) }), err
}

// Errors are the refused rows of an import that its reader may see, in the order of the file.
func (s *Service) Errors(ctx context.Context, imp uuid.UUID, args page.Args) (ErrorPage, error) {
	size, err := args.Size()
	if err != nil {
		return ErrorPage{}, err
	}
	after, err := args.FromNumber(errorList)
	if err != nil {
		return ErrorPage{}, err
	}
	rows, err := s.q.ListingImportErrorPage(ctx, s.Pool, imp, int32(min(after, math.MaxInt32)), int32(size+1))
	return page.Of(rows, size, rowErrorOf, func(e RowError) string { return page.EncodeNumber(errorList, int64(e.Number)) }), err
}

func rowErrorOf(row db.ListingImportError) RowError {
	return RowError{Number: int(row.Number), Line: int(row.Line), Column: row.ColumnName, Code: row.Code, Message: row.Message}
}
