package invoice_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/blob"
	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/invoice"
	"github.com/souklive/souk/internal/locale"
	"github.com/souklive/souk/internal/order"
)

// office is a server that issues invoices.
func office(w *domaintest.World, store blob.Store) *invoice.Service {
	return invoice.New(invoice.Config{
		Pool: w.Pool, Orders: w.Orders, Store: store, Hub: w.Told, Clock: clock.System{}, Log: slog.New(slog.DiscardHandler),
		BaseURL: func() string { return "http://souk.example" }, Key: []byte("a key of tests"),
	})
}

func disk(w *domaintest.World) *blob.Disk {
	w.T.Helper()
	d, err := blob.NewDisk(w.T.TempDir(), func() string { return "" }, []byte("key"), clock.System{})
	w.Must(err)
	return d
}

func ship(w *domaintest.World, o order.Order) order.Order {
	w.T.Helper()
	sent, err := w.Orders.Ship(w.Ctx(), o.SellerID, o.ID, "")
	w.Must(err)
	return sent
}

// refund gives cents back, all that is left where they are 0.
func refund(w *domaintest.World, o order.Order, cents int64) {
	w.T.Helper()
	in := order.RefundInput{Order: o.ID, Reason: "A dent.", IdempotencyKey: uuid.NewString()}
	if cents != 0 {
		in.Amount = new(domaintest.EUR(cents))
	}
	w.Must2(w.Orders.Refund(w.Ctx(), order.Actor{User: o.SellerID}, in))
}

func documents(w *domaintest.World, s *invoice.Service, o order.Order) (numbers []string, totals []int64) {
	w.T.Helper()
	all, err := s.OfOrders(w.Ctx(), []uuid.UUID{o.ID})
	w.Must(err)
	for _, i := range all[o.ID] {
		numbers, totals = append(numbers, i.Number()[:3]+i.Number()[8:]), append(totals, i.Total.Minor)
	}
	return numbers, totals
}

// What is sent is invoiced, once; what was refunded of it, before and after, has a credit note each; what is cancelled before it is sent has neither.
func TestWhatIsIssuedAndWhen(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	s := office(w, disk(w))
	o := w.Sale(100_00)
	refund(w, o, 10_00)
	gone := w.SaleBy(o.SellerID, w.Buyer(50_00), 50_00)
	w.Must2(w.Orders.Cancel(w.Ctx(), order.Actor{User: gone.SellerID}, gone.ID, "Broken."))
	w.Must(s.IssueDue(w.Ctx()))
	for _, unsent := range []order.Order{o, gone} {
		w.Must(s.Issue(w.Ctx(), unsent.ID))
		if numbers, _ := documents(w, s, unsent); len(numbers) > 0 {
			t.Fatalf("what was not sent has %v", numbers)
		}
	}
	ship(w, o)
	w.Must(s.IssueDue(w.Ctx()))
	refund(w, o, 33_33)
	refund(w, o, 0)
	w.Must(s.IssueDue(w.Ctx()))
	w.Must(s.IssueDue(w.Ctx()))
	w.Must(s.Issue(w.Ctx(), o.ID))
	numbers, totals := documents(w, s, o)
	if !slices.Equal(numbers, []string{"INV-000001", "CRN-000001", "CRN-000002", "CRN-000003"}) || !slices.Equal(totals, []int64{100_00, 10_00, 33_33, 56_67}) {
		t.Errorf("issued: %v over %v", numbers, totals)
	}
	if n := w.Int("SELECT count(*) FROM invoice_due"); n != 0 {
		t.Errorf("%d are due still", n)
	}
	w.Audited()
}

// Many orders of two sellers, issued by several servers at once, some of whose transactions are cut off: each has one invoice, and the numbers have no gap.
func TestIssuedAtOnce(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	const sales = 12
	var orders []order.Order
	for range 2 {
		seller := w.User(identity.Seller)
		for range sales {
			o := ship(w, w.SaleBy(seller, w.Buyer(20_00), 20_00))
			refund(w, o, 5_00)
			orders = append(orders, o)
		}
	}
	store := disk(w)
	var servers sync.WaitGroup
	for n := range 6 {
		s := office(w, store)
		servers.Go(func() {
			if n%2 == 0 {
				if err := s.IssueDue(w.Ctx()); err != nil {
					t.Error(err)
				}
				return
			}
			for i := range orders { // the other way round, by servers that are killed in between
				ctx, kill := context.WithCancel(w.Ctx())
				if i%3 == 0 {
					go kill()
				}
				if err := s.Issue(ctx, orders[len(orders)-1-i].ID); err != nil && ctx.Err() == nil {
					t.Error(err)
				}
				kill()
			}
		})
	}
	servers.Wait()
	w.Must(office(w, store).IssueDue(w.Ctx()))
	if n := w.Int("SELECT count(*) FROM invoice WHERE kind = 'INVOICE'"); n != 2*sales {
		t.Errorf("%d invoices of %d orders", n, 2*sales)
	}
	if n := w.Int("SELECT min(last) FROM invoice_series"); n != sales {
		t.Errorf("a series stands at %d", n)
	}
	w.Audited()
}

// The database refuses what no server should do: more credit than the invoice, a change of what was issued.
func TestIssuedIsFixed(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	s := office(w, disk(w))
	o := ship(w, w.Sale(100_00))
	refund(w, o, 60_00)
	w.Must(s.IssueDue(w.Ctx()))
	for what, sql := range map[string]string{
		"a change":          "UPDATE invoice SET total = total + 1",
		"a deletion":        "DELETE FROM invoice",
		"a file's change":   "UPDATE invoice_file SET bytes = 1",
		"more than invoice": "INSERT INTO invoice SELECT gen_random_uuid(), kind, order_id, seller_id, buyer_id, invoice_id, gen_random_uuid(), 0, 0, now(), currency, total, tax, content FROM invoice WHERE kind = 'CREDIT_NOTE'",
		"a second invoice":  "INSERT INTO invoice SELECT gen_random_uuid(), kind, order_id, seller_id, buyer_id, NULL, refund_id, 0, 0, now(), currency, total, tax, content FROM invoice WHERE kind = 'INVOICE'",
		"another's":         "INSERT INTO invoice SELECT gen_random_uuid(), kind, order_id, buyer_id, seller_id, NULL, refund_id, 0, 0, now(), currency, total, tax, content FROM invoice WHERE kind = 'INVOICE'",
	} {
		if _, err := w.Pool.Exec(w.Ctx(), sql); err == nil {
			t.Errorf("%s is taken", what)
		}
	}
	if n := w.Int("SELECT last FROM invoice_series WHERE kind = 'INVOICE'"); n != 1 {
		t.Errorf("refusals left the series at %d", n)
	}
	w.Audited()
}

// The first PDF is the one for ever: asked for by many at once, asked for again, and where the store has lost it. One that would be another is not given.
func TestOneFileForEver(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	store := disk(w)
	o := ship(w, w.Sale(100_00))
	w.Must(office(w, store).IssueDue(w.Ctx()))
	all, err := office(w, store).OfOrders(w.Ctx(), []uuid.UUID{o.ID})
	w.Must(err)
	i := all[o.ID][0]
	files := make([][]byte, 4)
	var asking sync.WaitGroup
	for n := range files {
		asking.Go(func() {
			file, err := office(w, store).File(w.Ctx(), i, locale.Arabic)
			if err != nil {
				t.Error(err)
			}
			files[n] = file
		})
	}
	asking.Wait()
	again, err := office(w, store).File(w.Ctx(), i, locale.Arabic)
	w.Must(err)
	elsewhere, err := office(w, disk(w)).File(w.Ctx(), i, locale.Arabic)
	w.Must(err)
	for n, f := range slices.Concat(files, [][]byte{elsewhere}) {
		if !bytes.Equal(f, again) {
			t.Errorf("file %d is another", n)
		}
	}
	kept, err := store.List(w.Ctx(), "invoices/", "")
	w.Must(err)
	if len(kept) != 1 || int(kept[0].Bytes) != len(again) {
		t.Errorf("kept: %v", kept)
	}
	changed := i
	changed.Content.Seller.Name = "Somebody else"
	if _, err := office(w, disk(w)).File(w.Ctx(), changed, locale.Arabic); !errors.Is(err, invoice.ErrChanged) {
		t.Errorf("another file than the first: %v", err)
	}
}

// What others have put that is not the file for ever, such as another version of the program that was killed then, is gone once that is made; other documents' files stay.
func TestLeftoversAreDeleted(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	store := disk(w)
	s := office(w, store)
	o := ship(w, w.Sale(100_00))
	w.Must(s.IssueDue(w.Ctx()))
	all, err := s.OfOrders(w.Ctx(), []uuid.UUID{o.ID})
	w.Must(err)
	i := all[o.ID][0]
	beside := fmt.Sprintf("invoices/%x/%s-", i.ID[15:], i.ID)
	for _, name := range []string{beside + "en-0011223344556677.pdf", beside + "en-1011223344556677.pdf", beside + "fr-0011223344556677.pdf"} {
		w.Must(store.Put(w.Ctx(), name, "application/pdf", []byte("%PDF-")))
	}
	file, err := s.File(w.Ctx(), i, locale.English)
	w.Must(err)
	kept, err := store.List(w.Ctx(), "invoices/", "")
	w.Must(err)
	if len(kept) != 2 || int(kept[0].Bytes) != len(file) || kept[1].Key != beside+"fr-0011223344556677.pdf" {
		t.Errorf("kept: %+v", kept)
	}
	if again, err := office(w, store).File(w.Ctx(), i, locale.English); err != nil || !bytes.Equal(again, file) {
		t.Errorf("again: %v", err)
	}
}

// Who fetches files faster than anybody reads waits, whichever they are and with whichever link; another does not wait for them.
func TestFetchedAtAPace(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	s := office(w, disk(w))
	o := ship(w, w.Sale(100_00))
	w.Must(s.IssueDue(w.Ctx()))
	all, err := s.OfOrders(w.Ctx(), []uuid.UUID{o.ID})
	w.Must(err)
	i := all[o.ID][0]
	var refused error
	fetch := func(user uuid.UUID, l locale.Locale) int {
		refused = nil
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, s.URL(i, l, user), nil)
		answer := httptest.NewRecorder()
		s.Handler(func(_ http.ResponseWriter, _ *http.Request, err error) { refused = err }).ServeHTTP(answer, r)
		return answer.Body.Len()
	}
	fetched, waits := 0, false
	for n := range 200 {
		if fetch(o.BuyerID, []locale.Locale{locale.English, locale.French}[n%2]) > 0 {
			fetched++
		}
		if f, ok := fault.As(refused); ok && f.Code == "INVOICES_TOO_FAST" && f.Kind == fault.RateLimited && f.RetryIn > 0 {
			waits = true
			break
		}
	}
	if fetched < 60 || !waits {
		t.Errorf("%d were fetched, and then: %v", fetched, refused)
	}
	if fetch(o.SellerID, locale.English) == 0 {
		t.Errorf("the seller: %v", refused)
	}
}
