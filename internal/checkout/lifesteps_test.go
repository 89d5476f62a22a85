package checkout_test

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/handover"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
)

// goesOn does something that is offered to somebody; that it is cancelled, which ends it, is rarer.
func (l *life) goesOn(*rapid.T) {
	type step struct {
		who    actor
		action order.Action
	}
	var steps []step
	now := l.look()
	for _, who := range l.actors() {
		for _, a := range l.mays(who, now) {
			if a != order.ActionCancel || l.told > 5 {
				steps = append(steps, step{who, a})
			}
		}
	}
	if len(steps) == 0 {
		return
	}
	drawn := rapid.SampledFrom(steps).Draw(l.t, "what is offered")
	l.next = &drawn.who
	defer func() { l.next = nil }()
	map[order.Action]func(*rapid.T){
		order.ActionPay: l.pay, order.ActionCheckOut: l.checkOut, order.ActionShip: l.ship, order.ActionHandOver: l.handOver, order.ActionConfirmReceipt: l.confirm, order.ActionCancel: l.cancel, order.ActionRefund: l.refund,
		order.ActionReportProblem: l.report, order.ActionWithdrawClaim: l.withdraw, order.ActionAcceptReturn: l.acceptReturn, order.ActionRefuseClaim: l.refuseClaim,
		order.ActionRequestReturn: l.requestReturn, order.ActionSendReturn: l.sendReturn, order.ActionReceiveReturn: l.receiveReturn,
	}[drawn.action](l.t)
}

func (l *life) key() string { return uuid.NewString() }

func (l *life) pay(*rapid.T) {
	in := order.PayInput{Order: l.id, IdempotencyKey: l.key()}
	switch rapid.SampledFrom([]string{"wallet", "card", "both", "declines"}).Draw(l.t, "source") {
	case "card":
		in.Card = &l.buyer.visa
	case "both":
		in.Card, in.Wallet = &l.buyer.visa, new(domaintest.EUR(7_00))
	case "declines":
		in.Card = &l.buyer.declines
	}
	l.tries(order.ActionPay, func(who actor) error {
		_, _, err := l.Orders.Pay(l.Ctx(), who.User, in)
		return err
	}, "CARD_DECLINED", "CARD_NOT_FOUND")
}

func (l *life) ship(*rapid.T) {
	l.tries(order.ActionShip, func(who actor) error {
		_, err := l.Orders.Ship(l.Ctx(), who.User, l.id, "LX")
		return err
	}, "CAPTURE_FAILED")
}

// handOver is by the code that the buyer shows.
func (l *life) handOver(*rapid.T) {
	hands := handover.New(l.Pool, l.Orders, l.Told, []byte("a key of lives"))
	l.tries(order.ActionHandOver, func(who actor) error {
		code := hands.Code(l.buyer.id, l.look())
		if code == "" {
			code = "none"
		}
		_, err := hands.HandOver(l.Ctx(), who.User, l.id, code)
		return err
	}, "CAPTURE_FAILED")
}

func (l *life) confirm(*rapid.T) {
	l.tries(order.ActionConfirmReceipt, func(who actor) error {
		_, err := l.Orders.ConfirmReceipt(l.Ctx(), who.User, l.id)
		return err
	})
}

func (l *life) cancel(*rapid.T) {
	l.tries(order.ActionCancel, func(who actor) error {
		_, err := l.Orders.Cancel(l.Ctx(), who.Actor, l.id, "It broke.")
		return err
	})
}

// refund gives a part back, all that is left, or lines, which may come back for sale.
func (l *life) refund(*rapid.T) {
	in, now := order.RefundInput{Order: l.id, Reason: "Sorry.", IdempotencyKey: l.key()}, l.look()
	tolerated, back := []string{}, map[int]int{}
	hows := []string{"part", "part", "lines", "lines", "all", "too much"}
	if now.Free() {
		hows = []string{"lines", "lines", "lines", "all", "too much"}
	}
	given := l.given()
	switch how := rapid.SampledFrom(hows).Draw(l.t, "how much"); {
	case how == "part" && now.Left().Minor > 1:
		in.Amount = new(domaintest.EUR(rapid.Int64Range(1, min(now.Left().Minor-1, 9_99)).Draw(l.t, "cents")))
	case how == "too much":
		in.Amount, tolerated = new(domaintest.EUR(now.Left().Minor+1)), []string{"REFUND_TOO_LARGE"}
	case how == "lines":
		for n := range l.lines {
			line := order.ReturnedLine{Number: n + 1, Quantity: rapid.IntRange(1, l.each).Draw(l.t, "quantity"), Restock: rapid.Bool().Draw(l.t, "restock")}
			if in.Lines = append(in.Lines, line); line.Restock {
				back[n] = line.Quantity
				if !slices.Contains(onTheWay, now.Fulfilment) || l.restock[n]+line.Quantity > l.each {
					tolerated = append(tolerated, "RESTOCK_TOO_MANY")
				}
			}
			if now.Free() && given[n]+line.Quantity > l.each { // each is refunded once
				tolerated = append(tolerated, "ORDER_LINES_INVALID")
			}
			if rapid.Bool().Draw(l.t, "one line") {
				break
			}
		}
	}
	l.tries(order.ActionRefund, func(who actor) error {
		_, err := l.Orders.Refund(l.Ctx(), who.Actor, in)
		if err == nil && len(tolerated) > 0 {
			l.t.Fatalf("%+v was done, %s is right", in, tolerated)
		}
		if err == nil {
			for n, q := range back {
				l.restock[n] += q
			}
		}
		return err
	}, tolerated...)
}

func (l *life) report(*rapid.T) {
	reason := rapid.SampledFrom([]order.ClaimReason{order.NotArrived, order.Damaged, order.ChangedMind}).Draw(l.t, "reason")
	l.tries(order.ActionReportProblem, func(who actor) error {
		_, err := l.Orders.ReportProblem(l.Ctx(), who.User, l.id, reason, "Something is wrong.")
		return err
	})
}

func (l *life) withdraw(*rapid.T) {
	l.tries(order.ActionWithdrawClaim, func(who actor) error {
		_, err := l.Orders.WithdrawClaim(l.Ctx(), who.User, l.id)
		return err
	})
}

func (l *life) acceptReturn(*rapid.T) {
	l.tries(order.ActionAcceptReturn, func(who actor) error {
		_, err := l.Orders.AcceptReturn(l.Ctx(), who.Actor, l.id, "Send it back.", false)
		return err
	})
}

func (l *life) refuseClaim(*rapid.T) {
	l.tries(order.ActionRefuseClaim, func(who actor) error {
		_, err := l.Orders.RefuseClaim(l.Ctx(), who.Actor, l.id, "Nothing is.")
		return err
	})
}

// requestReturn asks to send all back that can be, or one of the first line, which may have come back before.
func (l *life) requestReturn(*rapid.T) {
	var lines []order.ReturnedLine
	if rapid.Bool().Draw(l.t, "one") {
		lines = []order.ReturnedLine{{Number: 1, Quantity: 1}}
	}
	l.tries(order.ActionRequestReturn, func(who actor) error {
		_, err := l.Orders.RequestReturn(l.Ctx(), who.User, l.id, order.ChangedMind, "It does not fit.", lines)
		return err
	}, "ORDER_LINES_INVALID")
}

func (l *life) sendReturn(*rapid.T) {
	l.tries(order.ActionSendReturn, func(who actor) error {
		_, err := l.Orders.SendReturn(l.Ctx(), who.User, l.id, "LX")
		return err
	})
}

// receiveReturn has all come back that is to come, or a part of it; what was refunded for sale before may not come again.
func (l *life) receiveReturn(*rapid.T) {
	in := order.ReceivedInput{Order: l.id, Text: "One is missing.", IdempotencyKey: l.key()}
	claims, err := l.Orders.Claims(l.Ctx(), []uuid.UUID{l.id})
	l.must(err)
	back := map[int]int{}
	if c := claims[l.id]; len(c) > 0 && c[0].Return != nil {
		for _, r := range c[0].Return.Lines {
			if left := r.Quantity - r.Received; left > 0 && (len(in.Lines) == 0 || rapid.Bool().Draw(l.t, "this line too")) {
				line := order.ReturnedLine{Number: r.Number, Quantity: rapid.IntRange(1, left).Draw(l.t, "quantity"), Restock: rapid.Bool().Draw(l.t, "restock")}
				if in.Lines = append(in.Lines, line); line.Restock {
					back[r.Number-1] = line.Quantity
				}
			}
		}
	}
	l.tries(order.ActionReceiveReturn, func(who actor) error {
		_, err := l.Orders.ReceiveReturn(l.Ctx(), who.Actor, in)
		if err == nil {
			for n, q := range back {
				l.restock[n] += q
			}
		}
		return err
	}, "RESTOCK_TOO_MANY", "ORDER_LINES_INVALID")
}

// becomes insists that a job, a carrier or a provider has changed the order where it had to, and where it had not to has not.
func (l *life) becomes(what string, due bool, before order.Order, did func(now order.Order) bool) {
	l.t.Helper()
	now := l.look()
	switch changed := now.Version != before.Version; {
	case due && !did(now):
		l.t.Fatalf("%s did not happen: %+v", what, now)
	case !due && changed:
		l.t.Fatalf("%s: an order that was %s/%s (claim %q, disputed %t) is %s/%s", what, before.Payment, before.Fulfilment, before.Claim, before.Disputed, now.Payment, now.Fulfilment)
	case due:
		l.met[what]++
	}
}

var onTheWay = []order.Fulfilment{order.Sent, order.EnRoute, order.Received}

// timeCompletes has the time of completion come, twice.
func (l *life) timeCompletes(*rapid.T) {
	before := l.look()
	l.Exec(`UPDATE orders SET complete_by = clock_timestamp() WHERE id = $1 AND complete_by IS NOT NULL`, l.id)
	due := before.Payment == order.Paid && slices.Contains(onTheWay, before.Fulfilment) && before.Claim == "" && !before.Disputed
	for range 2 {
		l.must(l.Orders.CompleteDue(l.Ctx()))
	}
	l.becomes("completed by time", due, before, func(o order.Order) bool { return o.Payment == order.Settled })
}

func (l *life) timeMatures(*rapid.T) {
	before := l.look()
	l.Exec(`UPDATE orders SET mature_by = clock_timestamp() WHERE id = $1 AND mature_by IS NOT NULL AND matured_at IS NULL`, l.id)
	due := before.Payment == order.Settled && !before.Matured && before.Claim == "" && l.dispute == ""
	for range 2 {
		l.must(l.Orders.MatureDue(l.Ctx()))
	}
	l.becomes("matured", due, before, func(o order.Order) bool { return o.Matured })
}

func (l *life) timeAnswers(*rapid.T) {
	before := l.look()
	l.Exec(`UPDATE order_claim SET due_at = clock_timestamp() WHERE order_id = $1 AND ended_at IS NULL`, l.id)
	_, err := l.Orders.ClaimDue(l.Ctx(), l.id) // other lives' claims are theirs
	l.must(err)
	if (before.Claim == order.ClaimEscalated || before.Claim == order.ClaimReturnArrived) && before.Disputed {
		return // the rule may end it, or wait for the bank
	}
	l.becomes("a claim's term: "+string(before.Claim), before.Claim != "", before, func(o order.Order) bool { return o.Claim != before.Claim })
}

func (l *life) timeExpires(*rapid.T) {
	before := l.look()
	l.Exec(`UPDATE orders SET pay_by = clock_timestamp() WHERE id = $1`, l.id)
	due := before.Payment == order.PaymentPending && before.Fulfilment == order.FulfilmentPending
	for range 2 {
		_, err := l.Auctions.ExpireOrder(l.Ctx(), l.id)
		l.must(err)
	}
	l.becomes("expired unpaid", due, before, func(o order.Order) bool { return o.Fulfilment == order.Cancelled })
}

// carrier says that it has the goods, or that they are there, in whatever order.
func (l *life) carrier(*rapid.T) {
	before, say, to := l.look(), l.Orders.EnRouteTx, order.EnRoute
	if rapid.Bool().Draw(l.t, "delivered") {
		say, to = l.Orders.DeliveredTx, order.Received
	}
	var told []realtime.Event
	l.must(postgres.InTx(l.Ctx(), l.Pool, func(tx pgx.Tx) (err error) {
		told, err = say(l.Ctx(), tx, l.id)
		return err
	}))
	l.Told.Publish(l.Ctx(), told...)
	now := l.look()
	moves := before.Payment == order.Paid && before.Fulfilment == order.FulfilmentPending || before.Fulfilment == order.Sent || before.Fulfilment == order.EnRoute && to == order.Received
	known := before.DeliveredAt != nil || to == order.EnRoute && before.EnRouteAt != nil
	switch {
	case moves && !known && now.Fulfilment != to:
		l.t.Fatalf("a carrier says %s, and the order that was %s/%s is %s", to, before.Payment, before.Fulfilment, now.Fulfilment)
	case (before.Fulfilment == order.Cancelled || before.Fulfilment == order.Received) && now.Version != before.Version:
		l.t.Fatalf("a carrier says %s of an order that is %s, and changes it", to, before.Fulfilment)
	case moves && !known:
		l.met["carried: "+string(to)]++
	}
}

// returnCarried has a carrier say that it has what goes back, or has brought it, of the newest return that was accepted, whatever has become of that: the goods that the order sent do not move by it.
func (l *life) returnCarried(*rapid.T) {
	claims, err := l.Orders.Claims(l.Ctx(), []uuid.UUID{l.id})
	l.must(err)
	i := slices.IndexFunc(claims[l.id], func(c order.Claim) bool { return c.Return != nil && c.Return.Bearer != nil })
	if i < 0 {
		return
	}
	c, before, to := claims[l.id][i], l.look(), order.ClaimReturnSent
	arrived := rapid.Bool().Draw(l.t, "arrived")
	if arrived {
		to = order.ClaimReturnArrived
	}
	var told []realtime.Event
	l.must(postgres.InTx(l.Ctx(), l.Pool, func(tx pgx.Tx) (err error) {
		told, err = l.Orders.ReturnCarriedTx(l.Ctx(), tx, l.id, c.ID, arrived)
		return err
	}))
	l.Told.Publish(l.Ctx(), told...)
	now, want := l.look(), before.Claim
	moves := c.EndedAt == nil && slices.Contains(order.Moves(), order.Move{Machine: "CLAIM", From: string(c.Status), To: string(to)})
	if moves {
		want = to
	}
	if now.Claim != want || now.Payment != before.Payment || now.Fulfilment != before.Fulfilment || now.Refunded != before.Refunded {
		l.t.Fatalf("a carrier has what goes back (arrived: %t) by a claim that is %s: the order is %s/%s, its claim %q and not %q", arrived, c.Status, now.Payment, now.Fulfilment, now.Claim, want)
	}
	if moves {
		l.met["a return's carrier: "+string(to)]++
	}
}

// intent is the provider's name of the order's newest payment by card, with its charge.
func (l *life) intent() (p uuid.UUID, intent, charge string) {
	err := l.Admin.QueryRow(l.Ctx(), `SELECT id, coalesce(provider_id, ''), coalesce(charge_id, '') FROM order_payment WHERE order_id = $1 AND card_amount > 0 ORDER BY created_at DESC LIMIT 1`, l.id).Scan(&p, &intent, &charge)
	if !postgres.NoRows(err) {
		l.must(err)
	}
	return p, intent, charge
}

// provider tells of the order's payment what is long known, or was never so.
func (l *life) provider(*rapid.T) {
	_, intent, _ := l.intent()
	if intent == "" {
		return
	}
	before := l.look()
	kind := rapid.SampledFrom([]string{"payment_intent.succeeded", "payment_intent.canceled", "payment_intent.amount_capturable_updated", "payment_intent.payment_failed"}).Draw(l.t, "event")
	l.Exec(`DELETE FROM provider_event WHERE id = $1`, "evt_"+kind+"_"+intent) // so that it is acted on each time
	event, err := l.Webhook(kind, intent)
	l.must(err)
	l.must(l.Payment.HandleEvent(l.Ctx(), event))
	l.becomes("told again by the provider", false, before, nil)
	l.met["told again by the provider"]++
}

// bankForgets has an authorisation run out.
func (l *life) bankForgets(*rapid.T) {
	before := l.look()
	p, _, _ := l.intent()
	if before.Payment != order.Authorised || before.Fulfilment == order.Cancelled {
		return
	}
	l.must(l.cards.Stripe.Advance(8 * 24 * time.Hour))
	_, err := l.Payment.AdvanceOrderPayment(l.Ctx(), p)
	l.must(err)
	l.becomes("an authorisation ran out", true, before, func(o order.Order) bool { return o.Payment == order.PaymentPending })
}

// bankDisputes has a card's bank take the payment back, or decide what it took.
func (l *life) bankDisputes(*rapid.T) {
	tell := func(kind string) {
		l.Exec(`DELETE FROM provider_event WHERE id = $1`, "evt_"+kind+"_"+l.dispute)
		event, err := l.Webhook(kind, l.dispute)
		l.must(err)
		l.must(l.Payment.HandleEvent(l.Ctx(), event))
	}
	_, _, charge := l.intent()
	switch before := l.look(); {
	case l.dispute != "":
		outcome := rapid.SampledFrom([]string{"won", "lost"}).Draw(l.t, "outcome")
		l.must(l.cards.Stripe.DecideDispute(l.dispute, outcome))
		tell("charge.dispute.closed")
		l.met["the bank decides: "+outcome]++
		l.dispute = ""
	case charge != "" && l.disputes == 0 && before.Refunded.Minor == 0 && (before.Payment == order.Paid || before.Payment == order.Settled):
		d, err := l.cards.Stripe.OpenDispute(charge, "fraudulent", 0, false)
		l.must(err)
		l.dispute, l.byBank = d.ID, true
		l.disputes++
		tell("charge.dispute.created")
		l.becomes("disputed", true, before, func(o order.Order) bool { return o.Disputed })
	}
}

// byHand tries each move that there could be by SQL: what is not in the code's table is refused by the database, whoever asks.
func (l *life) byHand(*rapid.T) {
	now := l.look()
	payments := []order.Payment{order.PaymentPending, order.Authorised, order.Paid, order.Settled, order.Refunded, order.Voided, order.ChargedBack}
	fulfilments := []order.Fulfilment{order.FulfilmentPending, order.Sent, order.EnRoute, order.Received, order.Cancelled}
	claims := []order.ClaimStatus{order.ClaimOpen, order.ClaimReturnAwaited, order.ClaimReturnSent, order.ClaimReturnArrived, order.ClaimEscalated, order.ClaimResolved, order.ClaimRefused, order.ClaimWithdrawn}
	tx, err := l.Admin.Begin(l.Ctx())
	l.must(err)
	defer func() { _ = tx.Rollback(context.WithoutCancel(l.Ctx())) }()
	try := func(machine, from, to, statement string) {
		if from == "" || from == to || slices.Contains(order.Moves(), order.Move{Machine: machine, From: from, To: to}) {
			return
		}
		_, err := tx.Exec(l.Ctx(), "SAVEPOINT here")
		l.must(err)
		if changed, err := tx.Exec(l.Ctx(), statement, l.id, to); err == nil && changed.RowsAffected() > 0 {
			l.t.Fatalf("by SQL %s went from %s to %s", machine, from, to)
		}
		_, err = tx.Exec(l.Ctx(), "ROLLBACK TO here")
		l.must(err)
	}
	for _, to := range payments {
		try("PAYMENT", string(now.Payment), string(to), `UPDATE orders SET payment = $2, refunded = CASE $2 WHEN 'REFUNDED' THEN total ELSE refunded END WHERE id = $1`)
	}
	for _, to := range fulfilments {
		try("FULFILMENT", string(now.Fulfilment), string(to), `UPDATE orders SET fulfilment = $2, cancelled_at = CASE $2 WHEN 'CANCELLED' THEN now() ELSE cancelled_at END WHERE id = $1`)
	}
	for _, to := range claims {
		try("CLAIM", string(now.Claim), string(to), `UPDATE order_claim SET status = $2, ended_at = CASE WHEN $2 IN ('RESOLVED', 'REFUSED', 'WITHDRAWN') THEN now() END WHERE order_id = $1 AND ended_at IS NULL`)
	}
	l.met["by hand"]++
}
