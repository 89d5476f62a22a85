package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"time"

	"github.com/souklive/souk/internal/audit"
	"github.com/souklive/souk/internal/explain"
	"github.com/souklive/souk/internal/id"
)

// orderChecks are the invariants of `souk ledger check` that say that orders, goods, codes, providers and money agree.
func orderChecks() []string {
	return []string{
		"code_sold", "code_stock", "clearing_recorded", "exchange_posted", "hold_sum", "invoice_numbers", "invoice_of_order", "offer_used", "order_chargeback", "order_escrow", "order_escrow_flow", "order_goods", "order_lines", "order_subsidy", "promotion_uses", "order_payment_hold",
		"order_payment_posted", "order_payment_state", "order_refund_posted", "order_refund_source", "order_settled", "reservation_listing", "reservation_paid", "reservation_sold",
		"stock_movements", "stock_reserved",
	}
}

// runOrder is `souk order check [--json]` and `souk order explain [--json] ord_…`.
func runOrder(ctx context.Context, c *console, args []string) error {
	const usage = "order has two commands: souk order check [--json], and souk order explain [--json] and the id of an order"
	switch {
	case len(args) > 0 && args[0] == "check":
		return c.checkOrders(ctx, args[1:])
	case len(args) > 1 && args[0] == "explain":
		return c.explainOrder(ctx, args[1:])
	default:
		return c.misused(usage)
	}
}

func (c *console) checkOrders(ctx context.Context, args []string) (err error) {
	set := flag.NewFlagSet("souk order check", flag.ContinueOnError)
	asJSON := set.Bool("json", false, "print one JSON object for each invariant")
	if err := c.flags(set, args); err != nil {
		return err
	}
	s, err := toolServices(c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.database(ctx); err != nil {
		return err
	}
	report := c.reportLines
	if *asJSON {
		report = c.reportJSON
	}
	ok, err := audit.Run(ctx, s.pool, audit.Options{Only: orderChecks()}, report)
	switch {
	case err != nil:
		return err
	case !ok:
		return errLedger
	case !*asJSON:
		fmt.Fprintln(c.out, "Orders, goods, codes and money agree.")
	}
	return nil
}

func (c *console) explainOrder(ctx context.Context, args []string) (err error) {
	set := flag.NewFlagSet("souk order explain", flag.ContinueOnError)
	asJSON := set.Bool("json", false, "print one JSON object for each thing that happened")
	named := args[len(args)-1]
	if err := c.flags(set, args[:len(args)-1]); err != nil {
		return err
	}
	order, err := id.Order.Decode(named)
	if err != nil {
		return c.misused("%s is not the id of an order", named)
	}
	s, err := toolServices(c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.database(ctx); err != nil {
		return err
	}
	all, err := explain.New(s.pool).Order(ctx, order)
	for _, h := range all {
		if *asJSON {
			_ = json.NewEncoder(c.out).Encode(h) // nobody to tell when the output is closed
			continue
		}
		fmt.Fprintf(c.out, "%s  %-10s  %s\n", h.At.UTC().Format(time.RFC3339Nano), h.Part, h.What)
	}
	return err
}
