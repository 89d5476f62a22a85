package books

import (
	"context"
	"fmt"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/page"
)

// Posting is one leg of an entry.
type Posting struct {
	Entry   int64 // its id
	Account int64 // its number
	Amount  money.Amount
	Number  *int64        // among the account's, from 1 without a gap, on a guarded account
	Balance *money.Amount // of the account after it, on a guarded account
}

// PostingPage is a page of an account's postings.
type PostingPage = page.Page[Posting]

// PostingEdge is a posting with its cursor.
type PostingEdge = page.Edge[Posting]

// PostingsAsked asks for a page of an account's postings; several such pages are read with one statement.
type PostingsAsked struct {
	Account int64
	Mode    Mode
	Size    int
	before  int64 // a number of a guarded account, an entry of a recorded one
}

// AskPostings reads the arguments of a page of an account's postings.
func AskPostings(a Account, args page.Args) (PostingsAsked, error) {
	size, err := args.Size()
	if err != nil {
		return PostingsAsked{}, err
	}
	before, err := args.BeforeNumber(postingList)
	return PostingsAsked{Account: a.Number, Mode: a.Mode, Size: size, before: before}, err
}

// Postings reads pages of postings for a loader, each account's newest first: by number where they are numbered, and
// else by transaction and entry.
func (s *Service) Postings(ctx context.Context, asked []PostingsAsked) (map[PostingsAsked]PostingPage, error) {
	found := make(map[PostingsAsked]PostingPage, len(asked))
	for _, group := range apart(asked) {
		rows, err := s.postings(ctx, group)
		if err != nil {
			return nil, fmt.Errorf("read postings: %w", err)
		}
		byAccount := make(map[int64][]Posting, len(group))
		for _, p := range rows {
			byAccount[p.Account] = append(byAccount[p.Account], p)
		}
		for _, a := range group {
			found[a] = page.Of(byAccount[a.Account], a.Size, func(p Posting) Posting { return p }, Posting.cursor)
		}
	}
	return found, nil
}

// apart puts what is asked into groups of one mode in which each account is once.
func apart(asked []PostingsAsked) [][]PostingsAsked {
	type place struct {
		mode Mode
		nth  int
	}
	seen, at := map[int64]int{}, map[place]int{}
	var groups [][]PostingsAsked
	for _, a := range asked {
		p := place{a.Mode, seen[a.Account]}
		seen[a.Account]++
		i, ok := at[p]
		if !ok {
			i = len(groups)
			at[p], groups = i, append(groups, nil)
		}
		groups[i] = append(groups[i], a)
	}
	return groups
}

func (s *Service) postings(ctx context.Context, group []PostingsAsked) ([]Posting, error) {
	accounts, befores, sizes := make([]int64, len(group)), make([]int64, len(group)), make([]int32, len(group))
	for i, a := range group {
		accounts[i], befores[i], sizes[i] = a.Account, a.before, int32(a.Size+1)
	}
	var postings []Posting
	if group[0].Mode == Guarded {
		rows, err := s.q.BooksNumberedPostings(ctx, s.pool, accounts, befores, sizes)
		for _, row := range rows {
			postings = append(postings, postingOf(db.BooksPostingsOfEntriesRow(row)))
		}
		return postings, err
	}
	rows, err := s.q.BooksTailPostings(ctx, s.pool, accounts, befores, sizes)
	for _, row := range rows {
		postings = append(postings, postingOf(db.BooksPostingsOfEntriesRow(row)))
	}
	return postings, err
}

// cursor is a posting's place among its account's.
func (p Posting) cursor() string {
	if p.Number != nil {
		return page.EncodeNumber(postingList, *p.Number)
	}
	return page.EncodeNumber(postingList, p.Entry)
}

func postingOf(row db.BooksPostingsOfEntriesRow) Posting {
	c := money.Currency(row.Currency)
	return Posting{
		Entry: row.EntryID, Account: row.AccountID, Amount: money.New(row.Amount, c),
		Number: row.Seq, Balance: amountOf(row.Balance, c),
	}
}
