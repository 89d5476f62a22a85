package payment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/audit"
	"github.com/souklive/souk/internal/feed"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/page"
)

// disputes is a payment into the bundle's user's wallet whose card's bank takes some of it back, or asks about it.
func (b *bundle) disputes(paid, cents int64, inquiry bool) (TopUp, string) {
	b.t.Helper()
	top := b.paid("pm_card_visa", paid)
	return top, b.disputeOf(top, cents, inquiry)
}

func (b *bundle) disputeOf(top TopUp, cents int64, inquiry bool) string {
	b.t.Helper()
	var charge string
	b.must(b.data.Admin.QueryRow(b.t.Context(), "SELECT charge_id FROM top_up WHERE id = $1", top.ID).Scan(&charge))
	d, err := b.fake.OpenDispute(charge, "fraudulent", cents, inquiry)
	b.must(err)
	return d.ID
}

// looks records what has become of a dispute, as each of its events does.
func (b *bundle) looks(dispute string) {
	b.t.Helper()
	if ignored, err := b.disputeChanged(b.t.Context(), dispute); err != nil || ignored != "" {
		b.t.Fatalf("look at %s: %q, %v", dispute, ignored, err)
	}
}

// decides is the bank's decision, looked at.
func (b *bundle) decides(dispute, outcome string) {
	b.t.Helper()
	b.must(b.fake.DecideDispute(dispute, outcome))
	b.looks(dispute)
}

// charged is the chargeback of a dispute, which has to be of a status.
func (b *bundle) charged(dispute string, want ChargebackStatus) Chargeback {
	b.t.Helper()
	var chargeback uuid.UUID
	b.must(b.data.Admin.QueryRow(b.t.Context(), "SELECT id FROM chargeback WHERE dispute_id = $1", dispute).Scan(&chargeback))
	c, err := b.ChargebackByID(b.t.Context(), chargeback)
	if err != nil || c.Status != want {
		b.t.Fatalf("got %+v, %v, want %s", c, err, want)
	}
	return c
}

// frozen insists on how many freezes stand on a user's wallet.
func (b *bundle) frozen(user uuid.UUID, want int) {
	b.t.Helper()
	standing, err := ledger.Freezes(b.t.Context(), b.data.Pool, user, true, 10)
	if err != nil || len(standing) != want {
		b.t.Errorf("%d freezes stand, %v; want %d", len(standing), err, want)
	}
}

// booked compares the whole of our books with the provider's, and runs every check on them.
func (b *bundle) booked() {
	b.t.Helper()
	var net, fees int64
	journal := b.fake.Journal()
	for _, m := range journal {
		net, fees = net+m.Net, fees+m.Fee
		if b.count("SELECT count(*) FROM provider_txn WHERE id = $1 AND gross = $2 AND fee = $3", m.ID, m.Amount, m.Fee) != 1 {
			b.t.Errorf("the provider moved %d by %s (%s), and no record says so", m.Amount, m.ID, m.Type)
		}
	}
	if n := b.count("SELECT count(*) FROM provider_txn"); n != len(journal) {
		b.t.Errorf("%d records of the provider, which has %d", n, len(journal))
	}
	if clearing := b.sum(ledger.PSPClearing, uuid.Nil); clearing != -net {
		b.t.Errorf("clearing stands at %d, the provider's balance at %d", clearing, net)
	}
	if cost := b.sum(ledger.PSPFees, uuid.Nil); cost != -fees {
		b.t.Errorf("fees stand at %d, the provider took %d", cost, fees)
	}
	_, err := audit.Run(b.t.Context(), b.data.Pool, audit.Options{}, func(r audit.Result) {
		if !r.OK() {
			b.t.Errorf("%s %v", r.Name, r.Findings)
		}
	})
	b.must(err)
}

func TestAChargebackIsWon(t *testing.T) {
	t.Parallel()
	b := setup(t)
	top, dispute := b.disputes(100_00, 0, false)
	b.looks(dispute)
	c := b.charged(dispute, ChargebackNeedsResponse)
	if c.User != b.user || *c.TopUp != top.ID || c.Amount != eur(100_00) || c.Reason != "fraudulent" || c.RespondBy == nil || c.Covered != nil || c.DecidedAt != nil {
		t.Errorf("%+v", c)
	}
	if got := b.sum(ledger.Chargeback, c.ID); got != -100_00 {
		t.Errorf("withdrawn: %d, want -10000", got)
	}
	b.frozen(b.user, 1)
	if err := b.spends(b.user, 1); code(err) != "WALLET_FROZEN" {
		t.Errorf("spends: %v", err)
	}
	if _, err := b.UnfreezeWallet(t.Context(), b.newUser(), Unfreeze{User: &b.user, Reason: "be nice"}); !errors.Is(err, ErrFreezeHeld) {
		t.Errorf("an admin lifts it: %v, want ErrFreezeHeld", err)
	}
	b.booked()

	b.decides(dispute, "won")
	if c = b.charged(dispute, ChargebackWon); c.DecidedAt == nil || c.Covered != nil {
		t.Errorf("%+v", c)
	}
	b.wants(b.user, 100_00, 0)
	b.frozen(b.user, 0)
	b.must(b.spends(b.user, 100_00))
	if loss := b.sum(ledger.ChargebackLoss, uuid.Nil); loss != 0 {
		t.Errorf("a loss of %d", loss)
	}
	want := []feed.Kind{feed.TopUpChanged, feed.ChargebackChanged, feed.WalletFrozen, feed.ChargebackChanged, feed.WalletUnfrozen}
	if got := b.heard(b.user); !slices.Equal(got, want) {
		t.Errorf("the user was told %v, want %v", got, want)
	}
	if n := b.count("SELECT count(*) FROM event WHERE topic = 'support:desk' AND kind = 'CHARGEBACK_CHANGED'"); n != 2 {
		t.Errorf("support was told %d times, want 2", n)
	}
}

// What the wallet has when the chargeback is lost is taken, to the last cent and no further; what is set aside for a leading
// bid is not there to be taken.
func TestAChargebackIsLost(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spent, held, disputed int64
		covered               int64
		frozen                int
	}{
		"the wallet has enough":          {0, 0, 60_00, 60_00, 0},
		"to the last cent":               {40_00, 0, 60_00, 60_00, 0},
		"a cent is missing":              {40_01, 0, 60_00, 59_99, 1},
		"the wallet is empty":            {100_00, 0, 60_00, 0, 1},
		"the rest leads a lot":           {0, 70_00, 100_00, 30_00, 1},
		"all is charged back, none left": {99_99, 0, 100_00, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			top := b.paid("pm_card_visa", 100_00)
			if c.spent > 0 {
				b.must(b.loses(c.spent))
			}
			if c.held > 0 {
				b.must(b.inTx(func(ctx context.Context, tx pgx.Tx) error {
					return b.ChangeHoldsTx(ctx, tx, HoldChange{Key: "lead", Cause: ledger.Cause{Kind: "checkout", ID: id.New()},
						Open: []NewHold{{ID: id.New(), User: b.user, Amount: eur(c.held)}}})
				}))
			}
			dispute := b.disputeOf(top, c.disputed, false)
			b.looks(dispute)
			b.booked()
			b.decides(dispute, "lost")

			lost := b.charged(dispute, ChargebackLost)
			if lost.Covered == nil || *lost.Covered != eur(c.covered) {
				t.Errorf("covered %v, want %d", lost.Covered, c.covered)
			}
			b.wants(b.user, 100_00-c.spent-c.held-c.covered, c.held)
			b.frozen(b.user, c.frozen)
			if loss := b.sum(ledger.ChargebackLoss, uuid.Nil); loss != c.covered-c.disputed {
				t.Errorf("the platform bears %d, want %d", loss, c.covered-c.disputed)
			}
			b.booked()
			if c.frozen > 0 { // now an admin may
				if _, err := b.UnfreezeWallet(t.Context(), b.newUser(), Unfreeze{User: &b.user, Reason: "paid by bank transfer"}); err != nil {
					t.Error(err)
				}
				b.frozen(b.user, 0)
			}
		})
	}
}

// What is charged back cannot be withdrawn to the card that took it back, neither while it is open nor once it is lost.
func TestNothingIsWithdrawnToACardThatChargedBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	top := b.paid("pm_card_visa", 100_00)
	left := func() money.Amount {
		t.Helper()
		all, err := b.Refundable(t.Context(), []uuid.UUID{b.user})
		b.must(err)
		return all[b.user]["EUR"]
	}
	inquiry := b.disputeOf(top, 10_00, true)
	b.looks(inquiry)
	if left() != eur(100_00) {
		t.Errorf("%s can be withdrawn while the bank only asks", left())
	}
	dispute := b.disputeOf(top, 60_00, false)
	b.looks(dispute)
	b.paid("pm_card_visa", 5_00)
	if left() != eur(5_00) {
		t.Errorf("%s can be withdrawn, want what another card paid", left())
	}
	b.decides(dispute, "lost")
	b.frozen(b.user, 0)
	if _, err := b.Withdraw(t.Context(), b.user, withdrawal(6_00)); code(err) != ErrWithdrawalNotFunded.Code {
		t.Errorf("withdrawn: %v", err)
	}
	b.wants(b.user, 45_00, 0)
	won := b.disputeOf(top, 20_00, false)
	b.looks(won)
	b.decides(won, "won")
	b.booked()
}

// An inquiry moves nothing until it is escalated.
func TestAnInquiry(t *testing.T) {
	t.Parallel()
	b := setup(t)
	top, closed := b.disputes(100_00, 0, true)
	b.looks(closed)
	b.charged(closed, ChargebackInquiry)
	b.decides(closed, "warning_closed")
	b.charged(closed, ChargebackClosed)

	escalated := b.disputeOf(top, 30_00, true)
	b.looks(escalated)
	b.frozen(b.user, 0)
	b.must(b.spends(b.user, 10_00))
	if n := b.count("SELECT count(*) FROM ledger.entry WHERE cause_kind = 'chargeback'"); n != 0 {
		t.Errorf("an inquiry moved money %d times", n)
	}
	b.decides(escalated, "needs_response")
	c := b.charged(escalated, ChargebackNeedsResponse)
	if got := b.sum(ledger.Chargeback, c.ID); got != -30_00 || c.Amount != eur(30_00) {
		t.Errorf("withdrawn: %d over %s, want -3000", got, c.Amount)
	}
	b.frozen(b.user, 1)
}

// The test cards that dispute by themselves lead there over the webhook's way: event, inbox, worker.
func TestCardsThatDispute(t *testing.T) {
	t.Parallel()
	for card, want := range map[string]ChargebackStatus{
		"pm_card_createDispute":                   ChargebackNeedsResponse,
		"pm_card_createDisputeProductNotReceived": ChargebackNeedsResponse,
		"pm_card_createDisputeInquiry":            ChargebackInquiry,
	} {
		t.Run(card, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			top := b.paid(card, 50_00)
			b.must(b.fake.Advance(2 * time.Second))
			b.must(b.sweepProvider(t.Context(), -time.Second)) // no webhook came: the list of events is read
			var dispute string
			b.must(b.data.Admin.QueryRow(t.Context(), "SELECT dispute_id FROM chargeback WHERE top_up_id = $1", top.ID).Scan(&dispute))
			b.charged(dispute, want)
			b.booked()
		})
	}
}

// A sight that makes no sense is refused, and leaves no trace.
func TestDisputesThatAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	top, dispute := b.disputes(100_00, 0, false)
	b.looks(dispute)
	good := b.sight(dispute)
	record := ProviderTxn{ID: "txn_x", Gross: eur(99_99)}
	before := b.entries()
	for name, change := range map[string]func(*Dispute){
		"another currency":       func(d *Dispute) { d.Amount = money.New(100_00, "USD") },
		"another sum reinstated": func(d *Dispute) { d.State, d.Reinstated = ChargebackWon, record },
	} {
		d := good
		change(&d)
		if err := b.recordDispute(t.Context(), d, disputed{user: b.user, topUp: &top.ID}); err == nil {
			t.Errorf("%s: recorded", name)
		}
	}
	won := good
	won.State = ChargebackWon // and the money is not back
	if err := b.recordDispute(t.Context(), won, disputed{user: b.user, topUp: &top.ID}); !errors.Is(err, errStillOpen) {
		t.Errorf("won without the money: %v, want errStillOpen", err)
	}
	if b.charged(dispute, ChargebackUnderReview); b.entries() != before {
		t.Error("something was posted")
	}
	b.decides(dispute, "lost")
	late := b.sight(dispute)
	late.State, late.Reinstated = ChargebackWon, ProviderTxn{ID: "txn_y", Gross: eur(99_99)}
	if err := b.recordDispute(t.Context(), late, disputed{user: b.user, topUp: &top.ID}); err == nil {
		t.Error("what is lost was won, by another sum")
	}
	late.Reinstated = ProviderTxn{}
	if err := b.recordDispute(t.Context(), late, disputed{user: b.user, topUp: &top.ID}); !errors.Is(err, errStillOpen) {
		t.Errorf("what is lost was won without the money: %v, want errStillOpen", err)
	}
	b.charged(dispute, ChargebackLost)
	b.booked()
}

// A bank may take back that a chargeback was lost: then everybody has what they had, and the freeze of a wallet that could not
// pay is over. However many hear of it, and whatever they have seen, it is done once.
func TestALossIsTakenBack(t *testing.T) {
	t.Parallel()
	for name, spent := range map[string]int64{"the wallet had it": 0, "a part of it": 60_00, "nothing": 100_00} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			top := b.paid("pm_card_visa", 100_00)
			if spent > 0 {
				b.must(b.loses(spent))
			}
			dispute := b.disputeOf(top, 0, false)
			b.decides(dispute, "lost")
			b.wants(b.user, 0, 0)
			lost := b.sight(dispute)
			b.must(b.fake.DecideDispute(dispute, "won"))
			errs := make([]error, 8)
			var all sync.WaitGroup
			for i := range errs {
				all.Go(func() { _, errs[i] = b.disputeChanged(t.Context(), dispute) })
			}
			all.Wait()
			b.must(errors.Join(errs...))
			b.must(b.recordDispute(t.Context(), lost, disputed{user: b.user, topUp: &top.ID})) // an older sight
			if c := b.charged(dispute, ChargebackWon); c.Covered != nil {
				t.Errorf("%+v", c)
			}
			b.wants(b.user, 100_00-spent, 0)
			b.frozen(b.user, 0)
			if loss := b.sum(ledger.ChargebackLoss, uuid.Nil); loss != 0 {
				t.Errorf("a loss of %d", loss)
			}
			b.booked()
		})
	}
}

// A dispute of a charge that is none of ours is ignored, and leaves no trace.
func TestADisputeOfNobodysCharge(t *testing.T) {
	t.Parallel()
	b := listening(t)
	intent, err := b.provider.CreateIntent(t.Context(), IntentRequest{Key: "k", Amount: eur(5_00), PaymentMethod: "pm_card_visa", Reference: "another shop's"})
	b.must(err)
	intent, err = b.provider.ConfirmIntent(t.Context(), intent.ID, comeBackTo, "k2")
	b.must(err)
	d, err := b.fake.OpenDispute(intent.Charge.ID, "fraudulent", 0, false)
	b.must(err)
	b.hears("charge.dispute.created", 1)
	b.handles()
	if status, why := b.eventStatus("charge.dispute.created"); status != eventIgnored || why != "no top-up and no order payment is "+intent.ID {
		t.Errorf("the event of %s is %s: %s", d.ID, status, why)
	}
	if b.count("SELECT count(*) FROM chargeback") != 0 || b.entries() != 0 {
		t.Error("something was written")
	}
}

// readDispute reads what Stripe sends; a movement of the balance that is not understood is no dispute of ours.
func TestStripesDisputes(t *testing.T) {
	t.Parallel()
	const shape = `{"id":"dp_1","object":"dispute","amount":500,"currency":"eur","charge":"ch_1","payment_intent":"pi_1","reason":"fraudulent",
		"status":%q,"evidence_details":{"due_by":1900000000},"balance_transactions":[%s]}`
	const out, back = `{"id":"txn_1","amount":-500,"fee":2000,"net":-2500,"currency":"eur"}`, `{"id":"txn_2","amount":500,"fee":0,"net":500,"currency":"eur"}`
	for status, want := range map[string]ChargebackStatus{
		"warning_needs_response": ChargebackInquiry, "warning_under_review": ChargebackInquiry, "warning_closed": ChargebackClosed,
		"needs_response": ChargebackNeedsResponse, "under_review": ChargebackUnderReview, "won": ChargebackWon, "lost": ChargebackLost, "prevented": "",
	} {
		for moved, sense := range map[string]bool{"": true, out: true, out + "," + back: true, out + "," + out: false} {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintf(w, shape, status, moved) }))
			d, err := NewStripe(testKey, server.URL, nil).Dispute(t.Context(), "dp_1")
			server.Close()
			if (err == nil) != (sense && want != "") || (err == nil && d.State != want) {
				t.Errorf("%s with %s: %+v, %v", status, moved, d, err)
			}
			if err == nil && moved != "" && (d.Withdrawn.Gross != eur(-500) || d.Withdrawn.Fee != eur(2000) || d.Charge != "ch_1" || d.Intent != "pi_1") {
				raw, _ := json.Marshal(d)
				t.Errorf("%s", raw)
			}
		}
	}
}

func TestTheListOfChargebacks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var all []string
	for range 3 {
		_, dispute := b.disputes(10_00, 0, false)
		b.looks(dispute)
		all = append(all, dispute)
	}
	b.decides(all[1], "won")
	lists := func(status *ChargebackStatus, args page.Args) (ids []string, p ChargebackPage) {
		t.Helper()
		p, err := b.Chargebacks(t.Context(), status, args)
		b.must(err)
		for _, e := range p.Edges() {
			row, err := db.New().ChargebackGet(t.Context(), b.data.Pool, e.Node.ID)
			b.must(err)
			ids = append(ids, row.Chargeback.DisputeID)
		}
		return ids, p
	}
	first := new(2)
	got, p := lists(nil, page.Args{First: first})
	if !slices.Equal(got, []string{all[2], all[1]}) || !p.PageInfo().HasNextPage {
		t.Errorf("%v", got)
	}
	if got, _ = lists(nil, page.Args{First: first, After: p.PageInfo().EndCursor}); !slices.Equal(got, all[:1]) {
		t.Errorf("%v", got)
	}
	if got, _ = lists(new(ChargebackWon), page.Args{}); !slices.Equal(got, all[1:2]) {
		t.Errorf("%v", got)
	}
	c := b.charged(all[0], ChargebackNeedsResponse)
	if _, err := b.ChargebackOf(t.Context(), b.newUser(), c.ID); !errors.Is(err, ErrChargebackNotFound) {
		t.Errorf("a stranger: %v", err)
	}
	if own, err := b.ChargebackOf(t.Context(), b.user, c.ID); err != nil || own.ID != c.ID {
		t.Errorf("%+v, %v", own, err)
	}
}
