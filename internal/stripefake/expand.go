package stripefake

import (
	"bytes"
	"encoding/json"
	"strings"
)

// expandable names, for each kind, the fields that hold an id and may be answered with the object.
func expandable(object, field string) (target string, ok bool) {
	switch object + "." + field {
	case "payment_intent.customer", "charge.customer", "payment_method.customer", "setup_intent.customer":
		return "customer", true
	case "payment_intent.latest_charge", "balance_transaction.source", "refund.charge", "dispute.charge", "transfer.source_transaction":
		return "charge", true
	case "payment_intent.payment_method", "setup_intent.payment_method":
		return "payment_method", true
	case "charge.payment_intent", "refund.payment_intent", "dispute.payment_intent":
		return "payment_intent", true
	case "transfer.destination":
		return "account", true
	case "transfer_reversal.transfer":
		return "transfer", true
	case "transfer.balance_transaction", "transfer_reversal.balance_transaction", "payout.balance_transaction",
		"payout.failure_balance_transaction", "charge.balance_transaction", "refund.balance_transaction", "refund.failure_balance_transaction":
		return "balance_transaction", true
	}
	return "", false
}

// checkExpand refuses expand[] paths that lead nowhere, or deeper than four levels.
func checkExpand(answers string, paths []string) *apiError {
	for _, path := range paths {
		object, list := strings.CutPrefix(answers, "[]")
		fields := strings.Split(path, ".")
		if list {
			if fields[0] != "data" {
				return invalid("expand", "", "This property cannot be expanded ("+path+").")
			}
			fields = fields[1:]
		}
		if len(fields) > 4 {
			return invalid("expand", "", "You cannot expand more than 4 levels of a property ("+path+").")
		}
		for _, field := range fields {
			target, ok := expandable(object, field)
			if !ok {
				return invalid("expand", "", "This property cannot be expanded ("+path+").")
			}
			object = target
		}
	}
	return nil
}

// render writes the answer with the asked-for ids replaced by their objects.
func (c *call) render(answer any, paths []string) []byte {
	raw := mustMarshal(answer)
	if len(paths) == 0 {
		return raw
	}
	tree := decode(raw)
	for _, path := range paths {
		c.expand(tree, strings.Split(path, "."))
	}
	return mustMarshal(tree)
}

func (c *call) expand(node any, path []string) {
	switch n := node.(type) {
	case []any:
		for _, item := range n {
			c.expand(item, path)
		}
	case map[string]any:
		if len(path) == 0 {
			return
		}
		if id, ok := n[path[0]].(string); ok {
			if r, known := c.store.byID[id]; known {
				n[path[0]] = decode(mustMarshal(r))
			}
		}
		c.expand(n[path[0]], path[1:])
	}
}

// decode keeps numbers as they are written; a float would not hold every int64.
func decode(raw []byte) any {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil { // the bytes come from mustMarshal
		panic(err) //nolint:forbidigo // cannot be: see above
	}
	return v
}
