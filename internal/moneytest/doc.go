// Package moneytest plays every flow of money at random, beside a model of what the books must say.
//
// A run is a small market: people with cards of all kinds, lots, orders. Each step is a use case with drawn input,
// with something drawn that goes wrong at Stripe, and with webhooks that come when the run pleases: late, twice,
// in any order or never. After each step the ledger, summed up from its postings, has to be the model's books, account by
// account. At the end the product's own jobs finish what is open; then nothing may be left in doubt, the audit
// has to be clean, and Stripe's journal has to be what we booked.
//
// The model knows the rules and nothing else: no statuses of rows, no keys, no events. docs/payments.md says how to
// replay a run.
package moneytest
