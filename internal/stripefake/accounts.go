package stripefake

import (
	"slices"
	"strings"
	"time"
)

// Account is a connected account: a seller whom the platform pays.
type Account struct {
	base
	BusinessType     *string           `json:"business_type"`
	Capabilities     map[string]string `json:"capabilities"`
	ChargesEnabled   bool              `json:"charges_enabled"`
	Country          string            `json:"country"`
	DefaultCurrency  string            `json:"default_currency"`
	DetailsSubmitted bool              `json:"details_submitted"`
	Email            *string           `json:"email"`
	ExternalAccounts listOf[bank]      `json:"external_accounts"`
	Metadata         map[string]string `json:"metadata"`
	PayoutsEnabled   bool              `json:"payouts_enabled"`
	Requirements     requirements      `json:"requirements"`
	Type             string            `json:"type"`
}

// listOf is a list inside an object.
type listOf[T any] struct {
	Object  string `json:"object"`
	URL     string `json:"url"`
	HasMore bool   `json:"has_more"`
	Data    []T    `json:"data"`
}

// bank is where a payout goes. Its last four digits tell which of the documented test accounts it is.
type bank struct {
	ID                 string            `json:"id"`
	Object             string            `json:"object"`
	Account            string            `json:"account"`
	Country            string            `json:"country"`
	Currency           string            `json:"currency"`
	DefaultForCurrency bool              `json:"default_for_currency"`
	Last4              string            `json:"last4"`
	Metadata           map[string]string `json:"metadata"`
	Status             string            `json:"status"`
}

type requirements struct {
	CurrentlyDue        []string `json:"currently_due"`
	EventuallyDue       []string `json:"eventually_due"`
	PastDue             []string `json:"past_due"`
	PendingVerification []string `json:"pending_verification"`
	DisabledReason      *string  `json:"disabled_reason"`
}

const (
	active   = "active"
	inactive = "inactive"
)

// missingDetails is what a fresh account still has to say on the onboarding page.
func missingDetails() requirements {
	due := []string{"external_account", "individual.first_name", "individual.last_name", "tos_acceptance.date"}
	return requirements{CurrentlyDue: due, EventuallyDue: due, PastDue: due, PendingVerification: []string{},
		DisabledReason: optional("requirements.past_due")}
}

const accountParams = "type country email capabilities business_type default_currency metadata"

func createAccount(c *call) (any, *apiError) {
	country, currency := c.form.str("country"), c.form.str("default_currency")
	if country == "" {
		country = "FR"
	}
	if currency == "" {
		currency = "eur"
	}
	kind := c.form.str("type")
	_, known := currencyTerms(currency)
	switch {
	case !slices.Contains([]string{"express", "custom", "standard"}, kind):
		return nil, invalid("type", "", "Invalid type: must be one of custom, express, or standard")
	case len(country) != 2 || country != strings.ToUpper(country):
		return nil, invalid("country", "country_unsupported", "Country '"+country+"' is unknown.")
	case !known:
		return nil, invalid("default_currency", "", "Invalid currency: "+currency)
	}
	metadata, problem := c.form.mergeMetadata(nil)
	if problem != nil {
		return nil, problem
	}
	account := &Account{
		base:         base{ID: c.ids.make("acct"), Object: "account", Created: c.now},
		BusinessType: optional(c.form.str("business_type")),
		Capabilities: map[string]string{},
		Country:      country, DefaultCurrency: currency, Email: optional(c.form.str("email")), Metadata: metadata,
		Requirements: missingDetails(), Type: kind,
	}
	for name := range c.form.at("capabilities").children {
		account.Capabilities[name] = inactive
	}
	account.ExternalAccounts = listOf[bank]{Object: "list", URL: "/v1/accounts/" + account.ID + "/external_accounts", Data: []bank{}}
	c.save(account)
	return account, nil
}

func updateAccount(c *call) (any, *apiError) {
	account, ok := lookup[*Account](c.store, c.path[0])
	if !ok {
		return nil, notFound("account", "account", c.path[0])
	}
	metadata, problem := c.form.mergeMetadata(account.Metadata)
	if problem != nil {
		return nil, problem
	}
	account.Metadata = metadata
	if c.form.has("email") {
		account.Email = optional(c.form.str("email"))
	}
	c.save(account)
	c.emit("account.updated", account)
	return account, nil
}

func listAccounts(c *call) (any, *apiError) {
	return list(c, "account", "/v1/accounts", func(*Account) bool { return true })
}

// onboard gives an account all that it needs to be paid.
func (c *call) onboard(account *Account, number string) {
	account.DetailsSubmitted, account.ChargesEnabled, account.PayoutsEnabled = true, true, true
	for name := range account.Capabilities {
		account.Capabilities[name] = active
	}
	account.Requirements = requirements{CurrentlyDue: []string{}, EventuallyDue: []string{}, PastDue: []string{}, PendingVerification: []string{}}
	account.ExternalAccounts.Data = []bank{{
		ID: c.ids.make("ba"), Object: "bank_account", Account: account.ID, Country: account.Country, Currency: account.DefaultCurrency,
		DefaultForCurrency: true, Last4: number[len(number)-4:], Metadata: map[string]string{}, Status: "new",
	}}
	c.save(account)
	c.emit("account.updated", account)
}

// linkLife is how long the link to the onboarding page works.
const linkLife = 5 * time.Minute

// accountLink is the way to the onboarding page, once.
type accountLink struct {
	Object    string `json:"object"`
	Created   int64  `json:"created"`
	ExpiresAt int64  `json:"expires_at"`
	URL       string `json:"url"`
}

// onboarding is what the page has to know. It is kept under a name of the fake's own.
type onboarding struct {
	base
	Account    string `json:"account"`
	ExpiresAt  int64  `json:"expires_at"`
	ReturnURL  string `json:"return_url"`
	RefreshURL string `json:"refresh_url"`
	Used       bool   `json:"used"`
}

func createAccountLink(c *call) (any, *apiError) {
	o := &onboarding{
		base:    base{ID: c.ids.make("link"), Object: "souk.onboarding", Created: c.now},
		Account: c.form.str("account"), ExpiresAt: c.now + int64(linkLife/time.Second),
		ReturnURL: c.form.str("return_url"), RefreshURL: c.form.str("refresh_url"),
	}
	if _, ok := lookup[*Account](c.store, o.Account); !ok {
		return nil, notFound("account", "account", o.Account)
	}
	if kind := c.form.str("type"); kind != "account_onboarding" && kind != "account_update" {
		return nil, invalid("type", "", "Invalid type: must be one of account_onboarding or account_update")
	}
	for _, name := range []string{"return_url", "refresh_url"} {
		if c.form.str(name) == "" {
			return nil, missing(name)
		}
		if problem := checkReturn(c.form.str(name)); problem != nil {
			problem.Param = name
			return nil, problem
		}
	}
	c.save(o)
	return accountLink{Object: "account_link", Created: c.now, ExpiresAt: o.ExpiresAt, URL: c.baseURL() + onboardingPrefix + o.ID}, nil
}
