package stripefake

import (
	"slices"
	"time"
)

// settlement is how long a charge's money is pending before it is available: two days.
const settlement = 48 * time.Hour

// BalanceTransaction is one movement of the platform's balance at the provider.
type BalanceTransaction struct {
	base
	Amount            int64       `json:"amount"` // gross, signed
	AvailableOn       int64       `json:"available_on"`
	BalanceType       string      `json:"balance_type"`
	Currency          string      `json:"currency"`
	Description       *string     `json:"description"`
	ExchangeRate      *float64    `json:"exchange_rate"`
	Fee               int64       `json:"fee"`
	FeeDetails        []feeDetail `json:"fee_details"`
	Net               int64       `json:"net"` // amount − fee
	ReportingCategory string      `json:"reporting_category"`
	Source            *string     `json:"source"`
	Status            string      `json:"status"`
	Type              string      `json:"type"`
}

type feeDetail struct {
	Amount      int64  `json:"amount"`
	Application any    `json:"application"`
	Currency    string `json:"currency"`
	Description string `json:"description"`
	Type        string `json:"type"`
}

// book makes a movement of the balance of the call's account, available at once; the caller saves it
// when it is complete.
func (c *call) book(kind, category string, amount int64, currency string, source *string) *BalanceTransaction {
	t := &BalanceTransaction{
		base:              base{ID: c.ids.make("txn"), Object: "balance_transaction", Created: c.now},
		Amount:            amount,
		AvailableOn:       c.now,
		BalanceType:       "payments",
		Currency:          currency,
		FeeDetails:        []feeDetail{},
		Net:               amount,
		ReportingCategory: category,
		Source:            source,
		Status:            "available",
		Type:              kind,
	}
	c.own(t.ID)
	return t
}

// charge takes the provider's fee off a movement.
func (t *BalanceTransaction) charge(fee int64, what string) {
	t.Fee, t.Net = fee, t.Amount-fee
	t.FeeDetails = []feeDetail{{Amount: fee, Currency: t.Currency, Description: what, Type: "stripe_fee"}}
}

// settle books a captured charge with its fee.
func (c *call) settle(charge *Charge, atOnce bool) *BalanceTransaction {
	t := c.book("charge", "charge", charge.AmountCaptured, charge.Currency, &charge.ID)
	t.Description = charge.Description
	t.charge(feeOf(charge.AmountCaptured, charge.Currency), "Stripe processing fees")
	if !atOnce {
		t.AvailableOn, t.Status = c.now+int64(settlement/time.Second), "pending"
	}
	c.save(t)
	return t
}

// mature shows a movement as it is now: pending money becomes available by itself.
func (t *BalanceTransaction) mature(now int64) *BalanceTransaction {
	if t.AvailableOn <= now {
		t.Status = "available"
	}
	return t
}

func retrieveBalanceTransaction(c *call) (any, *apiError) {
	t, ok := lookup[*BalanceTransaction](c.store, c.path[0])
	if !ok || c.store.owner[t.ID] != c.account {
		return nil, notFound("id", "balance transaction", c.path[0])
	}
	return t.mature(c.now), nil
}

// Journal is every movement of the platform's balance in the order in which it happened: the oracle that a
// ledger beside this provider has to agree with.
func (s *Server) Journal() []BalanceTransaction {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := s.store.byKind["balance_transaction"]
	journal := make([]BalanceTransaction, 0, len(ids))
	for _, id := range ids {
		if t, ok := lookup[*BalanceTransaction](s.store, id); ok && s.store.owner[id] == "" {
			journal = append(journal, *t)
		}
	}
	return journal
}

// fund is one currency's part of the balance.
type fund struct {
	Amount      int64            `json:"amount"`
	Currency    string           `json:"currency"`
	SourceTypes map[string]int64 `json:"source_types"`
}

type balance struct {
	Object    string `json:"object"`
	Livemode  bool   `json:"livemode"`
	Available []fund `json:"available"`
	Pending   []fund `json:"pending"`
}

func retrieveBalance(c *call) (any, *apiError) {
	available, pending := map[string]int64{}, map[string]int64{}
	for _, id := range c.store.byKind["balance_transaction"] {
		t, ok := lookup[*BalanceTransaction](c.store, id)
		switch {
		case c.store.owner[id] != c.account:
		case ok && t.AvailableOn <= c.now:
			available[t.Currency] += t.Net
		case ok:
			pending[t.Currency] += t.Net
		}
	}
	return balance{Object: "balance", Available: funds(available), Pending: funds(pending)}, nil
}

func funds(sums map[string]int64) []fund {
	list := make([]fund, 0, len(sums))
	for currency, amount := range sums {
		list = append(list, fund{Amount: amount, Currency: currency, SourceTypes: map[string]int64{"card": amount}})
	}
	slices.SortFunc(list, func(a, b fund) int {
		if a.Currency < b.Currency {
			return -1
		}
		return 1
	})
	return list
}

func listBalanceTransactions(c *call) (any, *apiError) {
	currency, source, kind := c.form.str("currency"), c.form.str("source"), c.form.str("type")
	return list(c, "balance_transaction", "/v1/balance_transactions", func(t *BalanceTransaction) bool {
		t.mature(c.now)
		return c.store.owner[t.ID] == c.account &&
			(currency == "" || t.Currency == currency) &&
			(kind == "" || t.Type == kind) &&
			(source == "" || (t.Source != nil && *t.Source == source))
	})
}
