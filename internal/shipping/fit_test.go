package shipping_test

import (
	"errors"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/souklive/souk/internal/address"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/shipping"
)

func relayLimits() shipping.Limits {
	return shipping.Limits{Name: 32, NameLines: 2, Line: 32, Lines: 2, City: 26, Signs: "_-'.,/", CitySigns: "_-'", Upper: true}
}

func TestFit(t *testing.T) {
	t.Parallel()
	narrow := shipping.Limits{Name: 20, Line: 20, Lines: 2, City: 12, Signs: "-'", CitySigns: "-'", Upper: true}
	for name, c := range map[string]struct {
		limits shipping.Limits
		in     address.Postal
		want   shipping.Fitted
		losses []shipping.Loss
	}{
		"as it is": {
			relayLimits(), address.Postal{Name: "Marie Curie", Line1: "24 rue Thouin", City: "Paris", PostalCode: "75005", Country: "FR", Phone: "+33612345678"},
			shipping.Fitted{Name: []string{"MARIE CURIE"}, Lines: []string{"24 RUE THOUIN"}, City: "PARIS", PostalCode: "75005", Country: "FR", Phone: "+33612345678"}, nil,
		},
		"accents become bare letters, which is no loss": {
			relayLimits(), address.Postal{Name: "Zoë Łąçki-Nuñez", Line1: "1 allée de l’Œuvre", Line2: "Straße ß", City: "Saint-Étienne", Country: "FR"},
			shipping.Fitted{Name: []string{"ZOE LACKI-NUNEZ"}, Lines: []string{"1 ALLEE DE L'OEUVRE", "STRASSE SS"}, City: "SAINT-ETIENNE", Country: "FR"}, nil,
		},
		"small letters stay small where the carrier takes them": {
			shipping.Limits{Name: 35, Line: 35, Lines: 3, City: 35, Signs: "#"}, address.Postal{Name: "Ann O'Hara", Line1: "12 Main St #4", City: "Austin", Country: "US"},
			shipping.Fitted{Name: []string{"Ann O Hara"}, Lines: []string{"12 Main St #4"}, City: "Austin", Country: "US"}, []shipping.Loss{{"name", "'"}},
		},
		"signs that nobody prints are reported": {
			relayLimits(), address.Postal{Name: "Max & Moritz 🎁", Line1: "5 rue \"A\"", City: "Lille", Country: "FR"},
			shipping.Fitted{Name: []string{"MAX MORITZ"}, Lines: []string{"5 RUE A"}, City: "LILLE", Country: "FR"}, []shipping.Loss{{"name", "&🎁"}, {"line1", `"`}},
		},
		"digits of Arabic are digits": {
			relayLimits(), address.Postal{Name: "Ali", Line1: "٢٤ rue Hassan", City: "Rabat", Country: "MA"},
			shipping.Fitted{Name: []string{"ALI"}, Lines: []string{"24 RUE HASSAN"}, City: "RABAT", Country: "MA"}, nil,
		},
		"a long street goes on in the next line": {
			relayLimits(), address.Postal{Name: "A B", Line1: "127 rue de la Bibliothèque Nationale de France", City: "Paris", Country: "FR"},
			shipping.Fitted{Name: []string{"A B"}, Lines: []string{"127 RUE DE LA BIBLIOTHEQUE", "NATIONALE DE FRANCE"}, City: "PARIS", Country: "FR"}, nil,
		},
		"where there is none it is shortened as the post does": {
			narrow, address.Postal{Name: "A B", Line1: "12 avenue du Général de Gaulle", Line2: "Résidence du Parc", City: "Lyon", Country: "FR"},
			shipping.Fitted{Name: []string{"A B"}, Lines: []string{"12 AV DU GAL DE", "GAULLE RES DU PARC"}, City: "LYON", Country: "FR"}, nil,
		},
		"and only then cut": {
			narrow, address.Postal{Name: "Maximilian von und zu Hohenstein", Line1: "1 rue", Line2: "bâtiment C escalier 4 porte 12 code 4711 sonner fort", City: "Villeneuve-d'Ascq", Country: "FR"},
			shipping.Fitted{Name: []string{"MAXIMILIAN VON UND"}, Lines: []string{"1 RUE BAT C ESC 4", "PORTE 12 CODE 4711"}, City: "VILLENEUVE-D", Country: "FR"},
			[]shipping.Loss{{"name", "ZU HOHENSTEIN"}, {"line1", "SONNER FORT"}, {"city", "'ASCQ"}},
		},
		"English words are shortened in English": {
			narrow, address.Postal{Name: "A B", Line1: "4500 North Lake Shore Drive Apartment 12", City: "Chicago", Country: "US", Region: "IL"},
			shipping.Fitted{Name: []string{"A B"}, Lines: []string{"4500 N LAKE SHORE DR", "APT 12"}, City: "CHICAGO", Country: "US", Region: "IL"}, nil,
		},
		"a word longer than a line is broken": {
			narrow, address.Postal{Name: "A B", Line1: "Donaudampfschifffahrtsgesellschaft 1", City: "Wien", Country: "AT"},
			shipping.Fitted{Name: []string{"A B"}, Lines: []string{"DONAUDAMPFSCHIFFFAHR", "TSGESELLSCHAFT 1"}, City: "WIEN", Country: "AT"}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, losses, err := c.limits.Fit(c.in)
			if err != nil || !reflect.DeepEqual(got, c.want) || !reflect.DeepEqual(losses, c.losses) {
				t.Errorf("got  %q %v %v\nwant %q %v", got, losses, err, c.want, c.losses)
			}
		})
	}
}

func TestOtherScriptsAreRefused(t *testing.T) {
	t.Parallel()
	good := address.Postal{Name: "Ali", Line1: "1 rue A", City: "Rabat", Country: "MA"}
	for field, spoil := range map[string]func(*address.Postal, string){
		"name":  func(p *address.Postal, s string) { p.Name = s },
		"line1": func(p *address.Postal, s string) { p.Line1 = s },
		"line2": func(p *address.Postal, s string) { p.Line2 = s },
		"city":  func(p *address.Postal, s string) { p.City = s },
	} {
		for _, s := range []string{"علي بن محمد", "Улица Ленина", "東京都", "Αθήνα", "rue شارع"} {
			p := good
			spoil(&p, s)
			_, _, err := relayLimits().Fit(p)
			if f, ok := fault.As(err); !ok || !errors.Is(err, shipping.ErrScript) || len(f.Field) != 1 || f.Field[0] != field {
				t.Errorf("%s in %s: %v", s, field, err)
			}
		}
	}
	p := good
	p.Line1 = "1 !!!" // something has to be left
	if _, _, err := relayLimits().Fit(p); err != nil {
		t.Error(err)
	}
	p.City = "…"
	if _, _, err := relayLimits().Fit(p); !errors.Is(err, shipping.ErrScript) {
		t.Errorf("a city of signs: %v", err)
	}
}

// Whatever is fitted is as the carrier takes it, and each of its words is printed or reported.
func TestFitKeepsOrReports(t *testing.T) {
	t.Parallel()
	line := regexp.MustCompile(`^[0-9A-Z_\-'., /]{1,32}$`)
	city := regexp.MustCompile(`^[A-Z_\-' 0-9]{1,26}$`)
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.StringMatching(`([A-Za-zéèçß'-]{1,40} ?){1,8}`)
		p := address.Postal{Name: words.Draw(t, "name"), Line1: words.Draw(t, "line1"), Line2: words.Draw(t, "line2"), City: words.Draw(t, "city"), Country: "DE"}
		f, losses, err := relayLimits().Fit(p)
		if err != nil {
			t.Fatal(err)
		}
		if len(f.Name) > 2 || len(f.Lines) > 2 || !city.MatchString(f.City) {
			t.Fatalf("%q", f)
		}
		printed := map[string]string{"name": strings.Join(f.Name, ""), "line1": strings.Join(f.Lines, ""), "city": f.City}
		for _, s := range append(f.Name, f.Lines...) {
			if !line.MatchString(s) {
				t.Fatalf("%q is not as the carrier takes it", s)
			}
		}
		for _, l := range losses {
			printed[l.Field] += l.Lost
		}
		squeeze := func(s string) string {
			f, _, _ := shipping.Limits{Name: 9999, Line: 9999, Lines: 1, City: 1, Signs: "_-'.,/", Upper: true}.Fit(address.Postal{Name: s, Line1: "x", City: "x"})
			return strings.ReplaceAll(strings.Join(f.Name, ""), " ", "")
		}
		for field, given := range map[string]string{"name": p.Name, "line1": p.Line1 + " " + p.Line2, "city": p.City} {
			if got := strings.ReplaceAll(printed[field], " ", ""); got != squeeze(given) {
				t.Fatalf("of %s %q there is %q", field, given, got)
			}
		}
	})
}
