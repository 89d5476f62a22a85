package idempotency_test

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/idempotency"
	"github.com/souklive/souk/internal/pgtest"
)

type bundle struct {
	*idempotency.Store
	data    *pgtest.Database
	request idempotency.Request
}

func setup(t *testing.T) *bundle {
	t.Helper()
	data := pgtest.New(t)
	return &bundle{Store: idempotency.New(data.Pool), data: data, request: idempotency.Request{
		User: uuid.New(), Operation: "bidPlace", Key: "once", Input: sha256.Sum256([]byte("in")), Selection: sha256.Sum256([]byte("fields")),
	}}
}

func (b *bundle) exec(t *testing.T, sql string) {
	t.Helper()
	if _, err := b.data.Admin.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

// claim takes the key, which has to be free.
func (b *bundle) claim(t *testing.T, r idempotency.Request) *idempotency.Claim {
	t.Helper()
	found, err := b.Claim(t.Context(), r)
	if err != nil || found.Claim == nil {
		t.Fatalf("%+v, %v", found, err)
	}
	return found.Claim
}

func (b *bundle) keep(t *testing.T, c *idempotency.Claim, answer idempotency.Answer) string {
	t.Helper()
	kept, err := c.Keep(t.Context(), answer)
	if err != nil {
		t.Fatal(err)
	}
	return string(kept)
}

func (b *bundle) refused(t *testing.T, r idempotency.Request, want error) {
	t.Helper()
	if found, err := b.Claim(t.Context(), r); !errors.Is(err, want) {
		t.Errorf("%+v, %v, want %v", found, err, want)
	}
}

const expire = `UPDATE idempotency_answer SET locked_until = clock_timestamp() - interval '1 second'`

func answer(json string) idempotency.Answer { return idempotency.Answer{JSON: []byte(json)} }

// Where a claim runs out and somebody takes it over, two may finish: both are answered by who came first.
func TestTwoThatFinish(t *testing.T) {
	t.Parallel()
	for name, lateFirst := range map[string]bool{"the late one first": true, "the late one last": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			late := b.claim(t, b.request)
			b.refused(t, b.request, idempotency.ErrInFlight)
			b.exec(t, expire)
			second := b.claim(t, b.request)
			b.refused(t, b.request, idempotency.ErrInFlight)
			order := []*idempotency.Claim{second, late}
			if lateFirst {
				order = []*idempotency.Claim{late, second}
			}
			for i, text := range []string{`{"first":1}`, `{"second":2}`} {
				if got := b.keep(t, order[i], answer(text)); got != `{"first":1}` {
					t.Errorf("answered %s", got)
				}
			}
			found, err := b.Claim(t.Context(), b.request)
			if err != nil || found.Answer == nil || string(found.Answer.JSON) != `{"first":1}` {
				t.Errorf("%+v, %v", found, err)
			}
		})
	}
}

// Who took a claim over may want other fields: the late one's answer is not theirs.
func TestTwoThatFinishWithOtherFields(t *testing.T) {
	t.Parallel()
	b := setup(t)
	late := b.claim(t, b.request)
	b.exec(t, expire)
	other := b.request
	other.Selection = sha256.Sum256([]byte("other fields"))
	second := b.claim(t, other)
	if got := b.keep(t, late, answer(`1`)); got != `1` {
		t.Errorf("the late one is answered %s", got)
	}
	if got := b.keep(t, second, answer(`2`)); got != `2` {
		t.Errorf("the second is answered %s", got)
	}
	if found, err := b.Claim(t.Context(), b.request); err != nil || found.Answer != nil || found.Claim != nil {
		t.Errorf("the late one's retry: %+v, %v", found, err)
	}
}

func TestGivingUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.claim(t, b.request)
	if err := first.GiveUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	other := b.request
	other.Input = sha256.Sum256([]byte("other input"))
	b.refused(t, other, idempotency.ErrKeyReused) // the first may have been done for all that
	b.claim(t, b.request)
	if err := first.GiveUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.refused(t, b.request, idempotency.ErrInFlight) // nobody gives up another's claim
}

func TestARefusalIsForEverySelection(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.keep(t, b.claim(t, b.request), idempotency.Answer{JSON: []byte(`{}`), Refusals: json.RawMessage(`[1]`)})
	other := b.request
	other.Selection = sha256.Sum256([]byte("other fields"))
	found, err := b.Claim(t.Context(), other)
	if err != nil || found.Answer == nil || found.Answer.JSON != nil || string(found.Answer.Refusals) != `[1]` {
		t.Errorf("%+v, %v", found, err)
	}
}

func TestKeysAreTheirUsersAndTheirMutations(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.claim(t, b.request)
	for name, change := range map[string]func(*idempotency.Request){
		"user":      func(r *idempotency.Request) { r.User = uuid.New() },
		"operation": func(r *idempotency.Request) { r.Operation = "walletTopUp" },
		"key":       func(r *idempotency.Request) { r.Key = "Once" },
	} {
		r := b.request
		change(&r)
		r.Input = sha256.Sum256([]byte(name))
		b.claim(t, r)
	}
}

func TestAnAnswerOfTheLargestSize(t *testing.T) {
	t.Parallel()
	b := setup(t)
	large := strings.Repeat("x", idempotency.MaxAnswer)
	b.keep(t, b.claim(t, b.request), answer(large))
	if found, err := b.Claim(t.Context(), b.request); err != nil || found.Answer == nil || string(found.Answer.JSON) != large {
		t.Errorf("it was not kept: %v", err)
	}
	b.request.Key = "twice"
	if got := b.keep(t, b.claim(t, b.request), answer(large+"x")); got != large+"x" {
		t.Errorf("%d bytes", len(got))
	}
	b.claim(t, b.request) // free at once
}

// The first answer and a key's input are held by the database as well.
func TestTheDatabaseHoldsAnswers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.keep(t, b.claim(t, b.request), answer(`{}`))
	b.request.Key = "open"
	b.claim(t, b.request)
	for _, change := range []string{
		`UPDATE idempotency_answer SET answer = 'other' WHERE answer IS NOT NULL`,
		`UPDATE idempotency_answer SET answer = NULL, answered_at = NULL WHERE answer IS NOT NULL`,
		`UPDATE idempotency_answer SET input_hash = sha256('other') WHERE answer IS NULL`,
		`TRUNCATE idempotency_answer`,
	} {
		if _, err := b.data.Pool.Exec(t.Context(), change); err == nil {
			t.Errorf("a server may %s", change)
		}
	}
}

// More than two batches, and what is young or still claimed stays.
func TestPruning(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.exec(t, `INSERT INTO idempotency_answer (user_id, operation, key, input_hash, selection_hash, claim, locked_until, created_at)
		SELECT gen_random_uuid(), 'bidPlace', 'k', sha256('a'), sha256('b'), gen_random_uuid(), now() - interval '1 hour',
		       now() - CASE WHEN n <= 2500 THEN interval '30 days 1 minute' ELSE interval '29 days' END
		FROM generate_series(1, 2600) n`)
	b.exec(t, `UPDATE idempotency_answer SET locked_until = now() + interval '1 minute'
		WHERE user_id = (SELECT min(user_id::text)::uuid FROM idempotency_answer WHERE created_at < now() - interval '30 days')`)
	deleted, err := b.Prune(t.Context())
	if err != nil || deleted != 2499 {
		t.Errorf("deleted %d, %v", deleted, err)
	}
	var left int
	if err := b.data.Admin.QueryRow(t.Context(), `SELECT count(*) FROM idempotency_answer`).Scan(&left); err != nil || left != 101 {
		t.Errorf("%d are left, %v", left, err)
	}
}

func TestCheckKey(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]bool{
		"": false, "k": true, " ": true, "~": true, strings.Repeat("k", 255): true, strings.Repeat("k", 256): false,
		"a\x00": false, "a\x1f": false, "a\x7f": false, "a\n": false, "é": false, "\xff": false, "\u200b": false, "٣": false,
	} {
		if err := idempotency.CheckKey(key); (err == nil) != want {
			t.Errorf("%q: %v", key, err)
		}
	}
}
