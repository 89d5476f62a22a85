package showchat

import (
	"slices"
	"time"

	"github.com/souklive/souk/internal/text"
)

// A person sends this many messages in this time.
const (
	rateMessages = 10
	rateWindow   = 10 * time.Second
)

// standing is what the rules look at of an author.
type standing struct {
	keeper     bool // the host or a moderator: neither pace nor word list is for them
	banned     bool
	mutedUntil *time.Time
	recent     []time.Time // when they sent their newest messages, the newest first; as many as rateMessages
}

// sent notes one message more.
func (s *standing) sent(at time.Time) {
	s.recent = slices.Insert(s.recent, 0, at)
	s.recent = s.recent[:min(len(s.recent), rateMessages)]
}

// judge says whether an author may send a text now. It reads nothing but its arguments.
func (r room) judge(who *standing, words []string, blocked wordList) error {
	switch {
	case !r.open:
		return ErrClosed
	case who.banned:
		return ErrBanned
	case who.mutedUntil != nil && r.now.Before(*who.mutedUntil):
		return ErrMuted.With("until", *who.mutedUntil).With("wait", who.mutedUntil.Sub(r.now))
	case who.keeper:
		return nil
	}
	if word, found := blocked.in(words); found {
		return ErrWord.With("word", word)
	}
	if len(who.recent) == rateMessages {
		if until := who.recent[rateMessages-1].Add(rateWindow); r.now.Before(until) {
			return ErrTooFast.With("until", until).With("wait", until.Sub(r.now))
		}
	}
	if len(who.recent) > 0 && r.SlowMode > 0 {
		if until := who.recent[0].Add(r.SlowMode); r.now.Before(until) {
			return ErrSlowMode.With("until", until).With("wait", until.Sub(r.now))
		}
	}
	return nil
}

// wordList is what is not to be said: each entry the words that it has, which count where they follow one another.
type wordList []blockedWord

type blockedWord struct {
	typed string
	words []string
}

func newWordList(typed []string) wordList {
	list := make(wordList, len(typed))
	for i, t := range typed {
		list[i] = blockedWord{t, text.Words(t)}
	}
	return list
}

// in finds the first entry that is among a text's words, whole and in its order.
func (l wordList) in(words []string) (typed string, found bool) {
	for _, entry := range l {
		for i := 0; i+len(entry.words) <= len(words); i++ {
			if slices.Equal(words[i:i+len(entry.words)], entry.words) {
				return entry.typed, true
			}
		}
	}
	return "", false
}
