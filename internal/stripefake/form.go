package stripefake

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// form is a request's parameters as a tree: metadata[a]=b, expand[]=x, expand[0]=x, card[number]=….
type form struct {
	value    string
	set      bool
	children map[string]*form
}

// parseForm reads the bracket notation. An empty bracket appends to a list.
func parseForm(values url.Values) (*form, *apiError) {
	root := &form{}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		path, ok := splitName(name)
		if !ok || len(path) > 8 {
			return nil, invalid(name, "parameter_unknown", "Received malformed parameter: "+name)
		}
		for _, value := range values[name] {
			root.put(path, value)
		}
	}
	return root, nil
}

func splitName(name string) ([]string, bool) {
	head, rest, nested := strings.Cut(name, "[")
	if head == "" {
		return nil, false
	}
	path := []string{head}
	for nested {
		part, after, closed := strings.Cut(rest, "]")
		if !closed || strings.Contains(part, "[") {
			return nil, false
		}
		path = append(path, part)
		if after == "" {
			break
		}
		if after[0] != '[' {
			return nil, false
		}
		rest = after[1:]
	}
	return path, true
}

func (f *form) put(path []string, value string) {
	if len(path) == 0 {
		f.value, f.set = value, true
		return
	}
	if f.children == nil {
		f.children = make(map[string]*form)
	}
	key := path[0]
	if key == "" {
		key = strconv.Itoa(len(f.children))
	}
	child := f.children[key]
	if child == nil {
		child = &form{}
		f.children[key] = child
	}
	child.put(path[1:], value)
}

// at descends; it never returns nil, so that look-ups chain.
func (f *form) at(path ...string) *form {
	for _, name := range path {
		child, ok := f.children[name]
		if !ok {
			return &form{}
		}
		f = child
	}
	return f
}

// has tells whether a parameter was sent at all, with a value or nested ones.
func (f *form) has(path ...string) bool {
	n := f.at(path...)
	return n.set || len(n.children) > 0
}

// str is the parameter's text, empty where it was not sent.
func (f *form) str(path ...string) string { return f.at(path...).value }

// integer reads a whole number, def where it was not sent.
func (f *form) integer(name string, def int64) (int64, *apiError) {
	n := f.at(name)
	if !n.set {
		return def, nil
	}
	i, err := strconv.ParseInt(n.value, 10, 64)
	if err != nil {
		return 0, invalid(name, "parameter_invalid_integer", "Invalid integer: "+n.value)
	}
	return i, nil
}

// boolean reads true or false, def where it was not sent.
func (f *form) boolean(def bool, path ...string) (bool, *apiError) {
	n := f.at(path...)
	switch {
	case !n.set:
		return def, nil
	case n.value == "true" || n.value == "1":
		return true, nil
	case n.value == "false" || n.value == "0":
		return false, nil
	}
	return false, invalid(path[0], "", "Invalid boolean: "+n.value)
}

// list is the values of expand[]=a or expand[0]=a in order.
func (f *form) list(path ...string) []string {
	n := f.at(path...)
	if n.set && n.value != "" {
		return []string{n.value}
	}
	keys := make([]int, 0, len(n.children))
	for k := range n.children {
		if i, err := strconv.Atoi(k); err == nil {
			keys = append(keys, i)
		}
	}
	slices.Sort(keys)
	values := make([]string, 0, len(keys))
	for _, i := range keys {
		values = append(values, n.children[strconv.Itoa(i)].value)
	}
	return values
}

// mergeMetadata applies metadata[k]=v; an empty value removes the key, as documented.
func (f *form) mergeMetadata(old map[string]string) (map[string]string, *apiError) {
	merged := make(map[string]string, len(old))
	maps.Copy(merged, old)
	for k, n := range f.at("metadata").children {
		switch {
		case len(k) > 40:
			return nil, invalid("metadata", "", "Metadata keys can have at most 40 characters.")
		case len(n.value) > 500:
			return nil, invalid("metadata", "", "Metadata values can have at most 500 characters.")
		case n.value == "":
			delete(merged, k)
		default:
			merged[k] = n.value
		}
	}
	if len(merged) > 50 {
		return nil, invalid("metadata", "", "Metadata can have at most 50 keys.")
	}
	return merged, nil
}
