package text

import (
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Words are the words of a text as they are compared: without case, accents and other marks, without what cannot be seen, with
// the letters that people use for one another as one. A word is a run of letters and digits.
func Words(s string) []string {
	return strings.FieldsFunc(cases.Fold().String(strings.Map(plain, norm.NFKD.String(s))), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsNumber(r)
	})
}

// plain drops what marks a letter (accents, Arabic vowels, the tatweel) or hides between letters, and gives letters and
// digits that are written for one another one form. Its input is decomposed: of أ and آ only the alef is left to it.
func plain(r rune) rune {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) || r == 'ـ':
		return -1
	case '٠' <= r && r <= '٩':
		return r - '٠' + '0'
	case '۰' <= r && r <= '۹':
		return r - '۰' + '0'
	}
	if same, ok := alike[r]; ok {
		return same
	}
	return r
}

var alike = map[rune]rune{
	'ٱ': 'ا', 'ى': 'ي', 'ی': 'ي', 'ة': 'ه', 'ک': 'ك',
	'ı': 'i', 'ø': 'o', 'Ø': 'o', 'ł': 'l', 'Ł': 'l', 'đ': 'd', 'Đ': 'd',
}
