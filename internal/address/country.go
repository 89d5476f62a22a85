package address

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Country is how a country writes addresses.
type Country struct {
	Code              string // ISO 3166-1
	PostalCodeExample string // empty where there are none
	PostalCodeNeeded  bool
	Regions           []Region // of which an address names one; none where it need not

	postal  string // a pattern of the postal code, without anything between its letters and digits
	write   func(compact string) string
	calling string // the country's telephone code
	trunk   string // what is dialled before a number within the country, and left out from abroad
}

// Region is a state, a province or an emirate.
type Region struct{ Code, Name string }

// Countries are those that things are sent to, by their codes. A function, as nobody may change them.
func Countries() map[string]Country {
	all := map[string]Country{}
	for _, c := range []Country{
		{Code: "AE", Regions: emirates(), calling: "971", trunk: "0"},
		{Code: "AT", PostalCodeExample: "1010", postal: `^[1-9]\d{3}$`, calling: "43", trunk: "0"},
		{Code: "BE", PostalCodeExample: "1000", postal: `^[1-9]\d{3}$`, calling: "32", trunk: "0"},
		{Code: "CA", PostalCodeExample: "K1A 0B1", postal: `^[ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z]\d[ABCEGHJ-NPRSTV-Z]\d$`, write: split(3, " "), Regions: provinces(), calling: "1", trunk: "1"},
		{Code: "CH", PostalCodeExample: "8001", postal: `^[1-9]\d{3}$`, calling: "41", trunk: "0"},
		{Code: "DE", PostalCodeExample: "10115", postal: `^(0[1-9]|[1-9]\d)\d{3}$`, calling: "49", trunk: "0"},
		{Code: "DZ", PostalCodeExample: "16000", postal: `^(0[1-9]|[1-5]\d)\d{3}$`, calling: "213", trunk: "0"},
		{Code: "ES", PostalCodeExample: "28013", postal: `^(0[1-9]|[1-4]\d|5[0-2])\d{3}$`, calling: "34"},
		{Code: "FR", PostalCodeExample: "75001", postal: `^(0[1-9]|[1-8]\d|9[0-8])\d{3}$`, calling: "33", trunk: "0"},
		{Code: "GB", PostalCodeExample: "SW1A 1AA", postal: `^(GIR0AA|[A-PR-UWYZ](\d[\dA-HJKPSTUW]?|[A-HK-Y]\d[\dABEHMNPRVWXY]?)\d[ABD-HJLNP-UW-Z]{2})$`, write: split(-3, " "), calling: "44", trunk: "0"},
		{Code: "IE", PostalCodeExample: "D02 AF30", postal: `^([AC-FHKNPRTV-Y]\d{2}|D6W)[\dAC-FHKNPRTV-Y]{4}$`, write: split(3, " "), calling: "353", trunk: "0"},
		{Code: "IT", PostalCodeExample: "00184", postal: `^\d{5}$`, calling: "39"},
		{Code: "JP", PostalCodeExample: "100-0001", postal: `^\d{7}$`, write: split(3, "-"), calling: "81", trunk: "0"},
		{Code: "LU", PostalCodeExample: "1009", postal: `^[1-9]\d{3}$`, calling: "352"},
		{Code: "MA", PostalCodeExample: "20000", postal: `^[1-9]\d{4}$`, calling: "212", trunk: "0"},
		{Code: "NL", PostalCodeExample: "1012 JS", postal: `^[1-9]\d{3}([A-RT-Z][A-Z]|S[BCE-RT-Z])$`, write: split(4, " "), calling: "31", trunk: "0"},
		{Code: "PL", PostalCodeExample: "00-001", postal: `^\d{5}$`, write: split(2, "-"), calling: "48"},
		{Code: "PT", PostalCodeExample: "1000-001", postal: `^[1-9]\d{6}$`, write: split(4, "-"), calling: "351"},
		{Code: "SA", PostalCodeExample: "12271", postal: `^[1-9]\d{4}(\d{4})?$`, write: split(5, "-"), calling: "966", trunk: "0"},
		{Code: "TN", PostalCodeExample: "1000", postal: `^[1-9]\d{3}$`, calling: "216"},
		{Code: "US", PostalCodeExample: "94103", postal: `^\d{5}(\d{4})?$`, write: split(5, "-"), Regions: states(), calling: "1", trunk: "1"},
	} {
		// Where there are postal codes an address has one, but where people hardly use theirs.
		c.PostalCodeNeeded = c.postal != "" && c.Code != "IE"
		all[c.Code] = c
	}
	return all
}

// CountriesSorted are Countries in the order of their codes.
func CountriesSorted() []Country {
	all := Countries()
	sorted := make([]Country, 0, len(all))
	for _, code := range slices.Sorted(maps.Keys(all)) {
		sorted = append(sorted, all[code])
	}
	return sorted
}

// split writes a code in two parts: the first n letters and digits, or all but the last -n; the second may be missing.
func split(n int, between string) func(string) string {
	return func(s string) string {
		at := n
		if n < 0 {
			at = len(s) + n
		}
		if at <= 0 || at >= len(s) {
			return s
		}
		return s[:at] + between + s[at:]
	}
}

// postalCode writes a postal code as the country does; false where it is none of the country's.
func (c Country) postalCode(s string) (string, bool) {
	compact := strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' {
			r -= 'a' - 'A'
		}
		if r == ' ' || r == '-' || r == '.' || r == '\u00a0' || r == '\u2010' || r == '\u2011' {
			return -1
		}
		return r
	}, s)
	switch {
	case compact == "":
		return "", !c.PostalCodeNeeded
	case c.postal == "":
		return "", false
	}
	pattern := regexp.MustCompile(c.postal)
	if !pattern.MatchString(compact) { // F-75001, L-1009, DE 10115
		for _, prefix := range []string{c.Code, c.Code[:1]} {
			if rest, cut := strings.CutPrefix(compact, prefix); cut && pattern.MatchString(rest) {
				compact = rest
				break
			}
		}
	}
	if !pattern.MatchString(compact) {
		return "", false
	}
	if c.write == nil {
		return compact, true
	}
	return c.write(compact), true
}

// region is the code of a region that is named by its code or its name.
func (c Country) region(s string) (string, bool) {
	for _, r := range c.Regions {
		if strings.EqualFold(s, r.Code) || strings.EqualFold(s, r.Name) {
			return r.Code, true
		}
	}
	return "", false
}

// phone writes a number as E.164 does: + and at most 15 digits. What is not written with + or 00 is dialled within the country.
func (c Country) phone(s string) (string, bool) {
	international := strings.HasPrefix(s, "+")
	digits := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" -./()+\u00a0", r) {
			return -1
		}
		return r
	}, s)
	if strings.Count(s, "+") > 1 || strings.Contains(s, "+") && !international || strings.ContainsFunc(digits, notDigit) {
		return "", false
	}
	if rest, cut := strings.CutPrefix(digits, "00"); cut && !international {
		digits, international = rest, true
	}
	if international {
		// +33 (0)1 23 …: the trunk's digit is for who dials within the country.
		if strings.Contains(s, "(0)") && c.trunk == "0" {
			digits = strings.Replace(digits, c.calling+"0", c.calling, 1)
		}
	} else {
		digits = c.calling + strings.TrimPrefix(digits, c.trunk)
	}
	if len(digits) < 8 || len(digits) > 15 || digits[0] == '0' {
		return "", false
	}
	return "+" + digits, true
}

func notDigit(r rune) bool { return r < '0' || r > '9' }
