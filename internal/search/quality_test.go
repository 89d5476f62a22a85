package search_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/search"
)

// recallFloor is the least part of what is meant that a change may leave unfound: a language whose words are no longer understood in another
// leaves two thirds.
const recallFloor = 0.85

// wholeFloor is the same for the first five that could be right.
const wholeFloor = 0.9

// floor is the least precision at 5 that a change may leave: a few hundredths below what the rules of docs/search.md reach, so that one
// query more or less that is served badly passes, and a language that is no longer stemmed does not.
const floor = 0.95

// Of the first five that a query finds, how many are what its author meant: real-looking listings in three languages, and queries with
// their judgments, in testdata. What fewer than five are found by counts by what is found; what nothing is found by counts as nothing. That alone
// would not notice a query that finds one of many: so beside it, of the five that could be there, or as many as are meant, how many are among the
// first five; and the recall, how much of what is meant, in any language, is found at all.
func TestPrecisionAtFive(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Service = search.New(b.Pool, b.Catalog, b.memory())
	label, there := map[uuid.UUID]string{}, map[string]int{}
	for _, line := range lines(t, "testdata/listings.txt") {
		of, title, _ := strings.Cut(line, "|")
		label[b.put(good{title: title})] = of
		there[of]++
	}
	queries := lines(t, "testdata/queries.txt")
	sum, filled, recalled := 0.0, 0.0, 0.0
	for _, line := range queries {
		text, meant, _ := strings.Cut(line, "|")
		result, err := b.Search(b.Ctx(), search.Query{Text: text}, page.Args{First: new(100)}, search.Want{})
		b.Must(err)
		first := min(5, len(result.Nodes))
		right, found, all := 0, 0, 0
		for of := range strings.FieldsSeq(meant) {
			all += there[of]
			for i, l := range result.Nodes {
				if label[l.ID] == of {
					found++
					if i < first {
						right++
					}
				}
			}
		}
		precision, recall := float64(right)/float64(max(1, first)), float64(found)/float64(all)
		sum, filled, recalled = sum+precision, filled+float64(right)/float64(min(5, all)), recalled+recall
		if recall < 0.6 {
			t.Logf("recall %.2f  %s (%d of %d)", recall, text, found, all)
		}
		if precision < 1 {
			t.Logf("%.2f  %s (%d of %d)", precision, text, right, first)
		}
	}
	n := float64(len(queries))
	mean, whole, recall := sum/n, filled/n, recalled/n
	t.Logf("%.3f precision at 5 of what is shown, %.3f of what could be, %.3f recall, %d queries, %d listings", mean, whole, recall, len(queries), len(label))
	if whole < wholeFloor {
		t.Errorf("of the first five that could be right, %.3f are, below %.2f", whole, wholeFloor)
	}
	if recall < recallFloor {
		t.Errorf("recall is %.3f, below %.2f", recall, recallFloor)
	}
	if mean < floor {
		t.Errorf("precision at 5 is %.3f, below %.2f", mean, floor)
	}
}

func lines(t *testing.T, file string) []string {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(raw)), "\n")
}
