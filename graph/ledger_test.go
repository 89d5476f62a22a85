package graph_test

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/books"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/reconcile"
)

const statementPage = `query($first: Int, $after: String) { viewer { wallets { currencyCode available { amount } statement(first: $first, after: $after) {
	nodes { number flow amount { amount } balance { amount } at causeKind cause { __typename id } } pageInfo { hasNextPage endCursor } } } } }`

// A wallet's statement is told page by page, each line with what it was for; together the lines make the balance.
func TestStatement(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	var lines []string
	vars := apitest.Vars{"first": 2}
	for {
		wallet := b.buyer.Must(t, statementPage, vars).At("viewer.wallets.0")
		for i := 0; wallet.Str(fmt.Sprintf("statement.nodes.%d.number", i)) != ""; i++ {
			line := wallet.At(fmt.Sprintf("statement.nodes.%d", i))
			lines = append(lines, strings.Join([]string{
				line.Str("number"), line.Str("flow"), line.Str("amount.amount"), line.Str("balance.amount"), line.Str("causeKind"), line.Str("cause.__typename"), line.Str("cause.id"),
			}, " "))
		}
		if wallet.Str("statement.pageInfo.hasNextPage") != "true" {
			break
		}
		vars["after"] = wallet.Str("statement.pageInfo.endCursor")
	}
	want := []string{
		"4 HOLD -10.00 481.00 auction Auction " + b.closeID,
		"3 HOLD -10.00 491.00 auction Auction " + b.auctionID,
		"2 TOP_UP 1.00 501.00 top_up TopUp " + b.topUp.NodeID().String(),
	}
	if len(lines) != 4 || !slices.Equal(lines[:3], want) || !strings.HasPrefix(lines[3], "1 TOP_UP 500.00 500.00 top_up TopUp top_") {
		t.Errorf("got\n%s\nwant\n%s\nand the first top-up", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
}

// What a line was for is told under the viewer's own rights: a seller's order is the seller's too.
func TestStatementOfOthersCauses(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	// The rival's wallet gets a line that was posted for the buyer's top-up, which is not the rival's to see.
	b.Exec(`SELECT ledger.post('odd', sha256(''), 'top_up', 'top_up', $1, '{bank,wallet}', ARRAY['00000000-0000-0000-0000-000000000000', $2::uuid],
		'{"",""}', '{EUR,EUR}', '{-5,5}')`, b.topUp.ID, b.rival.ID)
	b.Exec(`SELECT ledger.post('odder', sha256(''), 'hold', 'checkout', $1, '{bank,wallet}', ARRAY['00000000-0000-0000-0000-000000000000', $2::uuid],
		'{"",""}', '{EUR,EUR}', '{-5,5}')`, uuid.New(), b.rival.ID)
	nodes := b.rival.Must(t, statementPage, nil).At("viewer.wallets.0.statement.nodes")
	for i, want := range []string{"checkout", "top_up"} {
		line := nodes.At(strconv.Itoa(i))
		if line.Str("cause") != "" || line.Str("causeKind") != want {
			t.Errorf("got %s", line.Raw())
		}
	}
}

const (
	accountList = `query($owner: ID, $kind: LedgerAccountKind, $currency: CurrencyCode, $first: Int, $after: String) {
		ledgerAccounts(owner: $owner, kind: $kind, currencyCode: $currency, first: $first, after: $after) {
		nodes { number kind mode owner ref currencyCode balance { amount } floor { amount } ceiling { amount } openedAt } pageInfo { hasNextPage endCursor } } }`
	oneAccount = `query($owner: ID, $kind: LedgerAccountKind!, $ref: String! = "", $currency: CurrencyCode! = "EUR", $first: Int, $after: String) {
		ledgerAccount(kind: $kind, owner: $owner, ref: $ref, currencyCode: $currency) { number kind owner mode balance { amount }
		postings(first: $first, after: $after) { nodes { amount { amount } number balance { amount } account { number } entry { id } } pageInfo { hasNextPage endCursor } } } }`
	oneEntry = `query($id: BigInt!) { ledgerEntry(id: $id) { id key flow causeKind cause postedAt reverses { id } reversedBy { id }
		postings { amount { minor currencyCode } number balance { minor } account { kind owner ref } entry { id } } } }`
)

func TestLedgerAccountsForStaff(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	buyer := id.User.Encode(b.buyer.ID)
	list := func(vars apitest.Vars) []string {
		t.Helper()
		var found []string
		for {
			got := b.support.Must(t, accountList, vars).At("ledgerAccounts")
			for i := 0; got.Str(fmt.Sprintf("nodes.%d.kind", i)) != ""; i++ {
				a := got.At(fmt.Sprintf("nodes.%d", i))
				found = append(found, strings.Join([]string{a.Str("kind"), a.Str("mode"), a.Str("owner"), a.Str("ref"), a.Str("balance.amount"), a.Str("floor.amount")}, " "))
			}
			if got.Str("pageInfo.hasNextPage") != "true" {
				return found
			}
			vars["after"] = got.Str("pageInfo.endCursor")
		}
	}
	held, wallet := "WALLET_HELD GUARDED "+buyer+"  10.00 0.00", "WALLET GUARDED "+buyer+"  481.00 0.00"
	escrow := "ESCROW GUARDED " + b.order.String() + "  10.00 0.00"
	for _, c := range []struct {
		name string
		vars apitest.Vars
		want []string
	}{
		{"of a user", apitest.Vars{"owner": buyer}, []string{held, wallet}},
		{"of a user, one a page", apitest.Vars{"owner": buyer, "first": 1}, []string{held, wallet}},
		{"of a user and a kind", apitest.Vars{"owner": buyer, "kind": "WALLET"}, []string{wallet}},
		{"of a user in a currency", apitest.Vars{"owner": buyer, "currency": "USD"}, nil},
		{"of a kind", apitest.Vars{"kind": "ESCROW", "first": 1}, []string{escrow}},
		{"of a kind in a currency", apitest.Vars{"kind": "ESCROW", "currency": "EUR"}, []string{escrow}},
		{"of a kind in another currency", apitest.Vars{"kind": "ESCROW", "currency": "JPY"}, nil},
		{"of an order", apitest.Vars{"owner": b.order.String()}, []string{escrow}},
		{"of nobody", apitest.Vars{"owner": id.User.Encode(uuid.New())}, nil},
	} {
		if got := list(c.vars); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if all := list(apitest.Vars{"first": 3}); !slices.Contains(all, wallet) || !slices.Contains(all, "PSP_CLEARING RECORDED  stripe -989.90 ") || len(all) != 7 {
		t.Errorf("all accounts are %d: %q", len(all), all)
	}
	if got := b.admin.Must(t, accountList, apitest.Vars{"currency": "JPY"}); string(got.At("ledgerAccounts.nodes").Raw()) != "[]" {
		t.Errorf("an admin, too: %s", got.Raw())
	}
}

// The postings of an account in both modes, page by page: none is left out, none comes twice.
func TestLedgerPostingsForStaff(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	for _, c := range []struct {
		vars    apitest.Vars
		amounts []string
		number  string
	}{
		{apitest.Vars{"kind": "WALLET", "owner": id.User.Encode(b.buyer.ID)}, []string{"-10.00", "-10.00", "1.00", "500.00"}, "4"},
		{apitest.Vars{"kind": "PSP_CLEARING", "ref": "stripe"}, []string{"-0.73", "-4.67", "-492.25", "-492.25"}, ""},
	} {
		var amounts []string
		c.vars["first"] = 1
		for {
			got := b.support.Must(t, oneAccount, c.vars).At("ledgerAccount")
			posting := got.At("postings.nodes.0")
			if amounts = append(amounts, posting.Str("amount.amount")); len(amounts) == 1 && posting.Str("number") != c.number {
				t.Errorf("%v begins with %s", c.vars, posting.Raw())
			}
			if posting.Str("account.number") != got.Str("number") {
				t.Errorf("a posting of %s is on %s", got.Str("number"), posting.Raw())
			}
			if got.Str("postings.pageInfo.hasNextPage") != "true" {
				break
			}
			c.vars["after"] = got.Str("postings.pageInfo.endCursor")
		}
		slices.Sort(amounts)
		slices.Sort(c.amounts)
		if !slices.Equal(amounts, c.amounts) {
			t.Errorf("%v: %v, want %v", c.vars, amounts, c.amounts)
		}
	}
}

func TestLedgerEntryForStaff(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	got := b.support.Must(t, oneAccount, apitest.Vars{"kind": "WALLET", "owner": id.User.Encode(b.buyer.ID), "first": 3})
	entry := b.support.Must(t, oneEntry, apitest.Vars{"id": got.Str("ledgerAccount.postings.nodes.2.entry.id")}).At("ledgerEntry")
	if entry.Str("flow") != "TOP_UP" || entry.Str("causeKind") != "top_up" || entry.Str("cause") != b.topUp.NodeID().String() ||
		entry.Str("key") != "topup:"+b.topUp.ID.String()+":credit" || entry.Str("reverses") != "" || entry.Str("reversedBy") != "" {
		t.Errorf("got %s", entry.Raw())
	}
	sum, kinds := 0, []string{}
	for i := range 3 {
		leg := entry.At(fmt.Sprintf("postings.%d", i))
		var minor int
		if _, err := fmt.Sscan(leg.Str("amount.minor"), &minor); err != nil {
			t.Fatal(err)
		}
		sum, kinds = sum+minor, append(kinds, leg.Str("account.kind"))
	}
	slices.Sort(kinds)
	if sum != 0 || !slices.Equal(kinds, []string{"PSP_CLEARING", "PSP_FEES", "WALLET"}) || entry.Str("postings.3") != "" {
		t.Errorf("the legs: %s", entry.At("postings").Raw())
	}
}

func TestLedgerReadingThatIsRefused(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	staff, statementCursor, accountCursor := b.support.Client, page.EncodeNumber('W', 1), page.EncodeNumber('K', 1)
	recorded := apitest.Vars{"kind": "PSP_CLEARING", "ref": "stripe"}
	table := []bad{
		{name: "a statement of no lines", who: b.buyer.Client, query: statementPage, vars: apitest.Vars{"first": 0}, code: "PAGE_SIZE_INVALID"},
		{name: "a statement of 101", who: b.buyer.Client, query: statementPage, vars: apitest.Vars{"first": 101}, code: "PAGE_SIZE_INVALID"},
		{name: "a statement after another list's cursor", who: b.buyer.Client, query: statementPage, vars: apitest.Vars{"after": accountCursor}, code: "CURSOR_INVALID"},
		{name: "a statement after a cursor of zero", who: b.buyer.Client, query: statementPage, vars: apitest.Vars{"after": page.EncodeNumber('W', 0)}, code: "CURSOR_INVALID"},
		{name: "a statement after nonsense", who: b.buyer.Client, query: statementPage, vars: apitest.Vars{"after": "é"}, code: "CURSOR_INVALID"},
		{name: "accounts, none", query: accountList, vars: apitest.Vars{"first": 0}, code: "PAGE_SIZE_INVALID"},
		{name: "accounts, a negative number", query: accountList, vars: apitest.Vars{"first": -1}, code: "PAGE_SIZE_INVALID"},
		{name: "accounts after another list's cursor", query: accountList, vars: apitest.Vars{"after": statementCursor}, code: "CURSOR_INVALID"},
		{name: "accounts of a text", query: accountList, vars: apitest.Vars{"owner": "me"}, code: "ID_MALFORMED"},
		{name: "accounts of a number", query: accountList, vars: apitest.Vars{"owner": 1}, code: "ID_MALFORMED"},
		{name: "accounts of a kind in lower case", query: accountList, vars: apitest.Vars{"kind": "wallet"}, code: "GRAPHQL_VALIDATION_FAILED"},
		{name: "accounts of no kind", query: accountList, vars: apitest.Vars{"kind": "PIGGY_BANK"}, code: "GRAPHQL_VALIDATION_FAILED"},
		{name: "accounts in no currency", query: accountList, vars: apitest.Vars{"currency": "ZZZ"}, code: "CURRENCY_UNKNOWN"},
		{name: "an account in no currency", query: oneAccount, vars: with(recorded, "currency", "eur"), code: "CURRENCY_UNKNOWN"},
		{name: "an account with a ref of NUL", query: oneAccount, vars: with(recorded, "ref", "\x00"), code: "TEXT_MALFORMED"},
		{name: "an account that nothing touched", query: oneAccount, vars: with(recorded, "currency", "JPY"), code: nulls},
		{name: "an account with a ref too long for one", query: oneAccount, vars: with(recorded, "ref", strings.Repeat("x", 100_000)), code: nulls},
		{name: "no postings", query: oneAccount, vars: with(recorded, "first", 0), code: "PAGE_SIZE_INVALID"},
		{name: "postings after another list's cursor", query: oneAccount, vars: with(recorded, "after", statementCursor), code: "CURSOR_INVALID"},
		{name: "entry 0", query: oneEntry, vars: apitest.Vars{"id": "0"}, code: nulls},
		{name: "entry -1", query: oneEntry, vars: apitest.Vars{"id": "-1"}, code: nulls},
		{name: "the last entry that could be", query: oneEntry, vars: apitest.Vars{"id": strconv.Itoa(math.MaxInt64)}, code: nulls},
		{name: "an entry beyond 64 bits", query: oneEntry, vars: apitest.Vars{"id": "9223372036854775808"}, code: "BIG_INT_MALFORMED"},
		{name: "an entry of a text", query: oneEntry, vars: apitest.Vars{"id": "one"}, code: "BIG_INT_MALFORMED"},
		{name: "an entry of a number", query: oneEntry, vars: apitest.Vars{"id": 1}, code: "BIG_INT_MALFORMED"},
		{name: "an entry of nothing", query: oneEntry, vars: apitest.Vars{"id": ""}, code: "BIG_INT_MALFORMED"},
	}
	for i := range table {
		if table[i].top = table[i].code != nulls; table[i].who == (apitest.Client{}) {
			table[i].who = staff
		}
	}
	b.refuse(t, table)
}

// Forged places in a list lead to empty or partial pages, never to another account's postings.
func TestAForgedPlaceAmongPostings(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	for _, n := range []int64{1, 2, 1_000_000, math.MaxInt64} {
		vars := apitest.Vars{"kind": "PSP_CLEARING", "ref": "stripe", "after": page.EncodeNumber('G', n)}
		account := b.support.Must(t, oneAccount, vars).At("ledgerAccount")
		for i := 0; account.Str(fmt.Sprintf("postings.nodes.%d.entry.id", i)) != ""; i++ {
			if of := account.Str(fmt.Sprintf("postings.nodes.%d.account.number", i)); of != account.Str("number") {
				t.Errorf("after %d: a posting of account %s", n, of)
			}
		}
	}
}

// The schema's names of flows, kinds and modes are the ledger's own, in upper case.
func TestLedgerEnumsAreTheLedgers(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	kinds := a.Texts(`SELECT upper(kind) FROM ledger.account_kind ORDER BY 1`)
	if got := enumNames("LedgerAccountKind"); !slices.Equal(got, kinds) {
		t.Errorf("the schema has the kinds %v, the ledger %v", got, kinds)
	}
	var flows []string
	for _, f := range ledger.Flows() {
		flows = append(flows, strings.ToUpper(string(f)))
	}
	slices.Sort(flows)
	if got := enumNames("LedgerFlow"); !slices.Equal(got, flows) {
		t.Errorf("the schema has the flows %v, the ledger %v", got, flows)
	}
	if got := enumNames("LedgerAccountMode"); !slices.Equal(got, []string{string(books.Guarded), string(books.Recorded)}) {
		t.Errorf("the schema has the modes %v", got)
	}
}

// The schema's kinds of differences are those that are looked for.
func TestDifferenceKindsAreTheirs(t *testing.T) {
	t.Parallel()
	var kinds []string
	for _, k := range reconcile.Kinds() {
		kinds = append(kinds, string(k))
	}
	slices.Sort(kinds)
	if got := enumNames("ReconciliationDifferenceKind"); !slices.Equal(got, kinds) {
		t.Errorf("the schema has %v, reconcile %v", got, kinds)
	}
	guide := read(t, "../docs/operations.md")
	for _, k := range kinds {
		if !strings.Contains(guide, "`"+k+"`") {
			t.Errorf("docs/operations.md does not say what to do with %s", k)
		}
	}
}

func enumNames(name string) []string {
	var names []string
	for _, v := range schema().Types[name].EnumValues {
		names = append(names, v.Name)
	}
	slices.Sort(names)
	return names
}

// Nobody but staff reads the ledger, and nobody but admins what staff did.
func TestWhoReadsTheLedger(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	const actions = `{ adminActions { nodes { id } } }`
	for name, who := range map[string]graphtest.Person{"buyer": b.buyer, "seller": b.seller, "support": b.support, "admin": b.admin} {
		staff, admin := name == "support" || name == "admin", name == "admin"
		for query, may := range map[string]bool{accountList: staff, actions: admin} {
			answer, err := who.Do(query, nil)
			if err != nil {
				t.Fatal(err)
			}
			if refused := len(answer.Errors) > 0 && answer.Errors[0].Extensions.Code == "FORBIDDEN"; refused == may {
				t.Errorf("%s and %s: %+v", name, query, answer.Errors)
			}
		}
	}
}

// A guarded account tells whose it is: see ownerKinds.
func TestEveryOwnerIsNamed(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	accounts := b.support.Must(t, accountList, apitest.Vars{"first": 100}).At("ledgerAccounts.nodes")
	for i := 0; accounts.Str(fmt.Sprintf("%d.kind", i)) != ""; i++ {
		a := accounts.At(strconv.Itoa(i))
		if guarded := a.Str("mode") == "GUARDED"; guarded != (a.Str("owner") != "") {
			t.Errorf("got %s", a.Raw())
		}
	}
}
