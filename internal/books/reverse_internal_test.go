package books

import (
	"os"
	"strings"
	"testing"

	"github.com/souklive/souk/internal/ledger"
)

// Whether a flow can be reversed is decided of each, and written down.
func TestEveryFlowIsDecided(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/ledger.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "## Reversing")
	for _, f := range ledger.Flows() {
		if reversible[f] == (instead[f] != "") {
			t.Errorf("%s: reversible %t, instead %q", f, reversible[f], instead[f])
		}
		if !strings.Contains(table, "`"+string(f)+"`") {
			t.Errorf("docs/ledger.md does not say whether %s can be reversed", f)
		}
	}
	if len(reversible)+len(instead) != len(ledger.Flows()) {
		t.Error("a flow is decided that does not exist")
	}
}
