package pdf

import (
	"strings"
	"testing"
	"time"
	"unicode"

	"pgregory.net/rapid"
)

// Whatever text it is given, it sets lines that are no wider than they may be and no more than they may be, without a character that would turn the page round, and writes the same bytes twice.
func TestAnyText(t *testing.T) {
	t.Parallel()
	fonts, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	pieces := []string{"فاتورة", "لا", "iPhone 15", " ", "\u202E", "\u2066", "\x00", "🎉", "漢字", "e\u0301", "\u0301", "\xff", "(", ")", "12,50", "\n", "\u00AD", "שלום", "-", "%", "W", "\U000E0041", "\u200D"}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(pieces), rapid.String()), 0, 30).Draw(t, "text"), "")
		style := Style{Size: rapid.Float64Range(4, 20).Draw(t, "size"), Bold: rapid.Bool().Draw(t, "bold"), Direction: rapid.SampledFrom([]Direction{Auto, LeftToRight, RightToLeft}).Draw(t, "direction")}
		width, most := rapid.Float64Range(60, 500).Draw(t, "width"), rapid.IntRange(1, 5).Draw(t, "lines")
		write := func() string {
			d := &Document{Title: text, Language: "ar", Created: time.Unix(0, 0)}
			page := d.Page()
			lines := NewSetter(fonts).Wrap(text, style, width, most)
			if len(lines) > most {
				t.Fatalf("%d lines", len(lines))
			}
			for i, line := range lines {
				if line.Width > width+1 && letters(line) > 1 {
					t.Fatalf("%q is %f wide and may be %f", text, line.Width, width)
				}
				for _, r := range line.runs {
					for _, g := range r.glyphs {
						for _, c := range g.text {
							if unicode.Is(unicode.Bidi_Control, c) || unicode.Is(unicode.Cc, c) {
								t.Fatalf("%U is set", c)
							}
						}
					}
				}
				page.Text(line, 10, 20*float64(i+1))
			}
			file, err := d.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			return string(file)
		}
		if first, second := write(), write(); first != second {
			t.Fatal("the second time it is other bytes")
		}
	})
}

// letters are how many clusters a line has: one alone may be as wide as it is.
func letters(line Line) (n int) {
	for _, r := range line.runs {
		for _, g := range r.glyphs {
			if g.text != "" {
				n++
			}
		}
	}
	return n
}

// Runs are in the order in which they are seen, each number and each name the right way round.
func TestOrderOfSight(t *testing.T) {
	t.Parallel()
	fonts, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"abc 12":             "abc 12",
		"هاتف 15":            "15 فتاه",
		"هاتف iPhone 15 برو": "ورب iPhone 15 فتاه",
		"abc هاتف 15 برو":    "abc ورب 15 فتاه",
		"(أ) 5":              "5 )أ(", // brackets are mirrored as they are shaped
	} {
		var seen strings.Builder
		for _, r := range NewSetter(fonts).Line(text, Style{Size: 10}, 500).runs {
			for _, g := range r.glyphs {
				seen.WriteString(g.text)
			}
		}
		if seen.String() != want {
			t.Errorf("%q is seen as %q, want %q", text, seen.String(), want)
		}
	}
}
