package referral

import (
	"strings"
	"testing"
)

func TestCodesCanBeReadAloud(t *testing.T) {
	t.Parallel()
	seen, letters := map[string]bool{}, map[rune]bool{}
	for range 2_000 {
		code := newCode()
		if got, ok := readCode(" " + strings.ToLower(code) + "\n"); !ok || got != code || seen[code] {
			t.Fatalf("%q is read as %q, %v; seen before: %v", code, got, ok, seen[code])
		}
		seen[code] = true
		for _, r := range code {
			letters[r] = true
		}
	}
	if len(letters) != len(codeLetters) || strings.ContainsAny(codeLetters, "01ILOU") {
		t.Errorf("%d letters are used of %q", len(letters), codeLetters)
	}
}

func TestWhatIsNoCode(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", " ", "ABCDEFG", "ABCDEFGHJ", "ABCDEFG0", "ABCDEFGI", "ABCDEFG%", "ABCD EFG", "ABCD-EFG",
		"ABCDEſG", "ABCDEFG\x00", "ABCDE\u212a", "ＡＢＣＤＥＦＧＨ", "' OR 1=1", "\u202eABCDE", strings.Repeat("A", 1<<20),
	} {
		if code, ok := readCode(text); ok {
			t.Errorf("%.20q is read as %q", text, code)
		}
	}
}
