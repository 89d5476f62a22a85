//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/bench/rig"
)

// warm is how many buyers have bought before anything is measured, and so have a cart: as many for each client of pgbench.
const (
	warm      = 256
	perClient = 8
)

// statement is one that the server made.
type statement struct {
	pid    string
	sql    string
	params []string // as SQL's literals stand for them; "" for NULL
	null   []bool
}

// record has PostgreSQL log one checkout, and makes pgbench's script of its statements.
func (b *bench) record(ctx context.Context) error {
	for _, who := range b.buyers[:warm] {
		if err := newTrip(b.url).buy(ctx, who, b.goods[17:18], nothing); err != nil {
			return err
		}
	}
	if err := b.tables(ctx); err != nil {
		return err
	}
	idle, err := b.logged(ctx, func() error { time.Sleep(3 * time.Second); return nil })
	if err != nil {
		return err
	}
	b.quiet = nil
	for _, s := range idle {
		b.quiet = append(b.quiet, beginning(s.sql))
	}
	began := time.Now()
	who, good, trip := b.buyers[0], b.goods[17], newTrip(b.url)
	made, err := b.logged(ctx, func() error { return trip.buy(ctx, who, b.goods[17:18], nothing) })
	if err != nil {
		return err
	}
	made = slices.DeleteFunc(made, func(s statement) bool { return slices.Contains(b.quiet, beginning(s.sql)) })
	known, err := b.known(ctx, who, good)
	if err != nil {
		return err
	}
	b.script = script(inTurn(made), known, began)
	transactions := 0
	for _, s := range made {
		if strings.EqualFold(s.sql, "commit") {
			transactions++
		}
	}
	b.Row("a checkout of one line is %d statements, %d transactions of several among them", len(made), transactions)
	return os.WriteFile(filepath.Join(b.Dir, "checkout.sql"), []byte(b.script), 0o600)
}

// beginning tells a statement, as pg_stat_statements has it too.
func beginning(sql string) string { return sql[:min(len(sql), 60)] }

// tables are what pgbench chooses from.
func (b *bench) tables(ctx context.Context) error {
	variants, buyers, addresses := make([]uuid.UUID, len(b.goods)), make([]uuid.UUID, warm), make([]uuid.UUID, warm)
	for i, g := range b.goods {
		variants[i] = g.variant
	}
	for i, p := range b.buyers[:warm] {
		buyers[i], addresses[i] = p.id, p.address
	}
	for _, s := range []struct {
		sql  string
		args []any
	}{
		{`CREATE TABLE bench_sku AS SELECT row_number() OVER (ORDER BY w.variant) AS n, w.variant, v.listing_id AS listing, v.seller_id AS seller,
			(SELECT s.location_id FROM stock s WHERE s.variant_id = v.id LIMIT 1) AS location
			FROM unnest($1::uuid[]) AS w (variant) JOIN variant v ON v.id = w.variant`, []any{variants}},
		{`CREATE TABLE bench_buyer AS SELECT w.n, w.buyer, w.address, s.id AS session, s.token_hash AS token, c.id AS cart
			FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS w (buyer, address, n) JOIN session s ON s.user_id = w.buyer JOIN cart c ON c.user_id = w.buyer`, []any{buyers, addresses}},
		{`ALTER TABLE bench_sku ADD PRIMARY KEY (n)`, nil}, {`ALTER TABLE bench_buyer ADD PRIMARY KEY (n)`, nil},
		{`GRANT SELECT ON bench_sku, bench_buyer TO souk_app`, nil}, {`VACUUM ANALYZE`, nil},
	} {
		if _, err := b.Admin.Exec(ctx, s.sql, s.args...); err != nil {
			return err
		}
	}
	return nil
}

// known are the values of a recorded checkout that another one has its own of, and their names in a script.
func (b *bench) known(ctx context.Context, who buyer, g good) (map[string]string, error) {
	var session, cart uuid.UUID
	var token string
	err := b.Admin.QueryRow(ctx, `SELECT session, cart, token::text FROM bench_buyer WHERE buyer = $1`, who.id).Scan(&session, &cart, &token)
	return map[string]string{
		who.id.String(): "buyer", who.address.String(): "address", session.String(): "session", cart.String(): "cart", token: "token",
		g.variant.String(): "variant", g.listing.String(): "listing", g.seller.String(): "seller", g.location.String(): "location",
	}, err
}

// logged are the statements of the server's role while do runs, from PostgreSQL's log.
func (b *bench) logged(ctx context.Context, do func() error) ([]statement, error) {
	logs, err := filepath.Glob(filepath.Join(b.Dir, "state", "*", "server.log"))
	if err != nil || len(logs) != 1 {
		return nil, errors.Join(err, fmt.Errorf("PostgreSQL's log is not there: %v", logs))
	}
	set := func(to string) error {
		for _, sql := range []string{"ALTER SYSTEM SET log_statement = '" + to + "'", "SELECT pg_reload_conf()"} {
			if _, err := b.Admin.Exec(ctx, sql); err != nil {
				return err
			}
		}
		time.Sleep(500 * time.Millisecond) // until every backend has read it
		return nil
	}
	if err := set("all"); err != nil {
		return nil, err
	}
	before, err := os.Stat(logs[0])
	if err != nil {
		return nil, err
	}
	if err := errors.Join(do(), set("none")); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(logs[0])
	if err != nil {
		return nil, err
	}
	return statements(string(text[before.Size():]))
}

var (
	entryPattern = regexp.MustCompile(`^\S+ \S+ \S+ \[(\d+)\] (LOG|DETAIL):  (.*)$`)
	otherPattern = regexp.MustCompile(`^\S+ \S+ \S+ \[\d+\] [A-Z]+:  `)
	madePattern  = regexp.MustCompile(`(?s)^(?:statement|execute [^:]*): (.*)$`)
	ownPattern   = regexp.MustCompile(`(?i)^(alter system|select pg_reload_conf|select session, cart)`)
)

// statements reads them from a log.
func statements(log string) (made []statement, err error) {
	var pid, kind, text string
	flush := func() {
		if m := madePattern.FindStringSubmatch(text); kind == "LOG" && m != nil && !ownPattern.MatchString(m[1]) {
			made = append(made, statement{pid: pid, sql: m[1]})
		}
		if rest, ok := strings.CutPrefix(text, "parameters: "); kind == "DETAIL" && ok {
			for i := len(made) - 1; i >= 0; i-- {
				if made[i].pid == pid {
					made[i].params, made[i].null = parameters(rest)
					break
				}
			}
		}
		kind = ""
	}
	for line := range strings.Lines(log) {
		line = strings.TrimSuffix(line, "\n")
		switch m := entryPattern.FindStringSubmatch(line); {
		case m != nil:
			flush()
			pid, kind, text = m[1], m[2], m[3]
		case otherPattern.MatchString(line):
			flush()
		default:
			text += "\n" + strings.TrimPrefix(line, "\t")
		}
	}
	flush()
	return made, nil
}

// parameters reads "$1 = 'it”s', $2 = NULL".
func parameters(text string) (values []string, null []bool) {
	for text != "" {
		_, rest, ok := strings.Cut(text, " = ")
		if !ok {
			return values, null
		}
		if after, isNull := strings.CutPrefix(rest, "NULL"); isNull {
			values, null, text = append(values, ""), append(null, true), strings.TrimPrefix(after, ", ")
			continue
		}
		var value strings.Builder
		i := 1
		for i < len(rest) {
			if rest[i] == '\'' {
				if i+1 == len(rest) || rest[i+1] != '\'' {
					break
				}
				i++ // one of two that stand for one
			}
			value.WriteByte(rest[i])
			i++
		}
		values, null, text = append(values, value.String()), append(null, false), strings.TrimPrefix(rest[min(i+1, len(rest)):], ", ")
	}
	return values, null
}

// inTurn puts what one connection did while another had a transaction open behind that.
func inTurn(made []statement) (turned []statement) {
	for len(made) > 0 {
		first := made[0]
		turned, made = append(turned, first), made[1:]
		if !strings.EqualFold(first.sql, "begin") {
			continue
		}
		var rest []statement
		ended := false
		for _, s := range made {
			if s.pid != first.pid || ended {
				rest = append(rest, s)
				continue
			}
			turned = append(turned, s)
			ended = strings.EqualFold(s.sql, "commit") || strings.EqualFold(s.sql, "rollback")
		}
		made = rest
	}
	return turned
}

var (
	uuidPattern  = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	valuePattern = regexp.MustCompile(`\$(\d+)`)
	comments     = regexp.MustCompile(`(?m)--.*$`)
)

// writer writes a script of pgbench's.
type writer struct {
	known    map[string]string
	began    time.Time
	fresh    []string          // names of ids that each checkout has of its own
	composed []string          // expressions, of p1, p2 …
	names    map[string]string // of those
}

// script is what was recorded, for pgbench: with another buyer, another product and ids of its own each time.
func script(made []statement, known map[string]string, began time.Time) string {
	w := &writer{known: known, began: began, names: map[string]string{}}
	var body strings.Builder
	for _, s := range made {
		event := strings.Contains(s.sql, "name: EventInsert") // a topic's versions are its own: each goes into a topic that is new
		sql := strings.TrimSpace(comments.ReplaceAllString(s.sql, ""))
		sql = valuePattern.ReplaceAllStringFunc(sql, func(at string) string {
			n, _ := strconv.Atoi(at[1:])
			switch {
			case n > len(s.params):
				return at
			case s.null[n-1]:
				return "NULL"
			}
			return w.value(s.params[n-1], event)
		})
		body.WriteString(strings.Join(strings.Fields(sql), " ") + ";\n")
	}
	var head strings.Builder
	fmt.Fprintf(&head, "\\set n random(1, :skus)\n\\set b :client_id * %d + random(1, %d)\n", perClient, perClient)
	head.WriteString("SELECT k.variant, k.listing, k.seller, k.location, p.buyer, p.address, p.token, p.session, p.cart")
	for _, name := range w.fresh {
		head.WriteString(", gen_random_uuid() AS " + name)
	}
	head.WriteString(" FROM bench_sku k, bench_buyer p WHERE k.n = :n AND p.n = :b \\gset\n")
	if len(w.composed) > 0 {
		head.WriteString("SELECT " + strings.Join(w.composed, ", ") + " \\gset\n")
	}
	return head.String() + body.String()
}

// value is a recorded value as a script has it: with names in place of what each checkout has of its own.
func (w *writer) value(v string, event bool) string {
	if name, ok := w.known[v]; ok && !event {
		return ":" + name
	}
	if name, ok := w.names[v]; ok && !event {
		return name
	}
	var parts []string
	at := 0
	for _, found := range uuidPattern.FindAllStringIndex(v, -1) {
		name, own := w.name(v[found[0]:found[1]], event)
		if !own {
			continue
		}
		if at < found[0] {
			parts = append(parts, literal(v[at:found[0]]))
		}
		parts, at = append(parts, ":"+name+"::text"), found[1]
	}
	switch {
	case len(parts) == 0 || len(v) > 2000:
		return literal(v)
	case len(parts) == 1 && at == len(v):
		return strings.TrimSuffix(parts[0], "::text")
	}
	if at < len(v) {
		parts = append(parts, literal(v[at:]))
	}
	name := fmt.Sprintf("p%d", len(w.composed)+1)
	w.composed = append(w.composed, strings.Join(parts, " || ")+" AS "+name)
	if !event {
		w.names[v] = ":" + name
	}
	return ":" + name
}

// name is that of an id which each checkout has of its own; own is false for what was there before.
func (w *writer) name(v string, event bool) (name string, own bool) {
	key := v
	if event {
		key = "event " + v
	} else if name, ok := w.known[v]; ok {
		return name, true
	}
	if name, ok := w.known[key]; ok {
		return name, true
	}
	parsed, err := uuid.Parse(v)
	if err != nil {
		return "", false
	}
	seconds, _ := parsed.Time().UnixTime()
	if !event && parsed.Version() != 4 && (parsed.Version() != 7 || seconds < w.began.Unix()) {
		return "", false
	}
	name = fmt.Sprintf("u%d", len(w.fresh)+1)
	w.fresh = append(w.fresh, name)
	w.known[key] = name
	return name, true
}

// literal is a text without a colon, which pgbench would take for a name of its own.
func literal(v string) string {
	return "E'" + strings.NewReplacer(`\`, `\\`, `'`, `''`, ":", `\x3a`).Replace(v) + "'"
}

// warming is for how long pgbench's connections plan their statements, as the server's have before: those seconds do not count.
const warming = 4

var progressPattern = regexp.MustCompile(`(?m)^progress: .* s, ([0-9.]+) tps`)

// pgbench is how many checkouts a second PostgreSQL's own load generator makes by the same statements.
func (b *bench) pgbench(ctx context.Context, clients int) (float64, error) {
	var bin string
	if err := b.Admin.QueryRow(ctx, "SELECT setting FROM pg_config WHERE name = 'BINDIR'").Scan(&bin); err != nil {
		return 0, err
	}
	command := exec.CommandContext(ctx, filepath.Join(bin, "pgbench"), "--no-vacuum", "--protocol=prepared", "--jobs=2", "--client="+strconv.Itoa(clients), "--progress=1",
		"--define=skus="+strconv.Itoa(len(b.goods)), "--time="+strconv.Itoa(warming+int(b.length.Seconds())), "--file="+filepath.Join(b.Dir, "checkout.sql"),
		b.Database.AdminURL(rig.DatabaseName))
	command.Env = append(os.Environ(), "PGOPTIONS=-c role=souk_app")
	text, err := command.CombinedOutput()
	seconds := progressPattern.FindAllStringSubmatch(string(text), -1)
	if err != nil || len(seconds) <= warming || strings.Contains(string(text), "aborted") {
		return 0, errors.Join(err, fmt.Errorf("pgbench says\n%s", text))
	}
	sum := 0.0
	for _, second := range seconds[warming:] {
		rate, err := strconv.ParseFloat(second[1], 64)
		if err != nil {
			return 0, err
		}
		sum += rate
	}
	return sum / float64(len(seconds)-warming), nil
}
