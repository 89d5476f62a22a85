package search

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/singleflight"

	"github.com/google/uuid"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/batch"
)

// How much of the index is kept or read at once.
const (
	loadRows    = 5_000  // in one statement, when the index is read from the beginning
	changeRows  = 20_000 // beyond so many changes at once it is read from the beginning
	keptMatches = 512    // bitmaps of what words match
	keptAnswers = 4_096
	retryAfter  = time.Second
)

// Memory is an index of bitmaps in this process, fed from search_document. Before each answer it reads what the database's newest
// snapshot sees and its own last one did not: nothing that was committed before the question is missing from the answer, whatever the order in which
// transactions began. Until it has read the whole once, SQL answers.
type Memory struct {
	pool *pgxpool.Pool
	q    *db.Queries
	log  *slog.Logger
	sql  *SQL

	asks    *batch.Queue[struct{}, struct{}, *Memory] // what asks at once is answered by one look at the changes
	reload  chan struct{}                             // asks Run for a fresh state
	loaded  chan *shelf                               // that Run has read
	answers *lru.Cache[string, Found]
	matches *lru.Cache[string, *bitmap]
	flights singleflight.Group

	mu    sync.RWMutex
	shelf *shelf // nil until it is read
}

// NewMemory makes an index that is empty until Load, or Run, has read it. Close ends it.
func NewMemory(pool *pgxpool.Pool, log *slog.Logger) (*Memory, error) {
	m := &Memory{pool: pool, q: db.New(), log: log, sql: NewSQL(pool), reload: make(chan struct{}, 1), loaded: make(chan *shelf, 1)}
	var err1, err2 error
	m.answers, err1 = lru.New[string, Found](keptAnswers)
	m.matches, err2 = lru.New[string, *bitmap](keptMatches)
	m.asks = batch.New(batch.Config[struct{}, struct{}, *Memory]{Run: m.answerAll})
	return m, errors.Join(err1, err2)
}

// Close waits for what is under way.
func (m *Memory) Close(ctx context.Context) error { return m.asks.Close(ctx) }

// Run reads the index, and reads it anew whenever too much of it is out of date, until ctx ends.
func (m *Memory) Run(ctx context.Context) error {
	for {
		began := time.Now()
		fresh, err := m.read(ctx)
		if err == nil {
			m.log.InfoContext(ctx, "search index read", "documents", fresh.live.GetCardinality(), "took", time.Since(began).Round(time.Millisecond))
			m.offer(fresh)
			err = m.wait(ctx)
		} else if ctx.Err() == nil {
			m.log.WarnContext(ctx, "the search index could not be read; PostgreSQL answers", "error", err)
			err = pause(ctx, retryAfter)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return err
		}
	}
}

// offer leaves a state for the next question; an older one that nobody took is dropped.
func (m *Memory) offer(fresh *shelf) {
	select {
	case <-m.loaded:
	default:
	}
	m.loaded <- fresh
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.shelf == nil {
		m.shelf = <-m.loaded
	}
}

// wait is until somebody asks for a fresh state.
func (m *Memory) wait(ctx context.Context) error {
	select {
	case <-m.reload:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Load reads the index now.
func (m *Memory) Load(ctx context.Context) error {
	fresh, err := m.read(ctx)
	if err == nil {
		m.offer(fresh)
	}
	return err
}

// read makes a state of all documents that one snapshot sees.
func (m *Memory) read(ctx context.Context) (_ *shelf, err error) {
	tx, err := m.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	fresh := newShelf()
	if fresh.seen, err = m.q.SearchSnapshot(ctx, tx); err != nil {
		return nil, err
	}
	after := uuid.Nil
	for {
		rows, err := m.q.SearchDocuments(ctx, tx, after, loadRows)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			if err := fresh.add(document(row)); err != nil {
				return nil, err
			}
		}
		if len(rows) < loadRows {
			fresh.settle()
			return fresh, nil
		}
		after = rows[len(rows)-1].ListingID
	}
}

// Open implements Index.
func (m *Memory) Open(ctx context.Context) (View, error) {
	m.mu.RLock()
	ready := m.shelf != nil
	m.mu.RUnlock()
	if !ready {
		return m.sql, nil
	}
	return m.asks.Do(ctx, struct{}{}, struct{}{})
}

// answerAll looks once for all who ask.
func (m *Memory) answerAll(ctx context.Context, _ struct{}, asked []struct{}) []batch.Answer[*Memory] {
	err := m.catchUp(ctx)
	answers := make([]batch.Answer[*Memory], len(asked))
	for i := range answers {
		answers[i] = batch.Answer[*Memory]{Value: m, Err: err}
	}
	return answers
}

// catchUp reads what has changed since the last look. One at a time does.
func (m *Memory) catchUp(ctx context.Context) error {
	select {
	case fresh := <-m.loaded:
		m.mu.Lock()
		fresh.version = m.shelf.version + 1
		m.shelf = fresh
		m.mu.Unlock()
	default:
	}
	rows, err := m.q.SearchChanges(ctx, m.pool, m.shelf.seen, changeRows)
	if err != nil {
		return err
	}
	if len(rows) == changeRows {
		return m.startOver(ctx)
	}
	if len(rows) == 1 && rows[0].ListingID == uuid.Nil {
		m.shelf.seen = rows[0].Snapshot
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, row := range rows {
		if err := m.shelf.change(row); err != nil {
			return err
		}
	}
	m.shelf.settle()
	m.shelf.seen = rows[0].Snapshot
	m.shelf.version++
	if m.shelf.worn() {
		select {
		case m.reload <- struct{}{}:
		default:
		}
	}
	return nil
}

// startOver reads the whole: so much has changed that a look at each change takes longer.
func (m *Memory) startOver(ctx context.Context) error {
	fresh, err := m.read(ctx)
	if err != nil {
		return fmt.Errorf("read the index anew: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	fresh.version = m.shelf.version + 1
	m.shelf = fresh
	return nil
}

// Known implements View.
func (m *Memory) Known(_ context.Context, matches []Match) ([]bool, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	known := make([]bool, len(matches))
	for i, match := range matches {
		known[i] = !m.match(match).IsEmpty()
	}
	return known, nil
}

// match is what has the words, of what is live. It is kept, and not to be changed.
func (m *Memory) match(match Match) *bitmap {
	key := fmt.Sprint(m.shelf.version, " ", match.tsquery())
	if kept, ok := m.matches.Get(key); ok {
		return kept
	}
	found := m.shelf.match(match)
	m.matches.Add(key, found)
	return found
}

// Find implements View. An answer is kept with the version of the index that gave it; what asks the same at once is answered once.
func (m *Memory) Find(_ context.Context, r Request) (Found, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	key := fmt.Sprint(m.shelf.version, " ", r.key())
	if kept, ok := m.answers.Get(key); ok {
		return kept, nil
	}
	answer, _, _ := m.flights.Do(key, func() (any, error) {
		found := m.shelf.find(r, m.match(r.Match), func(terms []Term) *bitmap { return m.match(Match{terms}) })
		m.answers.Add(key, found)
		return found, nil
	})
	return answer.(Found), nil
}
