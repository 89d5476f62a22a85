package stripefake

import (
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
)

// seller makes a connected account, through the onboarding page where it is to have a bank.
func (b *bundle) seller(t *testing.T, bankNumber string) string {
	t.Helper()
	p := &stripe.AccountParams{
		Type: new("express"), Country: new("FR"), Email: new("seller@example.com"),
		Capabilities: &stripe.AccountCapabilitiesParams{Transfers: &stripe.AccountCapabilitiesTransfersParams{Requested: new(true)}},
	}
	account, err := b.api.Accounts.New(p)
	if err != nil || account.PayoutsEnabled || account.DetailsSubmitted || len(account.Requirements.CurrentlyDue) == 0 {
		t.Fatalf("fresh: %+v, %v", account, err)
	}
	if bankNumber == "" {
		return account.ID
	}
	status, location := b.onboard(t, b.link(t, account.ID), bankNumber)
	if status != http.StatusSeeOther || location.Path != "/back" {
		t.Fatalf("sent to %d %v", status, location)
	}
	account, err = b.api.Accounts.GetByID(account.ID, nil)
	if err != nil || !account.PayoutsEnabled || account.Capabilities.Transfers != stripe.AccountCapabilityStatusActive ||
		len(account.Requirements.CurrentlyDue) != 0 || len(account.ExternalAccounts.Data) != 1 {
		t.Fatalf("onboarded: %+v, %v", account, err)
	}
	return account.ID
}

func (b *bundle) link(t *testing.T, account string) string {
	t.Helper()
	link, err := b.api.AccountLinks.New(&stripe.AccountLinkParams{
		Account: &account, Type: new("account_onboarding"), ReturnURL: new(back), RefreshURL: new("https://souk.example/refresh"),
	})
	if err != nil || link.ExpiresAt <= link.Created {
		t.Fatalf("link: %+v, %v", link, err)
	}
	return link.URL
}

func (b *bundle) onboard(t *testing.T, page, number string) (int, *url.URL) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, page, strings.NewReader("account_number="+number))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	location, _ := answer.Location()
	return answer.StatusCode, location
}

func transferTo(account string, amount int64) *stripe.TransferParams {
	return &stripe.TransferParams{Amount: &amount, Currency: new("eur"), Destination: &account, TransferGroup: new("ord_1")}
}

func payoutBy(account string, amount int64) *stripe.PayoutParams {
	p := &stripe.PayoutParams{Amount: &amount, Currency: new("eur")}
	if account != "" {
		p.SetStripeAccount(account)
	}
	return p
}

// has is what a balance has at hand.
func (b *bundle) has(t *testing.T, account string) int64 {
	t.Helper()
	p := &stripe.BalanceParams{}
	if account != "" {
		p.SetStripeAccount(account)
	}
	balance, err := b.api.Balance.Get(p)
	if err != nil {
		t.Fatal(err)
	}
	if len(balance.Available) == 0 {
		return 0
	}
	return balance.Available[0].Amount
}

func TestTransfersAndReversals(t *testing.T) {
	t.Parallel()
	b := setup(t)
	seller := b.seller(t, successfulBank)
	charge := mustPay(t, b, payment("pm_card_visa")).LatestCharge.ID // pending: 12.06
	_, err := b.api.Transfers.New(transferTo(seller, 100))
	if e := stripeErr(t, err, http.StatusBadRequest); e.Code != stripe.ErrorCodeBalanceInsufficient {
		t.Errorf("more than there is: %+v", e)
	}
	fromCharge := transferTo(seller, 1000)
	fromCharge.SourceTransaction = &charge
	first, err := b.api.Transfers.New(fromCharge)
	if err != nil || first.Amount != 1000 || first.TransferGroup != "ord_1" || b.has(t, seller) != 1000 {
		t.Fatalf("of the charge: %+v, %v, the seller has %d", first, err, b.has(t, seller))
	}
	_, err = b.api.Transfers.New(fromCharge)
	_ = stripeErr(t, err, http.StatusBadRequest) // 20.00 of 12.50
	mustPay(t, b, payment("pm_card_bypassPending"))
	if _, err := b.api.Transfers.New(transferTo(seller, 200)); err != nil || b.has(t, "") != 1206-1000-200 {
		t.Errorf("of the balance: %v, left %d", err, b.has(t, ""))
	}
	part, err := b.api.TransferReversals.New(&stripe.TransferReversalParams{ID: &first.ID, Amount: stripe.Int64(300)})
	if err != nil || part.Amount != 300 || b.has(t, seller) != 900 || b.has(t, "") != 306 {
		t.Errorf("a part back: %+v, %v", part, err)
	}
	_, err = b.api.TransferReversals.New(&stripe.TransferReversalParams{ID: &first.ID, Amount: stripe.Int64(701)})
	_ = stripeErr(t, err, http.StatusBadRequest)
	if _, err := b.api.TransferReversals.New(&stripe.TransferReversalParams{ID: &first.ID}); err != nil {
		t.Fatal(err)
	}
	whole, err := b.api.Transfers.Get(first.ID, nil)
	if err != nil || !whole.Reversed || whole.AmountReversed != 1000 || len(whole.Reversals.Data) != 2 || b.has(t, seller) != 200 {
		t.Errorf("reversed: %+v, %v", whole, err)
	}
	if fresh := b.seller(t, ""); stripeErr(t, second(b.api.Transfers.New(transferTo(fresh, 10))), 400).Code != "insufficient_capabilities_for_transfer" {
		t.Error("paid a seller who is not onboarded")
	}
	_ = stripeErr(t, second(b.api.Transfers.New(transferTo("acct_no", 10))), http.StatusNotFound)
	n := 0
	for i := b.api.Transfers.List(&stripe.TransferListParams{Destination: &seller}); i.Next(); n++ {
	}
	if n != 2 {
		t.Errorf("%d transfers listed", n)
	}
	if sum := b.net(); sum != 2*1206-200 { // the sellers' movements are not the platform's
		t.Errorf("the platform's movements sum to %d", sum)
	}
}

func second[T any](_ T, err error) error { return err }

func TestPayouts(t *testing.T) {
	t.Parallel()
	for bankNumber, code := range map[string]string{successfulBank: "", "000111111116": "no_account", "000111111113": "account_closed"} {
		t.Run(bankNumber, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			seller := b.seller(t, bankNumber)
			mustPay(t, b, payment("pm_card_bypassPending"))
			if _, err := b.api.Transfers.New(transferTo(seller, 1000)); err != nil {
				t.Fatal(err)
			}
			_ = stripeErr(t, second(b.api.Payouts.New(payoutBy(seller, 1001))), http.StatusBadRequest)
			p, err := b.api.Payouts.New(payoutBy(seller, 600))
			if err != nil || p.Status != stripe.PayoutStatusPending || b.has(t, seller) != 400 {
				t.Fatalf("got %+v, %v", p, err)
			}
			stopped, err := b.api.Payouts.New(payoutBy(seller, 100))
			if err != nil {
				t.Fatal(err)
			}
			cancel := &stripe.PayoutParams{}
			cancel.SetStripeAccount(seller)
			if stopped, err = b.api.Payouts.Cancel(stopped.ID, cancel); err != nil || stopped.Status != stripe.PayoutStatusCanceled || b.has(t, seller) != 400 {
				t.Errorf("cancelled: %+v, %v", stopped, err)
			}
			b.clock.advance(payoutTime)
			get := &stripe.PayoutParams{}
			get.SetStripeAccount(seller)
			if p, err = b.api.Payouts.Get(p.ID, get); err != nil {
				t.Fatal(err)
			}
			want, left := stripe.PayoutStatusPaid, int64(400)
			if code != "" {
				want, left = stripe.PayoutStatusFailed, 1000
			}
			if p.Status != want || string(p.FailureCode) != code || b.has(t, seller) != left {
				t.Errorf("got %s %s, the seller has %d", p.Status, p.FailureCode, b.has(t, seller))
			}
			_ = stripeErr(t, second(b.api.Payouts.Cancel(p.ID, cancel)), http.StatusBadRequest)
			_ = stripeErr(t, second(b.api.Payouts.Get(p.ID, nil)), http.StatusNotFound) // it is not the platform's
			last := b.eventTypes(0)
			if got := last[len(last)-1]; got != "payout."+string(want) {
				t.Errorf("the last event is %s", got)
			}
		})
	}
}

func TestPayoutsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	fresh := b.seller(t, "")
	if e := stripeErr(t, second(b.api.Payouts.New(payoutBy(fresh, 10))), 400); e.Code != stripe.ErrorCodePayoutsNotAllowed {
		t.Errorf("not onboarded: %+v", e)
	}
	_ = stripeErr(t, second(b.api.Payouts.New(payoutBy("acct_no", 10))), http.StatusNotFound)
	dollars := payoutBy(b.seller(t, successfulBank), 10)
	dollars.Currency = new("usd")
	_ = stripeErr(t, second(b.api.Payouts.New(dollars)), http.StatusBadRequest)
	direct := payment("pm_card_visa")
	direct.SetStripeAccount(fresh)
	_ = stripeErr(t, second(b.api.PaymentIntents.New(direct)), http.StatusBadRequest)
	mustPay(t, b, payment("pm_card_bypassPending"))
	if p, err := b.api.Payouts.New(payoutBy("", 1000)); err != nil || b.has(t, "") != 206 {
		t.Errorf("the platform's own: %+v, %v", p, err)
	}
}

func TestOnboardingLinks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	account := b.seller(t, "")
	link := b.link(t, account)
	if status, text := page(t, link); status != http.StatusOK || !strings.Contains(text, account) {
		t.Errorf("the page: %d %s", status, text)
	}
	if status, _ := b.onboard(t, link, "<script>"); status != http.StatusBadRequest {
		t.Errorf("no account number: %d", status)
	}
	if _, location := b.onboard(t, link, successfulBank); location.Path != "/back" {
		t.Errorf("sent to %v", location)
	}
	if _, location := b.onboard(t, link, successfulBank); location.Path != "/refresh" {
		t.Errorf("a link that is used up led to %v", location)
	}
	old := b.link(t, account)
	b.clock.advance(linkLife + time.Second)
	if _, location := b.onboard(t, old, successfulBank); location.Path != "/refresh" {
		t.Errorf("an old link led to %v", location)
	}
	if status, _ := page(t, b.url+onboardingPrefix+"link_no"); status != http.StatusNotFound {
		t.Errorf("an unknown link: %d", status)
	}
	wrong := &stripe.AccountLinkParams{Account: &account, Type: new("account_onboarding"), ReturnURL: new("javascript:1"), RefreshURL: new(back)}
	if e := stripeErr(t, second(b.api.AccountLinks.New(wrong)), 400); e.Param != "return_url" {
		t.Errorf("a script to return to: %+v", e)
	}
	update := &stripe.AccountParams{Email: new("new@example.com")}
	if got, err := b.api.Accounts.Update(account, update); err != nil || got.Email != "new@example.com" {
		t.Errorf("updated: %+v, %v", got, err)
	}
}

// TestConnectSurvives holds that the owner of a movement is part of the state.
func TestConnectSurvives(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/stripe.json"
	b := setupWith(t, Config{Seed: 7, StateFile: path})
	seller := b.seller(t, successfulBank)
	mustPay(t, b, payment("pm_card_bypassPending"))
	if _, err := b.api.Transfers.New(transferTo(seller, 1000)); err != nil {
		t.Fatal(err)
	}
	again := setupWith(t, Config{Seed: 7, StateFile: copyWith(t, path, "")})
	if got := again.has(t, seller); got != 1000 || again.has(t, "") != 206 {
		t.Errorf("after the restart the seller has %d, the platform %d", got, again.has(t, ""))
	}
}

// TestDocumentedCards holds that docs/payments.md names no card that is not there.
func TestDocumentedCards(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/payments.md")
	if err != nil {
		t.Fatal(err)
	}
	cards := newCatalogue()
	named := regexp.MustCompile("`pm_card_[A-Za-z0-9_]+`").FindAllString(string(text), -1)
	if len(named) < 15 {
		t.Errorf("only %d cards are named", len(named))
	}
	for _, id := range named {
		if _, ok := cards.byID[strings.Trim(id, "`")]; !ok {
			t.Errorf("%s does not exist", id)
		}
	}
}
