package e2e

import (
	"bytes"
	"io"
	"net/http"
	"testing"

	"github.com/souklive/souk/internal/apitest"
)

// pdf fetches the PDF of an order's only invoice, and gives its number with it.
func (d *depot) pdf(order string) (number string, file []byte) {
	d.t.Helper()
	invoice := d.bilal.Must(d.t, `query($id: ID!) { order(id: $id) { invoices { number url(language: FR) } } }`, apitest.Vars{"id": order}).At("order.invoices.0")
	request, err := http.NewRequestWithContext(d.t.Context(), http.MethodGet, invoice.Str("url"), nil)
	if err != nil {
		d.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return invoice.Str("number"), nil // the server is gone
	}
	defer func() { _ = response.Body.Close() }()
	file, err = io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		file = nil
	}
	return invoice.Str("number"), file
}

// Killed around each step of an invoice: an order that was sent has one, numbers have no gap, and its PDF, made by the one server and asked for at the next, is one file for ever.
func TestKilledWhileInvoicing(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	issued := func() bool { return d.count(`SELECT count(*) FROM invoice_due`) == 0 }
	var orders []string
	for _, point := range []crashPoint{
		at("when it is written", write("INSERT", "invoice", "")),
		at("before the commit", commit("INSERT", "invoice", "", lost)),
		at("after the commit", commit("INSERT", "invoice", "", happens)),
	} {
		order := d.bought(false)
		orders = append(orders, order)
		d.die(point, func() (wait func()) {
			return d.hana.sends(tour(t, "Ship it"), apitest.Vars{"orderId": order, "tracking": "LX", "idempotencyKey": "ship-" + order})
		})
		eventually(t, "the invoice", issued)
		d.agrees()
	}
	for i, order := range orders {
		point := at("when its file is put, and not its row", commit("INSERT", "invoice_file", "", lost))
		if i == 1 {
			point = at("when its row is there, and nobody has had the file", commit("INSERT", "invoice_file", "", happens))
		}
		if i < 2 {
			d.die(point, func() (wait func()) {
				done := make(chan struct{})
				go func() {
					defer close(done)
					d.pdf(order)
				}()
				return func() { <-done }
			})
		}
		number, first := d.pdf(order)
		if _, again := d.pdf(order); len(first) == 0 || !bytes.Equal(first, again) {
			t.Errorf("%s: %d bytes, and then %d", point.name, len(first), len(again))
		}
		if want := "-00000" + string('1'+rune(i)); len(number) < 7 || number[len(number)-7:] != want {
			t.Errorf("the invoice of order %d is %s", i+1, number)
		}
	}
	for what, c := range map[string]struct {
		query string
		want  int
	}{
		"invoices":         {`SELECT count(*) FROM invoice`, 3},
		"the last number":  {`SELECT sum(last)::int FROM invoice_series`, 3},
		"files":            {`SELECT count(*) FROM invoice_file`, 3},
		"buyers were told": {`SELECT count(*) FROM notification WHERE kind = 'INVOICE_ISSUED'`, 3},
	} {
		if n := d.count(c.query); n != c.want {
			t.Errorf("%s: %d, want %d", what, n, c.want)
		}
	}
	d.agrees()
}
