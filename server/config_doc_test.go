package main

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table in docs/configuration.md anew")

const (
	configurationDoc = "../docs/configuration.md"
	tableHead        = "| Setting | Default | Meaning | In production |\n|---|---|---|---|\n"
)

// TestConfigurationTable keeps docs/configuration.md the same as the struct: names, defaults, what is
// demanded in production, and the meaning, which is the comment above the field.
func TestConfigurationTable(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(configurationDoc)
	if err != nil {
		t.Fatal(err)
	}
	before, after, found := strings.Cut(string(text), tableHead)
	if !found {
		t.Fatalf("%s has no table", configurationDoc)
	}
	rows := 0
	for line := range strings.Lines(after) {
		if !strings.HasPrefix(line, "|") {
			break
		}
		rows += len(line)
	}
	want := settingsTable(t)
	if *update {
		if err := os.WriteFile(configurationDoc, []byte(before+tableHead+want+after[rows:]), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got := after[:rows]; got != want {
		t.Errorf("%s has\n%s\nthe struct says\n%s\nrun: go test ./server -run TestConfigurationTable -update", configurationDoc, got, want)
	}
}

func settingsTable(t *testing.T) string {
	t.Helper()
	var table strings.Builder
	comments := fieldComments(t)
	for _, f := range settingFields() {
		meaning := comments[f.field]
		if meaning == "" {
			t.Errorf("%s has no comment that says what it means", f.field)
		}
		fallback := ""
		if f.fallback != "" {
			fallback = "`" + f.fallback + "`"
		}
		table.WriteString("| `" + f.name + "` | " + fallback + " | " + meaning + " | " + f.production + " |\n")
	}
	return table.String()
}

// fieldComments reads the comments in Config, which reflection does not see.
func fieldComments(t *testing.T) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "config.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	comments := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok || spec.Name.Name != "Config" {
			return true
		}
		for _, field := range spec.Type.(*ast.StructType).Fields.List {
			comments[field.Names[0].Name] = strings.Join(strings.Fields(field.Doc.Text()), " ")
		}
		return false
	})
	return comments
}

func TestProductionTagIsOneOfTwo(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, f := range settingFields() {
		if f.production != "" && f.production != "required" && f.production != "refused" {
			t.Errorf("%s: production:%q is enforced by nobody", f.name, f.production)
		}
		if f.production == "required" && f.fallback != "" {
			t.Errorf("%s has a default and is required", f.name)
		}
		if seen[f.name] {
			t.Errorf("%s is there twice", f.name)
		}
		seen[f.name] = true
	}
	exported := 0
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		if f.IsExported() {
			exported++
		}
	}
	if exported != len(seen) {
		t.Errorf("%d fields, %d settings: one cannot be set", exported, len(seen))
	}
}
