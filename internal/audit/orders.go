package audit

import "slices"

// notOfOrders are the invariants that say nothing of an order, nor of what one is made of or paid by. What is not named here is an order's, so that a new check is.
func notOfOrders() []string {
	return []string{
		"account_currency", "account_limits", "account_mode", "account_numbers_gapless", "account_projection", "account_rollup", "account_running_balance",
		"bid_known", "entry_closed", "entry_has_legs", "entry_reversed_exactly", "entry_sums_to_zero", "listing_price", "referral_pending", "review_ratings",
		"topup_of_clearing", "topup_posted", "withdrawal_parts",
	}
}

// OfOrders are the names of the invariants that say that orders, goods, codes, labels, returns, invoices, providers and money agree.
func OfOrders() ([]string, error) {
	checks, err := Checks()
	if err != nil {
		return nil, err
	}
	left, err := chosen(notOfOrders())
	var names []string
	for _, c := range checks {
		if !slices.Contains(left, c) {
			names = append(names, c.Name)
		}
	}
	return names, err
}
