package payment

import "github.com/souklive/souk/internal/money"

// Terms are what was agreed on when an order was made and paid. They divide whatever is left of it after refunds: one
// calculation for the release, for each refund, and for what is shown, whatever the order was paid from.
type Terms struct {
	Total money.Amount
	Fee   money.Amount // the platform's, of the total
	Card  money.Amount // what a card paid of the total; the wallet paid the rest
}

// Parts are how what is left of an order is divided: by where it came from, and by where it goes.
type Parts struct {
	Card, Wallet money.Amount
	Fee, Seller  money.Amount
}

// Of divides what is left, between nothing and the total. The fee and the card's part are their shares of it, rounded
// down, the card's to what a card can be charged; the others have the rest. So of two lefts the smaller has no larger
// part, each part of nothing is nothing, and of the total it is what was paid.
func (t Terms) Of(left money.Amount) Parts {
	fee := t.Fee.Share(left.Minor, t.Total.Minor)
	card := t.Card.Share(left.Minor, t.Total.Minor)
	card.Minor -= card.Minor % cardStep(left.Currency)
	return Parts{
		Card: card, Wallet: money.New(left.Minor-card.Minor, left.Currency),
		Fee: fee, Seller: money.New(left.Minor-fee.Minor, left.Currency),
	}
}

// less is what p has more than q.
func (p Parts) less(q Parts) Parts {
	minus := func(a, b money.Amount) money.Amount { return money.New(a.Minor-b.Minor, a.Currency) }
	return Parts{Card: minus(p.Card, q.Card), Wallet: minus(p.Wallet, q.Wallet), Fee: minus(p.Fee, q.Fee), Seller: minus(p.Seller, q.Seller)}
}
