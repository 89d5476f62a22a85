package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// trap holds whoever comes to one named moment, so that the server can be killed exactly there. It needs no hook in the
// program: requests are held on the wire, and what the database does is held in the database.
type trap interface {
	// arm sets the trap: the first who comes there is held. It gives the moment's coming.
	arm(c *crashSite) (held <-chan struct{})
	// release gives what was held its fate, once the server is dead, and takes the trap away.
	release(c *crashSite)
}

// The fates of what is held when its server dies.
const (
	lost    = true  // it never happens
	happens = false // it happens, and nobody is there to hear of it
)

// gate is a place on the wire. It passes requests on, and holds the one that its trap waits for.
type gate struct {
	next http.Handler

	mu  sync.Mutex
	set *requestTrap
}

// requestTrap holds a request before its effect or after it.
type requestTrap struct {
	gate  func(*crashSite) *gate
	fits  func(r *http.Request, body []byte) bool
	after bool // its effect; the answer is never seen
	lost  bool // where it is held before: it does not arrive after the server's death either

	held, released, ended chan struct{}
}

// request holds a request to Stripe before it gets there. The path may have * for a segment.
func request(method, pattern string, lost bool) trap {
	return &requestTrap{gate: atStripe, fits: of(method, pattern), lost: lost}
}

// answer holds Stripe's answer to a request.
func answer(method, pattern string) trap {
	return &requestTrap{gate: atStripe, fits: of(method, pattern), after: true}
}

// webhook holds an event of a type on its way to the server.
func webhook(kind string) trap {
	return &requestTrap{gate: atServer, fits: telling(kind), lost: true}
}

// webhookAnswer holds the server's answer to an event, as a network does that breaks right then.
func webhookAnswer(kind string) trap {
	return &requestTrap{gate: atServer, fits: telling(kind), after: true}
}

func atStripe(c *crashSite) *gate { return c.stripe }
func atServer(c *crashSite) *gate { return c.webhooks }

func of(method, pattern string) func(*http.Request, []byte) bool {
	return func(r *http.Request, _ []byte) bool {
		fits, err := path.Match(pattern, r.URL.Path)
		return err == nil && fits && r.Method == method
	}
}

func telling(kind string) func(*http.Request, []byte) bool {
	return func(_ *http.Request, body []byte) bool {
		return bytes.Contains(body, fmt.Appendf(nil, `"type":%q`, kind))
	}
}

func (r *requestTrap) arm(c *crashSite) <-chan struct{} {
	r.held, r.released, r.ended = make(chan struct{}), make(chan struct{}), make(chan struct{})
	g := r.gate(c)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.set = r
	return r.held
}

func (r *requestTrap) release(*crashSite) {
	close(r.released)
	<-r.ended
}

// take gives the trap to the first request that it waits for.
func (g *gate) take(r *http.Request, body []byte) *requestTrap {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.set == nil || !g.set.fits(r, body) {
		return nil
	}
	taken := g.set
	g.set = nil
	return taken
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // who sent it is gone
	}
	// The effect does not depend on whether the sender waits for it.
	r = r.WithContext(context.WithoutCancel(r.Context()))
	r.Body = io.NopCloser(bytes.NewReader(body))
	t := g.take(r, body)
	if t == nil {
		g.next.ServeHTTP(w, r)
		return
	}
	defer close(t.ended)
	if t.after {
		g.next.ServeHTTP(httptest.NewRecorder(), r)
	}
	close(t.held)
	<-t.released
	if !t.after && !t.lost {
		g.next.ServeHTTP(httptest.NewRecorder(), r)
	}
	panic(http.ErrAbortHandler)
}

// rowTrap holds a transaction that writes a row, by a trigger that waits for a lock of the test's.
type rowTrap struct {
	table string
	event string // INSERT or UPDATE
	when  string // a condition on NEW and OLD; any row where empty
	early bool   // held when it writes the row, and not when it commits
	lost  bool   // it is rolled back

	conn *pgx.Conn // holds the lock
}

// commit holds the commit of a transaction that inserted or updated a row of a table.
func commit(event, table, when string, lost bool) trap {
	return &rowTrap{event: event, table: table, when: when, lost: lost}
}

// write holds a transaction that has just inserted or updated a row of a table.
func write(event, table, when string) trap {
	return &rowTrap{event: event, table: table, when: when, early: true, lost: true}
}

// The lock that a rowTrap waits for; in pg_locks its numbers are classid and objid.
const (
	trapLock  = "(7345, 1)"
	trapWaits = `FROM pg_locks WHERE locktype = 'advisory' AND classid = 7345 AND NOT granted
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
)

func (r *rowTrap) arm(c *crashSite) <-chan struct{} {
	var err error
	if r.conn, err = pgx.Connect(c.t.Context(), c.db.AdminURL); err != nil {
		c.t.Fatal(err)
	}
	timing, when := "DEFERRABLE INITIALLY DEFERRED", ""
	if r.early {
		timing = "NOT DEFERRABLE"
	}
	if r.when != "" {
		when = "WHEN (" + r.when + ")"
	}
	for _, statement := range []string{
		`SELECT pg_advisory_lock` + trapLock,
		`CREATE FUNCTION trap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock` + trapLock + `; RETURN NULL; END $$`,
		`CREATE CONSTRAINT TRIGGER trap AFTER ` + r.event + ` ON ` + r.table + ` ` + timing + ` FOR EACH ROW ` + when + ` EXECUTE FUNCTION trap()`,
	} {
		r.exec(c, statement)
	}
	held := make(chan struct{})
	go func() {
		for r.waiting(c) == 0 {
			select {
			case <-c.t.Context().Done():
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
		close(held)
	}()
	return held
}

func (r *rowTrap) release(c *crashSite) {
	if r.lost {
		// Whoever the server had sent before it died may come only now.
		eventually(c.t, "the held transactions' end", func() bool {
			r.exec(c, `SELECT pg_terminate_backend(pid) `+trapWaits)
			return r.waiting(c) == 0
		})
	}
	r.exec(c, `SELECT pg_advisory_unlock`+trapLock)
	r.exec(c, `DROP TRIGGER trap ON `+r.table) // waits for the held transaction, if it goes on
	r.exec(c, `DROP FUNCTION trap()`)
	if err := r.conn.Close(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
}

func (r *rowTrap) exec(c *crashSite, statement string) {
	c.t.Helper()
	if _, err := r.conn.Exec(c.t.Context(), statement); err != nil {
		c.t.Fatalf("%s: %v", statement, err)
	}
}

// waiting is how many are held.
func (r *rowTrap) waiting(c *crashSite) (n int) {
	if err := c.db.Admin.QueryRow(c.t.Context(), `SELECT count(*) `+trapWaits).Scan(&n); err != nil && c.t.Context().Err() == nil {
		c.t.Error(err)
	}
	return n
}

// caught waits until a trap holds somebody, which proves that its moment was reached.
func caught(t *testing.T, held <-chan struct{}) {
	t.Helper()
	select {
	case <-held:
	case <-time.After(patience):
		t.Fatalf("nobody came to the trap in %s", patience)
	}
}
