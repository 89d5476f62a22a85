package graph

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/gqlsse"
)

// The refusals of a request that holds no operation to run.
var (
	ErrMethod       = fault.New(fault.Invalid, "METHOD_NOT_ALLOWED", "The API takes POST, and GET for queries.")
	ErrContentType  = fault.New(fault.Invalid, "CONTENT_TYPE_UNSUPPORTED", "An operation is posted as application/json in UTF-8.")
	ErrRequest      = fault.New(fault.Invalid, "REQUEST_MALFORMED", "A request is one JSON object in UTF-8 with a query, and may have variables, operationName and extensions.")
	ErrSubscription = fault.New(fault.Invalid, "STREAM_NEEDED", "A subscription comes as a stream: over WebSocket, or with Accept: text/event-stream.")
)

const (
	typeJSON    = "application/json"
	typeGraphQL = "application/graphql-response+json"
)

// overHTTP is the GraphQL-over-HTTP transport, for GET and POST. It is ours as gqlgen's answers some malformed
// requests without a code and repeats the request, passwords included, in others.
type overHTTP struct {
	fail   failFunc
	answer func(context.Context, graphql.GraphExecutor, *graphql.OperationContext) *graphql.Response
}

type failFunc = func(http.ResponseWriter, *http.Request, error)

var _ graphql.Transport = overHTTP{}

// Supports takes what no transport before it took.
func (overHTTP) Supports(r *http.Request) bool { return r.Header.Get("Upgrade") == "" }

// Do answers one operation. By the specification, what is wrong with the operation is a 400 for clients
// that accept application/graphql-response+json, and a 200 for those that expect application/json.
func (t overHTTP) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	read := readPost
	switch r.Method {
	case http.MethodPost:
	case http.MethodGet:
		read = readGet
	default:
		w.Header().Set("Allow", "GET, POST")
		t.fail(w, r, ErrMethod)
		return
	}
	params, err := read(r)
	if err != nil {
		t.fail(w, r, err)
		return
	}
	params.Headers = r.Header
	operation, errs := exec.CreateOperationContext(r.Context(), params)
	switch {
	case errs != nil:
		status := http.StatusOK
		if answerType(r) == typeGraphQL {
			status = http.StatusBadRequest
		}
		refusal := exec.DispatchError(graphql.WithOperationContext(r.Context(), operation), errs)
		write(w, r, status, unexecuted{refusal.Errors, refusal.Extensions})
		return
	case r.Method == http.MethodGet && operation.Operation.Operation == ast.Mutation:
		t.fail(w, r, gqlsse.ErrGetMutation)
		return
	}
	if operation.Operation.Operation == ast.Subscription {
		t.fail(w, r, ErrSubscription)
		return
	}
	write(w, r, http.StatusOK, t.answer(r.Context(), exec, operation))
}

// unexecuted answers what did not run: by the specification it has no data, not even null, so that a client can tell the
// two apart.
type unexecuted struct {
	Errors     gqlerror.List  `json:"errors"`
	Extensions map[string]any `json:"extensions,omitempty"`
}

// write has the answer's length said, so that it goes out in as few writes as it takes: net/http would send it in chunks.
func write(w http.ResponseWriter, r *http.Request, status int, response any) {
	body := encode(response)
	w.Header().Set("Content-Type", answerType(r)+"; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may be gone
}

// encode takes an answer's data as they are: encoding would read all of them once more.
func encode(response any) []byte {
	if r, ok := response.(*graphql.Response); ok && len(r.Errors) == 0 && len(r.Data) > 0 {
		extensions, err := json.Marshal(unexecuted{Extensions: r.Extensions})
		if err == nil {
			_, after, _ := bytes.Cut(extensions, []byte("null")) // of no errors
			return slices.Concat([]byte(`{"data":`), r.Data, after, []byte("\n"))
		}
	}
	var out bytes.Buffer
	_ = json.NewEncoder(&out).Encode(response)
	return out.Bytes()
}

// answerType is the type that the client asked for, and application/json where it didn't.
func answerType(r *http.Request) string {
	for accepted := range strings.SplitSeq(r.Header.Get("Accept"), ",") {
		switch mediaType, _, _ := mime.ParseMediaType(strings.TrimSpace(accepted)); mediaType {
		case typeGraphQL:
			return typeGraphQL
		case typeJSON, "application/*", "*/*":
			return typeJSON
		}
	}
	return typeJSON
}

func readPost(r *http.Request) (*graphql.RawParams, error) {
	mediaType, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset, named := params["charset"]
	if err != nil || mediaType != typeJSON || (named && !strings.EqualFold(charset, "utf-8")) {
		return nil, ErrContentType
	}
	body, err := io.ReadAll(r.Body) // its size is bounded before it comes here
	if err != nil {
		return nil, ErrRequest.Because(err)
	}
	var out graphql.RawParams
	if err := decode(body, &out); err != nil {
		return nil, err
	}
	return &out, complete(out)
}

func readGet(r *http.Request) (*graphql.RawParams, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, ErrRequest.Because(err)
	}
	out := graphql.RawParams{Query: query.Get("query"), OperationName: query.Get("operationName")}
	for name, into := range map[string]*map[string]any{"variables": &out.Variables, "extensions": &out.Extensions} {
		if text := query.Get(name); text != "" {
			if err := decode([]byte(text), into); err != nil {
				return nil, err
			}
		}
	}
	return &out, complete(out)
}

// decode reads exactly one JSON value. encoding/json would make U+FFFD of what is not UTF-8, without a word.
func decode(body []byte, into any) error {
	if !utf8.Valid(body) {
		return ErrRequest
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(into); err != nil {
		return ErrRequest.Because(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return ErrRequest
	}
	return nil
}

// complete wants a query, or the hash of one that is known.
func complete(p graphql.RawParams) error {
	if !utf8.ValidString(p.Query) || (p.Query == "" && p.Extensions["persistedQuery"] == nil) {
		return ErrRequest
	}
	return nil
}

// readStreamed reads an operation that is to be answered with a stream, by either method.
func readStreamed(r *http.Request) (*graphql.RawParams, error) {
	switch r.Method {
	case http.MethodPost:
		return readPost(r)
	case http.MethodGet:
		return readGet(r)
	}
	return nil, ErrMethod
}
