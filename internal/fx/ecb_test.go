package fx

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// document is a day of the bank's, as it publishes it.
func document(day string, rows ...string) string {
	var cubes strings.Builder
	for _, row := range rows {
		currency, rate, _ := strings.Cut(row, " ")
		fmt.Fprintf(&cubes, "\t\t\t<Cube currency='%s' rate='%s'/>\n", currency, rate)
	}
	return `<?xml version="1.0" encoding="UTF-8"?>
<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01" xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">
	<gesmes:subject>Reference rates</gesmes:subject>
	<gesmes:Sender>
		<gesmes:name>European Central Bank</gesmes:name>
	</gesmes:Sender>
	<Cube>
		<Cube time='` + day + `'>
` + cubes.String() + `		</Cube>
	</Cube>
</gesmes:Envelope>`
}

// bank is a server whose answer can be changed.
type bank struct {
	*httptest.Server
	answer http.HandlerFunc
}

func newBank(t *testing.T) *bank {
	t.Helper()
	b := &bank{}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { b.answer(w, r) }))
	t.Cleanup(b.Close)
	return b
}

func (b *bank) says(document string) {
	b.answer = func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(document)) }
}

func TestTheBanksDocumentIsRead(t *testing.T) {
	t.Parallel()
	b := newBank(t)
	b.says(document("2024-05-17", "USD 1.0844", "JPY 168.96", "GBP 0.85590"))
	got, err := NewECB(b.URL).Rates(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got.Base != "EUR" || !got.AsOf.Equal(time.Date(2024, 5, 17, 0, 0, 0, 0, time.UTC)) || len(got.Per) != 3 ||
		got.Per["USD"].String() != "1.0844" || got.Per["JPY"].String() != "168.96" || got.Per["GBP"].String() != "0.8559" {
		t.Errorf("got %+v", got)
	}
	// It moves within its house.
	moved := document("2024-05-17", "USD 1.0844")
	b.answer = func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/daily.xml", http.StatusMovedPermanently)
			return
		}
		_, _ = w.Write([]byte(moved))
	}
	if got, err := NewECB(b.URL).Rates(t.Context()); err != nil || len(got.Per) != 1 {
		t.Errorf("moved: %+v, %v", got, err)
	}
}

func TestWhatTheBankShouldNotSay(t *testing.T) {
	t.Parallel()
	good := document("2024-05-17", "USD 1.0844")
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(good)) }))
	t.Cleanup(elsewhere.Close)
	text := func(s string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(s)) }
	}
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"an outage":        {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }, "503"},
		"a cut connection": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
		"a cut body": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "5000")
			_, _ = w.Write([]byte(good))
		}, "unexpected EOF"},
		"nothing":            {text(""), "EOF"},
		"a web page":         {text("<!DOCTYPE html><html><body>Down for maintenance</body></html>"), "Envelope"},
		"half of it":         {text(good[:len(good)/2]), "EOF"},
		"not XML":            {text(`{"USD": 1.0844}`), "EOF"},
		"other vocabulary":   {text(strings.ReplaceAll(good, "eurofxref", "other")), "0 days"},
		"no day":             {text(document("tomorrow", "USD 1.0844")), "day"},
		"two days":           {text(strings.Replace(good, "<Cube time=", "<Cube time='2024-05-16'><Cube currency='USD' rate='1'/></Cube><Cube time=", 1)), "2 days"},
		"no currency":        {text(document("2024-05-17", "Dollar 1.0844")), "no currency"},
		"a currency twice":   {text(document("2024-05-17", "USD 1.0844", "USD 1.0845")), "twice"},
		"a rate of zero":     {text(document("2024-05-17", "USD 0")), "no rate"},
		"a rate below zero":  {text(document("2024-05-17", "USD -1")), "no rate"},
		"N/A":                {text(document("2024-05-17", "USD N/A")), "no rate"},
		"a body without end": {text(good + strings.Repeat(" ", 1<<20)), "bytes"},
		"a redirect to another host": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+"/?token=secret", http.StatusFound)
		}, "sent on"},
		"a redirect in a circle": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) }, "sent on"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBank(t)
			b.answer = c.answer
			if got, err := NewECB(b.URL).Rates(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %+v, %v; want %q", got, err, c.want)
			}
		})
	}
	gone := newBank(t)
	gone.Close()
	if _, err := NewECB(gone.URL).Rates(t.Context()); err == nil {
		t.Error("a bank that is not there answers")
	}
}

// A bank that never ends its answer holds up a refresh no longer than it is willing to wait.
func TestABankThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	b := newBank(t)
	asked := make(chan struct{})
	b.answer = func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	if _, err := NewECB(b.URL).Rates(ctx); err == nil {
		t.Error("no error")
	}
}
