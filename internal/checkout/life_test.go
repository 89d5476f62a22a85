package checkout_test

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/realtime"
)

// lifetime is for how long orders are lived; make soak-checkout has more.
var lifetime = flag.Duration("lifetime", 12*time.Second, "for how long orders are lived by actors at random")

// theatre is where orders are lived, one after the other: each has a seller of its own.
type theatre struct {
	*shop
	cards                    *domaintest.CardWorld
	buyer                    customer
	support, admin, stranger uuid.UUID
	met                      map[string]int // what has happened
	unused                   int            // quotes that this buyer did not confirm, of which nobody has many
}

// life is one order, lived by all who have to do with it.
type life struct {
	*theatre
	t *rapid.T

	id       uuid.UUID
	seller   uuid.UUID
	lot      uuid.UUID   // the listing that was won; else nil
	offer    *uuid.UUID  // whose price it is at
	variants []uuid.UUID // of which there were nine each
	lines    int
	each     int   // of each line
	start    int64 // in the buyer's wallet before it, with what was exchanged for it
	held     int64 // and held
	restock  map[int]int
	told     int64 // the version that its events were read up to
	last     order.Order
	disputes int
	dispute  string // that is not decided
	byBank   bool   // its card's bank has had a hand in it
	next     *actor // who does the next thing, where it is not drawn
}

// actor is who tries something.
type actor struct {
	name string
	order.Actor
}

func (l *life) actors() []actor {
	return []actor{
		{"buyer", order.Actor{User: l.buyer.id}}, {"seller", order.Actor{User: l.seller}}, {"support", order.Actor{User: l.support, Support: true}},
		{"admin", order.Actor{User: l.admin, Admin: true}}, {"stranger", order.Actor{User: l.stranger}},
	}
}

// look is the order as it is.
func (l *life) look() order.Order {
	o, err := l.Orders.Get(l.Ctx(), l.seller, l.id)
	l.must(err)
	return o
}

func (l *life) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatalf("%v", err)
	}
}

// mays is what somebody may do with the order by the code's own table.
func (l *life) mays(who actor, o order.Order) []order.Action {
	if _, party := o.PartyOf(who.User); !party && !who.Admin && !who.Support {
		return nil
	}
	actions := o.AvailableActions(who.Party(o))
	back, err := l.Orders.Returnable(l.Ctx(), []uuid.UUID{o.ID})
	l.must(err)
	if !back[o.ID] {
		actions = slices.DeleteFunc(actions, func(a order.Action) bool { return a == order.ActionRequestReturn })
	}
	first, err := l.Orders.ToCheckOut(l.Ctx(), []uuid.UUID{o.ID})
	l.must(err)
	if first[o.ID] {
		actions = slices.DeleteFunc(actions, func(a order.Action) bool { return a == order.ActionPay })
	}
	return actions
}

// tries insists that what is offered is done, and that what is not is refused and changes nothing. tolerated are refusals for another reason.
func (l *life) tries(a order.Action, do func(actor) error, tolerated ...string) {
	l.t.Helper()
	who := l.next
	if who == nil {
		who = new(rapid.SampledFrom(l.actors()).Draw(l.t, "who"))
	}
	before := l.look()
	may := slices.Contains(l.mays(*who, before), a)
	code := domaintest.Code(do(*who))
	now := l.look()
	switch changed := now.Version != before.Version; {
	case strings.HasPrefix(code, "unknown"):
		l.t.Fatalf("%s, %s: %s", a, who.name, code)
	case !may && changed:
		l.t.Fatalf("%s: the %s could, while the order was %s/%s and its claim %q", a, who.name, before.Payment, before.Fulfilment, before.Claim)
	case may && code != "" && !slices.Contains(tolerated, code):
		l.t.Fatalf("%s: the %s is refused with %s, though it is offered", a, who.name, code)
	case code != "" && changed && !slices.Contains(tolerated, code):
		l.t.Fatalf("%s by the %s: %s, and the order has changed", a, who.name, code)
	case changed:
		l.met[fmt.Sprintf("%s by %s", a, who.name)]++
	default:
		l.met["refused "+code]++
	}
}

// agree compares what the order says with its events, the books, the stock and what its parties may do.
func (l *life) agree(*rapid.T) {
	now := l.look()
	l.followsTheTable()
	escrow := int64(0)
	if now.Payment == order.Paid {
		escrow = now.Left().Minor
	}
	if got := l.Balance(ledger.Escrow, l.id); got != escrow {
		l.t.Fatalf("%s/%s: %d are in escrow, %d are left", now.Payment, now.Fulfilment, got, escrow)
	}
	earned, pending := int64(0), int64(0)
	if now.Payment == order.Settled {
		if earned = now.Earnings().Minor; !now.Matured {
			pending = earned
		}
	}
	if p, a := l.Balance(ledger.SellerPending, l.seller), l.Balance(ledger.SellerAvailable, l.seller); !l.byBank && (p != pending || p+a != earned) {
		l.t.Fatalf("%s, matured %t: %d wait and %d are the seller's, who earned %d", now.Payment, now.Matured, p, a, earned)
	}
	l.goods(now)
	l.nothing(now)
	l.wallet(now)
	if (now.CompleteBy != nil) != (now.Payment == order.Paid && slices.Contains(onTheWay, now.Fulfilment)) || (now.PayBy != nil) != (now.Payment == order.PaymentPending && now.Fulfilment == order.FulfilmentPending) {
		l.t.Fatalf("times: %+v", now)
	}
	l.last = now
}

// wallet compares what the buyer has with what they paid and have back, of each source its share.
func (l *life) wallet(now order.Order) {
	paid, held, back := int64(0), int64(0), int64(0)
	var p payment.OrderPayment
	payments, err := l.Payment.OrderPayments(l.Ctx(), l.buyer.id, []uuid.UUID{l.id})
	l.must(err)
	for _, one := range payments[l.id] {
		if one.Status == payment.OrderCaptured || one.Status == payment.OrderAuthorised {
			p = one
		}
	}
	switch p.Status {
	case payment.OrderAuthorised:
		held = p.WalletAmount.Minor
	case payment.OrderCaptured:
		paid = p.WalletAmount.Minor
		left := now.Left()
		back = paid - (left.Minor - left.Share(p.CardAmount.Minor, now.Total.Minor).Minor)
	default: // nothing is theirs to have back
	}
	if l.byBank {
		return // what a bank has taken is not in these shares
	}
	available, aside := l.Balance(ledger.Wallet, l.buyer.id), l.Balance(ledger.WalletHeld, l.buyer.id)
	if aside -= l.held; available != l.start-paid-held+back || aside != held {
		l.t.Fatalf("%s: the wallet has %d and %d held, of %d; %d were paid and %d came back", now.Payment, available, aside, l.start, paid, back)
	}
}

// followsTheTable reads the order's events since the last time: each step of each machine is one that the code's table has.
func (l *life) followsTheTable() {
	rows, err := l.Pool.Query(l.Ctx(), `SELECT version, payload FROM event WHERE topic = $1 AND version > $2 ORDER BY version`, string(order.Topic(l.id)), l.told)
	l.must(err)
	defer rows.Close()
	for rows.Next() {
		var e realtime.Event
		l.must(rows.Scan(&e.Version, (*[]byte)(&e.Payload)))
		o, err := order.FromEvent(e)
		l.must(err)
		if l.told > 0 {
			l.step("PAYMENT", string(l.last.Payment), string(o.Payment))
			l.step("FULFILMENT", string(l.last.Fulfilment), string(o.Fulfilment))
			if o.Claim != "" && l.last.Claim != "" {
				l.step("CLAIM", string(l.last.Claim), string(o.Claim))
			}
			if o.Claim != "" && l.last.Claim == "" && o.Claim != order.ClaimOpen {
				l.t.Fatalf("a claim began as %s", o.Claim)
			}
		}
		if e.Version != l.told+1 {
			l.t.Fatalf("version %d follows %d", e.Version, l.told)
		}
		l.told, l.last = e.Version, o
	}
	l.must(rows.Err())
}

func (l *life) step(machine, from, to string) {
	if from != to && !slices.Contains(order.Moves(), order.Move{Machine: machine, From: from, To: to}) {
		l.t.Fatalf("%s went from %s to %s, which its table does not have", machine, from, to)
	}
	l.met[machine+" "+from+" to "+to]++
}

// some lives have what is common in them, many what is rare: that is in one of ten to forty.
const some, many = 20, 500

// TestLivesOfOrders has orders lived by buyer, seller, support, admin, stranger, time, carrier, provider, the card's bank and a hand in the database, at random. By the
// code's own table of moves and actions: what is offered is done, what is not is refused on every path and changes nothing, each step is in the table; and money,
// stock and times agree with the order after each of them.
func TestLivesOfOrders(t *testing.T) {
	t.Parallel()
	w := domaintest.NewWithHurriedCards(t)
	s := &theatre{shop: &shop{World: w.World}, cards: w, met: map[string]int{}}
	s.support, s.admin, s.stranger = s.User(identity.Support), s.User(identity.Admin), s.User(identity.Seller)
	s.enters()
	began, lived := time.Now(), 0
	rapid.Check(t, func(t *rapid.T) {
		if time.Since(began) > *lifetime {
			return
		}
		lived++
		l := s.begins(t)
		t.Repeat(map[string]func(*rapid.T){
			"": l.agree, "goes on": l.goesOn, "goes on, 2": l.goesOn, "goes on, 3": l.goesOn, "goes on, 4": l.goesOn, "goes on, 5": l.goesOn, "goes on, 6": l.goesOn,
			"pay": l.pay, "ship": l.ship, "hand over": l.handOver, "confirm": l.confirm, "cancel": l.cancel, "refund": l.refund, "report": l.report, "withdraw": l.withdraw,
			"accept": l.acceptReturn, "refuse": l.refuseClaim, "ask to return": l.requestReturn, "send back": l.sendReturn, "receive": l.receiveReturn,
			"check out": l.checkOut, "use the offer again": l.useAgain, "completes": l.timeCompletes, "matures": l.timeMatures, "answers": l.timeAnswers, "expires": l.timeExpires,
			"carrier": l.carrier, "a return's carrier": l.returnCarried, "provider": l.provider, "bank forgets": l.bankForgets, "bank disputes": l.bankDisputes, "by hand": l.byHand,
		})
		if l.dispute != "" {
			l.bankDisputes(t)
		}
		l.agree(t)
	})
	s.Audited()
	t.Logf("%d orders were lived", lived)
	for what, within := range map[string]int{
		"SHIP by seller": some, "REFUND by seller": some, "PAYMENT PAID to PAID": some, "by hand": some, "told again by the provider": some,
		"CANCEL by admin": many, "completed by time": many, "matured": many, "carried: EN_ROUTE": many, "a return's carrier: RETURN_ARRIVED": many,
		"began: cart": many, "began: won": many, "began: won, to check out": many, "began: offer": many, "began: yen": many, "began: nothing": many, "CHECK_OUT by buyer": many, "checked out in yen": many,
		"a part of nothing": many, "all of nothing": many,
	} {
		if s.met[what] == 0 && !t.Failed() && lived > within {
			t.Errorf("never: %s", what)
		}
	}
	t.Logf("%v", s.met)
}
