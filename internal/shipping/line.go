package shipping

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failsafe-go/failsafe-go/timeout"
)

// How long a carrier may take, how often in a row it may fail before it is left alone, and for how long it is then.
const (
	defaultPatience = 15 * time.Second
	failuresInARow  = 5
	restsFor        = 30 * time.Second
	maxAnswer       = 4 << 20 // a label has some 100 KiB
)

// Line is the way to one carrier over HTTP: with a time-out, and a breaker that spares a carrier which is down, and those who would wait for it.
type Line struct {
	carrier string
	client  *http.Client
	breaker circuitbreaker.CircuitBreaker[Answer]
	calls   failsafe.Executor[Answer]
}

// Answer is what a carrier answered, read to its end.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// LineConfig is how a Line behaves; what is zero is as usual.
type LineConfig struct {
	Patience time.Duration // for one call with its answer
	Rest     time.Duration // for how long a carrier that failed is not asked
	Client   *http.Client
	Failed   func(Answer) bool // an answer that says in its own way that the carrier is down; nil where its status does
}

// NewLine makes the way to a carrier.
func NewLine(carrier string, c LineConfig) *Line {
	if c.Patience == 0 {
		c.Patience = defaultPatience
	}
	if c.Rest == 0 {
		c.Rest = restsFor
	}
	if c.Client == nil {
		// A carrier has no reason to send us elsewhere: what it was told is not for others.
		c.Client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	breaker := circuitbreaker.NewBuilder[Answer]().
		HandleIf(func(a Answer, err error) bool {
			return err != nil && !errors.Is(err, context.Canceled) || a.Status >= http.StatusInternalServerError || a.Status == http.StatusTooManyRequests || err == nil && c.Failed != nil && c.Failed(a)
		}).
		WithFailureThreshold(failuresInARow).WithSuccessThreshold(1).WithDelay(c.Rest).Build()
	return &Line{
		carrier: carrier, client: c.Client, breaker: breaker,
		calls: failsafe.With[Answer](breaker, timeout.New[Answer](c.Patience)),
	}
}

// Down says that the carrier is being left alone.
func (l *Line) Down() bool { return l.breaker.IsOpen() }

// Do makes a request and reads its answer. It fails with Unavailable where nothing was sent, with Unknown where something was and no answer came; what
// an answer means, of whatever status, is the caller's to say.
func (l *Line) Do(ctx context.Context, op string, r *http.Request) (Answer, error) {
	var connected atomic.Bool
	answer, err := l.calls.WithContext(ctx).GetWithExecution(func(e failsafe.Execution[Answer]) (Answer, error) {
		traced := httptrace.WithClientTrace(e.Context(), &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
		return l.send(r.WithContext(traced))
	})
	if err == nil {
		return answer, nil
	}
	failed := &CarrierError{Carrier: l.carrier, Op: op, Outcome: Unknown, Err: err}
	if !connected.Load() {
		failed.Outcome = Unavailable
	}
	return Answer{}, failed
}

func (l *Line) send(r *http.Request) (_ Answer, err error) {
	response, err := l.client.Do(r) //nolint:gosec // a carrier's address is our configuration's, and no redirect is followed
	if err != nil {
		if full, ok := errors.AsType[*url.Error](err); ok { // whose text has the address, which may have a key
			err = full.Err
		}
		return Answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err == nil && len(body) > maxAnswer {
		err = fmt.Errorf("the answer has more than %d bytes", maxAnswer)
	}
	return Answer{Status: response.StatusCode, Header: response.Header, Body: body}, err
}
