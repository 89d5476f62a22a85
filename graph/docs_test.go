package graph_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/souklive/souk/graph"
)

var (
	refusalInCode  = regexp.MustCompile(`fault\.New\(fault\.([A-Za-z]+), "([A-Z_]+)"|(?:tooMuch|Refuse\(w, r, [A-Za-z.]+)[(,]\s*"([A-Z_]+)"`)
	refusalInTable = regexp.MustCompile("`([A-Z_]{6,})`")
)

// The guide's table has every code that the server can give, and no other.
func TestEveryCodeIsInTheGuide(t *testing.T) {
	t.Parallel()
	guide := read(t, "../docs/api.md")
	_, table, _ := strings.Cut(guide, "## Codes")
	documented := map[string]bool{}
	for line := range strings.SplitSeq(table, "\n") {
		if cells := strings.Split(line, "|"); len(cells) > 2 {
			for _, code := range refusalInTable.FindAllStringSubmatch(cells[1], -1) {
				documented[code[1]] = true
			}
		}
	}
	given := map[string]bool{ // by the libraries
		"GRAPHQL_PARSE_FAILED": true, "GRAPHQL_VALIDATION_FAILED": true, "PERSISTED_QUERY_NOT_FOUND": true, "INTERNAL": true,
	}
	for _, root := range []string{".", "../internal"} {
		err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
			if path == "../internal/ledger" { // what it refuses is a fault of ours
				return fs.SkipDir
			}
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			for _, match := range refusalInCode.FindAllStringSubmatch(read(t, path), -1) {
				if match[1] != "Internal" {
					given[match[2]+match[3]] = true
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for code := range given {
		if !documented[code] {
			t.Errorf("docs/api.md lacks %s", code)
		}
	}
	for code := range documented {
		if !given[code] {
			t.Errorf("docs/api.md has %s, which nothing gives", code)
		}
	}
}

func TestEveryRootFieldIsInTheChangelog(t *testing.T) {
	t.Parallel()
	changelog := read(t, "../CHANGELOG.md")
	for root, fields := range rootFields(schema()) {
		for _, f := range fields {
			if !strings.Contains(changelog, "`"+f.Name+"`") && f.Name != "viewer" {
				t.Errorf("CHANGELOG.md does not name %s.%s", root.Name, f.Name)
			}
		}
	}
}

func TestTheGuideHasTheLimits(t *testing.T) {
	t.Parallel()
	guide := read(t, "../docs/api.md")
	for _, row := range []string{"| 12 | `QUERY_TOO_DEEP`", "| 5,000 | `QUERY_TOO_COSTLY`", "| 30 | `TOO_MANY_ALIASES`", "| 10 | `TOO_MANY_MUTATIONS`", "| 200 | `QUERY_TOO_COSTLY`"} {
		if !strings.Contains(guide, row) {
			t.Errorf("the guide lacks %s", row)
		}
	}
	if want := (graph.Limits{Depth: 12, Cost: 5_000, Mutations: 10, Aliases: 30, Tokens: 5_000, Repeats: 200}); graph.DefaultLimits != want {
		t.Errorf("the guide is about %+v, the server has %+v", want, graph.DefaultLimits)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
