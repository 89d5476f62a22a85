package search

import (
	"context"
	"slices"
	"sort"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/google/uuid"
)

// Beginning is a search that somebody is writing, as an index takes it.
type Beginning struct {
	Before Match    // of the words that are written
	Prefix string   // of the word that is begun
	Facets []string // of which is asked how many there are
	Size   int      // how many words
}

// Begun is what it may become.
type Begun struct {
	Words  []BegunWord // the most frequent first
	Facets []int64     // how many listings, one for each facet that was asked for
}

// BegunWord is a word of titles.
type BegunWord struct {
	Word    string
	Count   int64     // of the titles that have it
	Example uuid.UUID // the listing of one
}

// Limits of what is looked at before words are counted, with nothing written before, and with something.
const (
	countedAlone  = 64
	countedBefore = 2_000
)

// Begun implements View.
func (s *SQL) Begun(ctx context.Context, b Beginning) (begun Begun, err error) {
	rows, err := s.q.SearchWordsBegun(ctx, s.pool, b.Prefix, b.Before.tsquery(), int32(b.Size))
	if err != nil {
		return begun, err
	}
	for _, row := range rows {
		begun.Words = append(begun.Words, BegunWord{Word: row.Word, Count: row.N, Example: row.Example})
	}
	begun.Facets, err = s.q.SearchFacetCounts(ctx, s.pool, b.Facets)
	return begun, err
}

// Begun implements View.
func (m *Memory) Begun(_ context.Context, b Beginning) (begun Begun, err error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	base := m.match(b.Before)
	for _, word := range m.shelf.begun(b.Prefix, len(b.Before) == 0) {
		if in := roaring.And(base, m.shelf.postings[word][titleAsIs]); !in.IsEmpty() {
			begun.Words = append(begun.Words, BegunWord{Word: word, Count: int64(in.GetCardinality()), Example: m.shelf.items[in.Maximum()].id})
		}
	}
	slices.SortFunc(begun.Words, func(a, b BegunWord) int { return byCount(a.Count, b.Count, a.Word, b.Word) })
	begun.Words = begun.Words[:min(b.Size, len(begun.Words))]
	for _, name := range b.Facets {
		n := uint64(0)
		if at, ok := m.shelf.facetOf[name]; ok {
			n = m.shelf.live.AndCardinality(m.shelf.facets[at].in)
		}
		begun.Facets = append(begun.Facets, int64(n))
	}
	return begun, nil
}

// titleAsIs is where a posting has the titles that have the word as it stands.
const titleAsIs = 2

// begun are words of titles that begin with a prefix: those that have been in the most titles.
func (s *shelf) begun(prefix string, alone bool) (words []string) {
	most := countedBefore
	if alone {
		most = countedAlone
	}
	for at := sort.SearchStrings(s.words, prefix); at < len(s.words) && strings.HasPrefix(s.words[at], prefix); at++ {
		if s.postings[s.words[at]][titleAsIs] != nil {
			words = append(words, s.words[at])
		}
	}
	if len(words) <= most {
		return words
	}
	size := func(w string) int64 { return int64(s.postings[w][titleAsIs].GetCardinality()) }
	slices.SortFunc(words, func(a, b string) int { return byCount(size(a), size(b), a, b) })
	return words[:most]
}
