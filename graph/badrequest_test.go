package graph_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
)

type reply struct {
	apitest.Answer
	status int
	header http.Header
	body   string
}

// request sends any HTTP request.
func request(t *testing.T, a *graphtest.API, method, path, body string, header http.Header) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, a.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header.Clone()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	out := reply{status: resp.StatusCode, header: resp.Header, body: string(raw)}
	_ = json.Unmarshal(raw, &out.Answer) // what is no JSON has no code, which the caller sees
	return out
}

func TestRequestsThatAreRefused(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	before := b.Digest()
	asJSON := http.Header{"Content-Type": {"application/json"}}
	asStream := http.Header{"Content-Type": {"application/json"}, "Accept": {"text/event-stream"}}
	const query, secret = `{"query": "{ serverTime }"}`, "correct horse"
	signOut := "/graphql?query=" + url.QueryEscape("mutation { signOut { userErrors { code } } }")
	for _, c := range []struct {
		name, method, path, body string
		header                   http.Header
		status                   int
		code                     string
	}{
		{"10 MB", "POST", "", `{"query": "` + strings.Repeat("x", 10<<20) + `"}`, asJSON, 413, "BODY_TOO_LARGE"},
		{"nothing", "POST", "", "", asJSON, 400, "REQUEST_MALFORMED"},
		{"no JSON", "POST", "", "{ serverTime }", asJSON, 400, "REQUEST_MALFORMED"},
		{"half of it", "POST", "", `{"query": "{ server`, asJSON, 400, "REQUEST_MALFORMED"},
		{"more than one", "POST", "", query + query, asJSON, 400, "REQUEST_MALFORMED"},
		{"a batch", "POST", "", "[" + query + "," + query + "]", asJSON, 400, "REQUEST_MALFORMED"},
		{"a text", "POST", "", `"{ serverTime }"`, asJSON, 400, "REQUEST_MALFORMED"},
		{"null", "POST", "", `null`, asJSON, 400, "REQUEST_MALFORMED"},
		{"no query", "POST", "", `{"variables": {}}`, asJSON, 400, "REQUEST_MALFORMED"},
		{"a query of a number", "POST", "", `{"query": 1}`, asJSON, 400, "REQUEST_MALFORMED"},
		{"variables of a text", "POST", "", `{"query": "{ serverTime }", "variables": "` + secret + `"}`, asJSON, 400, "REQUEST_MALFORMED"},
		{"a form", "POST", "", "query=%7BserverTime%7D", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, 415, "CONTENT_TYPE_UNSUPPORTED"},
		{"plain text, as a page of another site could send it", "POST", "", query, http.Header{"Content-Type": {"text/plain"}}, 415, "CONTENT_TYPE_UNSUPPORTED"},
		{"no type", "POST", "", query, http.Header{}, 415, "CONTENT_TYPE_UNSUPPORTED"},
		{"another encoding", "POST", "", query, http.Header{"Content-Type": {"application/json; charset=utf-16"}}, 415, "CONTENT_TYPE_UNSUPPORTED"},
		{"a subscription without a stream", "POST", "", `{"query": "subscription { auctionEvents(auctionId: \"` + b.auctionID + `\") { version } }"}`, asJSON, 400, "STREAM_NEEDED"},
		{"a mutation by GET", "GET", signOut, "", http.Header{"Authorization": {"Bearer " + b.buyer.Token}}, 405, "GET_QUERIES_ONLY"},
		{"a mutation by GET, for a stream", "GET", signOut, "", http.Header{"Authorization": {"Bearer " + b.buyer.Token}, "Accept": {"text/event-stream"}}, 405, "GET_QUERIES_ONLY"},
		{"GET without a query", "GET", "/graphql", "", http.Header{}, 400, "REQUEST_MALFORMED"},
		{"GET with broken variables", "GET", "/graphql?query=%7BserverTime%7D&variables=%7B", "", http.Header{}, 400, "REQUEST_MALFORMED"},
		{"GET with a broken query string", "GET", "/graphql?query=%zz", "", http.Header{}, 400, "REQUEST_MALFORMED"},
		{"GET with no UTF-8", "GET", "/graphql?query=%7B%20node(id:%20%22%ff%22)%20%7B%20id%20%7D%7D", "", http.Header{}, 400, "REQUEST_MALFORMED"},
		{"PATCH", "PATCH", "", query, asJSON, 405, "METHOD_NOT_ALLOWED"},
		{"DELETE", "DELETE", "", "", http.Header{}, 405, "METHOD_NOT_ALLOWED"},
		{"a stream of no JSON", "POST", "", `{"password": "` + secret, asStream, 400, "REQUEST_MALFORMED"},
		{"a stream of nothing", "POST", "", "", asStream, 400, "REQUEST_MALFORMED"},
		{"a token of garbage", "POST", "", query, bearer("Bearer garbage"), 401, "UNAUTHENTICATED"},
		{"a token of nobody", "POST", "", query, bearer("Bearer souk_" + strings.Repeat("x", 43)), 401, "UNAUTHENTICATED"},
		{"a token beyond its length", "POST", "", query, bearer("Bearer souk_" + strings.Repeat("x", 5_000)), 401, "UNAUTHENTICATED"},
		{"a password for a token", "POST", "", query, bearer("Basic c291azpzb3Vr"), 401, "UNAUTHENTICATED"},
		{"a token without its scheme", "POST", "", query, bearer(b.buyer.Token), 401, "UNAUTHENTICATED"},
		{"a token in GET", "GET", "/graphql?query=%7BserverTime%7D", "", http.Header{"Authorization": {"Bearer "}}, 401, "UNAUTHENTICATED"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := c.path
			if path == "" {
				path = "/graphql"
			}
			got := request(t, b.API, c.method, path, c.body, c.header)
			if got.status != c.status || len(got.Errors) != 1 || got.Errors[0].Extensions.Code != c.code {
				t.Fatalf("%d %s", got.status, got.body)
			}
			if got.Errors[0].Extensions.RequestID == "" || got.header.Get("X-Request-Id") != got.Errors[0].Extensions.RequestID {
				t.Errorf("no request id: %s", got.body)
			}
			if strings.Contains(got.body, `"data"`) {
				t.Errorf("what did not run has data: %s", got.body)
			}
			if strings.Contains(got.body, secret) {
				t.Errorf("the request is repeated: %s", got.body)
			}
			if c.status == http.StatusMethodNotAllowed && got.header.Get("Allow") == "" {
				t.Error("it does not say what is allowed")
			}
			if c.status == http.StatusUnauthorized && got.header.Get("WWW-Authenticate") == "" {
				t.Error("it does not say how to sign in")
			}
			b.quiet(t, before)
		})
	}
}

func bearer(authorization string) http.Header {
	return http.Header{"Content-Type": {"application/json"}, "Authorization": {authorization}}
}

func TestATokenThatIsNoLongerGood(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	b.Exec(`UPDATE session SET expires_at = now() - interval '1 second' WHERE user_id = $1`, b.rival.ID)
	b.buyer.Must(t, `mutation { signOut { userErrors { code } } }`, nil)
	b.refuse(t, []bad{
		{name: "expired", who: b.rival.Client, query: "{ serverTime }", code: "UNAUTHENTICATED", top: true, status: 401},
		{name: "revoked", who: b.buyer.Client, query: "{ serverTime }", code: "UNAUTHENTICATED", top: true, status: 401},
	})
	for name, who := range map[string]graphtest.Person{"expired": b.rival, "revoked": b.buyer} {
		if _, err := who.TrySubscribe(t, "subscription { x }", nil); err == nil || !strings.Contains(err.Error(), "4403") {
			t.Errorf("%s: a socket got %v, want the close code 4403", name, err)
		}
	}
	for _, line := range b.Log.Drain(slog.LevelWarn) {
		t.Errorf("logged %s %q %v", line.Level, line.Message, line.Attrs)
	}
}

func TestSubscriptionsThatAreRefused(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	const auctions = `subscription($id: ID!, $after: Int, $epoch: String) { auctionEvents(auctionId: $id, afterVersion: $after, epoch: $epoch) { version } }`
	const orders = `subscription($id: ID!) { orderEvents(orderId: $id) { version } }`
	const conversations = `subscription($id: ID!) { conversationEvents(conversationId: $id) { version } }`
	for _, c := range []struct {
		name  string
		who   apitest.Client
		query string
		vars  apitest.Vars
		code  string
	}{
		{"a version below zero", b.Nobody(), auctions, apitest.Vars{"id": b.auctionID, "after": -1}, "CURSOR_INVALID"},
		{"a version beyond 32 bits", b.Nobody(), auctions, apitest.Vars{"id": b.auctionID, "after": 3_000_000_000}, "INT_OUT_OF_RANGE"},
		{"an epoch of NUL", b.Nobody(), auctions, apitest.Vars{"id": b.auctionID, "epoch": "\x00"}, "TEXT_MALFORMED"},
		{"no such lot", b.Nobody(), auctions, apitest.Vars{"id": "auc_01jzzzzzzzezzzzzzzzzzzzzzz"}, "AUCTION_NOT_FOUND"},
		{"a listing for a lot", b.Nobody(), auctions, apitest.Vars{"id": b.listingID}, "ID_WRONG_KIND"},
		{"no id", b.Nobody(), auctions, apitest.Vars{"id": "x"}, "ID_MALFORMED"},
		{"an order, of nobody", b.Nobody(), orders, apitest.Vars{"id": b.order.String()}, "UNAUTHENTICATED"},
		{"somebody else's order", b.rival.Client, orders, apitest.Vars{"id": b.order.String()}, "ORDER_NOT_FOUND"},
		{"somebody else's conversation", b.rival.Client, conversations, apitest.Vars{"id": b.conversation.NodeID().String()}, "CONVERSATION_NOT_FOUND"},
		{"somebody else's conversation, by staff", b.admin.Client, conversations, apitest.Vars{"id": b.conversation.NodeID().String()}, "CONVERSATION_NOT_FOUND"},
		{"no GraphQL", b.Nobody(), "{", nil, "GRAPHQL_PARSE_FAILED"},
		{"an unknown field", b.Nobody(), "subscription { passwords }", nil, "GRAPHQL_VALIDATION_FAILED"},
		{"50 levels", b.Nobody(), deep(50), nil, "QUERY_TOO_DEEP"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := c.who.Subscribe(t, c.query, c.vars).Receive()
			if err == nil || !strings.Contains(err.Error(), c.code) {
				t.Errorf("got %v, want %s", err, c.code)
			}
			for _, line := range b.Log.Drain(slog.LevelWarn) {
				t.Errorf("logged %s %q %v", line.Level, line.Message, line.Attrs)
			}
		})
	}
}
