package carrierfake

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"
)

// Fault is one thing that can go wrong with a request.
type Fault string

// The faults. A cut connection gives the client the start of an answer and then nothing.
const (
	CutBefore   Fault = "cut_before"   // the connection is cut, nothing happened
	CutAfter    Fault = "cut_after"    // it happened, the answer is lost
	ErrorBefore Fault = "error_before" // 500, nothing happened
	ErrorAfter  Fault = "error_after"  // 500 although it happened
	Down        Fault = "down"         // 503, nothing happened
	Slow        Fault = "slow"         // it happens at once, and the answer comes late
	Garbage     Fault = "garbage"      // it happened, and the answer is a web page
)

// Plan decides which requests go wrong, in the order in which it was told to.
type Plan struct {
	mu    sync.Mutex
	next  []planned
	delay time.Duration
	fired map[Fault]int
}

type planned struct {
	fault Fault
	times int // below zero: until Clear
}

// Fail makes the next requests go wrong, so often; below zero, until Clear.
func (p *Plan) Fail(f Fault, times int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next = append(p.next, planned{f, times})
}

// Clear ends every fault.
func (p *Plan) Clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next = nil
}

// Delay is how late Slow answers.
func (p *Plan) Delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

// Fired is how often a fault has happened.
func (p *Plan) Fired(f Fault) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fired[f]
}

func (p *Plan) decide() (Fault, time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.next) > 0 && p.next[0].times == 0 {
		p.next = p.next[1:]
	}
	if len(p.next) == 0 {
		return "", 0
	}
	p.next[0].times--
	f := p.next[0].fault
	if p.fired == nil {
		p.fired = map[Fault]int{}
	}
	p.fired[f]++
	return f, p.delay
}

// serve answers a request, or has it go wrong.
func (p *Plan) serve(w http.ResponseWriter, r *http.Request, handle http.HandlerFunc) {
	fault, delay := p.decide()
	switch fault {
	case CutBefore:
		cut(w)
	case ErrorBefore:
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
	case Down:
		http.Error(w, "Service Unavailable", http.StatusServiceUnavailable)
	case CutAfter:
		handle(httptest.NewRecorder(), r)
		cut(w)
	case ErrorAfter:
		handle(httptest.NewRecorder(), r)
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
	case Garbage:
		handle(httptest.NewRecorder(), r)
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!DOCTYPE html><html><body>Maintenance</body></html>"))
	case Slow:
		done := httptest.NewRecorder()
		handle(done, r)
		select {
		case <-time.After(delay):
		case <-r.Context().Done():
			return
		}
		maps.Copy(w.Header(), done.Header())
		w.WriteHeader(done.Code)
		_, _ = w.Write(done.Body.Bytes())
	default:
		handle(w, r)
	}
}

// cut ends a connection in the middle of an answer.
func cut(w http.ResponseWriter) {
	w.Header().Set("Content-Length", "1000")
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write([]byte("<"))
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler) //nolint:forbidigo // this is how net/http cuts a connection
}
