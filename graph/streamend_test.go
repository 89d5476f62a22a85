package graph_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
)

// A subscription that the server ends says why, over each protocol, and the server lives on.
func TestASubscriptionEndsWithItsReason(t *testing.T) {
	t.Parallel()
	const query = `subscription($id: ID!) { auctionEvents(auctionId: $id) { version } }`
	type stream interface {
		Receive() (json.RawMessage, error)
	}
	for name, open := range map[string]func(apitest.Client, apitest.Vars) stream{
		"graphql-transport-ws": func(c apitest.Client, v apitest.Vars) stream { return c.Subscribe(t, query, v) },
		"server-sent events":   func(c apitest.Client, v apitest.Vars) stream { return c.Listen(t, query, v) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := graphtest.New(t)
			lot := a.Lot(a.Person("SELLER"), nil)
			s := open(a.Nobody(), apitest.Vars{"id": lot.NodeID().String()})
			if _, err := s.Receive(); err != nil {
				t.Fatalf("the first event: %v", err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel() // nobody waits for the viewers
			a.Resolver.Hub.Drain(ctx)
			if _, err := s.Receive(); err == nil || !strings.Contains(err.Error(), "DRAINING") {
				t.Errorf("the stream ended with %v", err)
			}
			if name == "server-sent events" {
				if _, err := s.Receive(); !errors.Is(err, apitest.ErrComplete) {
					t.Errorf("after that: %v", err)
				}
			}
			a.Nobody().Must(t, `{ serverTime }`, nil)
		})
	}
}
