//go:build linux

package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"log/slog"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/bench/rig"
	"github.com/souklive/souk/internal/fill"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/postgres"
)

const (
	people = warm + 41*64 // so many for each of 64 clients, who are none of pgbench's: nobody buys so often that it is refused
	price  = 1_000        // of everything
	wallet = 10_000_000   // of each
)

// market is who buys what.
type market struct {
	buyers []buyer
	goods  []good
}

type buyer struct {
	id, address uuid.UUID
	token       string
}

// good is a product that is in stock, as many as anybody may want.
type good struct{ variant, listing, seller, location uuid.UUID }

// settle makes an invented catalogue whose products have one price and stock for all, and people with money and an address.
func settle(ctx context.Context, r *rig.Rig) (*market, error) {
	if err := postgres.Migrate(ctx, r.Database.AdminURL(rig.DatabaseName), slog.New(slog.DiscardHandler)); err != nil {
		return nil, err
	}
	if err := fill.Run(ctx, r.Admin, 10_000, true); err != nil {
		return nil, err
	}
	m := &market{}
	for _, statement := range []string{
		`UPDATE variant v SET price = 1000, currency = 'EUR' FROM listing l WHERE l.id = v.listing_id AND l.kind = 'RETAIL'`,
		`ALTER TABLE stock DISABLE TRIGGER USER`, `UPDATE stock SET on_hand = 1000000`, `ALTER TABLE stock ENABLE TRIGGER USER`,
	} {
		if _, err := r.Admin.Exec(ctx, statement); err != nil {
			return nil, err
		}
	}
	rows, err := r.Admin.Query(ctx, `SELECT DISTINCT ON (v.id) v.id, v.listing_id, v.seller_id, s.location_id
		FROM variant v JOIN public_listing l ON l.id = v.listing_id JOIN stock s ON s.variant_id = v.id
		WHERE l.kind = 'RETAIL' AND l.status = 'ACTIVE' AND l.minimum_tier IS NULL AND v.retired_at IS NULL ORDER BY v.id LIMIT 5000`)
	if err != nil {
		return nil, err
	}
	m.goods, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (g good, err error) {
		return g, row.Scan(&g.variant, &g.listing, &g.seller, &g.location)
	})
	if err != nil {
		return nil, err
	}
	for range people {
		m.buyers = append(m.buyers, buyer{id.New(), id.New(), "souk_" + rand.Text()})
	}
	const together = 160
	for from := 0; from < people; from += together {
		if err := postgres.InTx(ctx, r.Admin, func(tx pgx.Tx) error {
			for _, b := range m.buyers[from : from+together] {
				if err := b.signUpTx(ctx, tx); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return nil, err
		}
	}
	_, err = r.Admin.Exec(ctx, "VACUUM ANALYZE")
	return m, err
}

// signUpTx makes somebody with an open session, an address and a wallet.
func (b buyer) signUpTx(ctx context.Context, tx pgx.Tx) error {
	digest := sha256.Sum256([]byte(b.token))
	for _, s := range []struct {
		sql  string
		args []any
	}{
		{`INSERT INTO app_user (id, email, name, role, password_hash) VALUES ($1, $2, 'Somebody', $3, 'none')`, []any{b.id, b.id.String() + "@souk.example", string(identity.Buyer)}},
		{`INSERT INTO session (id, user_id, token_hash, expires_at) VALUES ($1, $2, $3, now() + interval '1 day')`, []any{id.New(), b.id, digest[:]}},
		{`INSERT INTO address (id, user_id, name, line1, line2, city, region, postal_code, country, phone, is_default)
			VALUES ($1, $2, 'Somebody', '1 rue de la Paix', '', 'Paris', '', '75002', 'FR', '+33123456789', true)`, []any{b.address, b.id}},
	} {
		if _, err := tx.Exec(ctx, s.sql, s.args...); err != nil {
			return err
		}
	}
	_, err := ledger.PostTx(ctx, tx, ledger.Entry{
		Key: "bench:" + b.id.String(), Flow: ledger.FlowTopUp, Cause: ledger.Cause{Kind: "bench", ID: b.id},
		Legs: []ledger.Leg{
			{Account: ledger.Account{Kind: ledger.Bank, Currency: "EUR"}, Amount: -wallet},
			{Account: ledger.Account{Kind: ledger.Wallet, Owner: b.id, Currency: "EUR"}, Amount: wallet},
		},
	})
	return err
}
