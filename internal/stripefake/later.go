package stripefake

import (
	"slices"
	"time"
)

// task is something that will happen by itself: an authorisation runs out, a refund arrives. Tasks are
// part of the state, so that they happen after a restart as well.
type task struct {
	ID      string `json:"id"`
	Due     int64  `json:"due"`
	Kind    string `json:"kind"`
	Subject string `json:"subject"`
}

// The kinds of task. Each looks at its subject anew: what has changed meanwhile may leave nothing to do.
const (
	expireAuthorisation = "expire_authorisation"
	finishRefund        = "finish_refund"
	openDispute         = "open_dispute"
	decideDispute       = "decide_dispute"
	forfeitDispute      = "forfeit_dispute"
	finishPayout        = "finish_payout"
)

func (c *call) perform(t task) {
	switch t.Kind {
	case expireAuthorisation:
		c.expireAuthorisation(t.Subject)
	case finishRefund:
		c.finishRefund(t.Subject)
	case openDispute:
		c.disputeByCard(t.Subject)
	case decideDispute:
		c.decideByEvidence(t.Subject)
	case forfeitDispute:
		c.forfeit(t.Subject)
	case finishPayout:
		c.finishPayout(t.Subject)
	}
}

// later plans a task.
func (c *call) later(after time.Duration, kind, subject string) {
	t := task{ID: c.ids.make("task"), Due: c.now + int64(after/time.Second), Kind: kind, Subject: subject}
	c.planned = append(c.planned, t)
	c.agenda.add(t)
}

// agenda is the tasks to come, the next one first.
type agenda []task

func (a *agenda) add(t task) {
	at, _ := slices.BinarySearchFunc(*a, t.Due, func(each task, due int64) int {
		if each.Due <= due { // those of one moment in the order in which they were planned
			return -1
		}
		return 1
	})
	*a = slices.Insert(*a, at, t)
}

func (a *agenda) remove(id string) {
	*a = slices.DeleteFunc(*a, func(t task) bool { return t.ID == id })
}

// Tick lets everything happen whose time has come. Each request begins with it; a fake that listens
// does it by itself as well.
func (s *Server) Tick() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchUp()
}

// Advance sets the fake's clock forward for good, ahead of the clock it was given, and ticks.
func (s *Server) Advance(d time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead += max(d, 0)
	s.catchUp()
	return (&call{Server: s}).commit(0, nil, false)
}

// catchUp performs the due tasks, each in a commit of its own.
func (s *Server) catchUp() {
	for len(s.agenda) > 0 && s.agenda[0].Due <= s.now().Unix() {
		t := s.agenda[0]
		s.agenda = s.agenda[1:]
		c := &call{Server: s, now: s.now().Unix(), finished: t.ID}
		c.perform(t)
		if err := c.commit(0, nil, false); err != nil {
			s.log.Error("the Stripe fake could not write its state", "error", err)
		}
	}
}

// now is the fake's time.
func (s *Server) now() time.Time { return s.clock.Now().Add(s.ahead) }
