package graph_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/identity"
)

const (
	invoiceFields = `{ id kind number credits issuedAt total { amount } tax { amount } taxes { label base { amount } amount { amount } included estimated } url(language: FR) }`
	orderInvoices = `query($id: ID!) { order(id: $id) { invoices ` + invoiceFields + ` } }`
	invoiceByID   = `query($id: ID!) { node(id: $id) { ... on Invoice ` + invoiceFields + ` } }`
)

// sent is the order, sent and invoiced.
func (p *postOffice) sent() apitest.JSON {
	p.t.Helper()
	p.seller.Must(p.t, orderShip, input(apitest.Vars{"orderId": p.order, "idempotencyKey": uuid.NewString()}))
	p.issue()
	return p.buyer.Must(p.t, orderInvoices, apitest.Vars{"id": p.order}).At("order.invoices")
}

func (p *postOffice) issue() {
	p.t.Helper()
	if err := p.Resolver.Invoices.IssueDue(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
}

// Both parties and staff have the invoice of what was sent and the credit note of what was refunded, as PDFs; nobody else has, and no link that was changed opens any.
func TestInvoicesThroughTheAPI(t *testing.T) {
	t.Parallel()
	p := newPostOffice(t)
	defer everything(t, p.API)
	if got := string(p.buyer.Must(t, orderInvoices, apitest.Vars{"id": p.order}).Raw()); got != `{"order":{"invoices":[]}}` {
		t.Errorf("before it is sent: %s", got)
	}
	p.sent()
	p.seller.Must(t, orderRefund, input(apitest.Vars{"orderId": p.order, "lines": []apitest.Vars{{"number": 1, "quantity": 1}}, "amount": eur("4.50"), "reason": "A dent.", "idempotencyKey": uuid.NewString()}))
	p.issue()
	seen := p.seller.Must(t, orderInvoices, apitest.Vars{"id": p.order})
	bill, note := seen.At("order.invoices.0"), seen.At("order.invoices.1")
	if bill.Str("kind") != "INVOICE" || !strings.HasPrefix(bill.Str("number"), "INV-2") || bill.Str("total.amount") != "20.00" || bill.Str("tax.amount") != "0.00" {
		t.Errorf("the invoice: %s", bill.Raw())
	}
	if note.Str("kind") != "CREDIT_NOTE" || note.Str("credits") != bill.Str("id") || note.Str("total.amount") != "4.50" || !strings.HasSuffix(note.Str("number"), "-000001") {
		t.Errorf("the credit note: %s", note.Raw())
	}
	for who, c := range map[string]apitest.Client{"the buyer": p.buyer.Client, "support": p.Person(identity.Support).Client, "an admin": p.Person(identity.Admin).Client} {
		if got := c.Must(t, invoiceByID, apitest.Vars{"id": bill.Str("id")}).Str("node.number"); got != bill.Str("number") {
			t.Errorf("%s sees %q", who, got)
		}
	}
	for who, c := range map[string]apitest.Client{"another": p.Person(identity.Seller).Client, "nobody": p.Nobody()} {
		if got := string(c.Must(t, invoiceByID, apitest.Vars{"id": bill.Str("id")}).Raw()); got != `{"node":null}` {
			t.Errorf("%s sees %s", who, got)
		}
	}

	first := fetch(t, http.MethodGet, bill.Str("url"), "")
	file, err := io.ReadAll(first.Body)
	if err != nil || first.StatusCode != http.StatusOK || first.Header.Get("Content-Type") != "application/pdf" || !strings.HasPrefix(string(file), "%PDF-1.7") {
		t.Fatalf("the PDF: %s, %v, %d bytes", first.Status, err, len(file))
	}
	again, _ := io.ReadAll(fetch(t, http.MethodGet, p.buyer.Must(t, invoiceByID, apitest.Vars{"id": bill.Str("id")}).Str("node.url"), "").Body)
	if !bytes.Equal(again, file) {
		t.Error("the second time it is other bytes")
	}
	link := bill.Str("url")
	unsigned, _, _ := strings.Cut(link, "signature")
	for what, wrong := range map[string]string{
		"another language": strings.Replace(link, "/fr.pdf", "/ar.pdf", 1), "another invoice": strings.Replace(link, bill.Str("id"), note.Str("id"), 1),
		"a later end": strings.Replace(link, "expires=1", "expires=2", 1), "no signature": unsigned, "no invoice": p.URL + "/invoices/x",
	} {
		if got := fetch(t, http.MethodGet, wrong, ""); got.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %s", what, got.Status)
		}
	}
	if got := fetch(t, http.MethodPost, link, ""); got.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %s", got.Status)
	}

	told := string(p.Person(identity.Support).Must(t, `query($id: ID!) { orderHappenings(orderId: $id) { part what } }`, apitest.Vars{"id": p.order}).Raw())
	if strings.Count(told, `"part":"INVOICE"`) != 3 || !strings.Contains(told, "INVOICE 2") || !strings.Contains(told, "PDF of") {
		t.Errorf("what happened: %s", told)
	}
}
