package main

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"
)

func TestListenTakesTheNextFreePort(t *testing.T) {
	t.Parallel()
	first, err := listen(t.Context(), "SOUK_ADDR", "127.0.0.1:0", false)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = first.Close() }()
	taken := first.Addr().String()

	second, err := listen(t.Context(), "SOUK_ADDR", taken, false)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = second.Close() }()
	if second.Addr().String() == taken {
		t.Errorf("both listen on %s", taken)
	}
	if host, _, _ := net.SplitHostPort(second.Addr().String()); host != "127.0.0.1" {
		t.Errorf("the fallback opened %s to others", host)
	}

	if _, err := listen(t.Context(), "SOUK_ADDR", taken, true); err == nil || !strings.Contains(err.Error(), "SOUK_ADDR="+taken) {
		t.Errorf("an address that was chosen and is taken: %v", err)
	}
	if _, err := listen(t.Context(), "SOUK_ADDR", "192.0.2.1:80", false); err == nil || !strings.Contains(err.Error(), "SOUK_ADDR") {
		t.Errorf("an address that is not this machine's: %v", err)
	}
}

func TestBaseURLIsOneToOpen(t *testing.T) {
	t.Parallel()
	listener, err := listen(t.Context(), "SOUK_ADDR", "0.0.0.0:0", true)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	port := listener.Addr().(*net.TCPAddr).Port
	if got, want := baseURL(listener), "http://127.0.0.1:"+strconv.Itoa(port); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestBannerIsOneScreen(t *testing.T) {
	t.Parallel()
	b := banner{
		url: "http://127.0.0.1:65535", stateDir: "/home/" + strings.Repeat("someone/", 30) + ".souk", playMoney: true, parcels: true,
		moved: "127.0.0.1:8080 is taken; this is the next free port.",
		demo:  demoResult{Tries: []string{strings.Repeat("a", 70), "b", "c", "d"}},
	}
	for range 9 {
		b.demo.Accounts = append(b.demo.Accounts, demoAccount{"buyer Chloé", "chloe@souk.example", "open-sesame"})
	}
	b.demo.Accounts[1].Role = "support Sami"
	var out bytes.Buffer
	b.print(&out)
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) > 24 {
		t.Errorf("%d lines:\n%s", len(lines), out.String())
	}
	mail := -1
	for _, line := range lines {
		if n := utf8.RuneCountInString(line); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
		if before, _, found := strings.Cut(line, "chloe@"); found {
			if column := utf8.RuneCountInString(before); mail >= 0 && column != mail {
				t.Errorf("the addresses do not stand in one column:\n%s", out.String())
			} else {
				mail = column
			}
		}
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Error("colour where nobody asked for it")
	}
	for _, want := range []string{b.url, "open-sesame", "Play money", "Ctrl-C", b.moved} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the banner lacks %q", want)
		}
	}
}

// TestBannerGolden is what a newcomer sees; -update writes it anew.
func TestBannerGolden(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	banner{
		url: "http://127.0.0.1:8081", stateDir: "/home/amal/souk/.souk", playMoney: true, parcels: true,
		moved: "127.0.0.1:8080 is taken; this is the next free port.",
		demo: demoResult{
			Accounts: []demoAccount{{"host Hana", "hana@souk.example", "open-sesame"}, {"buyer Chloé", "chloe@souk.example", "open-sesame"}},
			Tries:    []string{"Look at the page.", "Bid on the live lot.", "Prove every balance."},
		},
	}.print(&out)
	const golden = "testdata/banner.golden"
	if *update {
		if err := os.WriteFile(golden, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("the banner is\n%s\nand not\n%s", out.String(), want)
	}
}

func TestBannerPromisesPlayMoneyOnlyWhereItIs(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	banner{url: "http://x", playMoney: false}.print(&out)
	if strings.Contains(out.String(), "Play money") {
		t.Error("real money is called play money")
	}
}

func TestIsTerminal(t *testing.T) {
	t.Parallel()
	if isTerminal(&bytes.Buffer{}, nil) {
		t.Error("a buffer is no terminal")
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if isTerminal(file, nil) {
		t.Error("a file is no terminal")
	}
}

func TestSigningKeyIsKept(t *testing.T) {
	t.Parallel()
	c := Config{StateDir: filepath.Join(t.TempDir(), "state")}
	keys := make([]string, 8)
	var wait sync.WaitGroup
	for i := range keys {
		wait.Go(func() {
			key, err := signingKey(c)
			if err != nil {
				t.Error(err)
			}
			keys[i] = string(key)
		})
	}
	wait.Wait()
	for _, key := range keys {
		if key != keys[0] || len(key) < 32 {
			t.Error("servers that start at once sign with different or short keys")
		}
	}
	path := filepath.Join(c.StateDir, "signing.key")
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, mode %v", err, info.Mode())
	}
	if left, _ := filepath.Glob(path + ".*"); len(left) != 0 {
		t.Errorf("left behind: %q", left)
	}
	if err := os.WriteFile(path, []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := signingKey(c); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a broken key: %v", err)
	}
	c.SigningKey = "0123456789abcdef0123456789abcdef"
	if key, err := signingKey(c); err != nil || string(key) != c.SigningKey.Reveal() {
		t.Errorf("the key that is set: %q, %v", key, err)
	}
}
