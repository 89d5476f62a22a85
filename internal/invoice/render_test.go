package invoice

import (
	"bytes"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/apt"
	"github.com/souklive/souk/internal/locale"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/pdf"
)

var update = flag.Bool("update", false, "write the golden texts anew")

var languages = []locale.Locale{locale.English, locale.French, locale.Arabic}

// samples are documents that between them have all that one may say.
func samples() map[string]Invoice {
	day := time.Date(2026, 11, 22, 23, 30, 0, 0, time.FixedZone("", -3600))
	base := Invoice{
		ID: uuid.MustParse("0199f0e2-7c1b-7000-8000-000000000001"), Kind: AnInvoice, IssuedAt: day, year: 2026, number: 42,
		Total: money.New(13_080, "EUR"), Tax: money.New(1_971, "EUR"),
		Content: Content{
			Seller: Party{Name: "Maison Dupré SARL", Address: []string{"12 rue des Écoles", "Bâtiment B", "75005 Paris"}, Country: "FR", TaxNumber: "FR40303265045"},
			Buyer:  Party{Name: "أمل حدّاد", Address: []string{"8 Avenue de la République", "75011 Paris"}, Country: "FR"},
			Order:  "ord_01k7r70z0vee9800000000000g", OrderedAt: day.Add(-48 * time.Hour), SuppliedAt: day.Add(-time.Hour),
			Lines: []Line{
				{1, "A brass pot", []string{"Red", "XL"}, 2, 2_500, 5_000},
				{2, "هاتف iPhone 15 برو ماكس 256GB (أسود)", []string{}, 1, 8_000, 8_000},
				{3, strings.Repeat("A rather long name of a thing that somebody sells ", 5), []string{"Größe 42", "Farbe: Grün"}, 1, 0, 0},
			},
			Charges: []Charge{{order.Shipping, "", 580}, {order.Promotion, "Noël", -500}},
			Taxes:   []Tax{{Label: "TVA 20 %", BasisPoints: new(int32(2000)), Included: true, Base: new(int64(9_500)), Amount: 1_900}, {Label: "TVA 5.5 %", Included: true, Estimated: true, Amount: 71}},
			Subsidy: 1_000,
		},
	}
	all := map[string]Invoice{"invoice": base}

	note := base
	note.Kind, note.number, note.Total, note.Tax = CreditNote, 7, money.New(2_540, "EUR"), money.New(383, "EUR")
	note.Content.Of, note.Content.Reason, note.Content.RefundOf = &Reference{"INV-2026-000042", day}, "It came broken. وصل مكسوراً", day.Add(time.Hour)
	note.Content.Lines, note.Content.Charges = []Line{{1, "A brass pot", []string{"Red", "XL"}, 1, 0, 2_540}}, []Charge{}
	note.Content.Taxes, note.Content.Subsidy = []Tax{{Label: "TVA 20 %", Included: true, Amount: 383}}, 195
	all["credit"] = note

	yen := base
	yen.Total, yen.Tax = money.New(11_000_000, "JPY"), money.New(1_000_000, "JPY")
	yen.Content.Seller = Party{Name: "Kyoto Trading", Address: []string{"1-1 Marutamachi", "604-8571 Kyoto"}, Country: "JP", TaxNumber: "T1234567890123"}
	yen.Content.Lines, yen.Content.Charges, yen.Content.Subsidy = []Line{{1, "Tea bowl", []string{}, 100, 100_000, 10_000_000}}, []Charge{}, 0
	yen.Content.Taxes = []Tax{{Label: "JCT 10 %", Base: new(int64(10_000_000)), Amount: 1_000_000}}
	all["yen"] = yen

	dinar := base
	dinar.Total, dinar.Tax = money.New(9_223_372_036_854_775_807, "TND"), money.New(0, "TND")
	dinar.Content.Seller = Party{Name: "صفاء", Address: []string{"صفاقس"}, Country: "TN"}
	dinar.Content.Lines, dinar.Content.Charges, dinar.Content.Subsidy = []Line{{1, "سجّادة", []string{"أحمر"}, 1, 9_223_372_036_854_775_807, 9_223_372_036_854_775_807}}, []Charge{}, 0
	dinar.Content.Taxes = []Tax{}
	all["dinar"] = dinar

	long := base
	long.Content.Lines = nil
	for n := range 70 {
		long.Content.Lines = append(long.Content.Lines, Line{n + 1, fmt.Sprintf("Thing %d, %s", n+1, strings.Repeat("with a name ", n%12)), []string{}, 1, 185, 185})
	}
	all["long"] = long

	hostile := base
	hostile.Content.Seller.Name = strings.Repeat("W", 10_000)
	hostile.Content.Buyer.Name = "\u202Eevil\u0000\u0007 \u2066name\u2069 🎉👨‍👩‍👧 漢字 " + strings.Repeat("e\u0301\u0302\u0303\u0304\u0305", 200)
	hostile.Content.Buyer.Address = []string{"\xff\xfe", "", strings.Repeat("\u0301", 500), "(])>>endstream endobj"}
	hostile.Content.Reason = ""
	hostile.Content.Lines = []Line{{1, strings.Repeat("لا", 5_000), []string{strings.Repeat("x", 10_000), "\n\n\t"}, 1_000_000_000, 5_000, 5_000}, {2, "", nil, 1, 8_000, 8_000}}
	all["hostile"] = hostile
	return all
}

// pdftotext reads what a PDF says, as people who search it or copy from it get it.
func pdftotext(t *testing.T, file []byte) string {
	t.Helper()
	if _, err := exec.LookPath("pdftotext"); err != nil {
		if err := apt.Install(t.Context(), slog.New(slog.DiscardHandler), "poppler-utils"); err != nil {
			t.Fatal("pdftotext is missing: install poppler-utils: ", err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "pdftotext", "-layout", "-enc", "UTF-8", "-", "-")
	cmd.Stdin = bytes.NewReader(file)
	var wrong bytes.Buffer
	cmd.Stderr = &wrong
	text, err := cmd.Output()
	if err != nil || wrong.Len() > 0 {
		t.Fatalf("pdftotext: %v\n%s", err, wrong.Bytes())
	}
	return string(text)
}

func TestGolden(t *testing.T) {
	t.Parallel()
	fonts, err := pdf.Load()
	if err != nil {
		t.Fatal(err)
	}
	for name, i := range samples() {
		for _, l := range languages {
			file, err := Render(fonts, i, l)
			if err != nil {
				t.Fatal(name, l, err)
			}
			if again, _ := Render(fonts, i, l); !bytes.Equal(file, again) {
				t.Errorf("%s in %s is not the same bytes twice", name, l)
			}
			if dir := os.Getenv("INVOICES"); dir != "" { // to be looked at
				_ = os.WriteFile(filepath.Join(dir, name+"-"+string(l)+".pdf"), file, 0o600)
			}
			got, golden := pdftotext(t, file), filepath.Join("testdata", name+"-"+string(l)+".txt")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if want, _ := os.ReadFile(golden); got != string(want) {
				t.Errorf("%s in %s reads:\n%s\nand not:\n%s", name, l, got, want)
			}
		}
	}
}
