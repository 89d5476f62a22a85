package showchat

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/text"
)

const (
	maxMentions    = 5
	maxHandleWords = 4 // of a name that an @ finds
)

// handlesIn are the names that a text may mention, for each @ of which something can follow, the longest first: a name may
// have several words, and nothing says where it ends.
func handlesIn(body string) [][]string {
	var all [][]string
	for at := strings.IndexByte(body, '@'); at >= 0 && len(all) < maxMentions; {
		before, _ := utf8.DecodeLastRuneInString(body[:at])
		rest := body[at+1:]
		next, _ := utf8.DecodeRuneInString(rest)
		if !inWord(before) && inWord(next) { // not an address
			all = append(all, handlesAt(rest))
		}
		step := strings.IndexByte(rest, '@')
		if step < 0 {
			break
		}
		at += 1 + step
	}
	return all
}

func handlesAt(rest string) []string {
	words := text.Words(rest)
	words = words[:min(len(words), maxHandleWords)]
	handles := make([]string, 0, len(words))
	for n := len(words); n > 0; n-- {
		handles = append(handles, strings.Join(words[:n], " "))
	}
	return handles
}

func inWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }

// mentioned are the users whom a text's names mean, each once, in order.
func mentioned(handles [][]string, users map[string]uuid.UUID) []uuid.UUID {
	var found []uuid.UUID
	seen := map[uuid.UUID]bool{}
	for _, candidates := range handles {
		for _, h := range candidates {
			user, ok := users[h]
			if !ok {
				continue
			}
			if !seen[user] {
				seen[user] = true
				found = append(found, user)
			}
			break
		}
	}
	return found
}
