package graph_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/identity"
)

// stock is a seller's product of so many variants at 10 euros, with so many of each at home.
type stock struct {
	*graphtest.API

	seller   graphtest.Person
	listing  string
	variants []string
	home     string
}

func newStock(t *testing.T, variants, quantity int) *stock {
	t.Helper()
	s := &stock{API: graphtest.New(t)}
	s.seller = s.Person(identity.Seller)
	var forms []apitest.Vars
	for i := range variants {
		forms = append(forms, apitest.Vars{"options": []string{fmt.Sprint("Number ", i)}, "price": eur("10")})
	}
	made := s.seller.Must(t, change("listingCreate", "listing { id variants { id } }"), input(apitest.Vars{
		"kind": "RETAIL", "title": "A cotton shirt", "photoIds": []any{s.Photo(s.seller).String()}, "optionNames": []string{"Size"}, "variants": forms,
	}))
	s.listing = made.Str("listingCreate.listing.id")
	s.home = s.seller.Must(t, change("locationCreate", "location { id }"), input(apitest.Vars{"name": "Home", "region": "FR"})).Str("locationCreate.location.id")
	for i := range variants {
		s.variants = append(s.variants, made.Str(fmt.Sprintf("listingCreate.listing.variants.%d.id", i)))
		s.counted(t, "stockReceive", i, quantity)
	}
	return s
}

// counted receives or adjusts.
func (s *stock) counted(t *testing.T, name string, variant, quantity int) {
	t.Helper()
	got := s.seller.Must(t, change(name, "level { onHand movements { nodes { note } } }"), input(apitest.Vars{
		"variantId": s.variants[variant], "locationId": s.home, "quantity": quantity, "note": "Counted", "idempotencyKey": uuid.NewString(),
	}))
	if got.Str(name+".level.movements.nodes.0.note") != "Counted" {
		t.Errorf("%s: %s", name, got.Raw())
	}
}

// What a cart wants is looked at each time: there is less, it costs less, and then there is enough again.
func TestACartIsToldWhatChanged(t *testing.T) {
	t.Parallel()
	s := newStock(t, 1, 5)
	defer everything(t, s.API)
	buyer := s.Funded(100)
	added := s.Nobody().Must(t, cartAdd, input(apitest.Vars{"variantId": s.variants[0], "quantity": 5}))
	token := added.Str("cartLineAdd.cartToken")
	const line = `query($token: String) { cart(token: $token) { totals { amount } groups { lines { status quantity available savedForLater priceSeen { amount } price { amount } } } } }`
	sees := func(want string) {
		t.Helper()
		got := s.Nobody().Must(t, line, apitest.Vars{"token": token}).At("cart")
		if !sameJSON(t, string(got.Raw()), want) {
			t.Errorf("the cart is %s, not %s", got.Raw(), want)
		}
	}
	sees(`{"totals":[{"amount":"50.00"}],"groups":[{"lines":[{"status":"AVAILABLE","quantity":5,"available":5,"savedForLater":false,"priceSeen":{"amount":"10.00"},"price":{"amount":"10.00"}}]}]}`)
	s.counted(t, "stockAdjust", 0, -3)
	s.seller.Must(t, change("variantUpdate", "variant { id }"), input(apitest.Vars{"variantId": s.variants[0], "price": eur("8")}))
	sees(`{"totals":[{"amount":"16.00"}],"groups":[{"lines":[{"status":"SHORT","quantity":5,"available":2,"savedForLater":false,"priceSeen":{"amount":"10.00"},"price":{"amount":"8.00"}}]}]}`)
	set := func(who apitest.Client, change apitest.Vars) string {
		t.Helper()
		return codeOf(t, who, cartUpdate, input(with(change, "variantId", s.variants[0])))
	}
	if got := set(s.Nobody(), apitest.Vars{"cartToken": token, "quantity": 3}); got != "none" {
		t.Errorf("fewer than before, though still too many: %s", got)
	}
	if got := set(s.Nobody(), apitest.Vars{"cartToken": token, "quantity": 4}); got != "OUT_OF_STOCK" {
		t.Errorf("more again: %s", got)
	}
	if got := set(s.Nobody(), apitest.Vars{"cartToken": token, "quantity": 0}); got != "CART_QUANTITY" {
		t.Errorf("none: %s", got)
	}
	sees(`{"totals":[{"amount":"16.00"}],"groups":[{"lines":[{"status":"SHORT","quantity":3,"available":2,"savedForLater":false,"priceSeen":{"amount":"8.00"},"price":{"amount":"8.00"}}]}]}`)
	s.counted(t, "stockAdjust", 0, -2)
	sees(`{"totals":[],"groups":[{"lines":[{"status":"UNAVAILABLE","quantity":3,"available":0,"savedForLater":false,"priceSeen":{"amount":"8.00"},"price":{"amount":"8.00"}}]}]}`)
	s.counted(t, "stockReceive", 0, 9)
	sees(`{"totals":[{"amount":"24.00"}],"groups":[{"lines":[{"status":"AVAILABLE","quantity":3,"available":9,"savedForLater":false,"priceSeen":{"amount":"8.00"},"price":{"amount":"8.00"}}]}]}`)
	if got := codeOf(t, s.Nobody(), cartRemove, input(apitest.Vars{"cartToken": token, "variantId": s.variants[0]})); got != "none" {
		t.Errorf("taken out: %s", got)
	}
	sees(`{"totals":[],"groups":[]}`)
	if got := set(buyer.Client, apitest.Vars{"quantity": 1}); got != "CART_LINE_NOT_FOUND" {
		t.Errorf("a line of nobody's: %s", got)
	}
}

// A cart has fifty lines. The next is refused, whatever the cart, and one that is taken out makes place for another.
func TestACartIsFull(t *testing.T) {
	t.Parallel()
	s := newStock(t, 51, 2)
	buyer := s.Funded(100)
	for i, v := range s.variants {
		want := "none"
		if i == 50 {
			want = "CART_FULL"
		}
		if got := codeOf(t, buyer.Client, cartAdd, input(apitest.Vars{"variantId": v})); got != want {
			t.Errorf("line %d: %s, want %s", i+1, got, want)
		}
	}
	if got := codeOf(t, buyer.Client, cartAdd, input(apitest.Vars{"variantId": s.variants[0]})); got != "none" {
		t.Errorf("one more of what is there: %s", got)
	}
	buyer.Must(t, cartUpdate, input(apitest.Vars{"variantId": s.variants[7], "savedForLater": true}))
	if got := codeOf(t, buyer.Client, cartAdd, input(apitest.Vars{"variantId": s.variants[50]})); got != "CART_FULL" {
		t.Errorf("with one for later: %s", got)
	}
	buyer.Must(t, cartRemove, input(apitest.Vars{"variantId": s.variants[7]}))
	if got := codeOf(t, buyer.Client, cartAdd, input(apitest.Vars{"variantId": s.variants[50]})); got != "none" {
		t.Errorf("with one out: %s", got)
	}
	home := buyer.Must(t, addressCreate, input(parisOf("Amal"))).Str("addressCreate.address.id")
	s.TopUp(buyer, 500)
	quote := buyer.Must(t, checkoutQuote, input(apitest.Vars{"addressId": home, "idempotencyKey": "k"})).At("checkoutQuote.quote")
	if quote.Str("total.amount") != "510.00" {
		t.Errorf("quoted: %.600s", quote.Raw())
	}
	orders := buyer.Must(t, checkoutConfirm, input(apitest.Vars{"quoteId": quote.Str("id"), "total": eur("510"), "idempotencyKey": "c"})).At("checkoutConfirm.orders")
	if strings.Count(string(orders.Raw()), `"title":"A cotton shirt"`) < 50 {
		t.Errorf("ordered: %.600s", orders.Raw())
	}
	s.Audited()
}

// What is set aside runs out: its goods are there again, its owner sees what became of it, and nothing is paid by it.
func TestAReservationRunsOut(t *testing.T) {
	t.Parallel()
	s := newStock(t, 2, 3)
	defer everything(t, s.API)
	buyer := s.Funded(100)
	for _, v := range s.variants {
		buyer.Must(t, cartAdd, input(apitest.Vars{"variantId": v, "quantity": 2}))
	}
	reserve := func(key string, variants ...string) apitest.JSON {
		t.Helper()
		return buyer.Must(t, `mutation($input: CartReserveInput!) { cartReserve(input: $input) { reservation { id status expiresAt lines { quantity variant { id } } } userErrors { code } } }`,
			input(apitest.Vars{"variantIds": variants, "region": "FR", "idempotencyKey": key})).At("cartReserve")
	}
	one := reserve("one", s.variants[1])
	if one.Str("reservation.lines.0.variant.id") != s.variants[1] || one.Str("reservation.lines.1") != "" {
		t.Errorf("a part of the cart: %s", one.Raw())
	}
	if ends, err := time.Parse(time.RFC3339Nano, one.Str("reservation.expiresAt")); err != nil || time.Until(ends) > 15*time.Minute || time.Until(ends) < 13*time.Minute {
		t.Errorf("until %s: %v", one.Str("reservation.expiresAt"), err)
	}
	available := func(want int) {
		t.Helper()
		if got := s.Nobody().Must(t, `query($id: ID!) { node(id: $id) { ... on Variant { available } } }`, apitest.Vars{"id": s.variants[1]}); got.Int("node.available") != want {
			t.Errorf("available: %s, want %d", got.Raw(), want)
		}
	}
	available(1)
	s.Exec(`UPDATE reservation SET created_at = created_at - interval '1 hour', expires_at = now() - interval '1 second'`)
	if n, err := s.Resolver.Inventory.ExpireDue(t.Context()); err != nil || n != 1 {
		t.Fatalf("%d ran out, %v", n, err)
	}
	available(3)
	node := apitest.Vars{"id": one.Str("reservation.id")}
	if got := buyer.Must(t, `query($id: ID!) { node(id: $id) { ... on Reservation { status } } }`, node); got.Str("node.status") != "EXPIRED" {
		t.Errorf("its status: %s", got.Raw())
	}
	if got := buyer.Must(t, `{ cart { reservation { status } } }`, nil); got.Str("cart.reservation.status") != "EXPIRED" {
		t.Errorf("the cart's: %s", got.Raw())
	}
	s.Audited()
}

// A seller hears, live and by a notice, that little is left; a buyer who waits for it, that it is there again.
func TestLittleIsLeft(t *testing.T) {
	t.Parallel()
	s := newStock(t, 1, 5)
	defer everything(t, s.API)
	buyer := s.Funded(100)
	s.seller.Must(t, `mutation($input: StockAlertSetInput!) { stockAlertSet(input: $input) { level { lowAt } userErrors { code } } }`, input(apitest.Vars{"variantId": s.variants[0], "locationId": s.home, "lowAt": 2}))
	stream := s.seller.Subscribe(t, `subscription { viewerEvents(afterVersion: 0) { kind } }`, nil)
	defer stream.Cut()
	s.counted(t, "stockAdjust", 0, -2)
	s.counted(t, "stockAdjust", 0, -1)
	s.counted(t, "stockAdjust", 0, -2)
	for stream.Next().Str("viewerEvents.kind") != "STOCK_LOW" {
	}
	const notices = `query { viewer { notifications { nodes { kind subject { ... on Variant { id } } parameters { name value } } } } }`
	told := string(s.seller.Must(t, notices, nil).Raw())
	if strings.Count(told, `"kind":"STOCK_LOW"`) != 1 || !strings.Contains(told, s.variants[0]) || !strings.Contains(told, `"2"`) {
		t.Errorf("the seller is told %s", told)
	}
	buyer.Must(t, mutation("availabilityNoticeSet"), input(apitest.Vars{"variantId": s.variants[0]}))
	s.counted(t, "stockReceive", 0, 4)
	if _, err := s.Resolver.Wishes.Tell(t.Context()); err != nil {
		t.Fatal(err)
	}
	if told := string(buyer.Must(t, notices, nil).Raw()); strings.Count(told, `"kind":"BACK_IN_STOCK"`) != 1 || !strings.Contains(told, s.variants[0]) {
		t.Errorf("the buyer is told %s", told)
	}
}

// A lottery from its commitment to the draw that everybody can check, and two sales that are called off.
func TestALotteryThroughTheAPI(t *testing.T) {
	t.Parallel()
	s := newStock(t, 1, 5)
	defer everything(t, s.API)
	buyers := []graphtest.Person{s.Person(identity.Buyer), s.Person(identity.Buyer), s.Person(identity.Buyer)}
	schedule := func(mode string, in time.Duration) apitest.JSON {
		t.Helper()
		at := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(time.RFC3339Nano) }
		return s.seller.Must(t, change("flashSaleSchedule", "flashSale { id mode seedCommitment seed drawnAt admitPerMinute perBuyer startsAt endsAt cancelledAt }"), input(apitest.Vars{
			"listingId": s.listing, "mode": mode, "startsAt": at(in), "endsAt": at(in + time.Hour), "admitPerMinute": 600, "perBuyer": 2,
		})).At("flashSaleSchedule.flashSale")
	}
	cancel := func(who graphtest.Person, sale string) string {
		return codeOf(t, who.Client, change("flashSaleCancel", "flashSale { cancelledAt }"), input(apitest.Vars{"flashSaleId": sale}))
	}
	first := schedule("FIFO", 2*time.Hour).Str("id")
	if got := cancel(s.Person(identity.Seller), first); got != "FLASH_SALE_NOT_FOUND" {
		t.Errorf("another calls it off: %s", got)
	}
	if got := cancel(s.seller, first); got != "none" {
		t.Errorf("called off: %s", got)
	}
	if got := codeOf(t, buyers[0].Client, flashJoin, input(apitest.Vars{"flashSaleId": first})); got != "WAITING_ROOM_CLOSED" {
		t.Errorf("joined what was called off: %s", got)
	}
	sale := schedule("LOTTERY", time.Hour)
	if sale.Str("mode") != "LOTTERY" || len(sale.Str("seedCommitment")) != 64 || sale.Str("seed") != "" {
		t.Fatalf("scheduled: %s", sale.Raw())
	}
	id := sale.Str("id")
	for _, b := range buyers {
		if got := string(b.Must(t, flashJoin, input(apitest.Vars{"flashSaleId": id})).Raw()); !strings.Contains(got, `"number":null,"position":null,"admitted":false`) {
			t.Errorf("joined: %s", got)
		}
	}
	s.Exec(`ALTER TABLE flash_sale DISABLE TRIGGER USER`) // its terms are fixed, and nobody waits an hour
	s.Exec(`UPDATE flash_sale SET starts_at = now() - interval '1 second' WHERE cancelled_at IS NULL`)
	s.Exec(`ALTER TABLE flash_sale ENABLE TRIGGER USER`)
	drawn := func() apitest.JSON {
		return s.Nobody().Must(t, `query($id: ID!) { flashSale(id: $id) { seed drawnAt joined tickets { nodes { number hash } } } }`, apitest.Vars{"id": id}).At("flashSale")
	}
	for try := 0; drawn().Str("drawnAt") == ""; try++ {
		if err := s.Resolver.Flash.Turn(t.Context(), map[uuid.UUID]time.Time{}); err != nil || try == 50 {
			t.Fatalf("not drawn, %v", err)
		}
	}
	checkDraw(t, drawn(), sale.Str("seedCommitment"), buyers)
	if got := codeOf(t, s.Person(identity.Buyer).Client, flashJoin, input(apitest.Vars{"flashSaleId": id})); got != "WAITING_ROOM_CLOSED" {
		t.Errorf("joined after the draw: %s", got)
	}
	if got := cancel(s.Person(identity.Admin), id); got != "none" {
		t.Errorf("an admin calls it off: %s", got)
	}
	if got := codeOf(t, buyers[0].Client, reservationCreate, input(apitest.Vars{"lines": []any{apitest.Vars{"variantId": s.variants[0]}}, "idempotencyKey": "k"})); got != "none" {
		t.Errorf("reserved as any other, when it is called off: %s", got)
	}
}

// checkDraw does what docs/flash-sales.md says that everybody can.
func checkDraw(t *testing.T, sale apitest.JSON, commitment string, buyers []graphtest.Person) {
	t.Helper()
	seed, err := hex.DecodeString(sale.Str("seed"))
	if digest := sha256.Sum256(seed); err != nil || hex.EncodeToString(digest[:]) != commitment {
		t.Errorf("the seed is not what was committed to: %s, %v", sale.Raw(), err)
	}
	var want []string
	for _, b := range buyers {
		ticket := sha256.Sum256(append(slices.Clone(seed), b.ID[:]...))
		want = append(want, hex.EncodeToString(ticket[:]))
	}
	slices.Sort(want)
	for i, hash := range want {
		at := sale.At(fmt.Sprintf("tickets.nodes.%d", i))
		if at.Int("number") != i+1 || at.Str("hash") != hash {
			t.Errorf("ticket %d is %s, want %s", i+1, at.Raw(), hash)
		}
	}
	if sale.Int("joined") != len(buyers) {
		t.Errorf("%d joined", sale.Int("joined"))
	}
}
