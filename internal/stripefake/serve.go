package stripefake

import (
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const maxBody = 1 << 20

// call is one request on its way to its effect, and what the effect has changed so far.
type call struct {
	*Server
	form    *form
	path    []string // the route's * segments: ids
	now     int64
	reqID   string
	idem    string
	account string // the connected account that is acted for, as in Stripe-Account
	host    string // where the client found us
	dirty   []resource

	told     []*Event
	planned  []task
	finished string // the id of the task that this is
}

// save records a resource as made or changed by this call.
func (c *call) save(r resource) {
	c.store.put(r)
	c.dirty = append(c.dirty, r)
}

// ServeHTTP answers one request as Stripe would.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasPrefix(r.URL.Path, pagePrefix):
		s.serveAuthentication(w, r)
		return
	case strings.HasPrefix(r.URL.Path, onboardingPrefix):
		s.serveOnboarding(w, r)
		return
	}
	requestID := s.requestID()
	w.Header().Set("Request-Id", requestID)
	w.Header().Set("Stripe-Version", APIVersion)
	rt, ids, params, problem := s.admit(w, r)
	var tree *form
	if problem == nil {
		tree, problem = rt.check(params)
	}
	if problem != nil {
		writeError(w, problem)
		return
	}
	fault, err := s.faults.decide(r)
	if err != nil {
		writeError(w, invalid(FaultHeader, "", err.Error()))
		return
	}
	if fault.Fault == CutBefore {
		cut(w)
	}
	if fault.Fault == RateLimit {
		writeError(w, rateLimited())
		return
	}
	c := &call{Server: s, form: tree, path: ids, reqID: requestID, idem: idempotencyKey(r), host: r.Host, account: r.Header.Get("Stripe-Account")}
	if c.idem != "" {
		known, problem := s.claimKey(c.idem, fingerprint(r.Method, r.Header.Get("Stripe-Account")+r.URL.Path, params), requestID)
		if problem != nil {
			writeError(w, problem)
			return
		}
		if known != nil && fault.Fault == CutAfter {
			cut(w)
		}
		if known != nil {
			known.replay(w, c.idem)
			return
		}
		defer s.dropKey(c.idem)
		w.Header().Set("Idempotency-Key", c.idem)
	}
	if fault.Fault == Delay {
		fault.pause(r)
	}
	status, body, headers := c.execute(rt, fault.Fault)
	if fault.Fault == DelayAfter {
		fault.pause(r)
	}
	if fault.Fault == CutAfter {
		cut(w)
	}
	for k, v := range headers {
		w.Header().Set(k, v)
	}
	writeBody(w, status, body)
}

// onBehalf tells which endpoints take Stripe-Account.
func onBehalf(path string) bool {
	return strings.HasPrefix(path, "/v1/payouts") || strings.HasPrefix(path, "/v1/balance")
}

func idempotencyKey(r *http.Request) string {
	if r.Method != http.MethodPost {
		return ""
	}
	return r.Header.Get("Idempotency-Key")
}

func (s *Server) requestID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ids.make("req")
}

// admit checks the key and the version, finds the route and reads the parameters.
func (s *Server) admit(w http.ResponseWriter, r *http.Request) (rt *route, ids []string, params url.Values, problem *apiError) {
	if refused := s.authenticate(r); refused != nil {
		return nil, nil, nil, refused
	}
	if v := r.Header.Get("Stripe-Version"); v != "" && v != APIVersion {
		return nil, nil, nil, invalid("", "", "Invalid Stripe API version: "+v+". This fake speaks "+APIVersion+" alone.")
	}
	if account := r.Header.Get("Stripe-Account"); account != "" && !onBehalf(r.URL.Path) {
		return nil, nil, nil, invalid("", "", "This fake acts for a connected account ("+account+") on its balance and payouts alone.")
	}
	if len(r.Header.Get("Idempotency-Key")) > 255 {
		return nil, nil, nil, invalid("", "", "The Idempotency-Key is too long; it can have at most 255 characters.")
	}
	rt, ids = s.find(r.Method, r.URL.Path)
	if rt == nil {
		return nil, nil, nil, newError(http.StatusNotFound, "invalid_request_error", "",
			"Unrecognized request URL ("+r.Method+": "+r.URL.Path+").")
	}
	params = r.URL.Query()
	if r.Method == http.MethodPost {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		if err := r.ParseForm(); err != nil {
			return nil, nil, nil, invalid("", "", "The request body could not be read: "+err.Error())
		}
		params = r.Form
	}
	return rt, ids, params, nil
}

func (s *Server) authenticate(r *http.Request) *apiError {
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		given, _, ok = r.BasicAuth()
	}
	if !ok || given == "" {
		return unauthorized("You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth.")
	}
	if subtle.ConstantTimeCompare([]byte(given), []byte(s.key)) != 1 {
		return unauthorized("Invalid API Key provided: " + redact(given))
	}
	return nil
}

func redact(key string) string {
	if len(key) <= 12 {
		return strings.Repeat("*", len(key))
	}
	return key[:8] + strings.Repeat("*", len(key)-12) + key[len(key)-4:]
}

// execute runs the effect under the lock and makes it durable together with its answer.
func (c *call) execute(rt *route, fault Fault) (status int, body []byte, headers map[string]string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.catchUp()
	c.now = c.Server.now().Unix()
	var answer any
	problem := unknownFailure()
	if fault != ErrorBefore {
		answer, problem = rt.handle(c)
		if fault == ErrorAfter && (problem == nil || problem.executed()) {
			problem = unknownFailure()
		}
	}
	if problem == nil {
		status, body = http.StatusOK, c.render(answer, c.form.list("expand"))
	} else {
		status, headers = problem.status, problem.headers
		body = mustMarshal(map[string]any{"error": problem})
	}
	keep := problem == nil || problem.executed()
	if err := c.commit(status, body, keep); err != nil {
		c.log.Error("the Stripe fake could not write its state", "error", err)
		return http.StatusInternalServerError, mustMarshal(map[string]any{"error": unknownFailure()}), nil
	}
	return status, body, headers
}

// commit makes what has changed durable, and then lets the webhooks tell of it.
func (c *call) commit(status int, body []byte, keep bool) error {
	if err := c.write(status, body, keep); err != nil {
		return err
	}
	for _, e := range c.told {
		for _, h := range c.hooks {
			h.send(e)
		}
	}
	return nil
}

func (c *call) write(status int, body []byte, keep bool) error {
	change := commit{NextID: c.ids.next, Planned: c.planned, Finished: c.finished, Ahead: c.ahead}
	if c.idem != "" && keep {
		answer := c.keys[c.idem]
		answer.Status, answer.Body = status, body
		change.Keys = map[string]*idempotentAnswer{c.idem: answer}
	}
	idle := len(c.dirty) == 0 && change.Keys == nil && c.finished == "" && change.Ahead == c.written
	c.written = change.Ahead
	if c.file == nil || idle {
		return nil
	}
	for _, r := range c.dirty {
		change.Resources = append(change.Resources, mustMarshal(r))
	}
	return c.file.append(change)
}

// pause holds the answer back, no longer than the client waits.
func (rule *Rule) pause(r *http.Request) {
	late := rule.Until
	if late == nil {
		timer := time.NewTimer(rule.Wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
		}
		return
	}
	select {
	case <-late:
	case <-r.Context().Done():
	}
}

// cut breaks the connection in the middle of an answer.
func cut(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", "4096")
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write([]byte("{"))
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler) //nolint:forbidigo // net/http's own way to break a connection
}

func writeError(w http.ResponseWriter, e *apiError) {
	for k, v := range e.headers {
		w.Header().Set(k, v)
	}
	writeBody(w, e.status, mustMarshal(map[string]any{"error": e}))
}

func writeBody(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// mustMarshal is for this package's own structs, which hold nothing that JSON cannot.
func mustMarshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) //nolint:forbidigo // cannot be: see above
	}
	return b
}
