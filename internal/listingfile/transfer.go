package listingfile

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"context"

	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/spreadsheet"
)

// Path is where files are sent to and fetched from: the id of an import, or of the seller whose listings a file has.
const Path = "/listing-files/"

const (
	linkTTL    = 15 * time.Minute
	sendTime   = 5 * time.Minute // for a client to send a file
	pauseTime  = 30 * time.Second
	partLength = 256 << 10
)

// Link is one HTTP request that its holder may make.
type Link struct {
	URL       string
	Method    string
	ExpiresAt time.Time
}

func (s *Service) link(method string, what uuid.UUID) Link {
	expires := s.Clock.Now().Add(linkTTL).Truncate(time.Second)
	query := url.Values{
		"expires":   {strconv.FormatInt(expires.Unix(), 10)},
		"signature": {base64.RawURLEncoding.EncodeToString(s.mac(method, what, expires.Unix()))},
	}
	return Link{URL: s.BaseURL() + Path + pathOf(method, what) + "?" + query.Encode(), Method: method, ExpiresAt: expires}
}

func pathOf(method string, what uuid.UUID) string {
	if method == http.MethodPut {
		return id.Import.Encode(what)
	}
	return id.User.Encode(what)
}

func (s *Service) mac(method string, what uuid.UUID, expires int64) []byte {
	h := hmac.New(sha256.New, s.Key)
	_, _ = fmt.Fprintf(h, "listing file %s %s %d", method, what, expires)
	return h.Sum(nil)
}

// verify is what a link names.
func (s *Service) verify(r *http.Request) (uuid.UUID, error) {
	kind := id.User
	if r.Method == http.MethodPut {
		kind = id.Import
	}
	what, err := kind.Decode(r.URL.Path[len(Path):])
	if err != nil {
		return what, ErrLink
	}
	query := r.URL.Query()
	expires, err := strconv.ParseInt(query.Get("expires"), 10, 64)
	if err != nil || s.Clock.Now().Unix() > expires {
		return what, ErrLink
	}
	signature, err := base64.RawURLEncoding.DecodeString(query.Get("signature"))
	if err != nil || !hmac.Equal(signature, s.mac(r.Method, what, expires)) {
		return what, ErrLink
	}
	return what, nil
}

// Handler takes files by PUT and gives them by GET, from and to who holds a signed link. fail writes a refusal.
func (s *Service) Handler(fail func(w http.ResponseWriter, r *http.Request, err error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPut && r.Method != http.MethodGet {
			w.Header().Set("Allow", "GET, PUT")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		what, err := s.verify(r)
		switch {
		case err != nil:
		case r.Method == http.MethodGet:
			err = s.give(w, r, what)
		default:
			if err = s.take(w, r, what); err == nil {
				w.WriteHeader(http.StatusCreated)
			}
		}
		if err != nil {
			fail(w, r, err)
		}
	})
}

// take lays a file aside as it comes, and keeps it once it is whole: a client that is slow holds no connection to the database.
func (s *Service) take(w http.ResponseWriter, r *http.Request, imp uuid.UUID) error {
	row, err := s.q.ListingImportByID(r.Context(), s.Pool, imp)
	switch {
	case postgres.NoRows(err):
		return ErrLink
	case err != nil:
		return err
	case r.ContentLength > row.Bytes:
		return ErrBytes
	}
	aside, err := os.CreateTemp("", "souk-listing-file-*")
	if err != nil {
		return fmt.Errorf("lay a file aside: %w", err)
	}
	defer func() { _ = aside.Close(); _ = os.Remove(aside.Name()) }()
	control := http.NewResponseController(w) // a writer without deadlines is a test's
	_ = control.SetReadDeadline(time.Now().Add(sendTime))
	defer func() { _ = control.SetReadDeadline(time.Time{}) }()
	var check spreadsheet.Check
	n, err := io.Copy(io.MultiWriter(aside, &check), http.MaxBytesReader(w, r.Body, row.Bytes))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return ErrBytes
	}
	if err != nil {
		return ErrUploadCut.Because(err)
	}
	if n != row.Bytes {
		return ErrBytes
	}
	refusal, _ := fault.As(check.Err())
	return s.keep(r.Context(), imp, aside, refusal)
}

// keep puts a whole file into the database and has it worked off; what is no text ends the import in place of that, before a row of it is
// read. Of two uploads at once the row's lock makes one first.
func (s *Service) keep(ctx context.Context, imp uuid.UUID, file io.ReadSeeker, refusal *fault.Error) (err error) {
	defer fault.Wrap(&err, "keep the file of import %s", imp)
	return postgres.InTx(ctx, s.Pool, func(tx pgx.Tx) error {
		row, err := s.q.ListingImportLock(ctx, tx, imp)
		if err != nil {
			return err
		}
		if Status(row.Status) != Waiting {
			return ErrUploadDone
		}
		if refusal != nil {
			_, err := s.endTx(ctx, tx, imp, Failed, refusal)
			return err
		}
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			return err
		}
		part := make([]byte, partLength)
		for number := int32(0); ; number++ {
			n, err := io.ReadFull(file, part)
			if n > 0 {
				if err := s.q.ListingImportPartInsert(ctx, tx, imp, number, part[:n]); err != nil {
					return err
				}
			}
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				break
			}
			if err != nil {
				return err
			}
		}
		if err := s.q.ListingImportReceived(ctx, tx, imp); err != nil {
			return err
		}
		_, err = s.Jobs.InsertTx(ctx, tx, RunJob{Import: imp}, nil)
		return err
	})
}

// parts reads a kept file from an offset on, a part at a time.
type parts struct {
	ctx  context.Context //nolint:containedctx // a reader's, which lives as long as one call
	s    *Service
	imp  uuid.UUID
	next int32
	skip int
	left []byte
}

func (s *Service) read(ctx context.Context, imp uuid.UUID, offset int64) *parts {
	return &parts{ctx: ctx, s: s, imp: imp, next: int32(offset / partLength), skip: int(offset % partLength)}
}

// Read implements io.Reader.
func (p *parts) Read(b []byte) (int, error) {
	if len(p.left) == 0 {
		body, err := p.s.q.ListingImportPart(p.ctx, p.s.Pool, p.imp, p.next)
		if postgres.NoRows(err) || err == nil && len(body) <= p.skip {
			return 0, io.EOF
		}
		if err != nil {
			return 0, err
		}
		p.left, p.skip = body[p.skip:], 0
		p.next++
	}
	n := copy(b, p.left)
	p.left = p.left[n:]
	return n, nil
}
