package apt

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWithoutAptGet(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if Possible() {
		t.Error("Possible without apt-get")
	}
	err := Install(t.Context(), slog.New(slog.DiscardHandler), "postgresql")
	if err == nil || !strings.Contains(err.Error(), "root and apt-get") {
		t.Errorf("error %v, want one that says what is needed", err)
	}
}

// TestInstall runs a stand-in for apt-get that writes down how it was called.
func TestInstall(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("not root: only the refusal can be tested")
		if Possible() {
			t.Error("Possible without being root")
		}
		return
	}
	for _, test := range []struct {
		name, fails string // the subcommand that fails
		want        string // in the error
	}{
		{"both work", "none", ""},
		{"no update, but the package is known", "update", ""},
		{"no such package", "install", "E: broken"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			calls := filepath.Join(dir, "calls")
			script := "#!/bin/sh\necho \"$DEBIAN_FRONTEND $*\" >>" + calls + "\n" +
				"[ \"$1\" != " + test.fails + " ] || { echo 'E: broken' >&2; exit 100; }\n"
			if err := os.WriteFile(filepath.Join(dir, "apt-get"), []byte(script), 0o755); err != nil {
				t.Fatal(err)
			}
			t.Setenv("PATH", dir+":/usr/bin:/bin")
			var log bytes.Buffer
			err := Install(t.Context(), slog.New(slog.NewTextHandler(&log, nil)), "one", "two")
			if (err == nil) != (test.want == "") || (err != nil && !strings.Contains(err.Error(), test.want)) {
				t.Errorf("error %v, want %q", err, test.want)
			}
			got, err := os.ReadFile(calls)
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSpace(string(got)), "\n")
			if len(lines) != 2 || lines[0] != "noninteractive update -qq" ||
				!strings.HasPrefix(lines[1], "noninteractive install") || !strings.HasSuffix(lines[1], " one two") {
				t.Errorf("apt-get was called with %q", lines)
			}
			if !strings.Contains(log.String(), "one two") {
				t.Errorf("the user was not told what is being installed: %q", log.String())
			}
		})
	}
}

func TestWriteMissing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new", "souk.conf")
	for _, content := range []string{"first", "second"} {
		if err := writeMissing(path, content); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "first" {
		t.Errorf("file %q, %v; want the first, which may be the user's own", got, err)
	}
}

func TestLastLines(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"": "", "a": "a", "a\nb\nc\n": "b\nc"} {
		if got := lastLines(text, 2); got != want {
			t.Errorf("lastLines(%q) = %q, want %q", text, got, want)
		}
	}
}
