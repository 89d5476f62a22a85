package spectest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// description is the OpenAPI description of Stripe's API, as far as answers go.
type description struct {
	schemas map[string]*schema
	paths   map[string]map[string]operation
	events  []any // every type of event there is
}

type operation struct {
	RequestBody struct {
		Content map[string]content `json:"content"`
	} `json:"requestBody"`
	Responses map[string]struct {
		Content map[string]content `json:"content"`
	} `json:"responses"`
}

type content struct {
	Schema *schema `json:"schema"`
}

// readDescription reads the description that a released stripe-mock carries with it.
func readDescription(module string) (*description, error) {
	raw, err := os.ReadFile(filepath.Join(module, "embedded", "openapi", "spec3.json"))
	if err != nil {
		return nil, err
	}
	var file struct {
		Components struct {
			Schemas map[string]*schema `json:"schemas"`
		} `json:"components"`
		Paths map[string]map[string]operation `json:"paths"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		return nil, err
	}
	for name, s := range file.Components.Schemas {
		s.name = name
	}
	d := &description{schemas: file.Components.Schemas, paths: file.Paths}
	hooks := file.Paths["/v1/webhook_endpoints"]["post"].RequestBody.Content["application/x-www-form-urlencoded"].Schema
	if hooks == nil || hooks.Properties["enabled_events"] == nil {
		return nil, fmt.Errorf("%s does not list the types of events", module)
	}
	d.events = hooks.Properties["enabled_events"].Items.Enum
	return d, nil
}

// operation finds what a request's path is described under; of two that fit, the one with fewer
// parameters.
func (d *description) operation(method, path string) (operation, bool) {
	segments := strings.Split(path, "/")
	var found operation
	best := len(segments) + 1
	for template, operations := range d.paths {
		o, ok := operations[strings.ToLower(method)]
		if n, fits := parameters(strings.Split(template, "/"), segments); ok && fits && n < best {
			found, best = o, n
		}
	}
	return found, best <= len(segments)
}

func parameters(template, segments []string) (n int, fits bool) {
	if len(template) != len(segments) {
		return 0, false
	}
	for i, part := range template {
		switch {
		case strings.HasPrefix(part, "{"):
			n++
		case part != segments[i]:
			return 0, false
		}
	}
	return n, true
}

// answer checks one answer: an error by the schema of errors, success by the operation's.
func (d *description) answer(method, path string, status int, body []byte) []string {
	value, err := decode(body)
	if err != nil {
		return []string{"no JSON: " + err.Error()}
	}
	if status >= 400 {
		return d.check("", value, d.schemas["error"])
	}
	o, ok := d.operation(method, path)
	if !ok {
		return []string{"the description has no such operation"}
	}
	problems := d.check("", value, o.Responses["200"].Content["application/json"].Schema)
	return append(problems, d.told(value)...)
}

// told checks the events in an answer: their types, and the objects that they tell of, which the
// description itself leaves open.
func (d *description) told(value any) []string {
	object, ok := value.(map[string]any)
	if !ok {
		return nil
	}
	var problems []string
	if list, ok := object["data"].([]any); ok {
		for _, each := range list {
			problems = append(problems, d.told(each)...)
		}
	}
	if object["object"] != "event" {
		return problems
	}
	kind, _ := object["type"].(string)
	if !slices.Contains(d.events, any(kind)) {
		problems = append(problems, "no event has type "+kind)
	}
	data, _ := object["data"].(map[string]any)
	subject, _ := data["object"].(map[string]any)
	name, _ := subject["object"].(string)
	s, ok := d.schemas[name]
	if !ok {
		return append(problems, kind+" tells of an unknown kind "+name)
	}
	return append(problems, d.check(kind+".data.object", subject, s)...)
}

// decode keeps numbers as they are written, since 1 and 1.0 differ here.
func decode(raw []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}
