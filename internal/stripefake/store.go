package stripefake

import "strings"

// resource is anything with an id that the API answers with.
type resource interface {
	head() *base
}

// base is what every resource has.
type base struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
}

func (b *base) head() *base { return b }

// mark remembers what no answer shows: that something happened to an object. Its id is the two of them.
type mark struct {
	base
	Owner string `json:"owner,omitempty"` // the connected account whose the object is
}

func (c *call) mark(what, id string) {
	c.save(&mark{base: base{ID: what + ":" + id, Object: "souk.mark", Created: c.now}})
}

const owned = "owned:"

// own makes an object the call's account's; what nobody owns is the platform's.
func (c *call) own(id string) {
	if c.account != "" {
		c.save(&mark{base: base{ID: owned + id, Object: "souk.mark", Created: c.now}, Owner: c.account})
	}
}

func (c *call) marked(what, id string) bool {
	_, ok := c.store.byID[what+":"+id]
	return ok
}

// newResource makes an empty resource of a kind, for reading the state file.
func newResource(object string) (resource, bool) {
	switch object {
	case "customer":
		return &Customer{}, true
	case "payment_method":
		return &PaymentMethod{}, true
	case "payment_intent":
		return &PaymentIntent{}, true
	case "charge":
		return &Charge{}, true
	case "balance_transaction":
		return &BalanceTransaction{}, true
	case "event":
		return &Event{}, true
	case "setup_intent":
		return &SetupIntent{}, true
	case "refund":
		return &Refund{}, true
	case "dispute":
		return &Dispute{}, true
	case "account":
		return &Account{}, true
	case "transfer":
		return &Transfer{}, true
	case "transfer_reversal":
		return &TransferReversal{}, true
	case "payout":
		return &Payout{}, true
	case "souk.onboarding":
		return &onboarding{}, true
	case "souk.mark":
		return &mark{}, true
	}
	return nil, false
}

// store holds every resource of every kind by its id, and each kind's ids in the order of creation.
type store struct {
	byID   map[string]resource
	byKind map[string][]string
	owner  map[string]string // the connected account of an object that is not the platform's
}

func newStore() *store {
	return &store{byID: make(map[string]resource), byKind: make(map[string][]string), owner: make(map[string]string)}
}

func (s *store) put(r resource) {
	h := r.head()
	if _, known := s.byID[h.ID]; !known {
		s.byKind[h.Object] = append(s.byKind[h.Object], h.ID)
	}
	s.byID[h.ID] = r
	if m, ok := r.(*mark); ok && m.Owner != "" {
		s.owner[strings.TrimPrefix(h.ID, owned)] = m.Owner
	}
}

// lookup finds a resource of one type by its id.
func lookup[T resource](s *store, id string) (T, bool) {
	r, ok := s.byID[id].(T)
	return r, ok
}
