package auction

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
)

// judge is Judge, or a wrong one.
type judge func(State, Offer, Increments) (State, Rule, error)

// move is one thing that happens to a lot.
type move struct {
	kind byte // see happens
	who  byte
	far  int16 // over the next minimum, or over the leader's maximum
	wait uint16
}

// What a move is, by its kind.
const (
	overMinimum = iota // a bid of the next minimum and so much, or less
	overMaximum        // a bid of the leader's maximum and so much: often the same, or a cent more or less
	buyNow
	cancellation
	moveKinds
)

var crowd = []uuid.UUID{ada, ben, uuid.MustParse("00000000-0000-7000-8000-00000000000d"), uuid.MustParse("00000000-0000-7000-8000-00000000000e"), host}

// trial is a lot, what was bid on it, and what must be true of it whatever happens.
type trial struct {
	judge judge
	in    Increments
	now   time.Time
	s     State
	bids  []StandingBid
}

// law plays moves on a lot, and names the first thing that is not as it must be.
func law(by judge, s State, in Increments, moves []move) error {
	t := &trial{judge: by, in: in, now: early, s: s}
	for i, m := range moves {
		t.now = t.now.Add(time.Duration(m.wait) * 100 * time.Millisecond)
		if err := t.happens(m); err != nil {
			return fmt.Errorf("move %d, %+v: %w", i+1, m, err)
		}
		if err := t.stands(); err != nil {
			return fmt.Errorf("after move %d, %+v: %w; %+v", i+1, m, err, t.s)
		}
	}
	return nil
}

func (t *trial) happens(m move) error {
	o := Offer{Bidder: crowd[int(m.who)%len(crowd)], Currency: "EUR", At: t.now}
	switch m.kind % moveKinds {
	case overMinimum:
		o.Maximum = max(1, t.s.NextMinimum(t.in)+int64(m.far))
	case overMaximum:
		o.Maximum = max(1, t.s.Maximum+int64(m.far%3))
	case buyNow:
		o.BuyNow = true
	default:
		t.cancel(int(m.far))
		return nil
	}
	if err := t.secret(o); err != nil {
		return err
	}
	before := t.s
	after, rule, err := t.judge(before, o, t.in)
	if err != nil {
		return t.refused(o, after, err)
	}
	t.s = after
	maximum := o.Maximum
	if o.BuyNow {
		maximum = before.BuyNow
	}
	t.bids = append(t.bids, StandingBid{Bidder: o.Bidder, Maximum: maximum, Rule: rule})
	return t.taken(before, o, rule)
}

// cancel takes one of the bids back, with the raises of it that followed.
func (t *trial) cancel(n int) {
	if len(t.bids) == 0 || t.s.Status != Open {
		return
	}
	at := (n%len(t.bids) + len(t.bids)) % len(t.bids)
	who, left := t.bids[at].Bidder, slices.Clone(t.bids[:at])
	raises := true
	for _, b := range t.bids[at+1:] {
		if b.Bidder == who && b.Rule.Numbered() {
			raises = false
		}
		if !raises || b.Bidder != who {
			left = append(left, b)
		}
	}
	t.bids, t.s = left, Rebuild(t.s, left, t.in)
}

// refused says whether a refusal changed nothing, and was right: who offers enough, while they may, is never refused.
func (t *trial) refused(o Offer, after State, err error) error {
	var refusal *fault.Error
	switch {
	case after != t.s:
		return errors.New("a refusal changed the lot")
	case !errors.As(err, &refusal):
		return fmt.Errorf("a refusal without a type: %w", err)
	case t.s.Status != Open || !o.At.Before(t.s.EndsAt) || o.Bidder == host:
	case o.BuyNow && t.s.BuyNow > 0 && !t.s.Led():
		return errors.New("nobody leads, and it can't be bought")
	case o.BuyNow:
	case o.Bidder == t.s.Leader && o.Maximum > t.s.Maximum:
		return errors.New("a raise is refused")
	case o.Bidder != t.s.Leader && o.Maximum >= t.s.NextMinimum(t.in):
		return errors.New("the next minimum is refused")
	}
	return nil
}

// taken says whether a bid that was taken moved the lot as a bid may.
func (t *trial) taken(before State, o Offer, rule Rule) error {
	after := t.s
	leads, number := after.Leader == o.Bidder, int32(0)
	if rule.Numbered() {
		number = 1
	}
	switch {
	case before.Status != Open || !o.At.Before(before.EndsAt):
		return errors.New("taken on a lot that is not open")
	case o.Bidder == host:
		return errors.New("the seller bid")
	case after.Price < before.Price:
		return errors.New("the price fell")
	case after.Seq != before.Seq+1 || after.Bids != before.Bids+number:
		return errors.New("it is counted wrongly")
	case after.Terms != before.Terms:
		return errors.New("the terms changed")
	case leads != rule.wins():
		return fmt.Errorf("%s, and it leads: %t", rule, leads)
	case before.Leader != uuid.Nil && after.Leader != before.Leader && !leads:
		return errors.New("somebody else came to lead")
	case rule == Raises && (before.Leader != o.Bidder || after.Price != before.Price || !after.EndsAt.Equal(before.EndsAt)):
		return errors.New("a raise moved what others see")
	case (after.Status != before.Status) != (rule == BuysNow):
		return errors.New("the status changed")
	}
	return ends(before, after, o, rule)
}

// ends says whether the end moved as a late bid moves it.
func ends(before, after State, o Offer, rule Rule) error {
	left := after.EndsAt.Sub(o.At)
	late := rule.Numbered() && rule != BuysNow && before.Extension > 0
	capped := !before.LatestEnd.IsZero() && after.EndsAt.Equal(before.LatestEnd)
	switch {
	case after.EndsAt.Before(before.EndsAt):
		return errors.New("the end came nearer")
	case !before.LatestEnd.IsZero() && after.EndsAt.After(before.LatestEnd):
		return errors.New("the end is beyond the cap")
	case !after.EndsAt.Equal(before.EndsAt) && (!late || left > before.Extension):
		return errors.New("the end moved too far")
	case late && left < before.Extension && !capped:
		return errors.New("a late bid did not move the end")
	}
	return nil
}

// stands says whether a lot is what its bids make of it: the highest maximum leads, the earliest of those that tie, at no more than
// the runner-up forces and no less than each of the others bid.
func (t *trial) stands() error {
	s := t.s
	leader, highest, second := uuid.Nil, int64(0), int64(0)
	for _, b := range t.bids {
		if b.Maximum > highest {
			leader, highest = b.Bidder, b.Maximum
		}
	}
	for _, b := range t.bids {
		if b.Bidder != leader {
			second = max(second, b.Maximum)
		}
	}
	if s.Status == Sold { // bought: whatever was bid
		if last := t.bids[len(t.bids)-1]; s.Leader != last.Bidder || s.Price != s.BuyNow || s.Maximum != s.BuyNow {
			return errors.New("it was bought at another price, or by another")
		}
		return nil
	}
	forced := s.StartPrice
	if second > 0 {
		forced = max(forced, min(highest, t.in.over(second, s.Currency)))
	}
	if s.Reserve > 0 && highest >= s.Reserve {
		forced = max(forced, s.Reserve)
	}
	switch {
	case s.Leader != leader:
		return fmt.Errorf("led by %s, and the highest of the earlier is %s", s.Leader, leader)
	case s.Maximum != highest:
		return fmt.Errorf("the maximum is %d, and the highest bid %d", s.Maximum, highest)
	case leader == uuid.Nil && s.Price != 0:
		return errors.New("a price without a leader")
	case leader == uuid.Nil:
		return nil
	case s.Price > s.Maximum:
		return errors.New("the leader's maximum is exceeded")
	case s.Price > forced:
		return fmt.Errorf("the price is %d, and the runner-up forces %d", s.Price, forced)
	case s.Price < max(s.StartPrice, second):
		return fmt.Errorf("the price is %d, and somebody who does not lead bid %d", s.Price, second)
	case s.Reserve > 0 && highest >= s.Reserve && s.Price < s.Reserve:
		return errors.New("the reserve is met, and the price below it")
	}
	return nil
}

// secret says whether what everybody sees after a bid would be the same had its maximum been another, as long as nobody has bid against
// the difference: so the maximum of who leads is in nothing that is shown.
func (t *trial) secret(o Offer) error {
	floor := t.in.over(max(t.s.Maximum, t.s.NextMinimum(t.in)), t.s.Currency)
	if o.BuyNow {
		return nil
	}
	low, high := o, o
	low.Maximum, high.Maximum = floor, floor+1_000_000
	if t.s.Reserve > floor {
		high.Maximum = t.s.Reserve - 1
	}
	seen, err := t.shown(low)
	other, otherErr := t.shown(high)
	if (err == nil) != (otherErr == nil) || seen != other {
		return fmt.Errorf("a maximum of %d shows %s, one of %d %s", low.Maximum, seen, high.Maximum, other)
	}
	return nil
}

// shown is what everybody sees of the lot after a bid, and of the bid.
func (t *trial) shown(o Offer) (string, error) {
	after, rule, err := t.judge(t.s, o, t.in)
	row := put(db.Auction{Currency: string(after.Currency), StartPrice: after.StartPrice, Status: string(after.Status)}, after)
	if after.Reserve > 0 {
		row.Reserve = &after.Reserve
	}
	if after.BuyNow > 0 {
		row.BuyNow = &after.BuyNow
	}
	told := Change{Auction: (&Service{increments: t.in}).auctionOf(row)}
	if err == nil && rule.Numbered() {
		told.Bids = []Bid{{BidderID: o.Bidder, Amount: after.of(min(o.Maximum, after.Price)), Number: &after.Bids}}
	}
	raw, encodeErr := json.Marshal(told)
	return string(raw) + string(rule), errors.Join(err, encodeErr)
}

// lotOf makes a lot and moves of any bytes.
func lotOf(raw []byte) (State, []move) {
	at := func(i int) int64 {
		if i < len(raw) {
			return int64(raw[i])
		}
		return 0
	}
	s := lot()
	s.StartPrice = 100 * (1 + at(0))
	if r := at(1); r%2 == 1 {
		s.Reserve = s.StartPrice + 50*r
	}
	if b := at(2); b%2 == 1 {
		s.BuyNow = max(s.StartPrice, s.Reserve) + 100*b
	}
	s.Extension, s.EndsAt = time.Duration(at(3)%30)*time.Second, early.Add(time.Duration(at(4))*time.Second)
	if c := at(5); c%2 == 1 {
		s.LatestEnd = s.EndsAt.Add(time.Duration(c) * time.Second / 4)
	}
	var moves []move
	for i := 6; i+4 <= len(raw) && len(moves) < 200; i += 4 {
		m := move{kind: raw[i] % 8, who: raw[i] / 8, far: int16(raw[i+1])<<3 + int16(raw[i+2]%8) - 300, wait: uint16(raw[i+3])}
		if m.kind >= moveKinds { // most of what happens to a lot is bids
			m.kind %= 2
		}
		moves = append(moves, m)
	}
	return s, moves
}

// steps are increments whose steps do not fall, as those of the table.
func steps(t *rapid.T) Increments {
	n := rapid.IntRange(1, 5).Draw(t, "increments")
	rows, from, step := make([]Increment, n), int64(0), int64(1)
	for i := range rows {
		step += rapid.Int64Range(0, 500).Draw(t, "step")
		rows[i] = Increment{FromPrice: from, Step: step}
		from += rapid.Int64Range(1, 10_000).Draw(t, "from")
	}
	return Increments{"EUR": rows}
}

// Whatever is bid, bought and cancelled, on whatever lot and by whatever table of increments.
func TestTheLawHolds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, moves := lotOf(rapid.SliceOfN(rapid.Byte(), 6, 6+4*40).Draw(t, "lot"))
		if err := law(Judge, s, steps(t), moves); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzJudge holds the rules to the law by any bytes; make fuzz-bids looks for some that break it.
func FuzzJudge(f *testing.F) {
	for seed := range uint64(50) {
		f.Add(bytesOf(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, moves := lotOf(raw)
		if err := law(Judge, s, euros, moves); err != nil {
			t.Fatal(err)
		}
	})
}

// bytesOf is a lot with a lively bidding.
func bytesOf(seed uint64) []byte {
	random := rand.New(rand.NewPCG(seed, 1))
	raw := make([]byte, 6+4*random.IntN(60))
	for i := range raw {
		raw[i] = byte(random.Uint32())
		if i > 6 && i%4 == 1 { // little time between
			raw[i] %= 16
		}
	}
	return raw
}
