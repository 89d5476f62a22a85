package search

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/text"
)

// Limits of what is suggested.
const (
	minBegun       = 2 // characters of the word that is begun
	maxSuggestions = 20
	maxNames       = 50 // that are looked at, of categories and of brands
	shownNames     = 3  // of each
	maxCorrections = 3  // beginnings that one may have meant
)

// SuggestionKind says what a suggestion is.
type SuggestionKind string

// The kinds of suggestions.
const (
	SuggestCategory SuggestionKind = "CATEGORY"
	SuggestBrand    SuggestionKind = "BRAND"
	SuggestWords    SuggestionKind = "WORDS"
)

// Suggestion is what a search that is begun may become.
type Suggestion struct {
	Kind  SuggestionKind
	Text  string
	ID    uuid.UUID // of the category or the brand
	Count int64     // listings that are there, or whose titles have the words
}

// Suggest says what a text may become: categories and brands that are named so, then words of titles, each with something on the market; the
// most frequent first. Where nothing begins so, what is like it.
func (s *Service) Suggest(ctx context.Context, begun string, size int) (_ []Suggestion, err error) {
	if utf8.RuneCountInString(begun) > maxText {
		return nil, ErrText.At("prefix")
	}
	if size < 1 || size > maxSuggestions {
		return nil, ErrSuggestions.At("first")
	}
	begun = text.Clean(begun)
	if !utf8.ValidString(begun) {
		return nil, nil
	}
	defer fault.Wrap(&err, "suggest")
	words, err := s.terms(ctx, begun)
	if err != nil || len(words) == 0 {
		return nil, err
	}
	if len(words) > maxWords {
		return nil, ErrText.At("prefix")
	}
	last := words[len(words)-1].text
	if utf8.RuneCountInString(last) < minBegun {
		return nil, nil
	}
	view, err := s.index.Open(ctx)
	if err != nil {
		return nil, err
	}
	w := writing{view: view, head: begun[:strings.LastIndexByte(begun, ' ')+1], before: words[:len(words)-1], size: size}
	found, err := s.suggest(ctx, w, last)
	if err != nil || len(found) > 0 {
		return found, err
	}
	meant, err := s.beginnings(ctx, last)
	for _, prefix := range meant {
		if found, err := s.suggest(ctx, w, prefix); err != nil || len(found) > 0 {
			return found, err
		}
	}
	return nil, err
}

// writing is a text but for its last word.
type writing struct {
	view   View
	head   string
	before []word
	size   int
}

// suggest is what a last word that is begun may become.
func (s *Service) suggest(ctx context.Context, w writing, prefix string) ([]Suggestion, error) {
	names, err := s.q.SearchNamesBegun(ctx, s.pool, begunName(w.before, prefix), maxNames)
	if err != nil {
		return nil, err
	}
	b := Beginning{Before: allOf(required(w.before)), Prefix: prefix, Size: w.size}
	for _, name := range names {
		b.Facets = append(b.Facets, name.Dimension+":"+name.ID.String())
	}
	begun, err := w.view.Begun(ctx, b)
	if err != nil {
		return nil, err
	}
	suggestions := named(names, begun.Facets)
	words, err := s.written(ctx, begun.Words)
	for _, word := range words {
		suggestions = append(suggestions, Suggestion{Kind: SuggestWords, Text: w.head + word.Word, Count: word.Count})
	}
	return suggestions[:min(w.size, len(suggestions))], err
}

// begunName is the words of a name as a tsquery.
func begunName(before []word, prefix string) string {
	var m Match
	for _, w := range before {
		m = append(m, []Term{{Lexeme: w.text}})
	}
	return append(m, []Term{{Lexeme: prefix, Prefix: true}}).tsquery()
}

// named are the categories and brands under which something is to be found, a few of each.
func named(names []db.SearchNamesBegunRow, counts []int64) (suggestions []Suggestion) {
	for _, kind := range []SuggestionKind{SuggestCategory, SuggestBrand} {
		var some []Suggestion
		for i, name := range names {
			if counts[i] > 0 && strings.EqualFold(name.Dimension, string(kind)) {
				some = append(some, Suggestion{Kind: kind, Text: name.Name, ID: name.ID, Count: counts[i]})
			}
		}
		slices.SortStableFunc(some, func(a, b Suggestion) int { return byCount(a.Count, b.Count, a.Text, b.Text) })
		suggestions = append(suggestions, some[:min(shownNames, len(some))]...)
	}
	return suggestions
}

// written are words as a title has them that everybody may see; what no such title has is left out, and so is what says nothing.
func (s *Service) written(ctx context.Context, words []BegunWord) (shown []BegunWord, err error) {
	texts, listings := make([]string, len(words)), make([]uuid.UUID, len(words))
	for i, w := range words {
		texts[i], listings[i] = w.Word, w.Example
	}
	rows, err := s.q.SearchWordsWritten(ctx, s.pool, texts, listings)
	if err != nil {
		return nil, err
	}
	as := make(map[string]string, len(rows))
	for _, row := range rows {
		as[row.Word] = strings.ToLower(row.Token)
	}
	terms, err := s.terms(ctx, strings.Join(texts, " "))
	if err != nil {
		return nil, err
	}
	empty := map[string]bool{}
	for _, term := range terms {
		empty[term.text] = term.empty
	}
	for _, w := range words {
		if token, ok := as[w.Word]; ok && !empty[w.Word] {
			w.Word = token
			shown = append(shown, w)
		}
	}
	return shown, nil
}

// beginnings are what somebody may have meant who began a word so, the closest first.
func (s *Service) beginnings(ctx context.Context, begun string) ([]string, error) {
	most, length := forgiven(begun), utf8.RuneCountInString(begun)
	if most == 0 {
		return nil, nil
	}
	words, err := s.near(ctx, begun, length-1, longestWord)
	if err != nil {
		return nil, err
	}
	far := map[string]int{}
	for _, w := range words {
		letters := []rune(w)
		for n := max(length-1, 1); n <= min(length+1, len(letters)); n++ {
			prefix := string(letters[:n])
			if d := distance(begun, prefix, most); d <= most {
				far[prefix] = d
			}
		}
	}
	meant := make([]string, 0, len(far))
	for prefix := range far {
		meant = append(meant, prefix)
	}
	slices.SortFunc(meant, func(a, b string) int {
		return cmp.Or(cmp.Compare(far[a], far[b]), cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	})
	return meant[:min(maxCorrections, len(meant))], nil
}

// longestWord is how long a word may be that another is compared with.
const longestWord = 40

// near are the words of titles and names that begin as a misspelt one does, or with its second letter: whoever swaps letters swaps the
// first two at most.
func (s *Service) near(ctx context.Context, misspelt string, shortest, longest int) ([]string, error) {
	letters := []rune(misspelt)
	return s.q.SearchWordsNear(ctx, s.pool, db.SearchWordsNearParams{
		First: string(letters[0]), Second: string(letters[1]), Shortest: int32(shortest), Longest: int32(longest),
	})
}
