package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"
)

// demoAccount is someone to sign in as.
type demoAccount struct {
	Role     string // what the person is: host, buyer, support
	Email    string
	Password string
}

// demoResult is what the demo data offers a newcomer. The banner has room for six accounts and three
// things to try, in lines of 70 characters.
type demoResult struct {
	Accounts []demoAccount
	Tries    []string
}

// banner is the one screen that a start ends with: 24 lines of 80 columns at most.
type banner struct {
	url       string
	stateDir  string
	playMoney bool
	parcels   bool   // of play: fakes carry them
	moved     string // why the port is not the usual one
	demo      demoResult
	colour    bool
}

const (
	bannerWidth = 78
	maxAccounts = 6
	maxTries    = 3
)

func (b banner) print(w io.Writer) {
	rule := strings.Repeat("─", bannerWidth-2)
	b.line(w, "")
	b.line(w, b.bold("Souk")+"  a live marketplace, running on this machine")
	b.line(w, rule)
	b.line(w, fmt.Sprintf("Open   %s   the GraphQL IDE, which works offline", b.bold(b.url)))
	b.line(w, fmt.Sprintf("API    %s/graphql   HTTP, SSE and WebSocket", b.url))
	if b.moved != "" {
		b.line(w, "       "+b.moved)
	}
	b.accounts(w)
	b.tries(w)
	b.line(w, rule)
	if b.playMoney {
		b.line(w, "Play money: no Stripe key is set, so a Stripe fake takes every payment.")
	}
	if b.parcels {
		b.line(w, "Play parcels: no carrier's key is set, so fakes carry every one.")
	}
	if b.stateDir != "" {
		b.line(w, "The data is kept in "+shorten(b.stateDir, 55))
	}
	b.line(w, "Ctrl-C stops everything cleanly.")
}

func (b banner) accounts(w io.Writer) {
	accounts := b.demo.Accounts[:min(len(b.demo.Accounts), maxAccounts)]
	if len(accounts) == 0 {
		return
	}
	b.line(w, "")
	roles, emails := len("Sign in as"), 0
	for _, a := range accounts {
		roles, emails = max(roles, utf8.RuneCountInString(a.Role)), max(emails, utf8.RuneCountInString(a.Email))
	}
	b.line(w, b.bold(fmt.Sprintf("%-*s  %-*s  %s", roles, "Sign in as", emails, "e-mail", "password")))
	for _, a := range accounts {
		b.line(w, fmt.Sprintf("%-*s  %-*s  %s", roles, a.Role, emails, a.Email, a.Password))
	}
}

func (b banner) tries(w io.Writer) {
	if len(b.demo.Tries) == 0 {
		return
	}
	b.line(w, "")
	b.line(w, b.bold("Try"))
	for i, try := range b.demo.Tries[:min(len(b.demo.Tries), maxTries)] {
		b.line(w, fmt.Sprintf("%d. %s", i+1, try))
	}
}

func (b banner) line(w io.Writer, text string) {
	if text != "" {
		text = "  " + text
	}
	fmt.Fprintln(w, text)
}

func (b banner) bold(text string) string {
	if !b.colour {
		return text
	}
	return "\x1b[1m" + text + "\x1b[0m"
}

// shorten keeps the end of a path, which tells more than its beginning.
func shorten(path string, width int) string {
	runes := []rune(path)
	if len(runes) <= width {
		return path
	}
	return "…" + string(runes[len(runes)-width+1:])
}

// isTerminal reports whether a person reads w, who has not asked for plain text.
func isTerminal(w io.Writer, environ []string) bool {
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		if (name == "NO_COLOR" && value != "") || pair == "TERM=dumb" {
			return false
		}
	}
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
