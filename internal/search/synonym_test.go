package search_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/search"
)

// A word finds what says the same in another language, behind what has the word itself, by both indexes alike.
func TestSynonyms(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.shelf("Appareil photo Leica", "كاميرا كانون", "Canon camera", "Photo album", "Lave-linge Bosch", "Machine à coudre", "Sewing machine", "Sac à dos", "Sac de sable", "Hiking backpack", "Dos d'âne")
	for i, service := range b.both() {
		b.Service = service
		for text, want := range map[string][]string{
			"camera":          {"Canon camera", "كاميرا كانون", "Appareil photo Leica"},
			"cameras":         {"Canon camera", "كاميرا كانون", "Appareil photo Leica"},
			"appareil photo":  {"Appareil photo Leica", "Canon camera", "كاميرا كانون"},
			"الكاميرا":        {"كاميرا كانون", "Canon camera", "Appareil photo Leica"},
			"photo":           {"Photo album", "Appareil photo Leica"}, // a part of a phrase is not the phrase
			"washing machine": {"Lave-linge Bosch"},
			"sac a dos":       {"Sac à dos", "Hiking backpack"},
			"backpack":        {"Hiking backpack", "Sac à dos"},
			"kanon camera":    {"Canon camera", "كاميرا كانون"}, // a typo beside a synonym, and a title that has both in Arabic
		} {
			got := b.titles(search.Query{Text: text})
			if text == "kanon camera" {
				got = got[:min(1, len(got))]
				want = want[:1]
			}
			if !slices.Equal(got, want) {
				t.Errorf("index %d: %q finds %q, want %q", i, text, got, want)
			}
		}
	}
}

// Who manages synonyms says what stands for what; this server goes by it at once, others within seconds.
func TestSynonymsAreManaged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	admin := b.User(identity.Admin)
	b.shelf("Zellige tiles", "Faience murale", "Fossil")
	other := search.New(b.Pool, b.Catalog, search.NewSQL(b.Pool))
	find := func(s *search.Service, text string) int {
		t.Helper()
		result, err := s.Search(b.Ctx(), search.Query{Text: text}, page.Args{}, search.Want{})
		b.Must(err)
		return len(result.Nodes)
	}
	if find(b.Service, "zellige") != 1 || find(other, "zellige") != 1 {
		t.Error("found before anybody said so")
	}
	made, err := b.CreateSynonym(b.Ctx(), admin, []string{" zellige ", "faïence murale", "zellige"}, "they are the same")
	b.Must(err)
	if !slices.Equal(made.Words, []string{"zellige", "faïence murale"}) || find(b.Service, "zellige") != 2 || find(b.Service, "faiences murales") != 2 {
		t.Errorf("made %+v, found %d", made, find(b.Service, "zellige"))
	}
	for deadline := time.Now().Add(20 * time.Second); find(other, "zellige") != 2; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("another server never hears of it")
		}
	}
	changed, err := b.ChangeSynonym(b.Ctx(), admin, made.ID, []string{"zellige", "fossil"}, nil, "no, they are not")
	b.Must(err)
	if got := b.titles(search.Query{Text: "zellige"}); !slices.Equal(got, []string{"Zellige tiles", "Fossil"}) {
		t.Errorf("%+v finds %q", changed, got)
	}
	b.Must2(b.ChangeSynonym(b.Ctx(), admin, made.ID, nil, new(true), "nobody needs it"))
	if find(b.Service, "zellige") != 1 {
		t.Error("found after it was taken out of use")
	}
	listed, err := b.Synonyms(b.Ctx(), page.Args{First: new(100)})
	b.Must(err)
	if slices.ContainsFunc(listed.Nodes, func(s search.Synonym) bool { return s.ID == made.ID }) || len(listed.Nodes) != 100 || !listed.PageInfo().HasNextPage {
		t.Errorf("%d are listed", len(listed.Nodes))
	}
	if n := b.Int(`SELECT count(*) FROM admin_action WHERE action LIKE 'SYNONYM_%'`); n != 3 {
		t.Errorf("%d lines are in the log", n)
	}
	many := make([]string, 1000)
	for i := range many {
		many[i] = fmt.Sprint("word", i)
	}
	for name, words := range map[string][]string{
		"nothing": nil, "one": {"lamp"}, "one twice": {"lamp", "lamp "}, "a thousand": many, "a long one": {"lamp", strings.Repeat("x", 41)},
		"10,000 characters": {"lamp", strings.Repeat("x", 10_000)}, "four words": {"lamp", "a b c d"}, "no word": {"lamp", "!!!"}, "the": {"lamp", "the"}, "no text": {"lamp", "\xff"},
	} {
		if _, err := b.CreateSynonym(b.Ctx(), admin, words, "why"); !errors.Is(err, search.ErrSynonym) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := b.CreateSynonym(b.Ctx(), admin, []string{"a lamp", "lampe"}, " "); err == nil {
		t.Error("without a reason")
	}
	if _, err := b.ChangeSynonym(b.Ctx(), admin, uuid.New(), []string{"lamp", "lampe"}, nil, "why"); !errors.Is(err, search.ErrSynonymNotFound) {
		t.Errorf("no group: %v", err)
	}
}
