package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/souklive/souk"

type pkg struct {
	ImportPath   string
	Doc          string
	Name         string
	GoFiles      []string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

func (p pkg) short() string { return strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/") }

func packages(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Doc,Name,GoFiles,Imports,TestImports,XTestImports", module+"/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	decoder := json.NewDecoder(bytes.NewReader(out))
	for {
		var p pkg
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// domains in the order in which they may look at each other: only downwards, to what stands before.
var domains = []string{
	"internal/adminlog", "internal/identity", "internal/address", "internal/taxonomy", "internal/media", "internal/catalog", "internal/listingfile", "internal/feed", "internal/notify", "internal/inventory", "internal/flash", "internal/cart", "internal/wish", "internal/want", "internal/offer", "internal/code", "internal/follow", "internal/ledger", "internal/books", "internal/fx", "internal/payment", "internal/promotion", "internal/tax", "internal/referral", "internal/chat", "internal/show", "internal/showchat", "internal/video",
	"internal/shipping", "internal/shipping/mondialrelay", "internal/shipping/fedex", "internal/shipping/geocode", "internal/shipping/relaiscolis",
	"internal/order", "internal/handover", "internal/invoice", "internal/review", "internal/risk", "internal/checkout", "internal/auction", "internal/audit", "internal/explain", "internal/reconcile", "internal/demo",
	"internal/search", "internal/savedsearch", "internal/fill",
}

// leaves know nothing of the domain; they may look at each other and at db.
var leaves = []string{
	"internal/money", "internal/id", "internal/fault", "internal/clock", "internal/page", "internal/postgres",
	"internal/postgres/cluster", "internal/redisx", "internal/obs", "internal/httpx", "internal/realtime", "internal/socket", "internal/gqlws", "internal/gqlsse", "internal/audience",
	"internal/stripefake", "internal/carrierfake", "internal/ide", "internal/process", "internal/apt", "internal/text", "internal/locale", "internal/arrival", "internal/spreadsheet", "internal/batch", "internal/pace", "internal/work", "internal/presence", "internal/idempotency", "internal/picture", "internal/blob", "internal/pdf", "db", "db/migrations",
}

// ban is an import that must not be, and why.
type ban struct {
	from   func(pkg) bool
	to     func(string) bool
	reason string
}

func isIn(list []string) func(string) bool {
	return func(s string) bool { return slices.Contains(list, s) }
}

func under(prefix string) func(string) bool {
	return func(s string) bool { return s == prefix || strings.HasPrefix(s, prefix+"/") }
}

func isTestHelp(s string) bool {
	return strings.HasSuffix(s, "test") || under("internal/testservices")(s) || under("internal/e2e")(s)
}

var bans = []ban{
	{
		func(p pkg) bool { return under("internal")(p.short()) && !isTestHelp(p.short()) }, under("graph"),
		"the API is made of the domains; a domain that knew it could not be used without it",
	},
	{
		func(p pkg) bool { return p.short() != "server" }, under("server"),
		"the program wires everything; nothing hangs on it",
	},
	{
		func(p pkg) bool { return isIn(leaves)(p.short()) }, isIn(domains),
		"a leaf that knows a domain is no leaf",
	},
	{
		func(p pkg) bool { return !isTestHelp(p.short()) }, isTestHelp,
		"what helps tests is not for the product",
	},
	{
		func(p pkg) bool {
			return !isTestHelp(p.short()) && !slices.Contains([]string{"server", "internal/payment"}, p.short())
		},
		under("internal/stripefake"),
		"the fake stands outside, where Stripe does",
	},
	{
		func(p pkg) bool { return !isTestHelp(p.short()) && p.short() != "server" },
		under("internal/carrierfake"),
		"the fakes stand outside, where the carriers do",
	},
	{
		func(p pkg) bool { return p.short() != "server" }, under("internal/demo"),
		"play data is the program's own business",
	},
}

func TestImports(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		for _, imported := range p.Imports {
			to, ours := strings.CutPrefix(imported, module+"/")
			if !ours {
				continue
			}
			for _, b := range bans {
				if b.from(p) && b.to(to) {
					t.Errorf("%s imports %s: %s", p.short(), to, b.reason)
				}
			}
			if from, at := slices.Index(domains, p.short()), slices.Index(domains, to); from >= 0 && at > from {
				t.Errorf("%s imports %s, which stands above it", p.short(), to)
			}
		}
	}
}

// Stripe is reached in one place, so that keys, time-outs and idempotency are held in one place. A benchmark has what it compares us with.
func TestOutsideIsReachedInOnePlace(t *testing.T) {
	t.Parallel()
	only := map[string][]string{
		"github.com/stripe/stripe-go":   {"internal/payment"},
		"github.com/gorilla/websocket":  {"internal/socket", "internal/apitest"},
		"github.com/redis/go-redis":     {"internal/redisx", "internal/realtime", "internal/presence", "internal/flash", "server"},
		"github.com/riverqueue/river":   {"internal/cart", "internal/listingfile", "internal/idempotency", "internal/ledger", "internal/media", "internal/fx", "internal/notify", "internal/order", "internal/payment", "internal/reconcile", "internal/referral", "internal/risk", "internal/shipping", "internal/show", "internal/postgres", "server"},
		"github.com/99designs/gqlgen":   {"graph", "graph/answer", "graph/generated", "graph/model", "graph/scalar", "internal/gqlws", "internal/gqlsse", "internal/audience"},
		"github.com/aws":                {"internal/blob"},
		"github.com/alicebob/miniredis": {"internal/redisx"},
	}
	for _, p := range packages(t) {
		for _, imported := range p.Imports {
			for library, allowed := range only {
				if strings.HasPrefix(imported, library) && !slices.Contains(allowed, p.short()) && !isTestHelp(p.short()) && path.Dir(p.short()) != "bench" {
					t.Errorf("%s imports %s, which belongs to %v", p.short(), imported, allowed)
				}
			}
		}
	}
}

func TestEachDirectorySaysWhatItIsFor(t *testing.T) {
	t.Parallel()
	generated := []string{"db", "graph/generated", "graph/model"}
	for _, p := range packages(t) {
		if len(p.GoFiles) == 0 || slices.Contains(generated, p.short()) {
			continue
		}
		if p.Doc == "" {
			t.Errorf("%s has no package doc", p.short())
		}
		if p.Name != "main" && !strings.HasPrefix(p.Doc, "Package "+p.Name+" ") {
			t.Errorf("the doc of %s begins %q", p.short(), p.Doc)
		}
	}
}

// A package is either placed in the order above or on this list, so that a new one is thought about.
func TestEveryPackageHasItsPlace(t *testing.T) {
	t.Parallel()
	placed := slices.Concat(domains, leaves, []string{"server", "graph", "graph/answer", "graph/generated", "graph/model", "graph/scalar", "internal/archtest"})
	for _, p := range packages(t) {
		if name := p.short(); !slices.Contains(placed, name) && !isTestHelp(name) && path.Dir(name) != "bench" {
			t.Errorf("%s has no place in archtest's lists", name)
		}
	}
}
