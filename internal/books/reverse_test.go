package books_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/adminlog"
	"github.com/souklive/souk/internal/books"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/postgres"
)

type office struct {
	*domaintest.World
	books *books.Service
	admin uuid.UUID
}

func setup(t *testing.T) office {
	t.Helper()
	w := domaintest.New(t)
	return office{w, books.New(w.Pool), w.User(identity.Admin)}
}

// last is the newest entry.
func (o office) last() int64 { return o.Int("SELECT max(id) FROM ledger.entry") }

func (o office) reverse(entry int64, key string) (books.Entry, error) {
	return o.books.Reverse(o.Ctx(), o.admin, books.ReverseInput{Entry: entry, Reason: "booked by mistake", IdempotencyKey: key})
}

func TestReverse(t *testing.T) {
	t.Parallel()
	o := setup(t)
	user := o.Buyer(10_00)
	funded := o.last()
	reversal, err := o.reverse(funded, "key")
	o.Must(err)
	o.WantWallet(user, 0, 0)
	if reversal.Flow != ledger.FlowReversal || reversal.Reverses == nil || *reversal.Reverses != funded || reversal.Cause.Kind != "admin_action" {
		t.Errorf("got %+v", reversal)
	}
	actions, err := adminlog.New(o.Pool).List(o.Ctx(), page.Args{})
	o.Must(err)
	if len(actions.Nodes) != 1 {
		t.Fatalf("%d actions", len(actions.Nodes))
	}
	if a := actions.Nodes[0]; a.ID != reversal.Cause.ID || a.ActorID != o.admin || a.Kind != adminlog.LedgerEntryReversed ||
		a.Reason != "booked by mistake" || !strings.HasSuffix(a.Subject, "entry 1") {
		t.Errorf("recorded %+v", a)
	}
	entries, err := o.books.Entries(o.Ctx(), []int64{funded})
	o.Must(err)
	if by := entries[funded].ReversedBy; by == nil || *by != reversal.ID {
		t.Errorf("the entry is %+v", entries[funded])
	}
	o.Audited()

	// A reversal is an entry: it can be reversed, once.
	_, err = o.reverse(reversal.ID, "back")
	o.Must(err)
	o.WantWallet(user, 10_00, 0)
	o.Audited()
}

func TestAReversalIsDoneOnceForAKey(t *testing.T) {
	t.Parallel()
	o := setup(t)
	o.Buyer(10_00)
	first := o.last()
	o.Buyer(5_00)
	second := o.last()
	done, err := o.reverse(first, "key")
	o.Must(err)
	before := o.Digest()
	again, err := o.reverse(first, "key")
	o.Must(err)
	if again.ID != done.ID {
		t.Errorf("again: entry %d, first %d", again.ID, done.ID)
	}
	in := books.ReverseInput{Entry: first, Reason: "booked by mistake", IdempotencyKey: "key"}
	other, reason := in, in
	other.Entry, reason.Reason = second, "another reason"
	for name, in := range map[string]books.ReverseInput{"another entry": other, "another reason": reason} {
		if _, err := o.books.Reverse(o.Ctx(), o.admin, in); domaintest.Code(err) != "IDEMPOTENCY_KEY_REUSED" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := o.books.Reverse(o.Ctx(), o.User(identity.Admin), in); domaintest.Code(err) != "ENTRY_REVERSED" {
		t.Errorf("another admin with the same key: %v", err)
	}
	if _, err := o.reverse(first, "another key"); domaintest.Code(err) != "ENTRY_REVERSED" {
		t.Errorf("another key: %v", err)
	}
	o.Exec("DELETE FROM app_user WHERE id NOT IN (SELECT actor_id FROM admin_action) AND role = 'ADMIN'")
	if o.Digest() != before {
		t.Error("a refusal has left a trace")
	}
}

func TestReversalsAtOnce(t *testing.T) {
	t.Parallel()
	o := setup(t)
	user := o.Buyer(10_00)
	o.Fund(user, domaintest.EUR(10_00))
	entry := o.last()
	same := domaintest.Codes(domaintest.AtOnce(8, func(int) error { _, err := o.reverse(entry, "one key"); return err }))
	if same[""] != 8 {
		t.Errorf("with one key: %v", same)
	}
	keys := strings.Fields("a b c d e f g h")
	codes := domaintest.Codes(domaintest.AtOnce(8, func(i int) error { _, err := o.reverse(entry-1, keys[i]); return err }))
	if codes[""] != 1 || codes["ENTRY_REVERSED"] != 7 {
		t.Errorf("with eight keys: %v", codes)
	}
	o.WantWallet(user, 0, 0)
	if n := o.Int("SELECT count(*) FROM admin_action"); n != 2 {
		t.Errorf("%d actions are recorded", n)
	}
	o.Audited()
}

func TestReversalsThatAreRefused(t *testing.T) {
	t.Parallel()
	o := setup(t)
	spent := o.Buyer(10_00)
	funded := o.last()
	o.MustBid(o.Lot().ID, spent, 10_00)
	held := o.last()
	sale := o.Sale(20_00)
	consumed := o.last()
	_, err := o.Orders.Ship(o.Ctx(), sale.SellerID, sale.ID, "RR1")
	o.Must(err)
	_, err = o.Orders.ConfirmReceipt(o.Ctx(), sale.BuyerID, sale.ID)
	o.Must(err)
	released := o.last()
	before := o.Digest()
	for _, c := range []struct {
		name   string
		entry  int64
		reason string
		key    string
		code   string
	}{
		{"what was spent since", funded, "why", "key", "INSUFFICIENT_FUNDS"},
		{"a hold", held, "why", "key", "ENTRY_NOT_REVERSIBLE"},
		{"a purchase", consumed, "why", "key", "ENTRY_NOT_REVERSIBLE"},
		{"a release", released, "why", "key", "ENTRY_NOT_REVERSIBLE"},
		{"entry 0", 0, "why", "key", "ENTRY_NOT_FOUND"},
		{"an entry below zero", -1, "why", "key", "ENTRY_NOT_FOUND"},
		{"the last entry that could be", 1<<63 - 1, "why", "key", "ENTRY_NOT_FOUND"},
		{"without a reason", funded, " \n", "key", "REASON_LENGTH"},
		{"with a reason that can't be shown", funded, "a\x00b", "key", "TEXT_CONTROL_CHARACTERS"},
		{"without a key", funded, "why", "", "IDEMPOTENCY_KEY_INVALID"},
	} {
		_, err := o.books.Reverse(o.Ctx(), o.admin, books.ReverseInput{Entry: c.entry, Reason: c.reason, IdempotencyKey: c.key})
		if domaintest.Code(err) != c.code {
			t.Errorf("%s: %v, want %s", c.name, err, c.code)
		}
	}
	if o.Digest() != before {
		t.Error("a refusal has left a trace")
	}
}

// An account with a ceiling stops a reversal as one with a floor does.
func TestAReversalKeepsCeilings(t *testing.T) {
	t.Parallel()
	o := setup(t)
	seller := o.User(identity.Seller)
	post := func(key string, amount int64) {
		o.Must(postgres.InTx(o.Ctx(), o.Pool, func(tx pgx.Tx) error {
			_, err := ledger.PostTx(o.Ctx(), tx, ledger.Entry{
				Key: key, Flow: ledger.FlowTopUp, Cause: ledger.Cause{Kind: "test", ID: seller}, Legs: []ledger.Leg{
					{Account: ledger.Account{Kind: ledger.SellerDebt, Owner: seller, Currency: "EUR"}, Amount: amount},
					{Account: ledger.Account{Kind: ledger.Bank, Currency: "EUR"}, Amount: -amount},
				},
			})
			return err
		}))
	}
	post("owes", -10_00)
	owes := o.last()
	post("pays", 10_00)
	if _, err := o.reverse(owes, "key"); domaintest.Code(err) != "ACCOUNT_LIMIT" {
		t.Errorf("got %v", err)
	}
}
