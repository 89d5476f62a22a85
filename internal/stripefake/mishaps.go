package stripefake

import (
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"time"
)

// Mishap is one thing that can go wrong with the delivery of an event.
type Mishap string

// The mishaps. Stripe promises no order and no single delivery, and an endpoint that was down for too
// long gets some events never.
const (
	Duplicate Mishap = "duplicate" // delivered twice
	Reorder   Mishap = "reorder"   // delivered after the event that follows it
	Late      Mishap = "late"      // delivered after a wait
	Drop      Mishap = "drop"      // never delivered; it stays in the list of events
)

// Mishaps is every mishap there is.
func Mishaps() []Mishap { return []Mishap{Duplicate, Reorder, Late, Drop} }

// MishapRule makes the next deliveries that it fits go wrong.
type MishapRule struct {
	Type   string        // a prefix of the event's type: charge.dispute. or all of them where empty
	Mishap Mishap        // what happens
	Times  int           // how often; 0 is once, negative is for ever
	Wait   time.Duration // for Late
}

// DeliveryPlan decides which deliveries go wrong: by the rules in the order they were added, then by the
// seeded rates. It counts what happened.
type DeliveryPlan struct {
	mu    sync.Mutex
	rules []*MishapRule
	rates map[Mishap]float64
	wait  time.Duration
	rng   *rand.Rand
	fired map[Mishap]int
}

func newDeliveryPlan(seed uint64) *DeliveryPlan {
	return &DeliveryPlan{rng: rand.New(rand.NewPCG(seed, 0x48_4f_4f_4b)), fired: make(map[Mishap]int)}
}

// Add appends rules.
func (p *DeliveryPlan) Add(rules ...MishapRule) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range rules {
		if r.Times == 0 {
			r.Times = 1
		}
		p.rules = append(p.rules, &r)
	}
}

// Rates makes each delivery go wrong with these probabilities, drawn from the fake's seed; a late one
// waits that long.
func (p *DeliveryPlan) Rates(rates map[Mishap]float64, wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rates, p.wait = maps.Clone(rates), wait
}

// Clear ends every mishap; the counts stay.
func (p *DeliveryPlan) Clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules, p.rates = nil, nil
}

// Fired is how often each mishap has happened.
func (p *DeliveryPlan) Fired() map[Mishap]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.fired)
}

// decide picks one delivery's mishap; the zero MishapRule is none.
func (p *DeliveryPlan) decide(kind string) MishapRule {
	p.mu.Lock()
	defer p.mu.Unlock()
	rule := p.pick(kind)
	if rule.Mishap != "" {
		p.fired[rule.Mishap]++
	}
	return rule
}

func (p *DeliveryPlan) pick(kind string) MishapRule {
	for _, rule := range p.rules {
		if rule.Times != 0 && strings.HasPrefix(kind, rule.Type) {
			rule.Times--
			return *rule
		}
	}
	if len(p.rates) == 0 {
		return MishapRule{}
	}
	draw := p.rng.Float64()
	for _, mishap := range Mishaps() {
		if draw -= p.rates[mishap]; draw < 0 {
			return MishapRule{Mishap: mishap, Wait: p.wait}
		}
	}
	return MishapRule{}
}
