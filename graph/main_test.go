package graph_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/souklive/souk/internal/graphtest"
)

// notReached has what no test reaches yet. What is new in the schema is reached by a test, and is not written there.
const notReached = "testdata/unreached.txt"

// Every field is answered with something, every field of an input and every value of an enum is sent or answered, somewhere in the tests of this package.
func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 && whole() {
		if err := allReached(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// whole tells whether all tests were run.
func whole() bool {
	for _, name := range []string{"test.run", "test.skip", "test.list", "test.fuzz"} {
		if flag.Lookup(name).Value.String() != "" {
			return false
		}
	}
	return !testing.Short()
}

func allReached() error {
	text, err := os.ReadFile(notReached)
	if err != nil {
		return err
	}
	known := strings.Fields(string(text))
	missing := unreached(schema(), graphtest.Reached().Names())
	if path := os.Getenv("UNREACHED"); path != "" { // how the list is written anew
		return os.WriteFile(path, []byte(strings.Join(missing, "\n")+"\n"), 0o600)
	}
	for _, name := range known {
		if !slices.Contains(missing, name) {
			fmt.Printf("%s is reached now, or is no more: take it out of graph/%s\n", name, notReached)
		}
	}
	missing = slices.DeleteFunc(missing, func(name string) bool { return slices.Contains(known, name) })
	if len(missing) > 0 {
		return fmt.Errorf("reached by no test through the API:\n%s", strings.Join(missing, "\n"))
	}
	return nil
}

// unreached is what of a schema is not among the names.
func unreached(s *ast.Schema, names []string) []string {
	var missing []string
	want := func(name string) {
		if _, found := slices.BinarySearch(names, name); !found {
			missing = append(missing, name)
		}
	}
	for _, def := range own(s) {
		for _, value := range def.EnumValues {
			want(def.Name + "." + value.Name)
		}
		if def.Kind != ast.Object && def.Kind != ast.InputObject || strings.HasSuffix(def.Name, "Connection") || strings.HasSuffix(def.Name, "Edge") {
			continue // connections are of one shape, which has a test of its own
		}
		for _, f := range def.Fields {
			shared := slices.Contains(def.Interfaces, "UserError") && s.Types["UserError"].Fields.ForName(f.Name) != nil
			if shared || f.Name == "userErrors" || strings.HasPrefix(f.Name, "__") {
				continue
			}
			want(def.Name + "." + f.Name)
			for _, arg := range f.Arguments {
				if arg.Name != "first" && arg.Name != "after" {
					want(def.Name + "." + f.Name + "(" + arg.Name + ")")
				}
			}
		}
	}
	slices.Sort(missing)
	return missing
}
