package text_test

import (
	"testing"

	"github.com/souklive/souk/internal/text"
)

func TestWhatMayBeShown(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		s           string
		line, prose bool
	}{
		{"Brass pot", true, true},
		{"إبريق نحاسي", true, true},
		{"إبريق 30 cm\u200f", true, true}, // with a mark of direction
		{"👩‍👧 and 🏴󠁧󠁢󠁥󠁮󠁧󠁿", true, true},   // joined and tagged
		{"", false, true},
		{"two\nlines and\ta tab", false, true},
		{"a return\r", false, false},
		{"NUL \x00", false, false},
		{"escape \x1b[31m", false, false},
		{"C1 \u0085", false, false},
		{"line separator \u2028", false, false},
		{"pot \u202etop", false, false},
		{"pot \u2067top", false, false},
		{"\u200b", false, false},
		{" \u00a0 ", false, false},
		{"\xff", false, false},
	} {
		if got := text.IsLine(c.s); got != c.line {
			t.Errorf("IsLine(%q) is %v", c.s, got)
		}
		if got := text.IsProse(c.s); got != c.prose {
			t.Errorf("IsProse(%q) is %v", c.s, got)
		}
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	if got := text.Clean(" \r\nOne\r\ntwo \n"); got != "One\ntwo" {
		t.Errorf("got %q", got)
	}
}
