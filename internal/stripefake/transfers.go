package stripefake

import "strconv"

// Transfer moves money from the platform's balance to a connected account's.
type Transfer struct {
	base
	Amount             int64                     `json:"amount"`
	AmountReversed     int64                     `json:"amount_reversed"`
	BalanceTransaction *string                   `json:"balance_transaction"`
	Currency           string                    `json:"currency"`
	Description        *string                   `json:"description"`
	Destination        string                    `json:"destination"`
	Livemode           bool                      `json:"livemode"`
	Metadata           map[string]string         `json:"metadata"`
	Reversals          listOf[*TransferReversal] `json:"reversals"`
	Reversed           bool                      `json:"reversed"`
	SourceTransaction  *string                   `json:"source_transaction"`
	SourceType         string                    `json:"source_type"`
	TransferGroup      *string                   `json:"transfer_group"`
}

// TransferReversal takes money of a transfer back.
type TransferReversal struct {
	base
	Amount             int64             `json:"amount"`
	BalanceTransaction *string           `json:"balance_transaction"`
	Currency           string            `json:"currency"`
	Metadata           map[string]string `json:"metadata"`
	Transfer           string            `json:"transfer"`
}

// in runs something on the balance of a connected account; on the platform's where account is empty.
func (c *call) in(account string, do func()) {
	before := c.account
	c.account = account
	do()
	c.account = before
}

// available is what a balance has at hand: the platform's, or that of the call's account.
func (c *call) available(currency string) (sum int64) {
	for _, id := range c.store.byKind["balance_transaction"] {
		t, ok := lookup[*BalanceTransaction](c.store, id)
		if ok && c.store.owner[id] == c.account && t.Currency == currency && (t.AvailableOn <= c.now || t.Net < 0) {
			sum += t.Net
		}
	}
	return sum
}

func insufficient(param string) *apiError {
	return invalid(param, "balance_insufficient", "You have insufficient available funds in your Stripe account.")
}

// readAmount is the amount and currency of a transfer or a payout, which know no minimum but one.
func (c *call) readAmount() (amount int64, currency string, problem *apiError) {
	currency = c.form.str("currency")
	for _, name := range []string{"amount", "currency"} {
		if !c.form.has(name) {
			return 0, "", missing(name)
		}
	}
	amount, problem = c.form.integer("amount", 0)
	_, known := currencyTerms(currency)
	switch {
	case problem != nil:
	case !known:
		problem = invalid("currency", "", "Invalid currency: "+currency)
	case amount < 1 || amount > maximum:
		problem = invalid("amount", "parameter_invalid_integer", "This value must be between 1 and "+strconv.Itoa(maximum)+".")
	}
	return amount, currency, problem
}

const transferParams = "amount currency destination description metadata source_transaction transfer_group"

func createTransfer(c *call) (any, *apiError) {
	amount, currency, problem := c.readAmount()
	if problem == nil {
		problem = c.checkTransfer(amount, currency)
	}
	if problem != nil {
		return nil, problem
	}
	metadata, problem := c.form.mergeMetadata(nil)
	if problem != nil {
		return nil, problem
	}
	t := &Transfer{
		base:   base{ID: c.ids.make("tr"), Object: "transfer", Created: c.now},
		Amount: amount, Currency: currency, Description: optional(c.form.str("description")), Destination: c.form.str("destination"),
		Metadata: metadata, SourceTransaction: optional(c.form.str("source_transaction")), SourceType: "card",
		TransferGroup: optional(c.form.str("transfer_group")),
	}
	t.Reversals = listOf[*TransferReversal]{Object: "list", URL: "/v1/transfers/" + t.ID + "/reversals", Data: []*TransferReversal{}}
	paid := c.book("transfer", "transfer", -amount, currency, &t.ID)
	t.BalanceTransaction = &paid.ID
	c.save(paid)
	c.in(t.Destination, func() { c.save(c.book("payment", "charge", amount, currency, &t.ID)) })
	c.save(t)
	c.emit("transfer.created", t)
	return t, nil
}

func (c *call) checkTransfer(amount int64, currency string) *apiError {
	destination := c.form.str("destination")
	account, ok := lookup[*Account](c.store, destination)
	switch {
	case destination == "":
		return missing("destination")
	case !ok:
		return notFound("destination", "destination", destination)
	case account.Capabilities["transfers"] != active:
		return invalid("", "insufficient_capabilities_for_transfer", "Your destination account needs to have the transfers capability enabled.")
	}
	source := c.form.str("source_transaction")
	if source == "" {
		if c.available(currency) < amount {
			return insufficient("")
		}
		return nil
	}
	charge, ok := lookup[*Charge](c.store, source)
	switch {
	case !ok:
		return notFound("source_transaction", "charge", source)
	case charge.Currency != currency || amount+c.transferred(source) > charge.AmountCaptured:
		return invalid("amount", "", "Transfers using this transaction as a source must not exceed the source amount.")
	}
	return nil
}

// transferred is how much of a charge has gone to sellers.
func (c *call) transferred(charge string) (sum int64) {
	for _, id := range c.store.byKind["transfer"] {
		if t, ok := lookup[*Transfer](c.store, id); ok && is(t.SourceTransaction, charge) {
			sum += t.Amount - t.AmountReversed
		}
	}
	return sum
}

func createReversal(c *call) (any, *apiError) {
	t, ok := lookup[*Transfer](c.store, c.path[0])
	if !ok {
		return nil, notFound("id", "transfer", c.path[0])
	}
	left := t.Amount - t.AmountReversed
	amount, problem := c.form.integer("amount", left)
	if problem != nil {
		return nil, problem
	}
	var has int64
	c.in(t.Destination, func() { has = c.available(t.Currency) })
	switch {
	case left == 0:
		return nil, invalid("", "", "Transfer "+t.ID+" is already fully reversed.")
	case amount < 1 || amount > left:
		return nil, invalid("amount", "", "The amount must be between 1 and what is not reversed.")
	case has < amount:
		return nil, insufficient("amount")
	}
	metadata, problem := c.form.mergeMetadata(nil)
	if problem != nil {
		return nil, problem
	}
	r := &TransferReversal{
		base:   base{ID: c.ids.make("trr"), Object: "transfer_reversal", Created: c.now},
		Amount: amount, Currency: t.Currency, Metadata: metadata, Transfer: t.ID,
	}
	back := c.book("transfer_refund", "transfer_reversal", amount, t.Currency, &r.ID)
	r.BalanceTransaction = &back.ID
	c.save(back)
	c.in(t.Destination, func() { c.save(c.book("payment_refund", "refund", -amount, t.Currency, &t.ID)) })
	t.AmountReversed += amount
	t.Reversed = t.AmountReversed == t.Amount
	t.Reversals.Data = append([]*TransferReversal{r}, t.Reversals.Data...)
	c.save(r)
	c.save(t)
	c.emit("transfer.reversed", t)
	return r, nil
}

func listTransfers(c *call) (any, *apiError) {
	destination, group := c.form.str("destination"), c.form.str("transfer_group")
	return list(c, "transfer", "/v1/transfers", func(t *Transfer) bool {
		return is(&t.Destination, destination) && is(t.TransferGroup, group)
	})
}
