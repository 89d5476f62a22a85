package search

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"
)

// meant is how many words a misspelt one may stand for.
const meant = 3

// words are the words of a text: as documents have them, and what was meant by those that no document has.
func (s *Service) words(ctx context.Context, view View, text string) ([]word, error) {
	words, err := s.terms(ctx, text)
	if err != nil || len(words) == 0 {
		return nil, err
	}
	if len(words) > maxWords {
		return nil, ErrText.At("text")
	}
	known, err := s.meanings(ctx)
	if err != nil {
		return nil, err
	}
	known.mean(words)
	last := &words[len(words)-1]
	last.prefix = !strings.HasSuffix(text, " ") && utf8.RuneCountInString(last.text) >= minPrefix
	matches := make([]Match, len(words))
	for i, w := range words {
		matches[i] = Match{w.any()}
	}
	found, err := view.Known(ctx, matches)
	if err != nil {
		return nil, err
	}
	for i := range words {
		if found[i] || words[i].empty {
			continue
		}
		if words[i].typos, err = s.typos(ctx, words[i].text); err != nil {
			return nil, err
		}
	}
	return words, nil
}

// terms are a text's words and their stems. They depend on the text alone.
func (s *Service) terms(ctx context.Context, text string) ([]word, error) {
	if kept, ok := s.stems.Get(text); ok {
		return slices.Clone(kept), nil
	}
	rows, err := s.q.SearchTerms(ctx, s.pool, text)
	words := make([]word, len(rows))
	for i, row := range rows {
		words[i] = word{text: row.Word, lexemes: row.Lexemes, empty: row.Empty || arabicStops[row.Word]}
	}
	if err != nil {
		return nil, err
	}
	s.stems.Add(text, words)
	return slices.Clone(words), nil
}

// typos are the lexemes of the words of titles that a misspelt word is closest to.
func (s *Service) typos(ctx context.Context, misspelt string) ([]string, error) {
	most := forgiven(misspelt)
	if most == 0 {
		return nil, nil
	}
	alike, err := s.q.SearchWordsLike(ctx, s.pool, misspelt)
	if err != nil {
		return nil, err
	}
	tooFar := func(w string) bool { return distance(misspelt, w, most) > most }
	if alike = slices.DeleteFunc(alike, tooFar); len(alike) == 0 { // swapped letters leave few trigrams
		length := utf8.RuneCountInString(misspelt)
		if alike, err = s.near(ctx, misspelt, length-1, length+1); err != nil {
			return nil, err
		}
		alike = slices.DeleteFunc(alike, tooFar)
	}
	slices.SortStableFunc(alike, func(a, b string) int { return distance(misspelt, a, most) - distance(misspelt, b, most) })
	if len(alike) == 0 {
		return nil, nil
	}
	words, err := s.terms(ctx, strings.Join(alike[:min(meant, len(alike))], " "))
	var lexemes []string
	for _, w := range words {
		lexemes = append(lexemes, w.lexemes...)
	}
	slices.Sort(lexemes)
	return slices.Compact(lexemes), err
}
