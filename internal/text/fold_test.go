package text_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/souklive/souk/internal/text"
)

func TestWords(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"":                         "",
		"  ... 🎉 !":                "",
		"Déjà-vu, ENCORE une fois": "deja vu encore une fois",
		"Straße":                   "strasse",
		"İstanbul ısı":             "istanbul isi",
		"Σίσυφος, ΣΊΣΥΦΟ":          "σισυφοσ σισυφο",
		"ﬁne ｆｕｌｌ":                 "fine full",
		"a\u200bb a\u00adc":        "ab ac",
		"مُحَمَّد":                 "محمد", "محـــمد": "محمد",
		"أحمد": "احمد", "إحمد": "احمد", "آحمد": "احمد", "ٱحمد": "احمد",
		"مكتبة": "مكتبه",
		"على":   "علي", "علی": "علي",
		"مؤمن رئيس":          "مومن رييس",
		"١٢٣ ۴۵۶ 789":        "123 456 789",
		"snake_case o'clock": "snake case o clock",
	} {
		if got := text.Words(s); !slices.Equal(got, strings.Fields(want)) {
			t.Errorf("%q is %q, want %q", s, got, want)
		}
	}
}
