package apitest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Story is a course of events, told in chapters, each of which is compared with a golden file. What differs from
// run to run (ids, times, tokens, addresses) is told by placeholders: the same id has the same one throughout, so
// that the files say which is which.
type Story struct {
	t      testing.TB
	dir    string
	server string
	update bool

	chapter string
	steps   []step
	ids     map[string]string // by the id that came
	counts  map[string]int    // by the id's prefix
}

// step is one thing that happened.
type step struct {
	Who  string `json:"who"`
	Does string `json:"does"`
	With any    `json:"with,omitempty"`
	Gets any    `json:"gets"`
}

// NewStory begins a story with that server. Its golden files are in dir; update writes them anew.
func NewStory(t testing.TB, dir, server string, update bool) *Story {
	t.Helper()
	return &Story{t: t, dir: dir, server: server, update: update, ids: map[string]string{}, counts: map[string]int{}}
}

// Chapter ends the chapter before and begins one; its name is its file's.
func (s *Story) Chapter(name string) {
	s.t.Helper()
	s.End()
	s.chapter = name
}

// Tell adds a step: who did what with which variables, and what came of it.
func (s *Story) Tell(who, does string, with Vars, gets json.RawMessage) {
	s.t.Helper()
	told := step{Who: who, Does: does, Gets: s.settle(s.decode(gets))}
	if len(with) > 0 {
		raw, err := json.Marshal(with)
		if err != nil {
			s.t.Fatal(err)
		}
		told.With = s.settle(s.decode(raw))
	}
	s.steps = append(s.steps, told)
}

func (s *Story) decode(raw json.RawMessage) any {
	s.t.Helper()
	var value any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		s.t.Fatalf("%s: %v", raw, err)
	}
	return value
}

// End compares the last chapter.
func (s *Story) End() {
	s.t.Helper()
	if s.chapter == "" {
		return
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(s.steps); err != nil {
		s.t.Fatal(err)
	}
	path := filepath.Join(s.dir, s.chapter+".json")
	s.steps, s.chapter = nil, ""
	if s.update {
		if err := errors.Join(os.MkdirAll(s.dir, 0o750), os.WriteFile(path, text.Bytes(), 0o600)); err != nil {
			s.t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		s.t.Errorf("there is no %s; -update writes it", path)
		return
	}
	if err != nil {
		s.t.Fatal(err)
	}
	if difference := firstDifference(string(want), text.String()); difference != "" {
		s.t.Errorf("%s differs; where that is right, -update writes it anew.\n%s", path, difference)
	}
}

// firstDifference shows where two texts part, with the lines before.
func firstDifference(want, got string) string {
	if want == got {
		return ""
	}
	wanted, gotten := strings.Split(want, "\n"), strings.Split(got, "\n")
	at := 0
	for at < min(len(wanted), len(gotten)) && wanted[at] == gotten[at] {
		at++
	}
	var out strings.Builder
	fmt.Fprintf(&out, "line %d:\n", at+1)
	show := func(mark string, lines []string) {
		for _, line := range lines {
			fmt.Fprintf(&out, "%s %s\n", mark, line)
		}
	}
	show(" ", wanted[max(0, at-6):at])
	show("-", wanted[at:min(at+4, len(wanted))])
	show("+", gotten[at:min(at+4, len(gotten))])
	return out.String()
}

var (
	idText    = regexp.MustCompile(`\b([a-z]{3})_[0-9a-z]{26}\b`)
	timeText  = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$`)
	linkQuery = regexp.MustCompile(`(expires|signature|bytes)=[^&"]+`)
	object    = regexp.MustCompile(`/uploads/[0-9a-f]{2}/[0-9a-f-]{36}`)
	photoSize = regexp.MustCompile(`(/media/photos/pho_[0-9a-z]{26})/\d+\.jpg`) // which is there once a job has made it
)

// opaque are the fields whose texts say nothing to a reader.
var opaque = []string{"token", "epoch", "requestId", "cursor", "endCursor"}

// settle puts placeholders into a value; the keys go in order, so that ids are counted the same way each time.
func (s *Story) settle(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			if text, ok := value[key].(string); ok && text != "" && slices.Contains(opaque, key) {
				value[key] = "<" + key + ">"
				continue
			}
			value[key] = s.settle(value[key])
		}
	case []any:
		for i := range value {
			value[i] = s.settle(value[i])
		}
	case string:
		return s.settleText(value)
	}
	return value
}

func (s *Story) settleText(text string) string {
	if timeText.MatchString(text) {
		return "<time>"
	}
	text = strings.ReplaceAll(text, s.server, "<server>")
	text = linkQuery.ReplaceAllString(text, "$1=<$1>")
	text = object.ReplaceAllString(text, "/uploads/<object>")
	text = photoSize.ReplaceAllString(text, "$1")
	return idText.ReplaceAllStringFunc(text, func(id string) string {
		if _, known := s.ids[id]; !known {
			kind := id[:3]
			s.counts[kind]++
			s.ids[id] = fmt.Sprintf("<%s %d>", kind, s.counts[kind])
		}
		return s.ids[id]
	})
}
