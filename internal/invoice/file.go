package invoice

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/blob"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/locale"
	"github.com/souklive/souk/internal/postgres"
)

// Path is where PDFs are fetched: behind it an invoice's id and a language.
const Path = "/invoices/"

const (
	linkTTL = 15 * time.Minute
	// fileEvery and fileBurst are how often somebody may fetch files by their links: so often on the average, and so many at once.
	fileEvery, fileBurst = time.Second, 60
	fileTime             = 20 * time.Second
	mostFile             = 20 << 20
)

// URL is a link to an invoice's PDF in a language for a user, which holds for fifteen minutes. Who has it may read the invoice, at that user's pace.
func (s *Service) URL(i Invoice, l locale.Locale, user uuid.UUID) string {
	name := id.Invoice.Encode(i.ID) + "/" + string(l) + ".pdf"
	expires := s.Clock.Now().Add(linkTTL).Unix()
	by := id.User.Encode(user)
	query := url.Values{
		"by": {by}, "expires": {strconv.FormatInt(expires, 10)}, "signature": {base64.RawURLEncoding.EncodeToString(s.mac(name, by, expires))},
	}
	return s.BaseURL() + Path + name + "?" + query.Encode()
}

func (s *Service) mac(name, by string, expires int64) []byte {
	h := hmac.New(sha256.New, s.Key)
	_, _ = fmt.Fprintf(h, "invoice %s %s %d", name, by, expires)
	return h.Sum(nil)
}

// verify is what a link names. Who it was made for may not be too fast.
func (s *Service) verify(r *http.Request) (uuid.UUID, locale.Locale, error) {
	name, by := r.URL.Path[len(Path):], r.URL.Query().Get("by")
	expires, err := strconv.ParseInt(r.URL.Query().Get("expires"), 10, 64)
	signature, wrong := base64.RawURLEncoding.DecodeString(r.URL.Query().Get("signature"))
	if errors.Join(err, wrong) != nil || !hmac.Equal(signature, s.mac(name, by, expires)) || s.Clock.Now().Unix() > expires {
		return uuid.Nil, "", ErrLink
	}
	if wait, ok := s.pace.Take(by); !ok {
		return uuid.Nil, "", tooFast(wait)
	}
	of, file, _ := strings.Cut(name, "/")
	invoice, err := id.Invoice.Decode(of)
	return invoice, locale.Locale(strings.TrimSuffix(file, ".pdf")), err
}

// tooFast says for how long somebody has to wait.
func tooFast(wait time.Duration) error {
	slow := *ErrTooFast
	slow.RetryIn = wait
	return &slow
}

// Handler gives PDFs to who holds a signed link. fail writes a refusal.
func (s *Service) Handler(fail func(w http.ResponseWriter, r *http.Request, err error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		if err := s.give(w, r); err != nil {
			fail(w, r, err)
		}
	})
}

func (s *Service) give(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), fileTime)
	defer cancel()
	what, l, err := s.verify(r)
	if err != nil {
		return err
	}
	row, err := s.q.InvoiceByID(ctx, s.Pool, what)
	if postgres.NoRows(err) {
		return ErrNotFound
	}
	if err != nil {
		return err
	}
	i, err := invoiceOf(row)
	if err != nil {
		return err
	}
	file, err := s.File(ctx, i, l)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/pdf")
	h.Set("Content-Disposition", `inline; filename="`+i.Number()+"-"+string(l)+`.pdf"`)
	h.Set("Cache-Control", "private, no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(file))
	return nil
}

// File is an invoice's PDF in a language: the one that was made first, for ever. It is made when it is first asked for, kept in the store, and its hash in a row; of two who make it at once
// the first row decides which it is. A file that the store does not have, because it is another server's disk, is made again, and given where it is the same bytes.
func (s *Service) File(ctx context.Context, i Invoice, l locale.Locale) (_ []byte, err error) {
	defer fault.Wrap(&err, "the PDF of invoice %s", i.ID)
	file, known, err := s.kept(ctx, i, l)
	if err != nil || file != nil {
		return file, err
	}
	if file, err = s.make(ctx, i, l); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(file)
	if known != nil {
		if !bytes.Equal(sum[:], known) {
			return nil, ErrChanged
		}
		return file, nil
	}
	if err := s.Store.Put(ctx, key(i, l, sum[:]), "application/pdf", file); err != nil {
		return nil, ErrChanged.Because(err)
	}
	if err := s.q.InvoiceFileInsert(ctx, s.Pool, db.InvoiceFileInsertParams{InvoiceID: i.ID, Language: string(l), Sha256: sum[:], Bytes: int32(len(file))}); err != nil {
		return nil, err
	}
	first, err := s.q.InvoiceFileGet(ctx, s.Pool, i.ID, string(l))
	if err != nil {
		return nil, err
	}
	s.tidy(ctx, i, l, first.Sha256)
	if bytes.Equal(first.Sha256, sum[:]) {
		return file, nil
	}
	if file, _, err = s.kept(ctx, i, l); err == nil && file == nil {
		err = ErrChanged
	}
	return file, err
}

// tidy deletes what others have put of an invoice in a language that is not the file for ever: by another version of the program at the same time, or before it was killed. Nobody who
// puts one later keeps it either, as the row is there. What can't be deleted now stays.
func (s *Service) tidy(ctx context.Context, i Invoice, l locale.Locale, sum []byte) {
	all, err := s.Store.List(ctx, prefix(i, l), "")
	var others []string
	for _, o := range all {
		if o.Key != key(i, l, sum) {
			others = append(others, o.Key)
		}
	}
	if err == nil && len(others) > 0 {
		err = s.Store.Delete(ctx, others...)
	}
	if err != nil {
		s.Log.WarnContext(ctx, "files of an invoice that nobody has were not deleted", "invoice", i.ID, "error", err)
	}
}

// kept is the PDF that was made first, nil where the store does not have it; known is its hash, nil where there was none.
func (s *Service) kept(ctx context.Context, i Invoice, l locale.Locale) (file, known []byte, err error) {
	row, err := s.q.InvoiceFileGet(ctx, s.Pool, i.ID, string(l))
	if postgres.NoRows(err) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	file, err = blob.ReadAll(ctx, s.Store, key(i, l, row.Sha256), mostFile)
	switch sum := sha256.Sum256(file); {
	case errors.Is(err, blob.ErrNotFound):
		return nil, row.Sha256, nil
	case err != nil:
		return nil, nil, ErrChanged.Because(err)
	case !bytes.Equal(sum[:], row.Sha256):
		return nil, row.Sha256, nil
	}
	return file, row.Sha256, nil
}

// make makes it; a few are made at once, others wait.
func (s *Service) make(ctx context.Context, i Invoice, l locale.Locale) ([]byte, error) {
	select {
	case s.busy <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-s.busy }()
	fonts, err := s.fonts()
	if err != nil {
		return nil, err
	}
	return Render(fonts, i, l)
}

// key is where a PDF lies: by its hash, so that none is ever written over.
func key(i Invoice, l locale.Locale, sum []byte) string {
	return fmt.Sprintf("%s%x.pdf", prefix(i, l), sum[:8])
}

// prefix is what the keys of an invoice in a language begin with.
func prefix(i Invoice, l locale.Locale) string {
	return fmt.Sprintf("invoices/%x/%s-%s-", i.ID[15:], i.ID, l)
}
