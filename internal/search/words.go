package search

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Where in a document a word may be: the weights of its words.
type where uint8

const (
	inTitle       where = 1 << iota // as a stem: A
	inFiled                         // under what the listing is filed: B
	inTitleAsIs                     // as it stands: C
	inDescription                   // D
	anywhere      where = 0
)

// letters is the weights as a tsquery names them.
func (w where) letters() string {
	var b strings.Builder
	for i, letter := range "ABCD" {
		if w&(1<<i) != 0 {
			b.WriteRune(letter)
		}
	}
	return b.String()
}

// Term is a word, or the beginning of one, in some part of a document.
type Term struct {
	Lexeme string
	Prefix bool
	In     where
	All    Match // in place of a lexeme: all of these
}

// Level is what a document earns by one word of a query: the score of the highest level that it is on.
type Level struct {
	Word  int
	Score int32
	Terms []Term // any of them
}

// Match is a condition on words: one term at least of each.
type Match [][]Term

// word is a word of a query.
type word struct {
	text    string   // folded
	lexemes []string // itself and its stems
	prefix  bool     // it may go on: nobody has typed a space behind it
	typos   []string // what may have been meant, with their stems: of what nobody wrote
	empty   bool     // a language has it as a stop word: what it adds is welcome, but not asked for

	synonyms [][]word // phrases that mean the same, in any language
}

// minPrefix is how long the beginning of a word has to be, to stand for what it may become.
const minPrefix = 3

// The scores. A word as it stands beats a stem, the title beats what a listing is filed under, and that beats its description;
// what was meant is behind what was written.
const (
	scoreAsIs        = 44
	scoreTitle       = 40
	scoreTitleMeant  = 35 // by a synonym
	scoreFiled       = 30
	scoreTitlePrefix = 25
	scoreTitleTypo   = 20
	scoreAny         = 12
	scoreAnyMeant    = 10
	scoreAnyPrefix   = 8
	scoreAnyTypo     = 5
)

// levels are the word's, the highest first.
func (w word) levels(n int) []Level {
	terms := func(lexemes []string, prefix bool, in where) (out []Term) {
		for _, l := range lexemes {
			out = append(out, Term{Lexeme: l, Prefix: prefix, In: in})
		}
		return out
	}
	self := []string{w.text}
	all := []Level{
		{n, scoreAsIs, terms(self, false, inTitleAsIs)},
		{n, scoreTitle, terms(w.lexemes, false, inTitle)},
		{n, scoreFiled, terms(w.lexemes, false, inFiled)},
	}
	if len(w.synonyms) > 0 {
		all = slices.Insert(all, 2, Level{n, scoreTitleMeant, w.synonymTerms(inTitle | inTitleAsIs)})
	}
	if w.prefix {
		all = append(all, Level{n, scoreTitlePrefix, terms(self, true, inTitleAsIs)})
	}
	if len(w.typos) > 0 {
		all = append(all, Level{n, scoreTitleTypo, terms(w.typos, false, inTitle|inTitleAsIs)})
	}
	all = append(all, Level{n, scoreAny, terms(w.lexemes, false, anywhere)})
	if len(w.synonyms) > 0 {
		all = append(all, Level{n, scoreAnyMeant, w.synonymTerms(anywhere)})
	}
	if w.prefix {
		all = append(all, Level{n, scoreAnyPrefix, terms(self, true, anywhere)})
	}
	if len(w.typos) > 0 {
		all = append(all, Level{n, scoreAnyTypo, terms(w.typos, false, anywhere)})
	}
	return all
}

// any is what a document must have one of to have the word.
func (w word) any() (out []Term) {
	for _, l := range w.lexemes {
		out = append(out, Term{Lexeme: l})
	}
	for _, l := range w.typos {
		out = append(out, Term{Lexeme: l})
	}
	out = append(out, w.synonymTerms(anywhere)...)
	if w.prefix {
		out = append(out, Term{Lexeme: w.text, Prefix: true})
	}
	return out
}

// required are the words that a document must have; all where none says anything.
func required(words []word) (out []word) {
	for _, w := range words {
		if !w.empty {
			out = append(out, w)
		}
	}
	if len(out) == 0 {
		return words
	}
	return out
}

// allOf is a match of all of some words, anyOf of one at least.
func allOf(words []word) (m Match) {
	for _, w := range words {
		m = append(m, w.any())
	}
	return m
}

func anyOf(words []word) Match {
	var terms []Term
	for _, w := range words {
		terms = append(terms, w.any()...)
	}
	return Match{terms}
}

// tsquery writes terms for PostgreSQL. Lexemes are letters and digits, by search_fold().
func tsquery(terms []Term) string {
	var b strings.Builder
	for i, t := range terms {
		if i > 0 {
			b.WriteString(" | ")
		}
		if t.All != nil {
			b.WriteString("(" + t.All.tsquery() + ")")
			continue
		}
		b.WriteString("'" + strings.ReplaceAll(strings.ReplaceAll(t.Lexeme, `\`, `\\`), "'", "''") + "'")
		letters := t.In.letters()
		if t.Prefix {
			letters = "*" + letters
		}
		if letters != "" {
			b.WriteString(":" + letters)
		}
	}
	return b.String()
}

// tsquery is empty where there is nothing to match.
func (m Match) tsquery() string {
	parts := make([]string, len(m))
	for i, terms := range m {
		parts[i] = "(" + tsquery(terms) + ")"
	}
	return strings.Join(parts, " & ")
}

// arabicStops are the words that say the least in Arabic, folded; PostgreSQL has such lists for the other languages.
var arabicStops = map[string]bool{
	"في": true, "من": true, "علي": true, "الي": true, "عن": true, "مع": true, "او": true, "و": true, "هذا": true, "هذه": true, "ل": true, "ب": true,
}

// distance is how many letters have to be added, dropped, replaced or swapped with their neighbour to make a into b; most+1 where
// it is more than most.
func distance(a, b string, most int) int {
	x, y := []rune(a), []rune(b)
	if d := len(x) - len(y); d > most || -d > most {
		return most + 1
	}
	before, last, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := range x {
		row[0] = i + 1
		for j := range y {
			cost := 1
			if x[i] == y[j] {
				cost = 0
			}
			row[j+1] = min(row[j]+1, last[j+1]+1, last[j]+cost)
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return min(last[len(y)], most+1)
}

// forgiven is how many letters of a word may be wrong.
func forgiven(word string) int {
	switch n := utf8.RuneCountInString(word); {
	case n < 4:
		return 0
	case n < 6:
		return 1
	default:
		return 2
	}
}
