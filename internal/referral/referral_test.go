package referral_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/feed"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/referral"
)

// world is a market in which somebody has brought somebody.
type world struct {
	*domaintest.World
	referrer, referee uuid.UUID
}

func setup(t *testing.T) *world {
	t.Helper()
	return setupWithFee(t, domaintest.FeeBasisPoints)
}

func setupWithFee(t *testing.T, basisPoints int64) *world {
	t.Helper()
	w := &world{World: domaintest.NewWithFee(t, basisPoints)}
	w.referrer, w.referee = w.Buyer(0), w.Buyer(1_000_00)
	w.Must(w.joins(w.referee, w.code(w.referrer)))
	return w
}

func (w *world) code(user uuid.UUID) string {
	w.T.Helper()
	code, err := w.Referrals.Code(w.Ctx(), user)
	w.Must(err)
	return code
}

// joins ties a user to the owner of a code, as signing up does.
func (w *world) joins(user uuid.UUID, code string) error {
	var told func(context.Context)
	err := postgres.InTx(w.Ctx(), w.Pool, func(tx pgx.Tx) (err error) {
		told, err = w.Referrals.JoinTx(w.Ctx(), tx, user, code)
		return err
	})
	if err == nil {
		told(w.Ctx())
	}
	return err
}

// sent is an order of the buyer's over so many cents that only waits to be received.
func (w *world) sent(buyer uuid.UUID, cents int64) order.Order {
	w.T.Helper()
	seller := w.User(identity.Seller)
	a, err := w.Auctions.Start(w.Ctx(), seller, auction.StartInput{
		Listing: w.Listing(seller), StartPrice: domaintest.EUR(cents), Duration: time.Hour,
	})
	w.Must(err)
	w.MustBid(a.ID, buyer, cents)
	w.Close(a.ID)
	o, err := w.Orders.Ship(w.Ctx(), seller, w.OrderOf(a.ID, buyer).ID, "")
	w.Must(err)
	return o
}

func (w *world) buys(buyer uuid.UUID, cents int64) order.Order {
	w.T.Helper()
	o, err := w.Orders.ConfirmReceipt(w.Ctx(), buyer, w.sent(buyer, cents).ID)
	w.Must(err)
	return o
}

// reversed undoes an order for its referral, as a refund does.
func (w *world) reversed(order uuid.UUID) {
	w.T.Helper()
	var told []realtime.Event
	w.Must(postgres.InTx(w.Ctx(), w.Pool, func(tx pgx.Tx) (err error) {
		told, err = w.Referrals.ReversedTx(w.Ctx(), tx, order)
		return err
	}))
	w.Told.Publish(w.Ctx(), told...)
}

// passes moves what is pending into the past.
func (w *world) passes(by time.Duration) {
	w.T.Helper()
	tx, err := w.Admin.Begin(w.Ctx())
	w.Must(err)
	defer func() { _ = tx.Rollback(context.WithoutCancel(w.Ctx())) }()
	for _, statement := range []string{
		"SET LOCAL session_replication_role = replica", // the rows guard their times
		"UPDATE referral SET pending_at = pending_at - make_interval(secs => $1), matures_at = matures_at - make_interval(secs => $1) WHERE status = 'PENDING'",
	} {
		var args []any
		if strings.Contains(statement, "$1") {
			args = []any{by.Seconds()}
		}
		_, err := tx.Exec(w.Ctx(), statement, args...)
		w.Must(err)
	}
	w.Must(tx.Commit(w.Ctx()))
}

// is the newest referral of the referrer.
func (w *world) is() referral.Referral {
	w.T.Helper()
	all, err := w.Referrals.List(w.Ctx(), w.referrer, page.Args{})
	w.Must(err)
	if len(all.Nodes) == 0 {
		w.T.Fatal("nobody was brought")
	}
	return all.Nodes[0]
}

// want insists on the newest referral's status, and on the referrer's money in cents.
func (w *world) want(status referral.Status, pending, earned int64) {
	w.T.Helper()
	if got := w.is(); got.Status != status {
		w.T.Errorf("the referral is %s, want %s", got.Status, status)
	}
	if p, e := w.Balance(ledger.ReferralPending, w.referrer), w.Balance(ledger.Wallet, w.referrer); p != pending || e != earned {
		w.T.Errorf("%d pending and %d earned, want %d and %d", p, e, pending, earned)
	}
	sums := func(amounts []money.Amount, err error) (sum int64) {
		w.T.Helper()
		w.Must(err)
		for _, a := range amounts {
			sum += a.Minor
		}
		return sum
	}
	if p, e := sums(w.Referrals.PendingOf(w.Ctx(), w.referrer)), sums(w.Referrals.EarnedBy(w.Ctx(), w.referrer)); p != pending || e != earned {
		w.T.Errorf("shown are %d pending and %d earned, want %d and %d", p, e, pending, earned)
	}
	w.Audited()
}

func TestACommissionFromSignUpToWallet(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.want(referral.Waiting, 0, 0)
	w.sent(w.referee, 50_00)
	w.want(referral.Waiting, 0, 0) // not received yet
	bought := w.buys(w.referee, 200_49)
	w.want(referral.Pending, 2_00, 0) // 2.0049
	r := w.is()
	if r.RefereeName != "Somebody" || *r.Commission != domaintest.EUR(2_00) || r.ResolvedAt != nil || w.Balance(ledger.ReferralCost, uuid.Nil) != -2_00 {
		t.Errorf("%+v", r)
	}
	if wait := r.MaturesAt.Sub(*bought.ReceivedAt); wait < domaintest.ReturnWindow || wait > domaintest.ReturnWindow+time.Minute {
		t.Errorf("matures %s after the order was received", wait)
	}
	w.buys(w.referee, 100_00)
	w.want(referral.Pending, 2_00, 0) // the first alone counts

	w.Must(w.Referrals.MatureDue(t.Context()))
	w.passes(domaintest.ReturnWindow - time.Minute)
	w.Must(w.Referrals.MatureDue(t.Context()))
	w.want(referral.Pending, 2_00, 0) // a minute too early
	w.passes(time.Minute)
	w.Must(w.Referrals.MatureDue(t.Context()))
	w.want(referral.Matured, 0, 2_00)
	w.Must(w.Referrals.MatureDue(t.Context()))
	w.reversed(bought.ID)
	w.want(referral.Matured, 0, 2_00) // what is paid stays

	var kinds []string
	for _, e := range w.Events(feed.Topic(w.referrer)) {
		object, err := feed.Object(e)
		if err != nil || object == nil || object.UUID != r.ID {
			t.Errorf("event %+v is about %v (%v)", e, object, err)
		}
		kinds = append(kinds, e.Kind)
	}
	if !slices.Equal(kinds, []string{"REFERRAL_CHANGED", "REFERRAL_CHANGED", "REFERRAL_CHANGED"}) {
		t.Errorf("the referrer was told %v", kinds)
	}
	for _, e := range w.Events(feed.Topic(w.referee)) { // who hears of their orders alone
		if object, err := feed.Object(e); err != nil || e.Kind == "REFERRAL_CHANGED" || (object != nil && object.UUID == r.ID) {
			t.Errorf("the referee was told %+v (%v)", e, err)
		}
	}
}

func TestACommissionOfAnOrderThatIsUndone(t *testing.T) {
	t.Parallel()
	w := setup(t)
	bought := w.buys(w.referee, 100_00)
	w.want(referral.Pending, 1_00, 0)
	w.reversed(uuid.New())
	w.want(referral.Pending, 1_00, 0)
	for range 2 {
		w.reversed(bought.ID)
		w.want(referral.Cancelled, 0, 0)
	}
	if cost := w.Balance(ledger.ReferralCost, uuid.Nil); cost != 0 {
		t.Errorf("a cancelled commission costs %d", cost)
	}
	w.passes(2 * domaintest.ReturnWindow)
	w.Must(w.Referrals.MatureDue(t.Context()))
	w.buys(w.referee, 100_00)
	w.want(referral.Cancelled, 0, 0) // one chance, for ever
}

// Of what is completed, undone and matured at once, each commission goes one way, once.
func TestOneCommissionHoweverMany(t *testing.T) {
	t.Parallel()
	w := setup(t)
	orders := make([]order.Order, 6)
	for i := range orders {
		orders[i] = w.sent(w.referee, int64(10_00*(i+1)))
	}
	for _, err := range domaintest.AtOnce(2*len(orders), func(i int) error {
		_, err := w.Orders.ConfirmReceipt(w.Ctx(), w.referee, orders[i/2].ID)
		return err
	}) {
		w.Must(err)
	}
	r := w.is()
	first := orders[slices.IndexFunc(orders, func(o order.Order) bool { return o.Total.Minor == r.Commission.Minor*100 })]
	w.want(referral.Pending, first.Total.Minor/100, 0)

	w.passes(domaintest.ReturnWindow)
	for _, err := range domaintest.AtOnce(8, func(i int) error {
		if i%4 == 3 {
			return postgres.InTx(w.Ctx(), w.Pool, func(tx pgx.Tx) error {
				_, err := w.Referrals.ReversedTx(w.Ctx(), tx, first.ID)
				return err
			})
		}
		return w.Referrals.MatureDue(w.Ctx())
	}) {
		w.Must(err)
	}
	switch w.is().Status {
	case referral.Matured:
		w.want(referral.Matured, 0, first.Total.Minor/100)
	default:
		w.want(referral.Cancelled, 0, 0)
	}
}

func TestMaturityByManyWorkers(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.buys(w.referee, 100_00)
	for range 4 {
		other := w.Buyer(100_00)
		w.Must(w.joins(other, w.code(w.referrer)))
		w.buys(other, 100_00)
	}
	w.want(referral.Pending, 5_00, 0)
	w.passes(domaintest.ReturnWindow)
	for _, err := range domaintest.AtOnce(8, func(int) error { return w.Referrals.MatureDue(w.Ctx()) }) {
		w.Must(err)
	}
	w.want(referral.Matured, 0, 5_00)
	if n := w.Int(`SELECT count(*) FROM ledger.entry WHERE flow = 'maturity'`); n != 5 {
		t.Errorf("%d entries for five commissions", n)
	}
}

// The commission is never above the platform's fee, and where it comes to nothing the referral waits on.
func TestTheFeeBoundsTheCommission(t *testing.T) {
	t.Parallel()
	w := setupWithFee(t, 30)
	w.buys(w.referee, 1_00) // a fee of 0.3 cents
	w.want(referral.Waiting, 0, 0)
	w.buys(w.referee, 100_00)
	w.want(referral.Pending, 30, 0)

	free := setupWithFee(t, 0)
	free.buys(free.referee, 100_00)
	free.want(referral.Waiting, 0, 0)
}

func TestWhoMayBringWhom(t *testing.T) {
	t.Parallel()
	w := setup(t)
	mine := w.code(w.referrer)
	other := w.Buyer(0)
	before := w.Digest()
	for name, join := range map[string]func() error{
		"oneself":             func() error { return w.joins(w.referrer, mine) },
		"somebody else's":     func() error { return w.joins(w.referee, mine) },
		"by nobody's code":    func() error { return w.joins(other, "22222222") },
		"by a text of a meg":  func() error { return w.joins(other, strings.Repeat("A", 1<<20)) },
		"by no code":          func() error { return w.joins(other, "") },
		"by a code with SQL":  func() error { return w.joins(other, "';DROP--") },
		"by a code with NULs": func() error { return w.joins(other, "ABCDEFG\x00") },
	} {
		if err := join(); err == nil || (strings.HasPrefix(name, "by") && !errors.Is(err, referral.ErrCodeUnknown)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if w.Digest() != before {
		t.Error("a refusal has left a trace")
	}
	if again := w.code(w.referrer); again != mine {
		t.Errorf("the code was %s and is %s", mine, again)
	}
	codes := make([]string, 8)
	for _, err := range domaintest.AtOnce(len(codes), func(i int) (err error) {
		codes[i], err = w.Referrals.Code(w.Ctx(), other)
		return err
	}) {
		w.Must(err)
	}
	if slices.Sort(codes); codes[0] != codes[7] || codes[0] == mine {
		t.Errorf("one user has the codes %v", codes)
	}
	if _, err := w.Referrals.Get(t.Context(), w.referee, w.is().ID); !errors.Is(err, referral.ErrNotFound) {
		t.Errorf("the referee looks at the referral: %v", err)
	}
}

// What the rows may do is held by the database as well, against us.
func TestReferralsMoveForwardOnly(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, statement := range []string{
		"DELETE FROM referral",
		"UPDATE referral SET referrer_id = (SELECT id FROM app_user WHERE id NOT IN (referrer_id, referee_id) LIMIT 1)",
		"UPDATE referral SET status = 'MATURED', resolved_at = now()",
		"UPDATE referral_code SET code = '22222222'",
		"DELETE FROM referral_code",
	} {
		if _, err := w.Admin.Exec(t.Context(), statement); err == nil {
			t.Errorf("%s is done", statement)
		}
	}
	w.buys(w.referee, 100_00)
	for _, statement := range []string{
		"UPDATE referral SET amount = amount + 1",
		"UPDATE referral SET matures_at = pending_at + interval '1 second'",
		"UPDATE referral SET status = 'MATURED', resolved_at = now()", // before its time
		"UPDATE referral SET status = 'WAITING', order_id = NULL, amount = NULL, currency = NULL, pending_at = NULL, matures_at = NULL",
	} {
		if _, err := w.Admin.Exec(t.Context(), statement); err == nil {
			t.Errorf("%s is done", statement)
		}
	}
	w.want(referral.Pending, 1_00, 0)
}
