package ide_test

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/souklive/souk/internal/ide"
)

// get asks the handler as a client would, over HTTP, without the transport's own decompression.
func get(t *testing.T, h http.Handler, method, path string, header map[string]string) (*http.Response, string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	r.Host = "souk.test:8080"
	for name, value := range header {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	answer := w.Result()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(body)
}

// scriptPath finds the page's script, by its hashed name.
func scriptPath(t *testing.T, page string) string {
	t.Helper()
	found := regexp.MustCompile(`src="(/assets/app-[A-Z0-9]{8}\.js)"`).FindStringSubmatch(page)
	if found == nil {
		t.Fatalf("no script in the page:\n%s", page)
	}
	return found[1]
}

// pageConfig reads what the page's script reads.
func pageConfig(t *testing.T, page string) map[string]any {
	t.Helper()
	_, rest, found := strings.Cut(page, `<script id="souk-config" type="application/json">`)
	text, _, ended := strings.Cut(rest, "</script>")
	if !found || !ended {
		t.Fatalf("no configuration in the page:\n%s", page)
	}
	var config map[string]any
	if err := json.Unmarshal([]byte(text), &config); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return config
}

func TestPageTellsTheScriptItsConfiguration(t *testing.T) {
	t.Parallel()
	account := ide.Account{Name: "Ada", Role: "host", Email: "ada@souk.test", Password: "pw"}
	h := ide.Handler(ide.Config{Endpoint: "/api", Title: "Souk Test", PlayMoney: true, Accounts: []ide.Account{account}})
	answer, page := get(t, h, http.MethodGet, "/", nil)
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("got %d, %s", answer.StatusCode, answer.Header.Get("Content-Type"))
	}
	config := pageConfig(t, page)
	if config["endpoint"] != "/api" || config["title"] != "Souk Test" || config["playMoney"] != true {
		t.Errorf("got %v", config)
	}
	if n := len(config["accounts"].([]any)); n != 1 {
		t.Errorf("got %d accounts, want 1", n)
	}
	if n := len(config["examples"].([]any)); n != len(ide.Examples()) {
		t.Errorf("got %d examples, want %d", n, len(ide.Examples()))
	}
}

func TestPageWithoutConfiguration(t *testing.T) {
	t.Parallel()
	_, page := get(t, ide.Handler(ide.Config{}), http.MethodGet, "/", nil)
	config := pageConfig(t, page)
	if config["endpoint"] != "/graphql" || config["title"] != "Souk" || config["playMoney"] != false {
		t.Errorf("got %v", config)
	}
	if accounts, ok := config["accounts"].([]any); !ok || len(accounts) != 0 {
		t.Errorf("accounts are %v, want an empty list", config["accounts"])
	}
}

func TestNoTextBreaksOutOfThePage(t *testing.T) {
	t.Parallel()
	const nasty = `</script><script>alert(1)</script><!--"'&` + "\u2028`"
	h := ide.Handler(ide.Config{
		Title:    nasty,
		Endpoint: nasty,
		Accounts: []ide.Account{{Name: nasty, Role: nasty, Email: nasty, Password: nasty}},
	})
	_, page := get(t, h, http.MethodGet, "/", nil)
	if strings.Contains(page, "alert(1)</script>") || strings.Contains(page, "<!--") {
		t.Errorf("the text came out as markup:\n%s", page)
	}
	if n := strings.Count(page, "<script"); n != 2 {
		t.Errorf("the page has %d script elements, want 2", n)
	}
	account := pageConfig(t, page)["accounts"].([]any)[0].(map[string]any)
	for field, got := range account {
		if got != nasty {
			t.Errorf("%s arrives as %q", field, got)
		}
	}
}

func TestPageAsksNothingOfOtherOrigins(t *testing.T) {
	t.Parallel()
	_, page := get(t, ide.Handler(ide.Config{}), http.MethodGet, "/", nil)
	loaded := regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(page, -1)
	if len(loaded) == 0 {
		t.Fatal("the page loads nothing")
	}
	for _, link := range loaded {
		if !strings.HasPrefix(link[1], "/assets/") && !strings.HasPrefix(link[1], "data:") {
			t.Errorf("the page refers to %s", link[1])
		}
	}
	if regexp.MustCompile(`<script[^>]*>[^<\s{]`).MatchString(page) || strings.Contains(page, " style=") {
		t.Error("the page has an inline script or style")
	}
}

func TestSecurityHeaders(t *testing.T) {
	t.Parallel()
	h := ide.Handler(ide.Config{})
	_, page := get(t, h, http.MethodGet, "/", nil)
	for _, path := range []string{"/", scriptPath(t, page), "/nothing"} {
		answer, _ := get(t, h, http.MethodGet, path, nil)
		policy := answer.Header.Get("Content-Security-Policy")
		for _, part := range []string{
			"default-src 'none'", "script-src 'self';", "frame-ancestors 'none'", "base-uri 'none'",
			"connect-src 'self' ws://souk.test:8080 wss://souk.test:8080;",
		} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s: the policy lacks %s: %s", path, part, policy)
			}
		}
		if strings.Contains(policy, "unsafe-eval") {
			t.Errorf("%s: the policy allows eval: %s", path, policy)
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff",
			"X-Frame-Options":        "DENY",
			"Referrer-Policy":        "no-referrer",
		} {
			if got := answer.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
	}
}

func TestAStrangeHostStaysOutOfThePolicy(t *testing.T) {
	t.Parallel()
	h := ide.Handler(ide.Config{})
	for _, host := range []string{"", "evil.test; script-src *", "a b", "x,y", "[::1", "evil.test:80:80", "*.test", "u@evil.test"} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.Host = host
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if policy := w.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "connect-src 'self'; ") {
			t.Errorf("host %q reached the policy: %s", host, policy)
		}
	}
}

func TestUnknownPathsAndMethods(t *testing.T) {
	t.Parallel()
	h := ide.Handler(ide.Config{})
	for _, path := range []string{
		"/index.html", "/nothing", "/assets/", "/assets/manifest.json", "/assets/../page.html", "/assets/app.js", "//",
	} {
		if answer, _ := get(t, h, http.MethodGet, path, nil); answer.StatusCode != http.StatusNotFound {
			t.Errorf("GET %s: got %d, want 404", path, answer.StatusCode)
		}
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		answer, _ := get(t, h, method, "/", nil)
		if answer.StatusCode != http.StatusMethodNotAllowed || answer.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s /: got %d, Allow %q", method, answer.StatusCode, answer.Header.Get("Allow"))
		}
	}
}

func TestCaching(t *testing.T) {
	t.Parallel()
	h := ide.Handler(ide.Config{})
	_, page := get(t, h, http.MethodGet, "/", nil)
	for path, want := range map[string]string{
		"/":                    "no-cache",
		scriptPath(t, page):    "public, max-age=31536000, immutable",
		"/assets/LICENSES.txt": "no-cache",
	} {
		answer, body := get(t, h, http.MethodGet, path, nil)
		if got := answer.Header.Get("Cache-Control"); answer.StatusCode != http.StatusOK || body == "" || got != want {
			t.Errorf("%s: got %d, %d bytes, Cache-Control %q, want %q", path, answer.StatusCode, len(body), got, want)
		}
		etag := answer.Header.Get("ETag")
		for _, known := range []string{etag, "W/" + etag, `"other", ` + etag, "*"} {
			again, body := get(t, h, http.MethodGet, path, map[string]string{"If-None-Match": known})
			if again.StatusCode != http.StatusNotModified || body != "" || again.Header.Get("ETag") != etag {
				t.Errorf("%s with If-None-Match %s: got %d with %d bytes", path, known, again.StatusCode, len(body))
			}
		}
		if again, _ := get(t, h, http.MethodGet, path, map[string]string{"If-None-Match": `"other"`}); again.StatusCode != http.StatusOK {
			t.Errorf("%s with another ETag: got %d, want 200", path, again.StatusCode)
		}
	}
}

func TestThePageChangesItsETagWithItsContent(t *testing.T) {
	t.Parallel()
	one, _ := get(t, ide.Handler(ide.Config{Title: "One"}), http.MethodGet, "/", nil)
	same, _ := get(t, ide.Handler(ide.Config{Title: "One"}), http.MethodGet, "/", nil)
	two, _ := get(t, ide.Handler(ide.Config{Title: "Two"}), http.MethodGet, "/", nil)
	if one.Header.Get("ETag") != same.Header.Get("ETag") || one.Header.Get("ETag") == two.Header.Get("ETag") {
		t.Errorf("got %s, %s and %s", one.Header.Get("ETag"), same.Header.Get("ETag"), two.Header.Get("ETag"))
	}
}

func TestCompression(t *testing.T) {
	t.Parallel()
	h := ide.Handler(ide.Config{})
	_, page := get(t, h, http.MethodGet, "/", nil)
	path := scriptPath(t, page)
	plain, script := get(t, h, http.MethodGet, path, nil)
	packed, small := get(t, h, http.MethodGet, path, map[string]string{"Accept-Encoding": "br, gzip"})
	if plain.Header.Get("Content-Encoding") != "" || packed.Header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("encodings %q and %q", plain.Header.Get("Content-Encoding"), packed.Header.Get("Content-Encoding"))
	}
	if plain.Header.Get("ETag") == packed.Header.Get("ETag") {
		t.Error("both representations have one ETag")
	}
	if packed.Header.Get("Vary") != "Accept-Encoding" || plain.Header.Get("Vary") != "Accept-Encoding" {
		t.Error("caches are not told that Accept-Encoding matters")
	}
	if len(small)*2 > len(script) {
		t.Errorf("%d bytes became %d", len(script), len(small))
	}
	reader, err := gzip.NewReader(strings.NewReader(small))
	if err != nil {
		t.Fatal(err)
	}
	unpacked, err := io.ReadAll(reader)
	if err != nil || string(unpacked) != script {
		t.Errorf("the compressed script is another one (%v)", err)
	}
}

func TestHeadIsGetWithoutABody(t *testing.T) {
	t.Parallel()
	h := ide.Handler(ide.Config{})
	for _, header := range []map[string]string{nil, {"Accept-Encoding": "gzip"}} {
		full, page := get(t, h, http.MethodGet, "/", header)
		head, body := get(t, h, http.MethodHead, "/", header)
		if body != "" || head.StatusCode != http.StatusOK {
			t.Errorf("HEAD: got %d with %d bytes", head.StatusCode, len(body))
		}
		for _, name := range []string{"Content-Length", "Content-Type", "Content-Encoding", "ETag"} {
			if head.Header.Get(name) != full.Header.Get(name) {
				t.Errorf("%s is %q, for GET %q (%d bytes)", name, head.Header.Get(name), full.Header.Get(name), len(page))
			}
		}
	}
}
