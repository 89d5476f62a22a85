package graph_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/souklive/souk/internal/apitest"
)

// texts are texts that nobody may write, each with the code where it is not the field's own.
var texts = []struct{ name, text, code string }{
	{"NUL", "A pot\x00", "TEXT_MALFORMED"},
	{"escape", "A pot\x1b[31m", ""},
	{"a C1 control", "A\u0085pot", ""},
	{"a carriage return", "A\rpot", ""},
	{"an override of direction", "A pot\u202etop A", ""},
	{"an isolate of direction", "A pot\u2067top A", ""},
	{"a line separator", "A pot\u2028and more", ""},
	{"nothing that is seen", "\u200b\u200b\u200b\u200b", ""},
}

// field is a text that people write, and what its refusals are.
type field struct {
	mutation, name string
	who            apitest.Client
	rest           apitest.Vars
	max            int
	length, shape  string // the codes for a text that is too long, and for one that can't be shown
	empty          string // the code for no text; empty where it may be
}

func (b *bazaar) fields() []field {
	listing := apitest.Vars{"title": "A brass pot", "condition": "GOOD", "photoIds": []string{b.photo.String()}}
	person := apitest.Vars{"email": "new@souk.example", "password": "long enough for it", "name": "New"}
	return []field{
		{"signUp", "name", b.Nobody(), person, 80, "NAME_LENGTH", "NAME_LENGTH", "NAME_LENGTH"},
		{"listingCreate", "title", b.seller.Client, listing, 140, "TITLE_LENGTH", "TEXT_CONTROL_CHARACTERS", "TITLE_LENGTH"},
		{"listingCreate", "description", b.seller.Client, listing, 5000, "DESCRIPTION_LENGTH", "TEXT_CONTROL_CHARACTERS", ""},
		{"showCreate", "title", b.seller.Client, apitest.Vars{"startsAt": b.Resolver.Clock.Now()}, 140, "TITLE_LENGTH", "TITLE_LENGTH", "TITLE_LENGTH"},
		{"showCreate", "description", b.seller.Client, apitest.Vars{"title": "A show", "startsAt": b.Resolver.Clock.Now()}, 5000, "DESCRIPTION_LENGTH", "TEXT_CONTROL_CHARACTERS", ""},
		{"showUpdate", "title", b.seller.Client, apitest.Vars{"showId": b.show.NodeID().String()}, 140, "TITLE_LENGTH", "TITLE_LENGTH", "TITLE_LENGTH"},
		{"showUpdate", "description", b.seller.Client, apitest.Vars{"showId": b.show.NodeID().String()}, 5000, "DESCRIPTION_LENGTH", "TEXT_CONTROL_CHARACTERS", ""},
		{"conversationStart", "body", b.rival.Client, apitest.Vars{"listingId": b.listingID}, 2000, "MESSAGE_LENGTH", "TEXT_CONTROL_CHARACTERS", "MESSAGE_LENGTH"},
		{"messageSend", "body", b.buyer.Client, apitest.Vars{"conversationId": b.conversation.NodeID().String()}, 2000, "MESSAGE_LENGTH", "TEXT_CONTROL_CHARACTERS", "MESSAGE_LENGTH"},
		{"orderShip", "tracking", b.seller.Client, apitest.Vars{"orderId": b.order.String(), "idempotencyKey": ownKey}, 100, "TRACKING_LENGTH", "TRACKING_LENGTH", ""},
	}
}

func TestTextsThatAreRefused(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	var table []bad
	for _, f := range b.fields() {
		add := func(name, text, code string, top bool) {
			blamed := f.name
			if top {
				blamed = ""
			}
			table = append(table, bad{
				name: f.mutation + " " + f.name + ": " + name, who: f.who, query: mutation(f.mutation),
				vars: input(with(f.rest, f.name, text)), code: code, field: blamed, top: top,
			})
		}
		for _, text := range texts {
			if text.code != "" {
				add(text.name, text.text, text.code, true)
			} else {
				add(text.name, text.text, f.shape, false)
			}
		}
		add("too long", strings.Repeat("ü", f.max+1), f.length, false)
		add("much too long", strings.Repeat("x", 500_000), f.length, false)
		if f.empty != "" {
			add("empty", "", f.empty, false)
			add("space alone", " \n ", f.empty, false)
		}
	}
	b.refuse(t, table)
}

// The character NUL comes no further than the API's border, wherever a text goes.
func TestNULInEveryText(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	everywhere := []bad{
		{name: "signIn email", query: mutation("signIn"), vars: input(apitest.Vars{"email": "a\x00@souk.example", "password": "x"})},
		{name: "signIn password", query: mutation("signIn"), vars: input(apitest.Vars{"email": "a@souk.example", "password": "\x00"})},
		{name: "signUp email", query: mutation("signUp"), vars: input(apitest.Vars{"email": "\"\x00\"@souk.example", "password": "long enough for it", "name": "N"})},
		{name: "signUp password", query: mutation("signUp"), vars: input(apitest.Vars{"email": "a@souk.example", "password": "long enough\x00", "name": "N"})},
		{name: "walletTopUp card", query: mutation("walletTopUp"), vars: input(apitest.Vars{"amount": eur("20"), "paymentMethod": "pm\x00", "idempotencyKey": "k"})},
		{name: "walletTopUp key", query: mutation("walletTopUp"), vars: input(apitest.Vars{"amount": eur("20"), "paymentMethod": "pm_card_visa", "idempotencyKey": "\x00"})},
		{name: "walletWithdraw key", query: mutation("walletWithdraw"), vars: input(apitest.Vars{"amount": eur("20"), "idempotencyKey": "\x00"})},
		{name: "bidPlace key", query: mutation("bidPlace"), vars: input(apitest.Vars{"auctionId": b.auctionID, "amount": eur("20"), "idempotencyKey": "\x00"})},
		{name: "photo type", query: mutation("photoUploadCreate"), vars: input(apitest.Vars{"contentType": "image/png\x00", "bytes": 1})},
		{name: "in the document", query: `mutation { signIn(input: {email: "\u0000", password: ""}) { userErrors { code } } }`},
		{name: "in a block of text", query: "mutation { signIn(input: {email: \"\"\"\x00\"\"\", password: \"\"}) { userErrors { code } } }"},
	}
	for i := range everywhere {
		c := &everywhere[i]
		c.who, c.code, c.top = b.seller.Client, "TEXT_MALFORMED", true
		if c.name == "in a block of text" { // GraphQL's own grammar has no such character
			c.code = "GRAPHQL_PARSE_FAILED"
		}
	}
	b.refuse(t, everywhere)
}

// encoding/json would make U+FFFD of it, so that a message would arrive as another than was sent.
func TestTextThatIsNoUTF8(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	before := b.Digest()
	body, err := json.Marshal(map[string]any{
		"query":     mutation("messageSend"),
		"variables": input(apitest.Vars{"conversationId": b.conversation.NodeID().String(), "body": "BROKEN"}),
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, broken := range map[string]string{"a byte alone": "\xff", "cut short": "\xe2\x82", "a surrogate": "\xed\xa0\x80", "overlong": "\xc0\xaf"} {
		t.Run(name, func(t *testing.T) {
			answer, err := b.buyer.Post(bytes.NewReader(bytes.ReplaceAll(body, []byte("BROKEN"), []byte(broken))))
			if err != nil {
				t.Fatal(err)
			}
			bad{code: "REQUEST_MALFORMED", top: true, status: http.StatusBadRequest}.check(t, answer)
			b.quiet(t, before)
		})
	}
}

// What looks like the above and is what people write.
func TestTextsThatAreTaken(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	for _, body := range []string{
		"مرحبا، السعر 30 € ؟\u200f", "שלום", "👩‍👧 ok", "Two\nlines", "A tab\there", "Windows\r\nlines", "'; DROP TABLE message; --", "<script>alert(1)</script>",
		strings.Repeat("ü", 2000),
	} {
		sent := b.buyer.Must(t, `mutation($input: MessageSendInput!) { messageSend(input: $input) { message { body } userErrors { code } } }`,
			input(apitest.Vars{"conversationId": b.conversation.NodeID().String(), "body": body}))
		if got, want := sent.Str("messageSend.message.body"), strings.ReplaceAll(body, "\r\n", "\n"); got != want {
			t.Errorf("%q came back as %s", body, fmt.Sprint(sent.At("messageSend")))
		}
	}
}
