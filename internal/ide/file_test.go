package ide

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestTakesGzip(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]bool{
		"":                      false,
		"gzip":                  true,
		"GZIP":                  true,
		"br;q=1, gzip;q=0.5":    true,
		"gzip;q=0":              false,
		"gzip; q=0.000":         false,
		"gzip;q=nonsense":       false,
		"*":                     true,
		"*;q=0":                 false,
		"*, gzip;q=0":           false,
		"gzip;q=0, *":           false,
		"identity":              false,
		"deflate, br, zstd":     false,
		"gzipped, x, not;gzip ": false,
	} {
		if got := takesGzip([]string{header}); got != want {
			t.Errorf("takesGzip(%q) = %v", header, got)
		}
	}
	if !takesGzip([]string{"br", "gzip"}) {
		t.Error("a second header line is not read")
	}
}

func TestDist(t *testing.T) {
	t.Parallel()
	files, names := embeddedAssets()
	for _, name := range []string{names.Script, names.Style, names.Worker, licences} {
		if f := files[name]; f == nil || len(f.body) == 0 {
			t.Errorf("%q is missing or empty", name)
		}
	}
	script := string(files[names.Script].body)
	if !strings.Contains(script, names.Worker) {
		t.Errorf("the script does not know its worker %s: dist is of two builds", names.Worker)
	}
	entries, err := dist.ReadDir("dist")
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(files)+1 { // and manifest.json
		t.Errorf("dist has %d files, %d are used: something is left of an older build", len(entries), len(files)+1)
	}
}

func TestReadAssetsNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	for name, fsys := range map[string]fstest.MapFS{
		"file does not exist": {},
		"manifest.json: unexpected end": {
			"dist/manifest.json": {Data: []byte("{")},
		},
		"app-1.js": {
			"dist/manifest.json": {Data: []byte(`{"app.js":"app-1.js"}`)},
		},
	} {
		if _, _, err := readAssets(fsys); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want an error that names %s", err, name)
		}
	}
}
