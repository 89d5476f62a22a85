package main

import (
	"context"

	"github.com/souklive/souk/internal/demo"
	"github.com/souklive/souk/internal/ide"
)

// seedDemo fills the database for a newcomer and says whom to sign in as.
func seedDemo(ctx context.Context, a *app) (demoResult, error) {
	if err := a.demo.Seed(ctx); err != nil {
		return demoResult{}, err
	}
	a.workers = append(a.workers, a.demo.KeepLotOpen)
	result := demoResult{Tries: []string{
		"Open the page and send the first steps of its Tour, top to bottom.",
		"Bid on the live lot in one tab, watch it in another.",
		"`bin/souk ledger check` in a second terminal: every balance holds.",
	}}
	for _, account := range demo.Accounts() {
		result.Accounts = append(result.Accounts, demoAccount{
			Role: account.As + " " + account.Name, Email: account.Email, Password: demo.Password,
		})
	}
	return result, nil
}

// demoAccounts are offered in the IDE where nothing is in earnest.
func demoAccounts(s *services) []ide.Account {
	if s.config.Env == production || !s.demo {
		return nil
	}
	var accounts []ide.Account
	for _, a := range demo.Accounts() {
		accounts = append(accounts, ide.Account{Name: a.Name, Role: a.As, Email: a.Email, Password: demo.Password})
	}
	return accounts
}
