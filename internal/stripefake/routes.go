package stripefake

import (
	"net/http"
	"strings"
)

// route is one endpoint: the parameters it knows, the object it answers with, and its effect. The
// effect validates everything before it saves anything.
type route struct {
	method  string
	pattern []string
	params  []string
	answers string // the object's kind; a leading "[]" is a list of them
	handle  func(c *call) (any, *apiError)
}

const listParams = "limit starting_after ending_before created"

func routes() []route {
	var all []route
	add := func(method, path, answers, params string, handle func(*call) (any, *apiError)) {
		all = append(all, route{method, strings.Split(path, "/"), append(strings.Fields(params), "expand"), answers, handle})
	}
	const get, post = http.MethodGet, http.MethodPost

	add(post, "/v1/customers", "customer", customerParams, createCustomer)
	add(get, "/v1/customers", "[]customer", listParams+" email", listCustomers)
	add(get, "/v1/customers/*", "customer", "", retrieve[*Customer]("customer"))
	add(post, "/v1/customers/*", "customer", customerParams, updateCustomer)

	add(get, "/v1/customers/*/payment_methods", "[]payment_method", listParams+" type", listCustomerMethods)
	add(get, "/v1/customers/*/payment_methods/*", "payment_method", "", retrieveCustomerMethod)

	add(post, "/v1/payment_methods", "payment_method", "type card metadata billing_details", createPaymentMethod)
	add(get, "/v1/payment_methods", "[]payment_method", listParams+" customer type", listPaymentMethods)
	add(get, "/v1/payment_methods/*", "payment_method", "", retrieve[*PaymentMethod]("PaymentMethod"))
	add(post, "/v1/payment_methods/*/attach", "payment_method", "customer", attachPaymentMethod)
	add(post, "/v1/payment_methods/*/detach", "payment_method", "", detachPaymentMethod)

	add(post, "/v1/payment_intents", "payment_intent", intentParams, createIntent)
	add(get, "/v1/payment_intents", "[]payment_intent", listParams+" customer", listIntents)
	add(get, "/v1/payment_intents/*", "payment_intent", "client_secret", retrieve[*PaymentIntent]("payment_intent"))
	add(post, "/v1/payment_intents/*/confirm", "payment_intent", confirmParams, confirmIntent)
	add(post, "/v1/payment_intents/*/capture", "payment_intent", "amount_to_capture metadata", captureIntent)
	add(post, "/v1/payment_intents/*/cancel", "payment_intent", "cancellation_reason", cancelIntent)

	add(post, "/v1/setup_intents", "setup_intent", setupParams, createSetup)
	add(get, "/v1/setup_intents", "[]setup_intent", listParams+" customer payment_method", listSetups)
	add(get, "/v1/setup_intents/*", "setup_intent", "client_secret", retrieve[*SetupIntent]("setupintent"))
	add(post, "/v1/setup_intents/*/confirm", "setup_intent", setupConfirmParams, confirmSetup)
	add(post, "/v1/setup_intents/*/cancel", "setup_intent", "cancellation_reason", cancelSetup)

	add(get, "/v1/charges", "[]charge", listParams+" customer payment_intent", listCharges)
	add(get, "/v1/charges/*", "charge", "", retrieve[*Charge]("charge"))

	add(post, "/v1/refunds", "refund", "charge payment_intent amount reason metadata", createRefund)
	add(get, "/v1/refunds", "[]refund", listParams+" charge payment_intent", listRefunds)
	add(get, "/v1/refunds/*", "refund", "", retrieve[*Refund]("refund"))
	add(post, "/v1/refunds/*", "refund", "metadata", updateRefund)

	add(get, "/v1/disputes", "[]dispute", listParams+" charge payment_intent", listDisputes)
	add(get, "/v1/disputes/*", "dispute", "", retrieve[*Dispute]("dispute"))
	add(post, "/v1/disputes/*", "dispute", "evidence metadata submit", updateDispute)
	add(post, "/v1/disputes/*/close", "dispute", "", closeDispute)

	add(get, "/v1/balance", "balance", "", retrieveBalance)
	add(get, "/v1/balance_transactions", "[]balance_transaction", listParams+" currency source type payout", listBalanceTransactions)
	add(get, "/v1/balance_transactions/*", "balance_transaction", "", retrieveBalanceTransaction)

	add(post, "/v1/accounts", "account", accountParams, createAccount)
	add(get, "/v1/accounts", "[]account", listParams, listAccounts)
	add(get, "/v1/accounts/*", "account", "", retrieve[*Account]("account"))
	add(post, "/v1/accounts/*", "account", "email metadata", updateAccount)
	add(post, "/v1/account_links", "account_link", "account return_url refresh_url type collect", createAccountLink)

	add(post, "/v1/transfers", "transfer", transferParams, createTransfer)
	add(get, "/v1/transfers", "[]transfer", listParams+" destination transfer_group", listTransfers)
	add(get, "/v1/transfers/*", "transfer", "", retrieve[*Transfer]("transfer"))
	add(post, "/v1/transfers/*/reversals", "transfer_reversal", "amount metadata", createReversal)

	add(post, "/v1/payouts", "payout", payoutParams, createPayout)
	add(get, "/v1/payouts", "[]payout", listParams+" status", listPayouts)
	add(get, "/v1/payouts/*", "payout", "", retrievePayout)
	add(post, "/v1/payouts/*/cancel", "payout", "", cancelPayout)

	add(post, "/souk/disputes", "dispute", "charge reason amount inquiry", controlDispute)
	add(post, "/souk/disputes/*", "dispute", "outcome", controlDecision)
	add(post, "/souk/clock", "souk.clock", "advance", controlClock)

	add(get, "/v1/events", "[]event", listParams+" type types delivery_success", listEvents)
	add(get, "/v1/events/*", "event", "", retrieve[*Event]("event"))
	return all
}

func (s *Server) find(method, path string) (*route, []string) {
	segments := strings.Split(path, "/")
	for i := range s.routes {
		if s.routes[i].method != method {
			continue
		}
		if ids, ok := matchPath(s.routes[i].pattern, segments); ok {
			return &s.routes[i], ids
		}
	}
	return nil, nil
}

// matchPath compares segment by segment; a * takes any one segment that is not empty.
func matchPath(pattern, segments []string) (ids []string, ok bool) {
	if len(pattern) != len(segments) {
		return nil, false
	}
	for i, want := range pattern {
		switch {
		case want == "*" && segments[i] != "":
			ids = append(ids, segments[i])
		case want != segments[i]:
			return nil, false
		}
	}
	return ids, true
}

// check refuses parameters and expansions that the endpoint does not know, before anything happens.
func (rt *route) check(params map[string][]string) (*form, *apiError) {
	tree, problem := parseForm(params)
	if problem != nil {
		return nil, problem
	}
	for name := range tree.children {
		known := false
		for _, p := range rt.params {
			known = known || p == name
		}
		if !known {
			return nil, invalid(name, "parameter_unknown", "Received unknown parameter: "+name)
		}
	}
	return tree, checkExpand(rt.answers, tree.list("expand"))
}

// retrieve answers with the resource that the path names.
func retrieve[T resource](what string) func(*call) (any, *apiError) {
	return func(c *call) (any, *apiError) {
		r, ok := lookup[T](c.store, c.path[0])
		if !ok {
			return nil, notFound("id", what, c.path[0])
		}
		return r, nil
	}
}
