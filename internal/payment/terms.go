package payment

import "github.com/souklive/souk/internal/money"

// Terms are what was agreed on when an order was made and paid. They divide whatever is left of it after refunds: one
// calculation for the release, for each refund, and for what is shown, whatever the order was paid from.
type Terms struct {
	Total   money.Amount // what the buyer pays
	Subsidy money.Amount // what the platform's promotion pays beside that
	Card    money.Amount // what a card paid of the total; the wallet paid the rest

	// Of total and subsidy: what the platform keeps as its fee, hands on as tax, and keeps for shipping. The rest is the seller's.
	Fee, Tax, Shipping money.Amount
}

// Parts are how what is left of an order is divided: by where it came from, and by where it goes. Both come to the same.
type Parts struct {
	Card, Wallet, Subsidy      money.Amount
	Fee, Tax, Shipping, Seller money.Amount
}

// Of divides what is left of the total, between nothing and all of it. The subsidy is its share of what is left, rounded down, and so is the
// card's part, to what a card can be charged; the wallet has the rest. Fee, tax and shipping, in this order, are each their share, rounded down, of what
// those before them leave; the seller has the rest. So of two lefts the smaller has no larger part, each part of nothing is nothing, and of
// the total it is what was agreed.
func (t Terms) Of(left money.Amount) Parts {
	c := left.Currency
	subsidy := share(t.Subsidy.Minor, left.Minor, t.Total.Minor)
	card := share(t.Card.Minor, left.Minor, t.Total.Minor)
	card -= card % cardStep(c)
	rest := rest{left.Minor + subsidy, t.Total.Minor + t.Subsidy.Minor}
	return Parts{
		Card: money.New(card, c), Wallet: money.New(left.Minor-card, c), Subsidy: money.New(subsidy, c),
		Fee: rest.take(t.Fee, c), Tax: rest.take(t.Tax, c), Shipping: rest.take(t.Shipping, c), Seller: money.New(rest.left, c),
	}
}

// rest is what is left of a whole for those who have no part yet.
type rest struct{ left, whole int64 }

// take takes somebody's share of it.
func (r *rest) take(agreed money.Amount, c money.Currency) money.Amount {
	part := share(agreed.Minor, r.left, r.whole)
	r.left, r.whole = r.left-part, r.whole-agreed.Minor
	return money.New(part, c)
}

// share is what part is of left, as it is of whole, rounded down.
func share(part, left, whole int64) int64 {
	if part == 0 {
		return 0
	}
	return money.New(part, "").Share(left, whole).Minor
}

// Less is what p has more than q.
func (p Parts) Less(q Parts) Parts {
	minus := func(a, b money.Amount) money.Amount { return money.New(a.Minor-b.Minor, a.Currency) }
	return Parts{
		Card: minus(p.Card, q.Card), Wallet: minus(p.Wallet, q.Wallet), Subsidy: minus(p.Subsidy, q.Subsidy),
		Fee: minus(p.Fee, q.Fee), Tax: minus(p.Tax, q.Tax), Shipping: minus(p.Shipping, q.Shipping), Seller: minus(p.Seller, q.Seller),
	}
}

// All is what all who it goes to have of it.
func (p Parts) All() int64 {
	return p.Fee.Minor + p.Tax.Minor + p.Shipping.Minor + p.Seller.Minor
}
