package payment

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stripe/stripe-go/v76"

	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/stripefake"
)

// Both ends may come before the first sight, and a sight may be as old as it likes: the books are the same.
func TestSightsOfADisputeInAnyOrder(t *testing.T) {
	t.Parallel()
	for _, outcome := range []string{"won", "lost"} {
		t.Run(outcome, func(t *testing.T) {
			t.Parallel()
			var books string
			for _, order := range [][]int{{0, 1, 2, 3}, {3}, {3, 2, 1, 0}, {0, 3, 1}, {1, 0, 0, 3, 3}, {2, 1, 3, 0, 2}} {
				b := setup(t)
				_, dispute := b.disputes(100_00, 0, true)
				sights := []Dispute{b.sight(dispute)}
				for _, next := range []string{"needs_response", "", outcome} {
					if next == "" {
						b.submitEvidence(dispute)
					} else {
						b.must(b.fake.DecideDispute(dispute, next))
					}
					sights = append(sights, b.sight(dispute))
				}
				for _, i := range order {
					top := b.only("SELECT id FROM top_up")
					if err := b.recordDispute(t.Context(), sights[i], disputed{user: b.user, topUp: &top}); err != nil {
						t.Fatalf("%v, sight %d: %v", order, i, err)
					}
				}
				b.booked()
				now := fmt.Sprint(b.sum(ledger.Wallet, b.user), b.sum(ledger.ChargebackLoss, uuid.Nil), b.sum(ledger.PSPClearing, uuid.Nil),
					b.sum(ledger.PSPFees, uuid.Nil), b.entries(), b.count("SELECT count(*) FROM ledger.freeze WHERE lifted_at IS NULL"))
				if books == "" {
					books = now
				}
				if now != books {
					t.Errorf("%v: %s, want %s", order, now, books)
				}
			}
		})
	}
}

func (b *bundle) only(query string) (one uuid.UUID) {
	b.t.Helper()
	b.must(b.data.Admin.QueryRow(b.t.Context(), query).Scan(&one))
	return one
}

// sight is the dispute as the provider has it now.
func (b *bundle) sight(dispute string) Dispute {
	b.t.Helper()
	d, err := b.provider.Dispute(b.t.Context(), dispute)
	b.must(err)
	return d
}

// submitEvidence brings a chargeback under review.
func (b *bundle) submitEvidence(dispute string) {
	b.t.Helper()
	api := b.provider.(*Stripe).api
	_, err := api.Disputes.Update(dispute, &stripe.DisputeParams{
		Params: params(b.t.Context(), ""), Submit: new(true), Evidence: &stripe.DisputeEvidenceParams{UncategorizedText: new("it was sent")},
	})
	b.must(err)
}

// Many handlers of one dispute at once book it once, while its wallet is spent from as fast as it goes.
func TestHandlersOfOneDisputeAtOnce(t *testing.T) {
	t.Parallel()
	for _, outcome := range []string{"won", "lost"} {
		t.Run(outcome, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			_, dispute := b.disputes(100_00, 0, false)
			spent := make(chan int64, 1)
			go func() {
				n := int64(0)
				for b.loses(1) == nil {
					n++
				}
				spent <- n
			}()
			b.atOnce(dispute)
			taken := <-spent
			b.frozen(b.user, 1)
			b.must(b.fake.DecideDispute(dispute, outcome))
			b.atOnce(dispute)
			c := b.charged(dispute, ChargebackStatus(map[string]string{"won": "WON", "lost": "LOST"}[outcome]))
			left := 100_00 - taken
			if outcome == "lost" {
				if *c.Covered != eur(left) {
					t.Errorf("covered %s, want %d", c.Covered, left)
				}
				left = 0
			}
			b.wants(b.user, left, 0)
			b.booked()
		})
	}
}

// loses takes some cents out of the user's wallet, for what is neither an order nor anything else that has checks.
func (b *bundle) loses(cents int64) error {
	return b.inTx(func(ctx context.Context, tx pgx.Tx) error {
		return post(ctx, tx, ledger.Entry{Key: uuid.NewString(), Flow: "test", Cause: ledger.Cause{Kind: "test", ID: id.New()},
			Legs: []ledger.Leg{of(ledger.Wallet, b.user, "EUR", -cents), of(ledger.Promotions, uuid.Nil, "EUR", cents)}})
	})
}

// atOnce has eight handlers look at a dispute.
func (b *bundle) atOnce(dispute string) {
	b.t.Helper()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := b.disputeChanged(b.t.Context(), dispute); err != nil {
				b.t.Error(err)
			}
		})
	}
	all.Wait()
}

// Money comes into a frozen wallet while its chargeback is being lost: whichever is first, nothing is taken that is not there, and
// what is there is taken.
func TestALossBesideMoneyComingIn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, dispute := b.disputes(100_00, 0, false)
	b.must(b.loses(50_00))
	b.looks(dispute)
	b.must(b.fake.DecideDispute(dispute, "lost"))
	var all sync.WaitGroup
	all.Go(func() { _, _ = b.disputeChanged(t.Context(), dispute) })
	for range 4 {
		all.Go(func() {
			if top, err := b.TopUp(t.Context(), b.user, input("pm_card_visa", 20_00)); err != nil || top.Status != TopUpSucceeded {
				t.Errorf("%+v, %v", top, err)
			}
		})
	}
	all.Wait()
	c := b.charged(dispute, ChargebackLost)
	b.wants(b.user, 50_00+4*20_00-c.Covered.Minor, 0)
	if loss := b.sum(ledger.ChargebackLoss, uuid.Nil); loss != c.Covered.Minor-100_00 {
		t.Errorf("the platform bears %d of 100, covered %s", loss, c.Covered)
	}
	b.booked()
}

// A dispute may be heard of before the top-up has got the provider's answer: then that is asked for first.
func TestADisputeBeforeItsPaymentIsRecorded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.broken("confirm", stripefake.CutAfter)
	b.broken("fetch", stripefake.CutBefore)
	top, err := b.TopUp(t.Context(), b.user, input("pm_card_createDispute", 50_00))
	if err != nil || top.Status != Processing {
		t.Fatalf("%+v, %v", top, err)
	}
	b.must(b.fake.Advance(2 * time.Second))
	dispute := b.onlyDispute()
	if _, err := b.disputeChanged(t.Context(), dispute); !errors.Is(err, errStillOpen) {
		t.Errorf("%v, want errStillOpen", err)
	}
	b.fake.Faults().Clear()
	b.looks(dispute)
	b.charged(dispute, ChargebackNeedsResponse)
	b.booked()
}

// onlyDispute is the fake's one dispute.
func (b *bundle) onlyDispute() string {
	b.t.Helper()
	list := b.provider.(*Stripe).api.Disputes.List(&stripe.DisputeListParams{ListParams: stripe.ListParams{Context: b.t.Context()}})
	if !list.Next() {
		b.t.Fatalf("there is no dispute: %v", list.Err())
	}
	return list.Dispute().ID
}
