package e2e

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/souklive/souk/internal/apitest"
)

// The kinds of topics that the oracle's viewers watch.
const (
	aLot          = "lot"
	aConversation = "conversation"
	anOrder       = "order"
	aUser         = "user"
	theDesk       = "desk" // support's
)

// operation is one way to watch a topic of a kind. Its answers name fields as the schema does, or with a number behind
// them: description_3.
type operation struct {
	name string
	kind string
	own  bool // selects what is the viewer's own: the lot's order
	fat  bool
	text func(topic string, c cursor) (query string, vars apitest.Vars)
}

// cursor is where a viewer goes on from; after is negative where there is nothing to go on from.
type cursor struct {
	after int
	epoch string
}

// inVariables is an operation whose arguments are variables: $1 the topic, $2 the version and $3 the epoch, by these names.
func inVariables(format string, names ...string) func(string, cursor) (string, apitest.Vars) {
	query := strings.NewReplacer("$1", "$"+names[0], "$2", "$"+names[1], "$3", "$"+names[2]).Replace(format)
	return func(topic string, c cursor) (string, apitest.Vars) {
		vars := apitest.Vars{names[0]: topic}
		if c.after >= 0 {
			vars[names[1]], vars[names[2]] = c.after, c.epoch
		}
		return query, vars
	}
}

// inText is an operation whose arguments are written out; two viewers never send the same text.
func inText(field, argument, selection string) func(string, cursor) (string, apitest.Vars) {
	return func(topic string, c cursor) (string, apitest.Vars) {
		arguments := fmt.Sprintf("%s: %q", argument, topic)
		if argument == "" {
			arguments = ""
		}
		if c.after >= 0 {
			arguments += fmt.Sprintf(", afterVersion: %d, epoch: %q", c.after, c.epoch)
		}
		if arguments != "" {
			arguments = "(" + strings.TrimPrefix(arguments, ", ") + ")"
		}
		return "subscription { " + field + arguments + " { " + selection + " } }", nil
	}
}

const (
	amounts = `{ amount currencyCode minor }`
	someone = `{ id name }`
)

// operations are all there are. The first five of a lot are shared, in three groups: two are one, written differently.
func operations() []operation {
	fat := make([]string, 20)
	for i := range fat {
		fat[i] = fmt.Sprintf("description_%d: description", i)
	}
	return []operation{
		{name: "everything of a lot", kind: aLot, text: inVariables(`subscription Watch($1: ID!, $2: Int, $3: String) {
			auctionEvents(auctionId: $1, afterVersion: $2, epoch: $3) { __typename version epoch kind at serverTime
				bids { id number bidder `+someone+` amount `+amounts+` placedAt }
				auction { id status version bidCount backing lotNumber show { id } price `+amounts+` nextMinimum `+amounts+` startPrice `+amounts+`
					leader `+someone+` seller `+someone+` openedAt endsAt closedAt extensionSeconds } } }`, "auction", "afterVersion", "epoch")},
		{name: "a price", kind: aLot, text: inVariables(`subscription ($1: ID!, $2: Int, $3: String) {
			auctionEvents(auctionId: $1, afterVersion: $2, epoch: $3) { version epoch kind auction { price { minor } } } }`, "a", "v", "e")},
		{name: "a price, written differently", kind: aLot, text: inText("auctionEvents", "auctionId",
			"version epoch, kind auction { price { minor } }")},
		{name: "a lot with its people", kind: aLot, text: inVariables(`subscription ($1: ID!, $2: Int, $3: String, $bids: Boolean = true) {
			auctionEvents(auctionId: $1, epoch: $3, afterVersion: $2) { ...Counted auction { ...People } bids @include(if: $bids) { number } } }
			fragment Counted on AuctionEvent { version epoch kind }
			fragment People on Auction { leader { name } seller { name } listing { title seller { id } } status }`, "lot", "after", "of")},
		{name: "much of a lot", kind: aLot, fat: true, text: inVariables(`subscription ($1: ID!, $2: Int, $3: String) {
			auctionEvents(auctionId: $1, afterVersion: $2, epoch: $3) { version epoch kind auction { bidCount listing { id `+
			strings.Join(fat, " ")+` } } } }`, "id", "version", "epoch")},
		{name: "a lot and one's own order", kind: aLot, own: true, text: inVariables(`subscription ($1: ID!, $2: Int, $3: String) {
			auctionEvents(auctionId: $1, afterVersion: $2, epoch: $3) { version epoch kind
				auction { status order { id buyer `+someone+` seller { id } availableActions } } bids { amount { minor } } } }`, "a", "v", "e")},
		{name: "a lot and its bids", kind: aLot, text: inVariables(`subscription ($1: ID!, $2: Int, $3: String) {
			auctionEvents(auctionId: $1, afterVersion: $2, epoch: $3) { version epoch kind
				auction { bidCount bids(first: 1) { nodes { number } } } } }`, "a", "v", "e")},
		{name: "a conversation", kind: aConversation, text: inVariables(`subscription ($1: ID!, $2: Int, $3: String) {
			conversationEvents(conversationId: $1, afterVersion: $2, epoch: $3) { version epoch kind at
				message { id version body sentAt sender `+someone+` } } }`, "c", "v", "e")},
		{name: "a conversation, written differently", kind: aConversation, text: inText("conversationEvents", "conversationId",
			"version epoch kind message { body }")},
		{name: "an order", kind: anOrder, text: inVariables(`subscription ($1: ID!, $2: Int, $3: String) {
			orderEvents(orderId: $1, afterVersion: $2, epoch: $3) { version epoch kind at order { id version payment fulfilment tracking
				total `+amounts+` buyer `+someone+` seller `+someone+` availableActions } } }`, "o", "v", "e")},
		{name: "support's desk", kind: theDesk, text: inText("supportEvents", "", "version epoch kind at object { id }")},
		{name: "support's desk, with variables", kind: theDesk, text: func(_ string, c cursor) (string, apitest.Vars) {
			vars := apitest.Vars{}
			if c.after >= 0 {
				vars["after"], vars["epoch"] = c.after, c.epoch
			}
			return `subscription ($after: Int, $epoch: String) { supportEvents(afterVersion: $after, epoch: $epoch) { version epoch kind object { __typename id } } }`, vars
		}},
		{name: "one's own", kind: aUser, text: inText("viewerEvents", "", "version epoch kind at object { id }")},
	}
}

// ids are what clients name their operations; each gets one that it has not had.
func ids(rng *rand.Rand, n int) string {
	switch rng.IntN(4) {
	case 0:
		return strconv.Itoa(n)
	case 1:
		return fmt.Sprintf("op \"%d\" \\ \u2028 ü", n)
	case 2:
		return fmt.Sprintf("%s-%d", strings.Repeat("x", 200), n)
	}
	return fmt.Sprintf("%08x-0000-4000-8000-%012x", rng.Uint32(), n)
}
