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
	names, err := audit.OfOrders()
	if err != nil {
		return err
	}
	ok, err := audit.Run(ctx, s.pool, audit.Options{Only: names}, report)
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
