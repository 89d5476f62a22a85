package graph_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/id"
)

func TestSigningInTellsNothing(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	b.Nobody().Must(t, mutation("signUp"), input(apitest.Vars{
		"email": "known@souk.example", "password": "correct horse battery", "name": "Known",
	}))
	in := apitest.Vars{"email": "known@souk.example", "password": "wrong horse battery"}
	table := []bad{
		{name: "a wrong password", vars: input(in), code: "CREDENTIALS_WRONG"},
		{name: "an unknown address", vars: input(with(in, "email", "unknown@souk.example")), code: "CREDENTIALS_WRONG"},
		{name: "an address that can't be one", vars: input(with(in, "email", "\u202e")), code: "CREDENTIALS_WRONG"},
		{name: "no password", vars: input(with(in, "password", "")), code: "CREDENTIALS_WRONG"},
		{name: "a password of a megabyte", vars: input(with(in, "password", strings.Repeat("x", 1_000_000))), code: "CREDENTIALS_WRONG"},
	}
	for i := range table {
		table[i].who, table[i].query = b.Nobody(), mutation("signIn")
	}
	b.refuse(t, table)

	// The same words as well, or the code alone would not be enough.
	known, err := b.Nobody().Do(mutation("signIn"), table[0].vars)
	if err != nil {
		t.Fatal(err)
	}
	unknown, err := b.Nobody().Do(mutation("signIn"), table[1].vars)
	if err != nil || string(known.Data) != string(unknown.Data) {
		t.Errorf("%s for a wrong password, %s for an unknown address (%v)", known.Data, unknown.Data, err)
	}
}

func TestBidsThatAreRefused(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	bid := apitest.Vars{"auctionId": b.auctionID, "amount": eur("11"), "idempotencyKey": ownKey}
	amount := func(v any) apitest.Vars { return input(with(bid, "amount", v)) }
	rival := b.rival.Client
	table := []bad{
		{name: "too low", vars: amount(eur("10.99")), code: "BID_TOO_LOW", field: "amount", data: `{"minimum":{"amount":"11.00","currencyCode":"EUR"}}`},
		{name: "on one's own lot", who: b.seller.Client, vars: input(bid), code: "BID_ON_OWN_LOT"},
		{name: "against oneself", who: b.buyer.Client, vars: amount(eur("10.00")), code: "ALREADY_LEADING"},
		{name: "without funds", who: b.poor.Client, vars: input(bid), code: "INSUFFICIENT_FUNDS", data: `{"available":{"amount":"5.00","currencyCode":"EUR"}}`},
		{name: "after the close", vars: input(with(bid, "auctionId", b.closeID)), code: "AUCTION_CLOSED"},
		{name: "in another currency", vars: amount(apitest.Vars{"amount": "11", "currencyCode": "USD"}), code: "CURRENCY_MISMATCH", field: "amount"},
		{name: "in no currency", vars: amount(apitest.Vars{"amount": "11", "currencyCode": "ZZZ"}), code: "CURRENCY_UNKNOWN", field: "amount"},
		{name: "in a currency in lower case", vars: amount(apitest.Vars{"amount": "11", "currencyCode": "eur"}), code: "CURRENCY_UNKNOWN"},
		{name: "in a currency that is a number", vars: amount(apitest.Vars{"amount": "11", "currencyCode": 978}), code: "CURRENCY_UNKNOWN", top: true},
		{name: "in a currency that is an object", vars: amount(apitest.Vars{"amount": "11", "currencyCode": apitest.Vars{"a": 1}}), code: "CURRENCY_UNKNOWN", top: true},
		{name: "on nothing", vars: input(with(bid, "auctionId", id.Auction.Encode(uuid.New()))), code: "AUCTION_NOT_FOUND"},
		{name: "on a listing", vars: input(with(bid, "auctionId", b.listingID)), code: "ID_WRONG_KIND", field: "auctionId"},
		{name: "of zero", vars: amount(eur("0.00")), code: "AMOUNT_NOT_POSITIVE", field: "amount"},
		{name: "below zero", vars: amount(eur("-11")), code: "AMOUNT_NOT_POSITIVE", field: "amount"},
		{name: "of minus zero", vars: amount(eur("-0")), code: "AMOUNT_NOT_POSITIVE", field: "amount"},
		{name: "of a million and a cent", vars: amount(eur("1000000.01")), code: "BID_TOO_HIGH", field: "amount"},
		{name: "beyond 64 bits", vars: amount(eur("92233720368547758.08")), code: "AMOUNT_OUT_OF_RANGE", field: "amount"},
		{name: "far beyond 64 bits", vars: amount(eur(strings.Repeat("9", 100_000))), code: "AMOUNT_OUT_OF_RANGE"},
		{name: "with too many decimals", vars: amount(eur("11.001")), code: "AMOUNT_TOO_PRECISE", field: "amount"},
		{name: "with an exponent", vars: amount(eur("11e2")), code: "AMOUNT_MALFORMED", field: "amount"},
		{name: "of nothing", vars: amount(eur("")), code: "AMOUNT_MALFORMED", field: "amount"},
		{name: "of a word", vars: amount(eur("NaN")), code: "AMOUNT_MALFORMED", field: "amount"},
		{name: "in Arabic digits", vars: amount(eur("١١")), code: "AMOUNT_MALFORMED", field: "amount"},
		{name: "with a comma", vars: amount(eur("11,00")), code: "AMOUNT_MALFORMED", field: "amount"},
		{name: "with space around", vars: amount(eur(" 11 ")), code: "AMOUNT_MALFORMED", field: "amount"},
		{name: "of NUL", vars: amount(eur("11\x00")), code: "AMOUNT_MALFORMED", field: "amount"},
		{name: "of a number", vars: amount(eur(11.5)), code: "DECIMAL_MALFORMED", top: true},
		{name: "of a list", vars: amount(eur([]string{"11"})), code: "DECIMAL_MALFORMED", top: true},
		{name: "without a key", vars: input(with(bid, "idempotencyKey", "")), code: "IDEMPOTENCY_KEY_INVALID", field: "idempotencyKey"},
		{name: "with a long key", vars: input(with(bid, "idempotencyKey", strings.Repeat("k", 256))), code: "IDEMPOTENCY_KEY_INVALID"},
		{name: "with a key of other letters", vars: input(with(bid, "idempotencyKey", "clé")), code: "IDEMPOTENCY_KEY_INVALID"},
	}
	for i := range table {
		table[i].query = mutation("bidPlace")
		if table[i].who == (apitest.Client{}) {
			table[i].who = rival
		}
	}
	b.refuse(t, table)
}

func TestAnIdempotencyKeyIsForOneInput(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	bid := apitest.Vars{"auctionId": b.auctionID, "amount": eur("12"), "idempotencyKey": "used"}
	b.rival.Must(t, mutation("bidPlace"), input(bid))
	top := apitest.Vars{"amount": eur("20"), "paymentMethod": "pm_card_visa", "idempotencyKey": "used"}
	b.rival.Must(t, mutation("walletTopUp"), input(top))
	b.refuse(t, []bad{
		{name: "another amount", who: b.rival.Client, query: mutation("bidPlace"), vars: input(with(bid, "amount", eur("13"))), code: "IDEMPOTENCY_KEY_REUSED"},
		{name: "another lot", who: b.rival.Client, query: mutation("bidPlace"), vars: input(with(bid, "auctionId", b.otherLot.NodeID().String())), code: "IDEMPOTENCY_KEY_REUSED"},
		{name: "another top-up", who: b.rival.Client, query: mutation("walletTopUp"), vars: input(with(top, "amount", eur("21"))), code: "IDEMPOTENCY_KEY_REUSED"},
		{name: "another card", who: b.rival.Client, query: mutation("walletTopUp"), vars: input(with(top, "paymentMethod", "pm_card_mastercard")), code: "IDEMPOTENCY_KEY_REUSED"},
		{name: "the same bid again", who: b.rival.Client, query: mutation("bidPlace"), vars: input(bid), code: "none"},
		{name: "the same top-up again", who: b.rival.Client, query: mutation("walletTopUp"), vars: input(top), code: "none"},
	})
}

// What belongs to others is as if it were not there.
func TestWhatBelongsToOthers(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	one := func(field string) string { return fmt.Sprintf(`query($id: ID!) { %s(id: $id) { id } }`, field) }
	of := func(v fmt.Stringer) apitest.Vars { return apitest.Vars{"id": v.String()} }
	topUp, conversation, nothing := b.topUp.NodeID(), b.conversation.NodeID(), id.Order.ID(uuid.New())
	listing := apitest.Vars{"title": "Stolen goods", "condition": "NEW", "photoIds": []string{b.foreignPhoto.String()}}
	start := apitest.Vars{"listingId": b.listingID, "startPrice": eur("1"), "durationSeconds": 60}
	orderID, stranger := apitest.Vars{"orderId": b.order.String(), "idempotencyKey": ownKey}, b.rival.Client
	b.refuse(t, []bad{
		{name: "an order", who: stranger, query: one("order"), vars: of(b.order), code: nulls},
		{name: "an order that is not", who: stranger, query: one("order"), vars: of(nothing), code: nulls},
		{name: "an order by node", who: stranger, query: one("node"), vars: of(b.order), code: nulls},
		{name: "an order by node, of nobody", who: b.Nobody(), query: one("node"), vars: of(b.order), code: nulls},
		{name: "a conversation", who: stranger, query: one("conversation"), vars: of(conversation), code: nulls},
		{name: "a conversation, by staff", who: b.admin.Client, query: one("node"), vars: of(conversation), code: nulls},
		{name: "a top-up", who: stranger, query: one("node"), vars: of(topUp), code: nulls},
		{name: "a top-up, of nobody", who: b.Nobody(), query: one("node"), vars: of(topUp), code: nulls},
		{name: "an auction's order", who: stranger, query: `query($id: ID!) { auction(id: $id) { order { id } } }`, vars: of(b.closed.NodeID()), code: "none"},
		{name: "shipping it", who: b.rivalSeller.Client, query: mutation("orderShip"), vars: input(orderID), code: "ORDER_NOT_FOUND"},
		{name: "shipping what one bought", who: b.seller.Client, query: mutation("orderConfirmReceipt"), vars: input(orderID), code: "ORDER_ACTION_NOT_AVAILABLE"},
		{name: "receiving it", who: stranger, query: mutation("orderConfirmReceipt"), vars: input(orderID), code: "ORDER_NOT_FOUND"},
		{name: "receiving it before it is sent", who: b.buyer.Client, query: mutation("orderConfirmReceipt"), vars: input(orderID), code: "ORDER_ACTION_NOT_AVAILABLE"},
		{name: "writing into it", who: stranger, query: mutation("messageSend"), vars: input(apitest.Vars{"conversationId": conversation.String(), "body": "Hello"}), code: "CONVERSATION_NOT_FOUND"},
		{name: "writing to oneself", who: b.seller.Client, query: mutation("conversationStart"), vars: input(apitest.Vars{"listingId": b.listingID, "body": "Hello"}), code: "OWN_LISTING"},
		{name: "a photo", who: b.seller.Client, query: mutation("listingCreate"), vars: input(listing), code: "PHOTO_NOT_FOUND", field: "photoIds"},
		{name: "no photo", who: b.seller.Client, query: mutation("listingCreate"), vars: input(with(listing, "photoIds", []string{})), code: "PHOTO_COUNT"},
		{name: "a photo twice", who: b.seller.Client, query: mutation("listingCreate"), vars: input(with(listing, "photoIds", []string{b.photo.String(), b.photo.String()})), code: "PHOTO_COUNT"},
		{name: "auctioning it", who: b.rivalSeller.Client, query: mutation("auctionStart"), vars: input(start), code: "LISTING_NOT_AVAILABLE"},
		{name: "auctioning it in their show", who: b.seller.Client, query: mutation("auctionStart"), vars: input(with(start, "showId", b.foreignShow.NodeID().String())), code: "SHOW_NOT_YOURS"},
		{name: "starting their show", who: b.seller.Client, query: mutation("showStart"), vars: input(apitest.Vars{"showId": b.foreignShow.NodeID().String()}), code: "SHOW_NOT_YOURS"},
		{name: "changing their show", who: b.seller.Client, query: mutation("showUpdate"), vars: input(apitest.Vars{"showId": b.foreignShow.NodeID().String()}), code: "SHOW_NOT_YOURS"},
		{name: "their photo as a cover", who: b.seller.Client, query: mutation("showUpdate"), vars: input(apitest.Vars{"showId": b.show.NodeID().String(), "coverPhotoId": b.foreignPhoto.String()}), code: "PHOTO_NOT_FOUND", field: "coverPhotoId"},
		{name: "following oneself", who: b.seller.Client, query: mutation("userFollow"), vars: input(apitest.Vars{"userId": id.User.Encode(b.seller.ID)}), code: "FOLLOW_OF_ONESELF", field: "userId"},
		{name: "following nobody", who: b.seller.Client, query: mutation("userFollow"), vars: input(apitest.Vars{"userId": id.User.Encode(id.New())}), code: "USER_NOT_FOUND", field: "userId"},
		{name: "shows of whom nobody follows", who: b.Nobody(), query: `{ shows(following: true) { nodes { id } } }`, code: "UNAUTHENTICATED", top: true},
	})
}

// Every id argument refuses every other kind of id, and what is no id.
func TestIDsOfTheWrongKind(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	user := id.User.Encode(b.seller.ID)
	inputs := map[string]struct {
		who    apitest.Client
		field  string
		fields apitest.Vars
	}{
		"bidPlace":            {b.rival.Client, "auctionId", apitest.Vars{"amount": eur("11"), "idempotencyKey": ownKey}},
		"orderShip":           {b.seller.Client, "orderId", apitest.Vars{"idempotencyKey": ownKey}},
		"orderConfirmReceipt": {b.buyer.Client, "orderId", apitest.Vars{"idempotencyKey": ownKey}},
		"messageSend":         {b.buyer.Client, "conversationId", apitest.Vars{"body": "Hello"}},
		"conversationStart":   {b.rival.Client, "listingId", apitest.Vars{"body": "Hello"}},
		"auctionStart":        {b.seller.Client, "listingId", apitest.Vars{"startPrice": eur("1"), "durationSeconds": 60}},
		"showStart":           {b.seller.Client, "showId", apitest.Vars{}},
		"showUpdate":          {b.seller.Client, "showId", apitest.Vars{}},
	}
	var table []bad
	for name, in := range inputs {
		table = append(table, bad{
			name: name, who: in.who, query: mutation(name), vars: input(with(in.fields, in.field, user)), code: "ID_WRONG_KIND", field: in.field,
		}, bad{
			name: name + ", no id", who: in.who, query: mutation(name), vars: input(with(in.fields, in.field, "42")), code: "ID_MALFORMED", top: true,
		})
	}
	for _, field := range []string{"listing", "auction", "show", "order", "conversation"} {
		query := fmt.Sprintf(`query($id: ID!) { %s(id: $id) { id } }`, field)
		table = append(table, bad{name: field, who: b.buyer.Client, query: query, vars: apitest.Vars{"id": user}, code: "ID_WRONG_KIND", top: true})
	}
	for name, malformed := range map[string]any{
		"empty": "", "a number": 42, "a UUID": b.listing.ID.String(), "a prefix": "lst_", "too long": "lst_" + strings.Repeat("0", 1000),
		"upper case": strings.ToUpper(b.listingID), "overflowing": "lst_8zzzzzzzzzzzzzzzzzzzzzzzzz", "NUL": "lst_\x00", "space": " " + b.listingID,
	} {
		table = append(table, bad{
			name: "an id that is " + name, who: b.Nobody(), query: `query($id: ID!) { node(id: $id) { id } }`, vars: apitest.Vars{"id": malformed},
			code: "ID_MALFORMED", top: true,
		})
	}
	b.refuse(t, table)
}

func TestPagesThatAreRefused(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	cursorOf := func(query, path string) string { return b.Nobody().Must(t, query, nil).Str(path) }
	listings := cursorOf(`{ listings(first: 1) { pageInfo { endCursor } } }`, "listings.pageInfo.endCursor")
	query := `query($first: Int, $after: String) { auctions(first: $first, after: $after) { nodes { id } } }`
	table := []bad{
		{name: "of zero", vars: apitest.Vars{"first": 0}, code: "PAGE_SIZE_INVALID"},
		{name: "of 101", vars: apitest.Vars{"first": 101}, code: "PAGE_SIZE_INVALID"},
		{name: "of minus one", vars: apitest.Vars{"first": -1}, code: "PAGE_SIZE_INVALID"},
		{name: "beyond 32 bits", vars: apitest.Vars{"first": 3_000_000_000}, code: "INT_OUT_OF_RANGE"},
		{name: "beyond 64 bits", vars: apitest.Vars{"first": 1e30}, code: "GRAPHQL_VALIDATION_FAILED"},
		{name: "of a half", vars: apitest.Vars{"first": 0.5}, code: "GRAPHQL_VALIDATION_FAILED"},
		{name: "of a word", vars: apitest.Vars{"first": "many"}, code: "GRAPHQL_VALIDATION_FAILED"},
		{name: "after garbage", vars: apitest.Vars{"after": "garbage"}, code: "CURSOR_INVALID"},
		{name: "after nothing", vars: apitest.Vars{"after": ""}, code: "CURSOR_INVALID"},
		{name: "after NUL", vars: apitest.Vars{"after": "\x00"}, code: "TEXT_MALFORMED"},
		{name: "after another list's row", vars: apitest.Vars{"after": listings}, code: "CURSOR_INVALID"},
	}
	for i := range table {
		table[i].who, table[i].query, table[i].top = b.Nobody(), query, true
	}
	b.refuse(t, table)
}

func TestListingsAuctionsAndShowsThatAreRefused(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	listing := apitest.Vars{"title": "A brass pot", "condition": "GOOD", "photoIds": []string{b.photo.String()}}
	lot := apitest.Vars{"listingId": b.listingID, "startPrice": eur("10"), "durationSeconds": 60}
	photo := apitest.Vars{"contentType": "image/png", "bytes": 1000}
	table := []bad{
		{name: "a price of zero", query: mutation("listingCreate"), vars: input(with(listing, "price", eur("0"))), code: "PRICE_NOT_POSITIVE", field: "price"},
		{name: "a price below zero", query: mutation("listingCreate"), vars: input(with(listing, "price", eur("-1"))), code: "PRICE_NOT_POSITIVE"},
		{name: "a condition in lower case", query: mutation("listingCreate"), vars: input(with(listing, "condition", "good")), code: "GRAPHQL_VALIDATION_FAILED", top: true},
		{name: "no such condition", query: mutation("listingCreate"), vars: input(with(listing, "condition", "BROKEN")), code: "GRAPHQL_VALIDATION_FAILED", top: true},
		{name: "a status in lower case", query: `query($s: AuctionStatus) { auctions(status: $s) { nodes { id } } }`, vars: apitest.Vars{"s": "open"}, code: "GRAPHQL_VALIDATION_FAILED", top: true},
		{name: "a start price of zero", query: mutation("auctionStart"), vars: input(with(lot, "startPrice", eur("0"))), code: "AMOUNT_NOT_POSITIVE", field: "startPrice"},
		{name: "a start price without a market", query: mutation("auctionStart"), vars: input(with(lot, "startPrice", apitest.Vars{"amount": "1", "currencyCode": "CHF"})), code: "CURRENCY_UNSUPPORTED"},
		{name: "a start price of two millions", query: mutation("auctionStart"), vars: input(with(lot, "startPrice", eur("2000000"))), code: "BID_TOO_HIGH", field: "startPrice"},
		{name: "four seconds", query: mutation("auctionStart"), vars: input(with(lot, "durationSeconds", 4)), code: "DURATION_INVALID", field: "durationSeconds"},
		{name: "eight days", query: mutation("auctionStart"), vars: input(with(lot, "durationSeconds", 8*86400)), code: "DURATION_INVALID"},
		{name: "the longest number", query: mutation("auctionStart"), vars: input(with(lot, "durationSeconds", -1<<31)), code: "DURATION_INVALID"},
		{name: "a number that would turn round", query: mutation("auctionStart"), vars: input(with(lot, "durationSeconds", int64(-9223372036854775000))), code: "INT_OUT_OF_RANGE", top: true},
		{name: "an extension below zero", query: mutation("auctionStart"), vars: input(with(lot, "extensionSeconds", -1)), code: "DURATION_INVALID", field: "extensionSeconds"},
		{name: "in a show that is not live", query: mutation("auctionStart"), vars: input(with(lot, "showId", b.show.NodeID().String())), code: "SHOW_NOT_LIVE"},
		{name: "a listing that is in an auction", query: mutation("auctionStart"), vars: input(with(lot, "listingId", id.Listing.Encode(b.lot.ListingID))), code: "LISTING_NOT_AVAILABLE"},
		{name: "a listing that is sold", query: mutation("auctionStart"), vars: input(with(lot, "listingId", id.Listing.Encode(b.closed.ListingID))), code: "LISTING_NOT_AVAILABLE"},
		{name: "a photo of nothing", query: mutation("photoUploadCreate"), vars: input(with(photo, "bytes", 0)), code: "PHOTO_SIZE", field: "bytes"},
		{name: "a photo of 200 MB", query: mutation("photoUploadCreate"), vars: input(with(photo, "bytes", 200<<20)), code: "PHOTO_SIZE"},
		{name: "a film", query: mutation("photoUploadCreate"), vars: input(with(photo, "contentType", "video/mp4")), code: "PHOTO_TYPE", field: "contentType"},
		{name: "a show in the past", query: mutation("showCreate"), vars: input(apitest.Vars{"title": "Yesterday", "startsAt": time.Now().AddDate(0, 0, -1)}), code: "SHOW_START_INVALID", field: "startsAt"},
		{name: "a show in two years", query: mutation("showCreate"), vars: input(apitest.Vars{"title": "Some day", "startsAt": time.Now().AddDate(2, 0, 0)}), code: "SHOW_START_INVALID"},
		{name: "a show in four categories", query: mutation("showCreate"), vars: input(apitest.Vars{"title": "Some day", "startsAt": time.Now(), "categories": []string{"a", "b", "c", "d"}}), code: "CATEGORY_INVALID", field: "categories"},
		{name: "a show in Latin", query: mutation("showCreate"), vars: input(apitest.Vars{"title": "Some day", "startsAt": time.Now(), "language": "LA"}), code: "GRAPHQL_VALIDATION_FAILED", top: true},
		{name: "shows of a hostile category", query: `{ shows(category: "' OR 1=1") { nodes { id } } }`, code: "CATEGORY_INVALID", top: true},
		{name: "a show at no time", query: mutation("showCreate"), vars: input(apitest.Vars{"title": "Some day", "startsAt": "tomorrow"}), code: "TIME_MALFORMED", top: true},
		{name: "a show at the end of time", query: mutation("showCreate"), vars: input(apitest.Vars{"title": "Some day", "startsAt": "9999-12-31T23:59:59Z"}), code: "SHOW_START_INVALID"},
		{name: "a show at a number", query: mutation("showCreate"), vars: input(apitest.Vars{"title": "Some day", "startsAt": 1}), code: "TIME_MALFORMED", top: true},
	}
	for i := range table {
		table[i].who = b.seller.Client
	}
	b.refuse(t, table)
}

func TestTopUpsAndAccountsThatAreRefused(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	top := apitest.Vars{"amount": eur("20"), "paymentMethod": "pm_card_visa", "idempotencyKey": ownKey}
	person := apitest.Vars{"email": "new@souk.example", "password": "long enough for it", "name": "New"}
	table := []bad{
		{name: "of zero", query: mutation("walletTopUp"), vars: input(with(top, "amount", eur("0"))), code: "TOP_UP_TOO_SMALL"},
		{name: "below zero", query: mutation("walletTopUp"), vars: input(with(top, "amount", eur("-20"))), code: "TOP_UP_TOO_SMALL"},
		{name: "too much", query: mutation("walletTopUp"), vars: input(with(top, "amount", eur("10000.01"))), code: "TOP_UP_TOO_LARGE"},
		{name: "of a fraction of a cent", query: mutation("walletTopUp"), vars: input(with(top, "amount", eur("20.001"))), code: "AMOUNT_TOO_PRECISE"},
		{name: "of half a yen", query: mutation("walletTopUp"), vars: input(with(top, "amount", apitest.Vars{"amount": "2000.5", "currencyCode": "JPY"})), code: "AMOUNT_TOO_PRECISE"},
		{name: "of a millime", query: mutation("walletTopUp"), vars: input(with(top, "amount", apitest.Vars{"amount": "20.001", "currencyCode": "TND"})), code: "AMOUNT_TOO_PRECISE"},
		{name: "in another currency", query: mutation("walletTopUp"), vars: input(with(top, "amount", apitest.Vars{"amount": "20", "currencyCode": "CHF"})), code: "CURRENCY_UNSUPPORTED"},
		{name: "from no card", query: mutation("walletTopUp"), vars: input(with(top, "paymentMethod", "")), code: "PAYMENT_METHOD_INVALID"},
		{name: "without a key", query: mutation("walletTopUp"), vars: input(with(top, "idempotencyKey", "")), code: "IDEMPOTENCY_KEY_INVALID"},
		{name: "no address", query: mutation("signUp"), vars: input(with(person, "email", "nobody")), code: "EMAIL_INVALID", field: "email"},
		{name: "a name in front of the address", query: mutation("signUp"), vars: input(with(person, "email", "A <a@souk.example>")), code: "EMAIL_INVALID"},
		{name: "two addresses", query: mutation("signUp"), vars: input(with(person, "email", "a@souk.example,b@souk.example")), code: "EMAIL_INVALID"},
		{name: "an address of two lines", query: mutation("signUp"), vars: input(with(person, "email", "a@souk.example\r\nBcc: b@souk.example")), code: "EMAIL_INVALID"},
		{name: "a long address", query: mutation("signUp"), vars: input(with(person, "email", strings.Repeat("a", 250)+"@souk.example")), code: "EMAIL_INVALID"},
		{name: "a taken address", query: mutation("signUp"), vars: input(with(person, "email", strings.ToUpper(b.buyer.Email))), code: "EMAIL_TAKEN", field: "email"},
		{name: "a short password", query: mutation("signUp"), vars: input(with(person, "password", "123456789")), code: "PASSWORD_LENGTH", field: "password"},
		{name: "a long password", query: mutation("signUp"), vars: input(with(person, "password", strings.Repeat("x", 201))), code: "PASSWORD_LENGTH"},
		{name: "an admin", query: mutation("signUp"), vars: input(with(person, "role", "ADMIN")), code: "GRAPHQL_VALIDATION_FAILED", top: true},
		{name: "a seller in lower case", query: mutation("signUp"), vars: input(with(person, "role", "seller")), code: "GRAPHQL_VALIDATION_FAILED", top: true},
		{name: "an admin in lower case", query: mutation("signUp"), vars: input(with(person, "role", "admin")), code: "GRAPHQL_VALIDATION_FAILED", top: true},
	}
	for i := range table {
		table[i].who = b.buyer.Client
	}
	b.refuse(t, table)
}
