package ide

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

//go:embed examples/*.graphql
var exampleFiles embed.FS

// Example is one step of the tour: an operation, whom it runs as, and its variables.
type Example struct {
	Title       string `json:"title"`
	Actor       string `json:"actor,omitempty"` // an account's name, e-mail or role ("buyer 2" is the second), "nobody", or empty: whoever acts already
	Description string `json:"description,omitempty"`
	Query       string `json:"query"`
	// Variables is a JSON object, or nil. In its texts {{lst}} stands for the newest listing's id
	// that the page has seen (likewise any other prefix), {{key}} for a fresh key each time it is
	// sent, {{now}} and {{now+90s}} for a time.
	Variables json.RawMessage `json:"variables,omitempty"`
}

// Examples are the tour's steps, in the order of their files' names.
func Examples() []Example {
	examples, err := readExamples(exampleFiles)
	if err != nil { // the files are in the binary; TestExamples reads them
		panic(err) //nolint:forbidigo // see above
	}
	return examples
}

func readExamples(fsys fs.FS) ([]Example, error) {
	names, err := fs.Glob(fsys, "examples/*.graphql")
	if err != nil {
		return nil, fmt.Errorf("ide: %w", err)
	}
	examples := make([]Example, 0, len(names))
	titles := make(map[string]string)
	for _, name := range names { // Glob sorts them
		source, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, fmt.Errorf("ide: %w", err)
		}
		example, err := parseExample(string(source))
		if err != nil {
			return nil, fmt.Errorf("ide: %s: %w", name, err)
		}
		if other, taken := titles[example.Title]; taken {
			return nil, fmt.Errorf("ide: %s: has the title of %s", name, other)
		}
		titles[example.Title] = name
		examples = append(examples, example)
	}
	return examples, nil
}

// parseExample reads the comments at a file's head (title, as, about, variables) and the operation
// below them. A comment line without a known key goes on with the value above it.
func parseExample(source string) (Example, error) {
	head, query := splitHead(source)
	fields, err := headFields(head)
	if err != nil {
		return Example{}, err
	}
	example := Example{
		Title:       fields["title"],
		Actor:       fields["as"],
		Description: fields["about"],
		Query:       query,
	}
	if example.Title == "" {
		return Example{}, errors.New(`no line "# title: …" at its head`)
	}
	if query == "" {
		return Example{}, errors.New("no operation below its head")
	}
	if text := fields["variables"]; text != "" {
		var object map[string]any
		if err := json.Unmarshal([]byte(text), &object); err != nil {
			return Example{}, fmt.Errorf("variables: %w", err)
		}
		example.Variables = json.RawMessage(text)
	}
	return example, nil
}

// splitHead parts the comment lines at the top from the operation.
func splitHead(source string) (head []string, query string) {
	lines := strings.Split(strings.ReplaceAll(source, "\r\n", "\n"), "\n")
	for i, line := range lines {
		text, isComment := strings.CutPrefix(strings.TrimSpace(line), "#")
		if !isComment {
			return head, strings.TrimSpace(strings.Join(lines[i:], "\n"))
		}
		head = append(head, strings.TrimSpace(text))
	}
	return head, ""
}

func headFields(head []string) (map[string]string, error) {
	fields := make(map[string]string)
	current := ""
	for _, line := range head {
		key, value, found := strings.Cut(line, ":")
		switch {
		case found && isHeadKey(key):
			if _, twice := fields[key]; twice {
				return nil, fmt.Errorf("two lines %q at its head", key)
			}
			current = key
			fields[key] = strings.TrimSpace(value)
		case current == "":
			return nil, fmt.Errorf("its head begins with %q, not with title, as, about or variables", line)
		default:
			fields[current] = strings.TrimSpace(fields[current] + " " + line)
		}
	}
	return fields, nil
}

func isHeadKey(key string) bool {
	switch key {
	case "title", "as", "about", "variables":
		return true
	}
	return false
}
