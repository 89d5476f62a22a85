package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/id"
)

// errReplay says that a lot's stored bids and the rules do not agree; where has been printed.
var errReplay = errors.New("the bids do not make the lots that are stored")

// runAuction is `souk auction replay [--json] [--all] [auc_…]`.
func runAuction(ctx context.Context, c *console, args []string) (err error) {
	const usage = "auction has one command: souk auction replay [--json] --all, or the id of one auction"
	if len(args) == 0 || args[0] != "replay" {
		return c.misused(usage)
	}
	set := flag.NewFlagSet("souk auction replay", flag.ContinueOnError)
	asJSON := set.Bool("json", false, "print one JSON object for each auction")
	all := set.Bool("all", false, "replay every auction there is")
	one, flags := "", args[1:]
	if n := len(flags); n > 0 && flags[n-1] != "" && flags[n-1][0] != '-' {
		one, flags = flags[n-1], flags[:n-1]
	}
	if err := c.flags(set, flags); err != nil {
		return err
	}
	var lot uuid.UUID
	if *all == (one != "") {
		return c.misused(usage)
	} else if one != "" {
		if lot, err = id.Auction.Decode(one); err != nil {
			return c.misused("%s is not the id of an auction", one)
		}
	}
	s, err := toolServices(c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.database(ctx); err != nil {
		return err
	}
	auctions, err := auction.New(ctx, auction.Config{Pool: s.pool})
	if err != nil {
		return err
	}
	r := replays{console: c, asJSON: *asJSON}
	if *all {
		err = auctions.ReplayAll(ctx, r.report)
	} else {
		var found auction.Replayed
		if found, err = auctions.Replay(ctx, lot); err == nil {
			r.report(found)
		}
	}
	if err != nil {
		return err
	}
	return r.end()
}

// replays counts what was replayed, and prints it.
type replays struct {
	*console
	asJSON                bool
	lots, bids, different int
}

func (r *replays) report(found auction.Replayed) {
	r.lots, r.bids = r.lots+1, r.bids+found.Bids
	if len(found.Differences) > 0 {
		r.different++
	}
	lot := id.Auction.Encode(found.Auction)
	if r.asJSON {
		differences := found.Differences
		if differences == nil {
			differences = []auction.Difference{}
		}
		_ = json.NewEncoder(r.out).Encode(struct { // nobody to tell when the output is closed
			Auction     string               `json:"auction"`
			Bids        int                  `json:"bids"`
			OK          bool                 `json:"ok"`
			Differences []auction.Difference `json:"differences"`
		}{lot, found.Bids, len(differences) == 0, differences})
		return
	}
	for _, d := range found.Differences {
		fmt.Fprintf(r.out, "FAIL  %s  %s\n", lot, d)
	}
}

func (r *replays) end() error {
	if r.different > 0 {
		return errReplay
	}
	if !r.asJSON {
		fmt.Fprintf(r.out, "The rules make of %d bids what is stored, on each of %d lots.\n", r.bids, r.lots)
	}
	return nil
}
