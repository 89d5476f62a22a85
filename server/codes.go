package main

import (
	"context"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/code"
	"github.com/souklive/souk/internal/inventory"
)

// errCodesLeft says that codes are still sealed under other keys; which has been printed.
var errCodesLeft = errors.New("not every code is sealed under the current key")

// codeKeys are the keys that the settings name, or else those kept in the state directory, made at the first start.
func codeKeys(c Config) (*code.Keys, error) {
	if c.CodeKeys != "" {
		return code.ParseKeys(c.CodeKeys.Reveal(), c.CodeHashKey.Reveal())
	}
	wrapping, err := keptKey(c.StateDir, "codes.key")
	if err != nil {
		return nil, err
	}
	hashing, err := keptKey(c.StateDir, "codes-hash.key")
	if err != nil {
		return nil, err
	}
	return code.ParseKeys("local:"+hex.EncodeToString(wrapping), hex.EncodeToString(hashing))
}

// checkCodeKeys insists on both settings or none; that production has them is checked with the others.
func (c Config) checkCodeKeys(wrong func(name, format string, args ...any)) {
	switch {
	case c.CodeKeys != "" && c.CodeHashKey != "":
		if _, err := code.ParseKeys(c.CodeKeys.Reveal(), c.CodeHashKey.Reveal()); err != nil {
			wrong("SOUK_CODE_KEYS", "with SOUK_CODE_HASH_KEY: %s", err)
		}
	case c.Env == production:
	case c.CodeKeys != "":
		wrong("SOUK_CODE_HASH_KEY", "goes with SOUK_CODE_KEYS")
	case c.CodeHashKey != "":
		wrong("SOUK_CODE_KEYS", "goes with SOUK_CODE_HASH_KEY")
	}
}

// newCodes makes the codes' service. A server that lacks a key which codes are sealed under could not hand those over: production
// refuses to start so.
func newCodes(ctx context.Context, s *services, listings *catalog.Service, stock *inventory.Service) (*code.Service, error) {
	keys, err := codeKeys(s.config)
	if err != nil {
		return nil, err
	}
	codes := code.New(s.pool, keys, listings, stock)
	uses, err := codes.KeysInUse(ctx)
	if err != nil {
		return nil, err
	}
	for _, use := range uses {
		switch {
		case use.Known:
		case s.config.Env == production:
			return nil, fmt.Errorf("SOUK_CODE_KEYS lacks key %q, which %d uploads of codes are sealed under", use.KeyID, use.Batches)
		default:
			s.log.WarnContext(ctx, "codes are sealed under a key that this server lacks; production refuses that", "key", use.KeyID, "uploads", use.Batches)
		}
	}
	return codes, nil
}

// runCodes is `souk codes rotate [--batch n]`.
func runCodes(ctx context.Context, c *console, args []string) (err error) {
	const usage = "codes has one command: souk codes rotate [--batch 100]"
	if len(args) == 0 || args[0] != "rotate" {
		return c.misused(usage)
	}
	set := flag.NewFlagSet("souk codes rotate", flag.ContinueOnError)
	batch := set.Int("batch", 100, "how many uploads are rewrapped in one transaction, 1 to 10,000")
	if err := c.flags(set, args[1:]); err != nil {
		return err
	}
	if *batch < 1 || *batch > 10_000 || set.NArg() > 0 {
		return c.misused(usage)
	}
	s, err := toolServices(c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	keys, err := codeKeys(s.config)
	if err != nil {
		return err
	}
	if err := s.database(ctx); err != nil {
		return err
	}
	listings := catalog.New(s.pool, nil)
	codes := code.New(s.pool, keys, listings, inventory.New(inventory.Config{Pool: s.pool, Catalog: listings, Clock: clock.System{}, Log: s.log}))
	told := func(code.Rotation) {}
	if isTerminal(c.err, c.environ) {
		told = func(r code.Rotation) { fmt.Fprintf(c.err, "\r\x1b[K      %d uploads rewrapped …", r.Rewrapped) }
		defer fmt.Fprint(c.err, "\r\x1b[K")
	}
	done, err := codes.Rotate(ctx, *batch, told)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%d uploads are rewrapped.\n", done.Rewrapped)
	for _, key := range slices.Sorted(maps.Keys(done.Unreadable)) {
		fmt.Fprintf(c.out, "FAIL  %d uploads are sealed under key %s, which SOUK_CODE_KEYS lacks or has as another\n", done.Unreadable[key], key)
	}
	return c.tellCodeKeys(ctx, codes)
}

// tellCodeKeys says which keys are still needed.
func (c *console) tellCodeKeys(ctx context.Context, codes *code.Service) error {
	uses, err := codes.KeysInUse(ctx)
	if err != nil {
		return err
	}
	var others []string
	for _, use := range uses {
		if !use.Current {
			others = append(others, fmt.Sprintf("%s (%d uploads)", use.KeyID, use.Batches))
		}
	}
	if len(others) > 0 {
		fmt.Fprintf(c.out, "Still needed: %s. Uploads made while this ran want another run.\n", strings.Join(others, ", "))
		return errCodesLeft
	}
	fmt.Fprintln(c.out, "Every code is sealed under the current key: the others can go.")
	return nil
}
