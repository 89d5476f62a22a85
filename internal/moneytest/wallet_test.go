package moneytest

import (
	"math/big"
	"slices"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/payment"
)

// exchange is one that was made.
type exchange struct {
	user  uuid.UUID
	input payment.ExchangeInput
	made  payment.Exchange
}

func (m *machine) walletActions() []action {
	always := func() bool { return true }
	return []action{
		{"exchange", always, m.exchange},
		{"exchange", always, m.exchange},
		{"exchange", always, m.exchange},
		{"exchange again", some(&m.exchanges, each[exchange]), m.exchangeAgain},
		{"freeze", always, m.freeze},
		m.unfreezing(m.isFrozen), m.unfreezing(m.isFrozen), m.unfreezing(m.isFrozen),
	}
}

// worth is what one unit of a currency is in euros' terms, from the table of play money.
var worth = map[money.Currency]string{"EUR": "1", "JPY": "162.5", "TND": "3.36"}

// unit is how many of its smallest parts a currency's unit has.
var unit = map[money.Currency]int64{"EUR": 100, "JPY": 1, "TND": 1000}

// gives is what an amount gives in another currency: at a rate of twelve decimals, less the platform's part, rounded down.
func gives(from money.Amount, to money.Currency) money.Amount {
	ratio := func(text string) *big.Rat { r, _ := new(big.Rat).SetString(text); return r }
	whole := func(r *big.Rat) *big.Int { return new(big.Int).Quo(r.Num(), r.Denom()) }
	places := big.NewRat(1_000_000_000_000, 1)
	rate := new(big.Rat).Quo(ratio(worth[to]), ratio(worth[from.Currency]))
	rate = rate.Quo(new(big.Rat).SetInt(whole(rate.Mul(rate, places))), places)
	sum := new(big.Rat).Mul(big.NewRat(from.Minor, unit[from.Currency]), rate)
	sum.Mul(sum, big.NewRat(10_000-domaintest.ExchangeMarginBP, 10_000))
	sum.Mul(sum, big.NewRat(unit[to], 1))
	return money.New(whole(sum).Int64(), to)
}

// exchange moves money between two of a user's wallets.
func (m *machine) exchange() {
	user := anyOf(m, m.buyers, "buyer")
	pair := draw(m, rapid.SampledFrom([][2]money.Currency{{"EUR", "JPY"}, {"EUR", "TND"}, {"JPY", "EUR"}, {"TND", "JPY"}}), "currencies")
	free := m.books.free(user, pair[0])
	amount := draw(m, rapid.SampledFrom([]int64{free, free + 1, free / 3, free / 3, 1}), "amount")
	in := payment.ExchangeInput{From: money.New(max(amount, 1), pair[0]), To: pair[1], IdempotencyKey: uuid.NewString()}
	to := gives(in.From, in.To)
	if draw(m, rapid.IntRange(0, 3), "minimum") == 3 {
		least := money.New(to.Minor+1, to.Currency)
		in.Minimum = &least
	}
	if code := m.judgeExchange(user, in, to); code != "" {
		m.refused(code, func() error { _, err := m.Payment.Exchange(m.Ctx(), user, in); return err })
		return
	}
	made, err := m.Payment.Exchange(m.Ctx(), user, in)
	m.allowed("exchanged", err)
	if made.To != to {
		m.t.Fatalf("%v gives %v, the model says %v", in.From, made.To, to)
	}
	m.exchanges = append(m.exchanges, exchange{user, in, made})
	m.books.move(
		leg(ledger.Wallet, user, minus(in.From)), leg(ledger.FX, uuid.Nil, in.From),
		leg(ledger.FX, uuid.Nil, minus(to)), leg(ledger.Wallet, user, to),
	)
}

func (m *machine) judgeExchange(user uuid.UUID, in payment.ExchangeInput, to money.Amount) string {
	switch {
	case to.Minor == 0:
		return "EXCHANGE_TOO_SMALL"
	case in.Minimum != nil:
		return "EXCHANGE_RATE_MOVED"
	case m.isFrozen(user):
		return "WALLET_FROZEN"
	case in.From.Minor > m.books.free(user, in.From.Currency):
		return "INSUFFICIENT_FUNDS"
	}
	return ""
}

// exchangeAgain is a client's retry.
func (m *machine) exchangeAgain() {
	mine := anyOf(m, m.exchanges, "exchange")
	before := m.digest()
	for _, err := range domaintest.AtOnce(2, func(int) error {
		again, err := m.Payment.Exchange(m.Ctx(), mine.user, mine.input)
		if err == nil && again != mine.made {
			m.t.Errorf("the retried exchange is %+v, it was %+v", again, mine.made)
		}
		return err
	}) {
		m.allowed("exchange retried", err)
	}
	if m.digest() != before {
		m.t.Fatal("a retried exchange left a trace")
	}
}

// freeze is an admin's: nothing leaves the user's wallets from then on.
func (m *machine) freeze() {
	user := anyOf(m, m.buyers, "buyer")
	_, err := m.Payment.FreezeWallet(m.Ctx(), m.admin, user, "The model wants it.")
	m.allowed("frozen", err)
	m.frozen[user] = true
}

// unfreezing is an action that is possible where a user fits.
func (m *machine) unfreezing(fits func(uuid.UUID) bool) action {
	return action{"unfreeze", func() bool { return slices.ContainsFunc(m.buyers, fits) }, func() { m.unfreeze(pick(m, m.buyers, "buyer", fits)) }}
}

func (m *machine) unfreeze(user uuid.UUID) {
	unfreeze := func() error {
		_, err := m.Payment.UnfreezeWallet(m.Ctx(), m.admin, payment.Unfreeze{User: &user, Reason: "The model wants it."})
		return err
	}
	if m.isHeld(user) {
		m.refused("WALLET_FREEZE_HELD", unfreeze)
		return
	}
	m.allowed("unfrozen", unfreeze())
	delete(m.frozen, user)
	for _, d := range m.disputes {
		if d.of.user == user && d.freezes {
			d.freezes = false
			m.seen.add("unfrozen after a loss")
		}
	}
}
