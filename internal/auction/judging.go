package auction

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/batch"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/show"
	"github.com/souklive/souk/internal/showchat"
)

// judging is a batch of bids on one lot in one transaction.
type judging struct {
	s     *Service
	tx    pgx.Tx
	asks  []*ask
	short map[uuid.UUID]error // whose money was found to be gone, and how that was refused

	row      db.Auction
	now      time.Time
	state    State
	lead     int // which ask leads in the end; -1: none of these
	known    []db.BidAskRow
	outcasts map[uuid.UUID]bool // of the lot's show
	verdicts []verdict
	byKey    map[firstKey]int // which ask was the first with a bidder's key
	taken    db.BidsInsertParams
}

// verdict is what became of an ask.
type verdict struct {
	placed Placed
	err    error
}

type firstKey struct {
	bidder uuid.UUID
	key    string
}

// run takes the lot's lock, judges the bids in their order and writes all that follows from them; the holds move last.
func (b *judging) run(ctx context.Context, lot uuid.UUID) ([]realtime.Event, error) {
	if err := b.look(ctx, lot); err != nil {
		if postgres.NoRows(err) {
			return nil, ErrNotFound
		}
		return nil, err
	}
	b.state, b.lead = stateOf(b.row), -1
	b.verdicts, b.byKey = make([]verdict, len(b.asks)), make(map[firstKey]int, len(b.asks))
	for i, a := range b.asks {
		b.verdicts[i] = b.verdictOn(i, a)
	}
	told, err := b.write(ctx)
	if err != nil {
		return nil, err
	}
	return told, b.again(ctx)
}

// look takes the lot's lock; then it reads the time, and what the bidders are and have.
func (b *judging) look(ctx context.Context, lot uuid.UUID) error {
	ask := db.BidAskParams{AuctionID: lot}
	for _, a := range b.asks {
		ask.Bidders, ask.Keys = append(ask.Bidders, a.bidder), append(ask.Keys, a.key)
		ask.Cards = append(ask.Cards, valueOf(a.card))
	}
	err := postgres.Together(ctx, b.tx,
		func(tx pgx.Tx) (err error) { b.row, err = b.s.q.AuctionLock(ctx, tx, lot); return err },
		func(tx pgx.Tx) (err error) { b.known, err = b.s.q.BidAsk(ctx, tx, ask); return err },
	)
	if err != nil {
		return err
	}
	if len(b.known) != len(b.asks) {
		return fault.New(fault.Internal, "BIDDER_UNKNOWN", "a bidder is no user")
	}
	b.now = b.known[0].Now
	if b.row.ShowID != nil {
		b.outcasts, err = showchat.Banned(ctx, b.tx, *b.row.ShowID, ask.Bidders)
	}
	return err
}

// verdictOn judges one bid. A key that has bid before is answered later.
func (b *judging) verdictOn(i int, a *ask) verdict {
	key := firstKey{a.bidder, a.key}
	if _, twice := b.byKey[key]; twice || b.known[i].FirstID != uuid.Nil {
		return verdict{}
	}
	state, rule, err := Judge(b.state, b.offerOf(a), b.s.increments)
	if err == nil {
		err = b.admit(i, a)
	} else if open := b.state.open(b.now); open == nil {
		if missing := b.eligible(i, a); missing != nil {
			err = missing
		}
	}
	if err != nil {
		return verdict{err: err}
	}
	b.state, b.byKey[key] = state, i
	if rule.wins() {
		b.lead = i
	}
	return verdict{placed: b.take(a, rule)}
}

func (b *judging) offerOf(a *ask) Offer {
	return Offer{Bidder: a.bidder, Currency: a.amount.Currency, Maximum: a.amount.Minor, BuyNow: a.buyNow, At: b.now}
}

// admit refuses who may not bid here, or does not bring what backs the lot.
func (b *judging) admit(i int, a *ask) error {
	known := b.known[i]
	if err := b.eligible(i, a); err != nil {
		return err
	}
	if Backing(b.row.Backing) == ByCard {
		switch {
		case a.card == nil:
			return ErrCardMissing.At("cardId")
		case known.Card == "EXPIRED":
			return payment.ErrCardExpired.At("cardId")
		case known.Card != "USABLE":
			return payment.ErrCardNotFound.At("cardId")
		}
		return nil
	}
	if a.card != nil {
		return ErrCardNotTaken.At("cardId")
	}
	return b.funded(i, a)
}

// funded refuses who could not pay for what they offer: also a bid that is outbid at once moves the price. What a bidder has in
// this lot counts.
func (b *judging) funded(i int, a *ask) error {
	known := b.known[i]
	if err := b.short[a.bidder]; err != nil {
		return err
	}
	if !known.FrozenSince.IsZero() {
		return payment.ErrWalletFrozen.With("since", known.FrozenSince.UTC())
	}
	available, wanted := known.Available, a.amount.Minor
	if a.buyNow {
		wanted = b.state.BuyNow
	}
	if valueOf(b.row.LeaderID) == a.bidder {
		available += b.row.LeaderMaximum
	}
	if available < wanted {
		return payment.ErrInsufficientFunds.With("available", b.state.of(available))
	}
	return nil
}

// eligible refuses who is banned, here or everywhere, too young, or not known well enough; it says which is missing.
func (b *judging) eligible(i int, a *ask) error {
	known := b.known[i]
	switch {
	case known.Banned:
		return identity.ErrBanned
	case b.outcasts[a.bidder]:
		return showchat.ErrBanned
	}
	var missing *fault.Error
	if age := b.row.MinimumAge; age != nil && known.Age < int32(*age) {
		missing = ErrNotEligible.With("minimumAge", int(*age))
	}
	if tier := b.row.MinimumTier; tier != nil && !atLeast(Tier(known.Tier), Tier(*tier)) {
		if missing == nil {
			missing = ErrNotEligible
		}
		missing = missing.With("minimumTier", Tier(*tier))
	}
	if missing == nil {
		return nil
	}
	return missing
}

// take adds a bid that was taken to what is written, and says what it did.
func (b *judging) take(a *ask, rule Rule) Placed {
	s, t := b.state, &b.taken
	amount := a.amount.Minor
	if a.buyNow {
		amount = s.BuyNow
	}
	bid := Bid{
		ID: id.New(), AuctionID: b.row.ID, BidderID: a.bidder, Amount: s.of(min(amount, s.Price)), PlacedAt: b.now,
	}
	number := int32(0)
	if rule.Numbered() {
		number = s.Bids
		bid.Number = &number
	}
	t.Ids, t.Seqs, t.Numbers, t.Bidders = append(t.Ids, bid.ID), append(t.Seqs, s.Seq), append(t.Numbers, number), append(t.Bidders, a.bidder)
	t.Amounts, t.Cards, t.Keys = append(t.Amounts, amount), append(t.Cards, valueOf(a.card)), append(t.Keys, a.key)
	t.Rules, t.Prices = append(t.Rules, string(rule)), append(t.Prices, s.Price)
	t.Leaders, t.Ends = append(t.Leaders, s.Leader), append(t.Ends, s.EndsAt)
	return Placed{Bid: bid, Leading: rule.wins(), Price: s.of(s.Price), NextMinimum: s.of(s.NextMinimum(b.s.increments))}
}

// write stores the lot and its bids, tells of them, and moves the hold; where the lot was bought it ends here. What can be is sent
// together, since everybody who bids on the lot waits for it.
func (b *judging) write(ctx context.Context) ([]realtime.Event, error) {
	if len(b.taken.Ids) == 0 {
		return nil, nil
	}
	hold, err := b.newLeader(ctx)
	if err != nil {
		return nil, err
	}
	change, told, err := b.change()
	if err != nil {
		return nil, err
	}
	steps := b.store(ctx, told)
	if b.row.ShowID == nil && b.state.Status != Sold {
		return told, ofHold(postgres.Together(ctx, b.tx, append(steps, hold...)...))
	}
	if err := postgres.Together(ctx, b.tx, steps...); err != nil {
		return nil, err
	}
	if b.row.ShowID != nil && len(told) > 0 {
		inShow, err := show.AppendTx(ctx, b.tx, *b.row.ShowID, kindInShow(EventBids), change)
		if err != nil {
			return nil, err
		}
		told = append(told, inShow)
	}
	if b.state.Status == Sold {
		return b.end(ctx, told, hold)
	}
	return told, ofHold(postgres.Together(ctx, b.tx, hold...))
}

// change is what everybody hears, as an event under the lot's next version; raises alone make no version, and are no news.
func (b *judging) change() (c Change, told []realtime.Event, err error) {
	for _, v := range b.verdicts {
		if v.placed.Bid.Number != nil {
			c.Bids = append(c.Bids, v.placed.Bid)
		}
	}
	if len(c.Bids) == 0 {
		return c, nil, nil
	}
	b.row.Version++
	c.Auction = b.s.auctionOf(b.row)
	event, err := realtime.NewEvent(Topic(b.row.ID), b.row.Version, EventBids, c)
	return c, []realtime.Event{event}, err
}

// store writes the lot, the bids and the events.
func (b *judging) store(ctx context.Context, events []realtime.Event) []postgres.Step {
	b.taken.AuctionID, b.taken.Version, b.taken.PlacedAt = b.row.ID, b.row.Version, b.now
	steps := []postgres.Step{
		func(tx pgx.Tx) error { return b.s.updateTx(ctx, tx, b.row) },
		func(tx pgx.Tx) error { return b.s.q.BidsInsert(ctx, tx, b.taken) },
	}
	for i := range events {
		steps = append(steps, func(tx pgx.Tx) error { return events[i].StoreTx(ctx, tx) })
	}
	return steps
}

// end ends a lot that was bought.
func (b *judging) end(ctx context.Context, told []realtime.Event, hold []postgres.Step) ([]realtime.Event, error) {
	row, sold, err := b.s.markTx(ctx, b.tx, b.row, b.now, Sold)
	if err != nil {
		return nil, err
	}
	b.row = row
	if err := postgres.Together(ctx, b.tx, hold...); err != nil {
		return nil, ofHold(err)
	}
	won, err := b.s.settleTx(ctx, b.tx, b.row)
	return slices.Concat(told, sold, won), err
}

// newLeader puts what the rules have made into the row, and gives what has to be done for it: who leads holds their maximum, and
// nobody else holds anything.
func (b *judging) newLeader(ctx context.Context) ([]postgres.Step, error) {
	before := b.row
	b.row = put(b.row, b.state)
	if b.lead < 0 {
		return nil, nil
	}
	b.row.LeaderCard = b.asks[b.lead].card
	if Backing(b.row.Backing) != ByHold {
		return nil, nil
	}
	hold := payment.NewHold{ID: id.New(), User: b.state.Leader, Amount: b.state.of(b.state.Maximum)}
	b.row.LeaderHold = &hold.ID
	swap := payment.HoldSwap{Key: "bid:" + hold.ID.String(), Cause: holdCause(b.row.ID), Open: hold}
	if before.LeaderHold != nil {
		swap.Release = &payment.NewHold{ID: *before.LeaderHold, User: *before.LeaderID, Amount: b.state.of(before.LeaderMaximum)}
	}
	return b.s.payment.SwapHold(ctx, swap)
}

// again answers the keys that have bid before, in this batch or earlier, as they were answered then.
func (b *judging) again(ctx context.Context) error {
	var first []uuid.UUID
	for i, a := range b.asks {
		switch at, twice := b.byKey[firstKey{a.bidder, a.key}]; {
		case b.known[i].FirstID != uuid.Nil:
			first = append(first, b.known[i].FirstID)
		case twice && at != i:
			b.verdicts[i] = b.verdicts[at]
			if !a.same(b.asks[at]) {
				b.verdicts[i] = verdict{err: ErrKeyReused}
			}
		}
	}
	if len(first) == 0 {
		return nil
	}
	rows, err := b.s.q.BidsByID(ctx, b.tx, first)
	if err != nil {
		return err
	}
	bids := make(map[uuid.UUID]db.BidsByIDRow, len(rows))
	for _, row := range rows {
		bids[row.Bid.ID] = row
	}
	for i, a := range b.asks {
		if first := b.known[i].FirstID; first != uuid.Nil {
			b.verdicts[i] = b.replay(a, bids[first])
		}
	}
	return nil
}

// replay is the answer to a bid that was taken earlier.
func (b *judging) replay(a *ask, row db.BidsByIDRow) verdict {
	c := money.Currency(row.Currency)
	first := ask{amount: money.New(row.Bid.Amount, c), card: row.Bid.CardID}
	if Rule(row.Bid.Rule) == BuysNow {
		first = ask{buyNow: true, card: row.Bid.CardID}
	}
	if row.Bid.AuctionID != b.row.ID || !a.same(&first) {
		return verdict{err: ErrKeyReused}
	}
	then := b.state
	then.Price, then.Leader = row.Bid.Price, row.Bid.LeaderID
	return verdict{placed: Placed{
		Bid: bidOf(row.Bid, c, row.CancelledAt), Leading: Rule(row.Bid.Rule).wins(), Price: money.New(row.Bid.Price, c),
		NextMinimum: then.of(then.NextMinimum(b.s.increments)),
	}}
}

// answers are the verdicts, once the transaction is committed.
func (b *judging) answers() []batch.Answer[Placed] {
	now := b.s.auctionOf(b.row)
	answers := make([]batch.Answer[Placed], len(b.asks))
	for i, v := range b.verdicts {
		if answers[i].Err = v.err; v.err == nil {
			v.placed.Auction = now
			answers[i].Value = v.placed
		}
	}
	return answers
}
