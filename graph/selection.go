package graph

import (
	"crypto/sha256"
	"encoding/json"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// selection writes a selection out in one form for all documents that ask for the same: fragments in place, arguments
// by name with their variables' values.
type selection struct {
	vars     map[string]any
	text     strings.Builder
	deferred bool // some of it may come after the answer
}

func newSelection(set ast.SelectionSet, vars map[string]any) *selection {
	s := &selection{vars: vars}
	s.set(set)
	return s
}

// hash is the same for two selections that are answered by the same fields in the same order.
func (s *selection) hash() [sha256.Size]byte { return sha256.Sum256([]byte(s.text.String())) }

func (s *selection) set(set ast.SelectionSet) {
	s.text.WriteByte('{')
	for _, sel := range set {
		switch sel := sel.(type) {
		case *ast.Field:
			s.text.WriteString(sel.Alias + ":" + sel.Name)
			s.values(sel.ArgumentMap(s.vars))
			s.directives(sel.Directives)
			if len(sel.SelectionSet) > 0 {
				s.set(sel.SelectionSet)
			}
		case *ast.InlineFragment:
			s.fragment(sel.TypeCondition, sel.Directives, sel.SelectionSet)
		case *ast.FragmentSpread:
			s.fragment(sel.Definition.TypeCondition, sel.Directives, sel.Definition.SelectionSet)
		}
		s.text.WriteByte(' ')
	}
	s.text.WriteByte('}')
}

func (s *selection) fragment(on string, directives ast.DirectiveList, set ast.SelectionSet) {
	s.text.WriteString("..." + on)
	s.directives(directives)
	s.set(set)
}

func (s *selection) directives(directives ast.DirectiveList) {
	for _, d := range directives {
		s.deferred = s.deferred || d.Name == "defer"
		s.text.WriteString("@" + d.Name)
		s.values(d.ArgumentMap(s.vars))
	}
}

func (s *selection) values(values map[string]any) {
	raw, _ := json.Marshal(values) // they came as JSON or as literals; a map's keys are sorted
	s.text.Write(raw)
}
