package spectest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func load(t *testing.T) *official {
	t.Helper()
	o, err := start()
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// TestFindsWhatIsWrong breaks a good answer in each way that there is.
func TestFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	o := load(t)
	const good = `{"id":"re_1","object":"refund","amount":5,"created":1,"currency":"eur","charge":"ch_1","reason":null,"metadata":{"a":"b"}}`
	if got := o.answer(http.MethodGet, "/v1/refunds/re_1", 200, []byte(good)); len(got) != 0 {
		t.Fatalf("a good answer: %v", got)
	}
	for _, test := range []struct{ from, to, want string }{
		{`"amount":5,`, ``, ".amount: required"},
		{`"amount":5,`, `"amount":"5",`, `.amount: "5" is no integer`},
		{`"amount":5,`, `"amount":5.0,`, ".amount: 5.0 is no integer"},
		{`"amount":5,`, `"amount":null,`, ".amount: null"},
		{`"amount":5,`, `"amount":true,`, ".amount: true is no integer"},
		{`"amount":5,`, `"amount":[5],`, ".amount: a list"},
		{`"amount":5,`, `"amount":{},`, ".amount: an object"},
		{`"object":"refund"`, `"object":"charge"`, ".object: \"charge\" is none of"},
		{`"reason":null`, `"reason":"mood"`, `.reason: "mood" is none of`},
		{`"reason":null`, `"colour":"red"`, ".colour: the description of refund has no such field"},
		{`"charge":"ch_1"`, `"charge":{"object":"charge","id":7}`, ".charge.id: 7 is no string"},
		{`"metadata":{"a":"b"}`, `"metadata":{"a":1}`, ""}, // values of open maps are not looked into
		{`{"id"`, `["id"`, "no JSON"},
	} {
		broken := strings.Replace(good, test.from, test.to, 1)
		got := strings.Join(o.answer(http.MethodGet, "/v1/refunds/re_1", 200, []byte(broken)), "\n")
		if (test.want == "") != (got == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s instead of %s: got %q, want %q", test.to, test.from, got, test.want)
		}
	}
}

func TestFindsWrongEventsErrorsAndPaths(t *testing.T) {
	t.Parallel()
	o := load(t)
	event := func(kind, object string) string {
		return `{"object":"list","url":"/v1/events","has_more":false,"data":[{"id":"evt_1","object":"event","created":1,"livemode":false,` +
			`"pending_webhooks":0,"api_version":null,"request":null,"type":"` + kind + `","data":{"object":` + object + `}}]}`
	}
	for _, test := range []struct {
		path   string
		status int
		body   string
		want   string
	}{
		{"/v1/events", 200, event("customer.created", `{"object":"customer","id":"cus_1","created":1,"livemode":false}`), ""},
		{"/v1/events", 200, event("customer.painted", `{"object":"customer","id":"cus_1","created":1,"livemode":false}`), "no event has type"},
		{"/v1/events", 200, event("customer.created", `{"object":"customer","id":"cus_1","created":1}`), "customer.created.data.object.livemode: required"},
		{"/v1/events", 200, event("customer.created", `{"object":"unicorn"}`), "unknown kind unicorn"},
		{"/v1/unicorns", 200, `{}`, "no such operation"},
		{"/v1/refunds", 402, `{"error":{"type":"card_error","code":"card_declined"}}`, ""},
		{"/v1/refunds", 402, `{"error":{"type":"mood"}}`, `.error.type: "mood" is none of`},
		{"/v1/refunds", 402, `{"message":"no"}`, ".error: required"},
	} {
		got := strings.Join(o.answer(http.MethodGet, test.path, test.status, []byte(test.body)), "\n")
		if (test.want == "") != (got == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s %s: got %q, want %q", test.path, test.body, got, test.want)
		}
	}
}

// TestWatch lets a wrong server answer a wrong request, and expects each to be found.
func TestWatch(t *testing.T) {
	t.Parallel()
	o := load(t)
	w := &watcher{next: http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) { _, _ = out.Write([]byte(`{"object":"refund"}`)) })}
	r := httptest.NewRequest(http.MethodPost, "/v1/refunds", strings.NewReader("amount=all&colour=red"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w.ServeHTTP(httptest.NewRecorder(), r)
	w.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/elsewhere", http.NoBody))
	got := strings.Join(w.problems(o), "\n")
	for _, want := range []string{".id: required", "stripe-mock: status 400"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q was not found in %q", want, got)
		}
	}
	if strings.Contains(got, "elsewhere") {
		t.Errorf("a path that is not Stripe's was checked: %q", got)
	}
}
