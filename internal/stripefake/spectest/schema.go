package spectest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// schema is the part of OpenAPI's schema object that Stripe's description uses.
type schema struct {
	Ref        string             `json:"$ref"`
	Type       string             `json:"type"`
	Nullable   bool               `json:"nullable"`
	Enum       []any              `json:"enum"` // text, but for the "deleted" of what is
	MaxLength  int                `json:"maxLength"`
	Properties map[string]*schema `json:"properties"`
	Required   []string           `json:"required"`
	AnyOf      []*schema          `json:"anyOf"`
	Items      *schema            `json:"items"`
	Additional json.RawMessage    `json:"additionalProperties"`

	name string // in components.schemas
}

// removed names what the pinned API version has and the newest no longer describes.
func removed(property string) bool {
	switch property {
	case "charge.invoice", "payment_intent.invoice": // gone in 2025-03-31.basil, where invoices got payments of their own
		return true
	}
	return false
}

const refPrefix = "#/components/schemas/"

func (d *description) resolve(s *schema) *schema {
	for s.Ref != "" {
		s = d.schemas[strings.TrimPrefix(s.Ref, refPrefix)]
	}
	return s
}

// check compares a decoded value with its schema and says what differs, each with its path.
func (d *description) check(path string, value any, s *schema) []string {
	s = d.resolve(s)
	switch {
	case value == nil && s.Nullable:
		return nil
	case len(s.AnyOf) > 0:
		return d.checkAny(path, value, s)
	case value == nil:
		return []string{path + ": null, where the description allows none"}
	}
	switch v := value.(type) {
	case map[string]any:
		return d.checkObject(path, v, s)
	case []any:
		return d.checkArray(path, v, s)
	case string:
		return checkString(path, v, s)
	case json.Number:
		whole := !strings.ContainsAny(v.String(), ".eE")
		if s.Type == "number" || s.Type == "integer" && whole {
			return nil
		}
	case bool:
		if s.Type == "boolean" && (len(s.Enum) == 0 || slices.Contains(s.Enum, value)) {
			return nil
		}
	}
	return []string{fmt.Sprintf("%s: %v is no %s", path, value, s.Type)}
}

// checkAny takes the first alternative that fits, and else tells of the one that was meant.
func (d *description) checkAny(path string, value any, s *schema) []string {
	var closest []string
	for _, each := range s.AnyOf {
		problems := d.check(path, value, each)
		if len(problems) == 0 {
			return nil
		}
		if closest == nil || d.isMeant(value, each) {
			closest = problems
		}
	}
	return closest
}

// isMeant tells by the object's own name which alternative it is to be.
func (d *description) isMeant(value any, s *schema) bool {
	object, ok := value.(map[string]any)
	if !ok {
		return false
	}
	kind := d.resolve(s).Properties["object"]
	name, _ := object["object"].(string)
	return kind == nil || slices.Contains(kind.Enum, any(name))
}

func (d *description) checkObject(path string, object map[string]any, s *schema) []string {
	if s.Type != "object" {
		return []string{path + ": an object, and not a " + s.Type}
	}
	var problems []string
	for _, name := range s.Required {
		if _, ok := object[name]; !ok {
			problems = append(problems, path+"."+name+": required, and not there")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		property, known := s.Properties[name]
		switch {
		case known:
			problems = append(problems, d.check(path+"."+name, object[name], property)...)
		case len(s.Properties) > 0 && !s.open() && !removed(s.name+"."+name):
			problems = append(problems, path+"."+name+": the description of "+s.name+" has no such field")
		}
	}
	return problems
}

// open tells whether fields that are not described may be there.
func (s *schema) open() bool { return len(s.Additional) > 0 && string(s.Additional) != "false" }

func (d *description) checkArray(path string, list []any, s *schema) []string {
	if s.Type != "array" {
		return []string{path + ": a list, and not a " + s.Type}
	}
	var problems []string
	for i, item := range list {
		problems = append(problems, d.check(path+"["+strconv.Itoa(i)+"]", item, s.Items)...)
	}
	return problems
}

func checkString(path, text string, s *schema) []string {
	switch {
	case s.Type != "string":
		return []string{fmt.Sprintf("%s: %q is no %s", path, text, s.Type)}
	case len(s.Enum) > 0 && !slices.Contains(s.Enum, any(text)):
		return []string{fmt.Sprintf("%s: %q is none of %v", path, text, s.Enum)}
	case s.MaxLength > 0 && len([]rune(text)) > s.MaxLength:
		return []string{fmt.Sprintf("%s: longer than %d characters", path, s.MaxLength)}
	}
	return nil
}
