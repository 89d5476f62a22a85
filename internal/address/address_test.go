package address_test

import (
	"strings"
	"testing"

	"github.com/souklive/souk/internal/address"
	"github.com/souklive/souk/internal/fault"
)

// paris is an address with which nothing is wrong.
func paris() address.Postal {
	return address.Postal{Name: "Amal Haddad", Line1: "12 rue de la Paix", City: "Paris", PostalCode: "75002", Country: "FR", Phone: "+33612345678"}
}

// of is a refusal's code and the field it blames.
func of(err error) string {
	f, ok := fault.As(err)
	if !ok {
		return ""
	}
	return f.Code + " " + strings.Join(f.Field, ".")
}

// Each field, wrong in each way that it can be, while all the others are right.
func TestEachFieldWrongInTurn(t *testing.T) {
	t.Parallel()
	if _, err := address.Normalise(paris()); err != nil {
		t.Fatal(err)
	}
	long := func(n int) string { return strings.Repeat("x", n) }
	for _, c := range []struct {
		name string
		set  func(*address.Postal)
		want string
	}{
		{"no name", func(p *address.Postal) { p.Name = "" }, "ADDRESS_NAME name"},
		{"a name of spaces", func(p *address.Postal) { p.Name = " \u00a0\u3000 " }, "ADDRESS_NAME name"},
		{"a name without a letter", func(p *address.Postal) { p.Name = "12 - 3" }, "ADDRESS_NAME name"},
		{"a long name", func(p *address.Postal) { p.Name = long(81) }, "ADDRESS_NAME name"},
		{"a name in two lines", func(p *address.Postal) { p.Name = "Amal\nHaddad" }, "ADDRESS_NAME name"},
		{"a name that turns", func(p *address.Postal) { p.Name = "Amal \u202eHaddad" }, "ADDRESS_NAME name"},
		{"a name with a NUL", func(p *address.Postal) { p.Name = "Amal\x00" }, "ADDRESS_NAME name"},
		{"a name that is no text", func(p *address.Postal) { p.Name = "Amal\xff" }, "ADDRESS_NAME name"},
		{"no street", func(p *address.Postal) { p.Line1 = "" }, "ADDRESS_LINE line1"},
		{"a street of signs", func(p *address.Postal) { p.Line1 = "---" }, "ADDRESS_LINE line1"},
		{"a long street", func(p *address.Postal) { p.Line1 = long(101) }, "ADDRESS_LINE line1"},
		{"a street in two lines", func(p *address.Postal) { p.Line1 = "12 rue\r\nde la Paix" }, "ADDRESS_LINE line1"},
		{"a second line that is long", func(p *address.Postal) { p.Line2 = long(101) }, "ADDRESS_LINE line2"},
		{"a second line that turns", func(p *address.Postal) { p.Line2 = "\u2067x" }, "ADDRESS_LINE line2"},
		{"no city", func(p *address.Postal) { p.City = "" }, "ADDRESS_CITY city"},
		{"a city of digits", func(p *address.Postal) { p.City = "75002" }, "ADDRESS_CITY city"},
		{"a long city", func(p *address.Postal) { p.City = long(61) }, "ADDRESS_CITY city"},
		{"a long region", func(p *address.Postal) { p.Region = long(61) }, "ADDRESS_REGION region"},
		{"a region that hides", func(p *address.Postal) { p.Region = "Île\u0007" }, "ADDRESS_REGION region"},
		{"no postal code", func(p *address.Postal) { p.PostalCode = "" }, "ADDRESS_POSTAL_CODE postalCode"},
		{"another country's postal code", func(p *address.Postal) { p.PostalCode = "SW1A 1AA" }, "ADDRESS_POSTAL_CODE postalCode"},
		{"a department that there is not", func(p *address.Postal) { p.PostalCode = "00100" }, "ADDRESS_POSTAL_CODE postalCode"},
		{"a digit too many", func(p *address.Postal) { p.PostalCode = "750021" }, "ADDRESS_POSTAL_CODE postalCode"},
		{"a long postal code", func(p *address.Postal) { p.PostalCode = strings.Repeat("7 ", 20) + "5" }, "ADDRESS_POSTAL_CODE postalCode"},
		{"no country", func(p *address.Postal) { p.Country = "" }, "ADDRESS_COUNTRY country"},
		{"a country by name", func(p *address.Postal) { p.Country = "France" }, "ADDRESS_COUNTRY country"},
		{"a country that is not served", func(p *address.Postal) { p.Country = "AQ" }, "ADDRESS_COUNTRY country"},
		{"a telephone of letters", func(p *address.Postal) { p.Phone = "call me" }, "ADDRESS_PHONE phone"},
		{"a telephone that is short", func(p *address.Postal) { p.Phone = "+3312" }, "ADDRESS_PHONE phone"},
		{"a telephone that is long", func(p *address.Postal) { p.Phone = "+3361234567890123" }, "ADDRESS_PHONE phone"},
		{"a plus in the middle", func(p *address.Postal) { p.Phone = "06+12345678" }, "ADDRESS_PHONE phone"},
		{"no such country's telephone", func(p *address.Postal) { p.Phone = "+0612345678" }, "ADDRESS_PHONE phone"},
		{"much of everything", func(p *address.Postal) { p.Phone = long(1 << 20) }, "ADDRESS_PHONE phone"},
	} {
		p := paris()
		c.set(&p)
		if _, err := address.Normalise(p); of(err) != c.want {
			t.Errorf("%s: %q, want %s", c.name, of(err), c.want)
		}
	}
}

// How people write postal codes, states and telephone numbers, and how the country does.
func TestWrittenAsTheCountryDoes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ country, region, code, phone, wantRegion, wantCode, wantPhone string }{
		{"fr", "", "F-75 002", "06 12.34-56 78", "", "75002", "+33612345678"},
		{"FR", "Île-de-France", "٧٥٠٠٢", "0033 6 12 34 56 78", "Île-de-France", "75002", "+33612345678"},
		{"FR", "", "97400", "+33 (0)6 12 34 56 78", "", "97400", "+33612345678"},
		{"BE", "", "b-1000", "02 512 34 56", "", "1000", "+3225123456"},
		{"LU", "", "L 1009", "26 12 34 56", "", "1009", "+35226123456"},
		{"NL", "", "1012js", "020-1234567", "", "1012 JS", "+31201234567"},
		{"DE", "", "DE 01067", "(0351) 123456", "", "01067", "+49351123456"},
		{"AT", "", "1010", "", "", "1010", ""},
		{"CH", "", "CH-8001", "044 668 18 00", "", "8001", "+41446681800"},
		{"ES", "Madrid", "28013", "612345678", "Madrid", "28013", "+34612345678"},
		{"PT", "", "1000001", "912345678", "", "1000-001", "+351912345678"},
		{"IT", "RM", "00184", "06 6982 1234", "RM", "00184", "+390669821234"},
		{"PL", "", "00001", "512345678", "", "00-001", "+48512345678"},
		{"IE", "", "d02af30", "085 123 4567", "", "D02 AF30", "+353851234567"},
		{"IE", "", "", "", "", "", ""},
		{"GB", "", "sw1a1aa", "020 7946 0018", "", "SW1A 1AA", "+442079460018"},
		{"GB", "", "m11ae", "", "", "M1 1AE", ""},
		{"GB", "", "gir 0aa", "", "", "GIR 0AA", ""},
		{"US", "california", "941031234", "(415) 555-2671", "CA", "94103-1234", "+14155552671"},
		{"US", "dc", "20500", "1 202 456 1111", "DC", "20500", "+12024561111"},
		{"CA", "Quebec", "h2x1y4", "514 555 0123", "QC", "H2X 1Y4", "+15145550123"},
		{"MA", "", "20000", "0612345678", "", "20000", "+212612345678"},
		{"TN", "", "1000", "20123456", "", "1000", "+21620123456"},
		{"DZ", "", "16000", "0551234567", "", "16000", "+213551234567"},
		{"SA", "", "122711234", "0512345678", "", "12271-1234", "+966512345678"},
		{"AE", "Dubai", "", "050 123 4567", "DU", "", "+971501234567"},
		{"JP", "", "１００－０００１", "03-1234-5678", "", "100-0001", "+81312345678"},
	} {
		in := paris()
		in.Country, in.Region, in.PostalCode, in.Phone = c.country, c.region, c.code, c.phone
		got, err := address.Normalise(in)
		if err != nil || got.Region != c.wantRegion || got.PostalCode != c.wantCode || got.Phone != c.wantPhone {
			t.Errorf("%+v: %+v, %v", c, got, err)
			continue
		}
		if again, err := address.Normalise(got); err != nil || again != got {
			t.Errorf("%+v once more: %+v, %v", got, again, err)
		}
	}
}

// What each country does not write.
func TestPostalCodesThatAreNone(t *testing.T) {
	t.Parallel()
	for country, codes := range map[string]string{
		"FR": "00000 99999 7500 75O02", "BE": "0999 10000 ABCD", "LU": "0999 10090", "NL": "0123AB 1012SS 1012 1012ABC", "DE": "00999 1011", "AT": "0999 10100",
		"CH": "0800 80010", "ES": "00999 53000 2801", "PT": "0999001 1000", "IT": "0018 001844", "PL": "0000 000010", "IE": "D0AF30 B02AF30 D02AF3I",
		"GB": "SW1A QQ 1AAA A SW1A1CA QW1A1AA", "US": "9410 941031 94103-12 ABCDE", "CA": "D1A0B1 K1A0O1 K1A0B W1A0B1", "MA": "00001 2000", "TN": "0100 10000", "DZ": "00100 60000 1600",
		"SA": "01227 1227 122711", "AE": "12345", "JP": "100000 10000012",
	} {
		for code := range strings.FieldsSeq(codes) {
			in := paris()
			in.Country, in.PostalCode, in.Phone = country, code, ""
			in.Region = map[string]string{"US": "CA", "CA": "ON", "AE": "DU"}[country]
			if got, err := address.Normalise(in); of(err) != "ADDRESS_POSTAL_CODE postalCode" {
				t.Errorf("%s %s: %q, %v", country, code, got.PostalCode, err)
			}
		}
	}
	for country, regions := range map[string][]string{"US": {"", "Ontario", "XX"}, "CA": {"", "Texas"}, "AE": {"", "DXB"}} {
		for _, region := range regions {
			in := paris()
			in.Country, in.Region = country, region
			if _, err := address.Normalise(in); of(err) != "ADDRESS_REGION region" {
				t.Errorf("%s %q: %v", country, region, err)
			}
		}
	}
}

// What a country shows as an example it takes, as it is.
func TestExamplesAreTaken(t *testing.T) {
	t.Parallel()
	all := address.CountriesSorted()
	if len(all) < 20 {
		t.Errorf("%d countries", len(all))
	}
	for _, c := range all {
		in := paris()
		in.Country, in.PostalCode, in.Phone = c.Code, c.PostalCodeExample, ""
		if len(c.Regions) > 0 {
			in.Region = c.Regions[0].Name
		}
		if got, err := address.Normalise(in); err != nil || got.PostalCode != c.PostalCodeExample || len(c.Regions) > 0 && got.Region != c.Regions[0].Code {
			t.Errorf("%s: %+v, %v", c.Code, got, err)
		}
	}
}

// Whatever is written, Normalise answers, and what it accepts it accepts again, unchanged, and the table would take.
func FuzzNormalise(f *testing.F) {
	f.Add("Amal", "12 rue", "Paris", "75002", "FR", "", "0612345678")
	f.Add("محمد", "شارع ١٢", "دبي", "", "AE", "DU", "+971501234567")
	f.Fuzz(func(t *testing.T, name, line1, city, code, country, region, phone string) {
		got, err := address.Normalise(address.Postal{Name: name, Line1: line1, City: city, PostalCode: code, Country: country, Region: region, Phone: phone})
		if err != nil {
			if of(err) == "" {
				t.Fatal(err)
			}
			return
		}
		if again, err := address.Normalise(got); err != nil || again != got {
			t.Errorf("%+v once more: %+v, %v", got, again, err)
		}
	})
}
