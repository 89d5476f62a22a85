package search

import (
	"context"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/adminlog"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/text"
)

// Limits of synonyms.
const (
	maxGroups      = 5_000
	minPhrases     = 2
	maxPhrases     = 20 // of a group
	maxPhrase      = 40 // characters
	maxPhraseWords = 3
	maxMeanings    = 40 // phrases that a word of a query stands for
	// synonymsFor is for how long a server goes by what it has read of them.
	synonymsFor = 5 * time.Second
	// synonymList marks the cursors of synonyms.
	synonymList = 'y'
)

// Synonym is a group of words and phrases that mean the same, in any language.
type Synonym struct {
	ID        uuid.UUID
	Words     []string
	CreatedAt time.Time
	Removed   bool
}

// NodeID is the id that clients see.
func (s Synonym) NodeID() id.ID { return id.Synonym.ID(s.ID) }

// Cursor is the group's place in the list.
func (s Synonym) Cursor() string { return page.Key{At: s.CreatedAt, ID: s.ID}.Encode(synonymList) }

// SynonymPage is a page of groups.
type SynonymPage = page.Page[Synonym]

// SynonymEdge is one of them with its cursor.
type SynonymEdge = page.Edge[Synonym]

func synonymOf(row db.SearchSynonym) Synonym {
	return Synonym{ID: row.ID, Words: row.Words, CreatedAt: row.CreatedAt, Removed: row.RemovedAt != nil}
}

// phrases are a group's, each in one line.
func (s *Service) phrases(ctx context.Context, words []string) ([]string, error) {
	var clean []string
	for _, w := range words {
		if len(clean) > maxPhrases {
			break
		}
		if w = text.Clean(w); !utf8.ValidString(w) {
			return nil, ErrSynonym.At("words")
		}
		terms, err := s.terms(ctx, w)
		if err != nil {
			return nil, err
		}
		if n := utf8.RuneCountInString(w); n == 0 || n > maxPhrase || len(content(terms)) == 0 || len(terms) > maxPhraseWords {
			return nil, ErrSynonym.At("words")
		}
		if !slices.Contains(clean, w) {
			clean = append(clean, w)
		}
	}
	if len(clean) < minPhrases || len(clean) > maxPhrases {
		return nil, ErrSynonym.At("words")
	}
	return clean, nil
}

// CreateSynonym adds a group.
func (s *Service) CreateSynonym(ctx context.Context, admin uuid.UUID, words []string, reason string) (Synonym, error) {
	words, err := s.phrases(ctx, words)
	if err != nil {
		return Synonym{}, err
	}
	return s.changeSynonym(ctx, admin, adminlog.SynonymCreated, reason, func(tx pgx.Tx) (db.SearchSynonym, error) {
		if err := s.q.SearchSynonymLock(ctx, tx); err != nil {
			return db.SearchSynonym{}, err
		}
		n, err := s.q.SearchSynonymCount(ctx, tx)
		if err != nil {
			return db.SearchSynonym{}, err
		}
		if n >= maxGroups {
			return db.SearchSynonym{}, ErrSynonymCount
		}
		return s.q.SearchSynonymInsert(ctx, tx, id.New(), words)
	})
}

// ChangeSynonym gives a group other words, or takes it out of use; what is nil stays.
func (s *Service) ChangeSynonym(ctx context.Context, admin, synonym uuid.UUID, words []string, removed *bool, reason string) (_ Synonym, err error) {
	if words != nil {
		if words, err = s.phrases(ctx, words); err != nil {
			return Synonym{}, err
		}
	}
	return s.changeSynonym(ctx, admin, adminlog.SynonymChanged, reason, func(tx pgx.Tx) (db.SearchSynonym, error) {
		row, err := s.q.SearchSynonymUpdate(ctx, tx, words, removed, synonym)
		if postgres.NoRows(err) {
			return row, ErrSynonymNotFound.At("synonymId")
		}
		return row, err
	})
}

func (s *Service) changeSynonym(
	ctx context.Context, admin uuid.UUID, kind adminlog.Kind, reason string, do func(pgx.Tx) (db.SearchSynonym, error),
) (_ Synonym, err error) {
	if _, err := adminlog.Reason(reason); err != nil {
		return Synonym{}, err
	}
	defer fault.Wrap(&err, "change synonyms")
	var row db.SearchSynonym
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) (err error) {
		if row, err = do(tx); err != nil {
			return err
		}
		_, err = adminlog.RecordTx(ctx, tx, adminlog.Entry{Actor: admin, Kind: kind, Subject: id.Synonym.Encode(row.ID), Reason: reason})
		return err
	})
	if err != nil {
		return Synonym{}, err
	}
	s.synonyms.forget()
	return synonymOf(row), nil
}

// Synonyms are the groups that are in use, the newest first.
func (s *Service) Synonyms(ctx context.Context, args page.Args) (SynonymPage, error) {
	size, err := args.Size()
	if err != nil {
		return SynonymPage{}, err
	}
	before, err := args.Before(synonymList)
	if err != nil {
		return SynonymPage{}, err
	}
	rows, err := s.q.SearchSynonymPage(ctx, s.pool, before.At, before.ID, int32(size+1))
	return page.Of(rows, size, synonymOf, Synonym.Cursor), err
}

// meaning is a group as queries are compared with it: the words of its phrases, those left out that say nothing.
type meaning [][]word

// meanings are the groups by the lexemes that one of their phrases begins with.
type meanings map[string][]meaning

// synonyms are what this server has read of them.
type synonyms struct {
	mu      sync.Mutex
	kept    meanings
	version db.SearchSynonymVersionRow
	until   time.Time
}

// forget has them read again.
func (k *synonyms) forget() {
	k.mu.Lock()
	k.until = time.Time{}
	k.mu.Unlock()
}

// meanings are the groups as they are, or were some seconds ago.
func (s *Service) meanings(ctx context.Context) (meanings, error) {
	k := &s.synonyms
	k.mu.Lock()
	defer k.mu.Unlock()
	if time.Now().Before(k.until) {
		return k.kept, nil
	}
	version, err := s.q.SearchSynonymVersion(ctx, s.pool)
	if err != nil {
		return nil, err
	}
	if k.kept == nil || version != k.version {
		rows, err := s.q.SearchSynonymWords(ctx, s.pool)
		if err != nil {
			return nil, err
		}
		k.kept, k.version = meaningsOf(rows), version
	}
	k.until = time.Now().Add(synonymsFor)
	return k.kept, nil
}

// meaningsOf are groups by how their phrases begin. Rows are in the order of groups, phrases and words.
func meaningsOf(rows []db.SearchSynonymWordsRow) meanings {
	by := meanings{}
	for len(rows) > 0 {
		var m meaning
		group := rows[0].ID
		for len(rows) > 0 && rows[0].ID == group {
			var phrase []word
			number := rows[0].Phrase
			for len(rows) > 0 && rows[0].ID == group && rows[0].Phrase == number {
				phrase = append(phrase, word{text: rows[0].Word, lexemes: rows[0].Lexemes, empty: rows[0].Empty || arabicStops[rows[0].Word]})
				rows = rows[1:]
			}
			if phrase = content(phrase); len(phrase) > 0 {
				m = append(m, phrase)
			}
		}
		begins := map[string]bool{}
		for _, phrase := range m {
			for _, lexeme := range phrase[0].lexemes {
				if !begins[lexeme] {
					begins[lexeme] = true
					by[lexeme] = append(by[lexeme], m)
				}
			}
		}
	}
	return by
}

// content is the words that are asked for.
func content(words []word) (out []word) {
	for _, w := range words {
		if !w.empty {
			out = append(out, w)
		}
	}
	return out
}

// mean gives the words of a query what else they mean: those of a phrase of three words before those of two and of one, each word once.
func (m meanings) mean(words []word) {
	var at []int // of those that are asked for
	for i, w := range words {
		if !w.empty {
			at = append(at, i)
		}
	}
	for i := 0; i < len(at); {
		length, found := 1, []meaning(nil)
		for n := min(maxPhraseWords, len(at)-i); n > 0 && found == nil; n-- {
			length, found = n, m.of(words, at[i:i+n])
		}
		for _, group := range found {
			for _, which := range at[i : i+length] {
				words[which].meant(group)
			}
		}
		i += length
	}
}

// of are the groups of which a phrase is these words of a query.
func (m meanings) of(words []word, at []int) (found []meaning) {
	for _, lexeme := range words[at[0]].lexemes {
		for _, group := range m[lexeme] {
			is := func(phrase []word) bool {
				if len(phrase) != len(at) {
					return false
				}
				for i, w := range phrase {
					if !w.like(words[at[i]]) {
						return false
					}
				}
				return true
			}
			known := slices.ContainsFunc(found, func(f meaning) bool { return &f[0] == &group[0] })
			if !known && slices.ContainsFunc(group, is) {
				found = append(found, group)
			}
		}
	}
	return found
}

// like says that two words share a stem.
func (w word) like(v word) bool {
	return slices.ContainsFunc(w.lexemes, func(l string) bool { return slices.Contains(v.lexemes, l) })
}

// meant adds a group's phrases to what a word stands for.
func (w *word) meant(group meaning) {
	for _, phrase := range group {
		itself := len(phrase) == 1 && phrase[0].text == w.text
		if len(w.synonyms) < maxMeanings && !itself {
			w.synonyms = append(w.synonyms, phrase)
		}
	}
}

// synonymTerms is what a document has in some part that says what a word means.
func (w word) synonymTerms(in where) (terms []Term) {
	for _, phrase := range w.synonyms {
		var all Match
		for _, p := range phrase {
			var either []Term
			for _, l := range p.lexemes {
				either = append(either, Term{Lexeme: l, In: in})
			}
			all = append(all, either)
		}
		if len(all) == 1 {
			terms = append(terms, all[0]...)
		} else {
			terms = append(terms, Term{All: all})
		}
	}
	return terms
}
