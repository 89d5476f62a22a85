package e2e

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/apitest"
)

// A connection on which nothing is said ends when its session expires, at the earliest; by either WebSocket protocol and as an event
// stream. Those of somebody whose session goes on are left alone.
func TestIdleConnectionsEndWithTheirSession(t *testing.T) {
	t.Parallel()
	const query = `subscription { viewerEvents { kind } }`
	site := newSite(t)
	srv := site.start()
	leaves, stays := srv.signUp("Ada", "BUYER"), srv.signUp("Ben", "BUYER")
	admin, err := pgx.Connect(t.Context(), site.db.AdminURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = admin.Close(t.Context()) })

	// A slow machine may not have opened all before the session is over; it is given more time then.
	var idle []func() (json.RawMessage, error)
	for lasts := 2 * time.Second; len(idle) < 3; lasts *= 2 {
		_, err := admin.Exec(t.Context(), `UPDATE session SET expires_at = clock_timestamp() + $2 WHERE user_id = (SELECT id FROM app_user WHERE name = $1)`, leaves.name, lasts)
		if err != nil {
			t.Fatal(err)
		}
		idle = nil
		if s, err := leaves.TrySubscribe(t, query, nil); err == nil {
			idle = append(idle, s.Receive)
		}
		if s, err := leaves.TrySubscribeBy(t, apitest.LegacyWS, query, nil); err == nil {
			idle = append(idle, s.Receive)
		}
		if s, err := leaves.TryListen(t, query, nil); err == nil {
			idle = append(idle, s.Receive)
		}
		for i, receive := range idle {
			if data, err := receive(); err != nil || !strings.Contains(string(data), "SNAPSHOT") {
				t.Logf("%d: %s, %v", i, data, err)
				idle = nil
				break
			}
		}
	}
	socket, stream := stays.Subscribe(t, query, nil), stays.Listen(t, query, nil)
	for _, receive := range []func() (json.RawMessage, error){socket.Receive, stream.Receive} {
		if _, err := receive(); err != nil {
			t.Fatal(err)
		}
	}

	for i, receive := range idle {
		data, err := receive()
		if err == nil || !strings.Contains(err.Error(), "4401") && !strings.Contains(err.Error(), "UNAUTHENTICATED") {
			t.Errorf("%d: got %s, %v", i, data, err)
		}
		var over bool
		if err := admin.QueryRow(t.Context(), `SELECT min(expires_at) <= clock_timestamp() FROM session`).Scan(&over); err != nil || !over {
			t.Errorf("%d ended while its session went on (%v)", i, err)
		}
	}
	if _, err := leaves.TryListen(t, query, nil); err == nil || !strings.Contains(err.Error(), "UNAUTHENTICATED") {
		t.Errorf("an expired session is let in: %v", err)
	}
	stays.topUp(t, 10)
	for _, receive := range []func() (json.RawMessage, error){socket.Receive, stream.Receive} {
		if data, err := receive(); err != nil || !strings.Contains(string(data), "TOP_UP_CHANGED") {
			t.Errorf("who stays got %s, %v", data, err)
		}
	}
}
