// Package moneytest plays every flow of money at random, beside a model of what the books must say.
//
// A run is a small market: people with cards of all kinds, lots, carts, orders, chargebacks, commissions. Each step is a use case with drawn input,
// with something drawn that goes wrong at Stripe, and with webhooks that come when the run pleases: late, twice,
// in any order or never. After each step the ledger, summed up from its postings, has to be the model's books, account by
// account. At the end the product's own jobs finish what is open; then nothing may be left in doubt, the audit
// has to be clean, Stripe's journal has to be what we booked, and an order that came to nothing has left each source as it was.
//
// A run begins with its share of the scenes, so that all together meet every kind of thing for certain, and goes on at random.
//
// The model knows the rules and nothing of how the product keeps them. Where the product, or Stripe, chooses the moment, or
// which of two comes first, the model looks what it was and insists that it may be; what follows for the money it works out by itself. docs/payments.md says how to
// replay a run.
package moneytest
