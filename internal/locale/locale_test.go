package locale_test

import (
	"strings"
	"testing"

	"github.com/souklive/souk/internal/locale"
)

func TestAccepted(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]locale.Locale{
		"":                                 "en",
		"en":                               "en",
		"ar":                               "ar",
		"fr":                               "fr",
		"AR":                               "ar",
		"ar-MA":                            "ar",
		"fr-CA, en;q=0.5":                  "fr",
		"en;q=0.5, fr;q=0.9":               "fr",
		"de, fr;q=0.3, en;q=0.2":           "fr",
		"de-DE,de;q=0.9":                   "en",
		"ja":                               "en",
		"*":                                "en",
		"fr;q=0":                           "en",
		"en-US,en;q=0.9,ar;q=0.8":          "en",
		";;;":                              "en",
		"fr;q=x":                           "en",
		"\x00\xff":                         "en",
		"fr, " + strings.Repeat("x", 2000): "en",
		"fr-CA;q=0.5, ar;q=0.7":            "ar",
		"fr-x-y, ar":                       "fr",
	} {
		if got := locale.Accepted(value); got != want {
			t.Errorf("%.40q: %s, want %s", value, got, want)
		}
	}
}

func FuzzAccepted(f *testing.F) {
	f.Add("fr-CA, en;q=0.5")
	f.Fuzz(func(t *testing.T, value string) {
		if got := locale.Accepted(value); got != locale.Arabic && got != locale.English && got != locale.French {
			t.Errorf("%q is read as %q", value, got)
		}
	})
}

func BenchmarkAccepted(b *testing.B) {
	for b.Loop() {
		locale.Accepted("fr-CA,fr;q=0.9,en-US;q=0.8,en;q=0.7")
	}
}
