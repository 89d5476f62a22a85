package checkout_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/checkout"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/promotion"
)

// offers makes a seller's coupon of ten per cent, but for what change does to it.
func (s *shop) offers(change func(*promotion.Input)) promotion.Promotion {
	s.T.Helper()
	return s.promotes(promotion.Actor{User: s.seller}, change)
}

// gives makes a coupon of the platform's of 5 euros with a budget of 20.
func (s *shop) gives(change func(*promotion.Input)) promotion.Promotion {
	s.T.Helper()
	return s.promotes(promotion.Actor{User: s.User(identity.Admin), Admin: true, Reason: "Eid"}, func(in *promotion.Input) {
		in.ByPlatform, in.Kind, in.BasisPoints, in.Amount, in.Budget = true, promotion.Amount, nil, new(domaintest.EUR(5_00)), new(domaintest.EUR(20_00))
		if change != nil {
			change(in)
		}
	})
}

func (s *shop) promotes(who promotion.Actor, change func(*promotion.Input)) promotion.Promotion {
	s.T.Helper()
	code := "ten-" + strings.ReplaceAll(uuid.NewString(), "-", "")
	in := promotion.Input{Code: &code, Title: "Ten per cent", Kind: promotion.Percent, BasisPoints: new(1000), Currency: "EUR", IdempotencyKey: uuid.NewString()}
	if change != nil {
		change(&in)
	}
	p, err := s.Promotions.Create(s.Ctx(), who, in)
	s.Must(err)
	return p
}

// wants quotes a buyer's cart with codes.
func (s *shop) wants(buyer uuid.UUID, codes ...string) (checkout.Quote, error) {
	return s.Checkout.Quote(s.Ctx(), buyer, checkout.QuoteInput{Address: s.home(buyer), Coupons: codes, IdempotencyKey: uuid.NewString()})
}

// A seller's coupon and the platform's promotion: what the quote shows is what the order is, what is posted, and what comes back.
func TestPromotionsAreCharged(t *testing.T) {
	t.Parallel()
	s := setup(t)
	defer s.Audited()
	buyer, other := s.Buyer(100_00), s.User(identity.Seller)
	s.put(buyer, 3, s.shirts(s.seller, 1, 9)[0])
	s.put(buyer, 1, s.shirts(other, 1, 9)[0])
	coupon := s.offers(func(in *promotion.Input) { in.Stackable = true })
	gift := s.gives(func(in *promotion.Input) { in.Code, in.Title, in.Stackable = nil, "Eid", true })
	q, err := s.wants(buyer, strings.ToLower(*coupon.Code))
	s.Must(err)
	// 30 − 3 and 10; of 5, 27 parts of 37 and 10 of them.
	if q.Total.Minor != 27_00+10_00-5_00 || q.Groups[0].Total.Minor != 27_00-3_64 || q.Groups[1].Total.Minor != 10_00-1_36 {
		t.Errorf("%s: %+v", q.Total, q.Groups)
	}
	for i, want := range [][]string{{"PROMOTION BUYER SELLER Ten per cent -3.00 EUR", "PROMOTION BUYER PLATFORM Eid -3.64 EUR", "PLATFORM_FEE SELLER PLATFORM  2.30 EUR"}, {"PROMOTION BUYER PLATFORM Eid -1.36 EUR", "PLATFORM_FEE SELLER PLATFORM  0.85 EUR"}} {
		for j, c := range q.Groups[i].Charges {
			if got := fmt.Sprint(c.Kind, " ", c.Bearer, " ", c.Side(), " ", c.Label, " ", c.Amount); got != want[j] {
				t.Errorf("group %d: %s, want %s", i, got, want[j])
			}
		}
	}
	orders, err := s.Checkout.Confirm(t.Context(), buyer, agreed(q))
	s.Must(err)
	s.WantWallet(buyer, 100_00-32_00, 0)
	if left := s.Balance(ledger.PromoBudget, gift.ID); left != 15_00 {
		t.Errorf("the budget has %d", left)
	}
	s.Audited()
	s.Must2(s.Orders.Ship(t.Context(), s.seller, orders[0].ID, ""))
	s.Must2(s.Orders.ConfirmReceipt(t.Context(), buyer, orders[0].ID))
	if got := s.Earned(s.seller); got != 27_00-2_30 {
		t.Errorf("the seller has %d", got)
	}
	s.Must2(s.Orders.Cancel(t.Context(), order.Actor{User: other}, orders[1].ID, "gone"))
	s.WantWallet(buyer, 100_00-27_00+3_64, 0)
	if left := s.Balance(ledger.PromoBudget, gift.ID); left != 16_36 {
		t.Errorf("the budget has %d", left)
	}
}

// Each refusal of a coupon is one of its own, names the code, and leaves nothing behind.
func TestCouponsThatAreRefused(t *testing.T) {
	t.Parallel()
	s := setup(t)
	defer s.Audited()
	shirt := s.shirts(s.seller, 1, 1000)[0]
	soon, listing := time.Now().Add(time.Hour), s.Listing(s.seller)
	expired := s.offers(nil)
	s.Exec(`ALTER TABLE promotion DISABLE TRIGGER promotion_guard`)
	s.Exec(`UPDATE promotion SET starts_at = now() - interval '2 hours', ends_at = now() - interval '1 hour' WHERE id = $1`, expired.ID)
	s.Exec(`ALTER TABLE promotion ENABLE TRIGGER promotion_guard`)
	ended := s.offers(nil)
	s.Must2(s.Promotions.End(t.Context(), promotion.Actor{User: s.seller}, ended.ID))
	used := s.offers(func(in *promotion.Input) { in.MaxUses = new(1) })
	first := s.Buyer(100_00)
	s.put(first, 1, shirt)
	s.Must2(s.wants(first, *used.Code))
	for name, c := range map[string]struct {
		codes []string
		want  string
	}{
		"unknown":          {[]string{"NOSUCH"}, "COUPON_UNKNOWN"},
		"no code":          {[]string{"!"}, "COUPON_UNKNOWN"},
		"expired":          {[]string{*expired.Code}, "COUPON_EXPIRED"},
		"ended":            {[]string{*ended.Code}, "COUPON_EXPIRED"},
		"not yet":          {[]string{*s.offers(func(in *promotion.Input) { in.StartsAt = &soon }).Code}, "COUPON_NOT_YET"},
		"used up":          {[]string{*used.Code}, "COUPON_USED_UP"},
		"the budget":       {[]string{*s.gives(func(in *promotion.Input) { in.Budget = new(domaintest.EUR(4_99)) }).Code}, "COUPON_USED_UP"},
		"a minimum":        {[]string{*s.offers(func(in *promotion.Input) { in.Minimum = new(domaintest.EUR(20_01)) }).Code}, "COUPON_MINIMUM 0.01 EUR"},
		"another listing":  {[]string{*s.offers(func(in *promotion.Input) { in.Listings = []uuid.UUID{listing} }).Code}, "COUPON_NOT_FOR_THIS"},
		"another currency": {[]string{*s.offers(func(in *promotion.Input) { in.Currency = "USD" }).Code}, "COUPON_NOT_FOR_THIS"},
		"another seller":   {[]string{*s.promotes(promotion.Actor{User: s.User(identity.Seller)}, nil).Code}, "COUPON_UNKNOWN"},
		"two":              {[]string{*s.offers(nil).Code, *s.offers(nil).Code}, "COUPON_NOT_STACKABLE"},
		"all of it": {[]string{*s.gives(func(in *promotion.Input) {
			in.Amount, in.Budget = new(domaintest.EUR(99_00)), new(domaintest.EUR(99_00))
		}).Code}, "NOTHING_TO_PAY"},
		"six": {[]string{"AAA", "BBB", "CCC", "DDD", "EEE", "FFF"}, "COUPON_COUNT"},
	} {
		buyer := s.Buyer(100_00)
		s.put(buyer, 2, shirt)
		_, err := s.wants(buyer, c.codes...)
		got := domaintest.Code(err)
		if f, ok := fault.As(err); ok && f.Data["missing"] != nil {
			got += " " + f.Data["missing"].(money.Amount).String()
		}
		if got != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
		if n := s.Int(`SELECT count(*) FROM reservation WHERE user_id = $1 AND status = 'OPEN'`, buyer) + s.Int(`SELECT count(*) FROM promotion_use WHERE user_id = $1`, buyer); n != 0 {
			t.Errorf("%s: %d are left", name, n)
		}
	}
}

// The quote binds: a coupon that ends, or is used up by others, after it was quoted is what the buyer pays with.
func TestCouponEndsAfterTheQuote(t *testing.T) {
	t.Parallel()
	s := setup(t)
	defer s.Audited()
	coupon, buyer := s.offers(nil), s.Buyer(100_00)
	s.put(buyer, 2, s.shirts(s.seller, 1, 9)[0])
	q, err := s.wants(buyer, *coupon.Code)
	s.Must(err)
	s.Must2(s.Promotions.End(t.Context(), promotion.Actor{User: s.seller}, coupon.ID))
	full := agreed(q)
	full.Total = domaintest.EUR(20_00)
	if _, err := s.Checkout.Confirm(t.Context(), buyer, full); domaintest.Code(err) != "PRICE_CHANGED" {
		t.Errorf("at the full price: %v", err)
	}
	orders, err := s.Checkout.Confirm(t.Context(), buyer, agreed(q))
	if err != nil || orders[0].Total.Minor != 18_00 {
		t.Errorf("%+v, %v", orders, err)
	}
	s.WantWallet(buyer, 82_00, 0)
	s.put(buyer, 1, s.shirts(s.seller, 1, 9)[0])
	if _, err := s.wants(buyer, *coupon.Code); domaintest.Code(err) != "COUPON_EXPIRED" {
		t.Errorf("the next quote: %v", err)
	}
}

// A use comes back from a quote that ran out, that another took the place of, and from one whose order is cancelled; not from one that lives.
func TestUsesComeBack(t *testing.T) {
	t.Parallel()
	s := setup(t)
	defer s.Audited()
	coupon, shirt := s.offers(func(in *promotion.Input) { in.MaxUses, in.MaxUsesPerUser = new(1), new(1) }), s.shirts(s.seller, 1, 99)[0]
	someone := func() uuid.UUID {
		buyer := s.Buyer(100_00)
		s.put(buyer, 1, shirt)
		return buyer
	}
	buyer := someone()
	first, err := s.wants(buyer, *coupon.Code)
	s.Must(err)
	if _, err := s.wants(someone(), *coupon.Code); domaintest.Code(err) != "COUPON_USED_UP" {
		t.Errorf("while the first may be confirmed: %v", err)
	}
	second, err := s.wants(buyer, *coupon.Code) // takes the place of the first
	s.Must(err)
	s.Exec(`UPDATE reservation SET expires_at = clock_timestamp() WHERE id = (SELECT reservation_id FROM quote WHERE id = $1)`, second.ID)
	buyer = someone()
	third, err := s.wants(buyer, *coupon.Code)
	s.Must(err)
	orders, err := s.Checkout.Confirm(t.Context(), buyer, agreed(third))
	s.Must(err)
	if _, err := s.wants(someone(), *coupon.Code); domaintest.Code(err) != "COUPON_USED_UP" {
		t.Errorf("once it is confirmed: %v", err)
	}
	s.Must2(s.Orders.Cancel(t.Context(), order.Actor{User: s.seller}, orders[0].ID, "gone"))
	fourth, err := s.wants(someone(), *coupon.Code)
	if err != nil || fourth.Total.Minor != 9_00 || first.Total.Minor != 9_00 {
		t.Errorf("after the cancellation: %+v, %v", fourth, err)
	}
	if n := s.Int(`SELECT uses FROM promotion WHERE id = $1`, coupon.ID); n != 1 {
		t.Errorf("%d uses", n)
	}
}

// However many quote and confirm at once, at two servers, limits hold in total, per user and in money; an automatic promotion that is used up is left out.
func TestCouponsAtOnce(t *testing.T) {
	t.Parallel()
	s := setup(t)
	defer s.Audited()
	servers, shirt := []*domaintest.World{s.World, s.Another(t)}, s.shirts(s.seller, 1, 500)[0]
	coupon := s.offers(func(in *promotion.Input) { in.MaxUses, in.Stackable = new(3), true })
	gift := s.gives(func(in *promotion.Input) { in.Code, in.Stackable = nil, true }) // of which four have something
	buyers, homes := make([]uuid.UUID, 12), make([]*uuid.UUID, 12)
	for i := range buyers {
		buyers[i] = s.Buyer(100_00)
		s.put(buyers[i], 1, shirt)
		homes[i] = s.home(buyers[i])
	}
	for i, err := range domaintest.AtOnce(2*len(buyers), func(i int) error { // each twice, under one key
		n := i % len(buyers)
		in := checkout.QuoteInput{Address: homes[n], Coupons: []string{*coupon.Code}, IdempotencyKey: "k"}
		q, err := servers[i%2].Checkout.Quote(t.Context(), buyers[n], in)
		if domaintest.Code(err) == "COUPON_USED_UP" && i < len(buyers) {
			in.Coupons, in.IdempotencyKey = nil, "without"
			q, err = servers[i%2].Checkout.Quote(t.Context(), buyers[n], in)
		}
		if err == nil && q.Status == checkout.QuoteOpen && i < len(buyers) {
			_, err = servers[i%2].Checkout.Confirm(t.Context(), buyers[n], agreed(q))
		}
		return err
	}) {
		switch domaintest.Code(err) {
		case "", "COUPON_USED_UP", "QUOTE_OVER", "RESERVATION_OVER", "CART_EMPTY", "CART_LINE_NOT_FOUND":
		default:
			t.Errorf("%d: %v", i, err)
		}
	}
	if n := s.Int(`SELECT count(*) FROM promotion_use WHERE promotion_id = $1 AND given_back_at IS NULL`, coupon.ID); n > 3 {
		t.Errorf("the coupon was used %d times", n)
	}
	if n := s.Int(`SELECT coalesce(sum(subsidy), 0)::bigint FROM orders WHERE campaign_id = $1`, gift.ID); n > 20_00 || n%5_00 != 0 {
		t.Errorf("the gift gave %d", n)
	}
	if left := s.Balance(ledger.PromoBudget, gift.ID); left < 0 {
		t.Errorf("the budget has %d", left)
	}
}

// Who guesses codes is stopped, also many at once; who has one is not.
func TestCodesAreNotGuessed(t *testing.T) {
	t.Parallel()
	s := setup(t)
	buyer := s.Buyer(0)
	s.put(buyer, 1, s.shirts(s.seller, 1, 99)[0])
	home := s.home(buyer)
	guess := func(i int) error {
		_, err := s.Checkout.Quote(s.Ctx(), buyer, checkout.QuoteInput{Address: home, Coupons: []string{fmt.Sprint("GUESS", i)}, IdempotencyKey: uuid.NewString()})
		return err
	}
	unknown := 0
	for _, err := range domaintest.AtOnce(30, guess) {
		if domaintest.Code(err) != "COUPON_TOO_MANY_TRIES" {
			unknown++
		}
	}
	if unknown > 20 || domaintest.Code(guess(99)) != "COUPON_TOO_MANY_TRIES" {
		t.Errorf("%d were looked up, then %v", unknown, guess(99))
	}
	s.Exec(`UPDATE coupon_try SET since = since - interval '61 minutes'`)
	coupon := s.offers(nil)
	for range 25 {
		if _, err := s.wants(buyer, *coupon.Code); err != nil {
			t.Fatal(err)
		}
	}
}
