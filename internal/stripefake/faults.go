package stripefake

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Fault is one thing that can go wrong with a request.
type Fault string

// The faults. A cut connection gives the client the start of an answer and then nothing, which is
// what keeps net/http from sending a request with an idempotency key again on its own.
const (
	CutBefore   Fault = "cut_before"   // the connection is cut, nothing happened
	CutAfter    Fault = "cut_after"    // it happened, the answer is lost
	ErrorBefore Fault = "error_before" // 500, nothing happened; the idempotency key answers 500 from now on
	ErrorAfter  Fault = "error_after"  // 500 although it happened; the key answers 500 from now on
	RateLimit   Fault = "rate_limit"   // 429, nothing happened
	Delay       Fault = "delay"        // it happens late, and the key is in use meanwhile
	DelayAfter  Fault = "delay_after"  // it happens, and the answer comes late: after the webhooks
)

// Faults is every fault there is.
func Faults() []Fault {
	return []Fault{CutBefore, CutAfter, ErrorBefore, ErrorAfter, RateLimit, Delay, DelayAfter}
}

// FaultHeader asks for a fault by name, for this request alone; a delay may carry a duration: delay=2s.
const FaultHeader = "Souk-Fault"

// Rule makes the next requests that it fits fail.
type Rule struct {
	Method string          // any where empty
	Path   string          // a prefix of the path, or with * as the last character of a segment, a pattern: /v1/payment_intents/*/confirm
	Fault  Fault           // what happens
	Times  int             // how often; 0 is once, negative is for ever
	Wait   time.Duration   // for the delays
	Until  <-chan struct{} // for the delays: as long as this is open, in place of Wait
}

// Plan decides which requests fail: first by the rules in the order they were added, then by the
// seeded rates. It counts what fired, so that a test can prove that its faults were real.
type Plan struct {
	mu    sync.Mutex
	rules []*Rule
	rates map[Fault]float64
	wait  time.Duration
	rng   *rand.Rand
	fired map[Fault]int
}

func newPlan(seed uint64) *Plan {
	return &Plan{rng: rand.New(rand.NewPCG(seed, 0x50_55_4b)), fired: make(map[Fault]int)}
}

// Add appends rules.
func (p *Plan) Add(rules ...Rule) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range rules {
		if r.Times == 0 {
			r.Times = 1
		}
		p.rules = append(p.rules, &r)
	}
}

// Rates makes each POST fail with these probabilities, drawn from the fake's seed; a delay lasts wait.
func (p *Plan) Rates(rates map[Fault]float64, wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rates, p.wait = maps.Clone(rates), wait
}

// Clear ends every fault; the counts stay.
func (p *Plan) Clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules, p.rates = nil, nil
}

// Fired is how often each fault has happened.
func (p *Plan) Fired() map[Fault]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.fired)
}

// decide picks this request's fault; the zero Rule is none.
func (p *Plan) decide(r *http.Request) (Rule, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	rule, err := p.pick(r)
	if rule.Fault != "" {
		p.fired[rule.Fault]++
	}
	return rule, err
}

func (p *Plan) pick(r *http.Request) (Rule, error) {
	if name := r.Header.Get(FaultHeader); name != "" {
		return parseFault(name)
	}
	for _, rule := range p.rules {
		if rule.Times != 0 && rule.fits(r) {
			rule.Times--
			return *rule, nil
		}
	}
	if r.Method != http.MethodPost || len(p.rates) == 0 {
		return Rule{}, nil
	}
	draw := p.rng.Float64()
	for _, fault := range Faults() {
		if draw -= p.rates[fault]; draw < 0 {
			return Rule{Fault: fault, Wait: p.wait}, nil
		}
	}
	return Rule{}, nil
}

func (rule *Rule) fits(r *http.Request) bool {
	if rule.Method != "" && rule.Method != r.Method {
		return false
	}
	if !strings.Contains(rule.Path, "*") {
		return strings.HasPrefix(r.URL.Path, rule.Path)
	}
	_, ok := matchPath(strings.Split(rule.Path, "/"), strings.Split(r.URL.Path, "/"))
	return ok
}

func parseFault(text string) (Rule, error) {
	name, wait, _ := strings.Cut(text, "=")
	for _, fault := range Faults() {
		if string(fault) != name {
			continue
		}
		rule := Rule{Fault: fault}
		if wait != "" {
			d, err := time.ParseDuration(wait)
			if err != nil || (fault != Delay && fault != DelayAfter) {
				return Rule{}, fmt.Errorf("%s: malformed %q", FaultHeader, text)
			}
			rule.Wait = d
		}
		return rule, nil
	}
	return Rule{}, fmt.Errorf("%s: unknown fault %q", FaultHeader, text)
}
