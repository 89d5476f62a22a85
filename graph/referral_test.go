package graph_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/identity"
)

const (
	signUpWithCode = `mutation($input: SignUpInput!) { signUp(input: $input) { session { token user { id } } userErrors { code field } } }`
	myReferral     = `{ viewer { referral { code pending { amount currencyCode } earned { amount }
		referred(first: 2) { nodes { id refereeName status commission { amount } joinedAt maturesAt resolvedAt } edges { cursor } pageInfo { hasNextPage } } } } }`
	myReferralEvents = `subscription { viewerEvents(afterVersion: 0) { kind object { id ... on Referral { status refereeName } } } }`
)

func newcomer(code any) apitest.Vars {
	return input(apitest.Vars{
		"email": uuid.NewString() + "@souk.example", "password": "long enough for it", "name": "Farid", "referralCode": code,
	})
}

// Somebody signs up by a code, buys, and the one who brought them is told, and paid after the return window.
func TestAReferralOverTheAPI(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	defer everything(t, a)
	referrer, stranger, seller := a.Person(identity.Buyer), a.Person(identity.Buyer), a.Person(identity.Seller)
	events := referrer.Subscribe(t, myReferralEvents, nil)
	code := referrer.Must(t, myReferral, nil).Str("viewer.referral.code")
	signedUp := a.Nobody().Must(t, signUpWithCode, newcomer(" "+strings.ToLower(code)+" ")).At("signUp")
	referee := graphtest.Person{Client: apitest.Client{URL: a.URL, Token: signedUp.Str("session.token")}}
	if user, err := a.Resolver.Identity.Authenticate(t.Context(), referee.Token); err != nil {
		t.Fatal(err)
	} else {
		referee.ID = user.User.ID
	}
	if got := referrer.Must(t, myReferral, nil).At("viewer.referral.referred.nodes.0"); got.Str("refereeName") != "Farid" || got.Str("status") != "WAITING" ||
		string(got.At("commission").Raw()) != "null" {
		t.Errorf("brought: %s", got.Raw())
	}

	a.TopUp(referee, 300)
	lot := a.LotFrom(seller, nil, 250)
	a.Bid(referee, lot, 250)
	order := apitest.Vars{"orderId": a.Close(lot).String(), "idempotencyKey": "k"}
	seller.Must(t, mutation("orderShip"), input(order))
	referee.Must(t, mutation("orderConfirmReceipt"), input(order))
	got := referrer.Must(t, myReferral, nil).At("viewer.referral")
	if got.Str("pending.0.amount") != "2.50" || got.Str("referred.nodes.0.commission.amount") != "2.50" || string(got.At("earned").Raw()) != "[]" ||
		got.Str("referred.nodes.0.maturesAt") <= got.Str("referred.nodes.0.joinedAt") {
		t.Errorf("bought: %s", got.Raw())
	}
	if strings.Contains(string(got.Raw()), "ord_") || strings.Contains(string(got.Raw()), "usr_") {
		t.Errorf("the referrer learns more than a name: %s", got.Raw())
	}

	a.Exec(`BEGIN; SET LOCAL session_replication_role = replica;
		UPDATE referral SET pending_at = pending_at - interval '15 days', matures_at = matures_at - interval '15 days'; COMMIT`)
	if err := a.Resolver.Referrals.MatureDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	got = referrer.Must(t, myReferral, nil).At("viewer.referral")
	if got.Str("earned.0.amount") != "2.50" || string(got.At("pending").Raw()) != "[]" || got.Str("referred.nodes.0.resolvedAt") == "" {
		t.Errorf("matured: %s", got.Raw())
	}
	if got := referrer.Must(t, myCards, nil); got.Str("viewer.wallets.0.available.minor") != "250" {
		t.Errorf("the wallet: %s", got.Raw())
	}
	named := apitest.Vars{"id": got.Str("referred.nodes.0.id")}
	for _, who := range []graphtest.Person{stranger, referee} {
		if got := who.Must(t, `query($id: ID!) { node(id: $id) { id } }`, named); string(got.At("node").Raw()) != "null" {
			t.Errorf("somebody else sees it: %s", got.Raw())
		}
	}
	for range 3 {
		e := events.Next().At("viewerEvents")
		if e.Str("kind") != "REFERRAL_CHANGED" || e.Str("object.id") != named["id"] || e.Str("object.refereeName") != "Farid" {
			t.Errorf("told %s", e.Raw())
		}
	}
}

// A code that nobody has makes no account, and one that cannot be a code is no more than that.
func TestCodesThatNobodyHas(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	code := b.buyer.Must(t, myReferral, nil).Str("viewer.referral.code")
	var table []bad
	for name, text := range map[string]any{
		"a code that nobody has": "22222222", "no code": "", "half a code": code[:4], "two codes": code + code, "a code in another script": "ＡＢＣＤＥＦＧＨ",
		"a code of a megabyte": strings.Repeat("A", 1_000_000), "a code with a quote": "'; DROP --", "a code that turns": "\u202e" + code,
	} {
		table = append(table, bad{name: name, who: b.Nobody(), query: mutation("signUp"), vars: newcomer(text), code: "REFERRAL_CODE_UNKNOWN", field: "referralCode"})
	}
	table = append(table,
		bad{name: "a number", who: b.Nobody(), query: mutation("signUp"), vars: newcomer(22222222), code: "TEXT_MALFORMED", top: true},
		bad{name: "a code with NUL", who: b.Nobody(), query: mutation("signUp"), vars: newcomer("ABCDEFG\x00"), code: "TEXT_MALFORMED", top: true},
		bad{name: "a page too long", who: b.buyer.Client, query: `{ viewer { referral { referred(first: 101) { nodes { id } } } } }`, code: "PAGE_SIZE_INVALID", top: true},
		bad{name: "another list's cursor", who: b.buyer.Client, query: `{ viewer { referral { referred(after: "x") { nodes { id } } } } }`, code: "CURSOR_INVALID", top: true},
	)
	b.refuse(t, table)

	if got := b.support.Must(t, myReferral, nil); string(got.At("viewer.referral").Raw()) != "null" {
		t.Errorf("staff: %s", got.Raw())
	}
	if got := b.Nobody().Must(t, signUpWithCode, newcomer(nil)); got.Str("signUp.session.token") == "" {
		t.Errorf("without a code: %s", got.Raw())
	}
	for range 3 {
		b.Nobody().Must(t, signUpWithCode, newcomer(code))
	}
	got := b.buyer.Must(t, myReferral, nil).At("viewer.referral.referred")
	if string(got.At("pageInfo.hasNextPage").Raw()) != "true" {
		t.Fatalf("three were brought: %s", got.Raw())
	}
	rest := b.buyer.Must(t, `query($after: String) { viewer { referral { referred(first: 2, after: $after) { nodes { id } } } } }`,
		apitest.Vars{"after": got.Str("edges.1.cursor")})
	if ids := string(rest.At("viewer.referral.referred.nodes").Raw()); strings.Count(ids, "ref_") != 1 || strings.Contains(string(got.Raw()), rest.Str("viewer.referral.referred.nodes.0.id")) {
		t.Errorf("the next page: %s", ids)
	}
}
