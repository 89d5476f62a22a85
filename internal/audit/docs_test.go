package audit

import (
	"os"
	"strings"
	"testing"
)

func TestTheDocumentNamesEveryCheck(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/ledger.md")
	if err != nil {
		t.Fatal(err)
	}
	checks, err := Checks()
	if err != nil {
		t.Fatal(err)
	}
	for _, check := range checks {
		if !strings.Contains(string(text), "| `"+check.Name+"` |") {
			t.Errorf("docs/ledger.md does not have %s", check.Name)
		}
	}
}
