package e2e

import (
	"context"
	"testing"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/redistest"
	"github.com/souklive/souk/internal/stripefake"
)

// Two servers on one PostgreSQL and one Redis: what happens at one is seen at the other, also while Redis is dead,
// and after it has come back.
func TestTwoServers(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	testTwoServers(t, redis.URL, redis)
}

func TestTwoServersOnACluster(t *testing.T) {
	t.Parallel()
	redis := redistest.StartCluster(t)
	testTwoServers(t, redis.URL, redis)
}

// mortal is a Redis that the test may kill.
type mortal interface {
	Kill() error
	Restart(ctx context.Context) error
}

func testTwoServers(t *testing.T, redisURL string, redis mortal) {
	site := newSite(t)
	site.settings["REDIS_URL"] = redisURL
	site.shareStripe()
	one, two := site.start(), site.another().start()

	hana, bilal, chloe := one.signUp("Hana", "SELLER"), one.signUp("Bilal", "BUYER"), two.signUp("Chloé", "BUYER")
	bilal.topUp(t, 1000)
	chloe.topUp(t, 1000)
	lot := hana.openLot(t, 600, 0)
	here, atOne := one.opens(lot)
	there, atTwo := two.opens(lot)
	sees := func(who person, amount, version int) {
		t.Helper()
		if placed, err := who.place(lot, amount, decimal(amount)); err != nil || placed.Number != version-1 {
			t.Fatalf("%s's bid of %d: %+v, %v", who.name, amount, placed, err)
		}
		for d, stream := range map[*diary]*apitest.Stream{here: atOne, there: atTwo} {
			if err := d.read(stream, d.reached(version)); err != nil {
				t.Fatalf("bid %d: %v", version-1, err)
			}
		}
	}

	sees(bilal, 1000, 2)
	sees(chloe, 2000, 3)
	if err := redis.Kill(); err != nil {
		t.Fatal(err)
	}
	sees(bilal, 3000, 4)
	sees(chloe, 4000, 5)
	eventually(t, "both servers notice that Redis is gone", func() bool { return !busHealthy(t, one) && !busHealthy(t, two) })
	sees(bilal, 5000, 6)
	if err := redis.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "both servers notice that Redis is back", func() bool { return busHealthy(t, one) && busHealthy(t, two) })
	sees(chloe, 6000, 7)
	sees(bilal, 7000, 8)
	atOne.Cut()
	atTwo.Cut()
	site.checkLedger()
}

// shareStripe gives the site's servers one Stripe, as there is only one. It tells nobody what happens before it is told to.
func (s *site) shareStripe() *stripefake.Server {
	s.t.Helper()
	const key = "sk_test_e2e"
	fake, err := stripefake.New(stripefake.Config{Key: key})
	if err != nil {
		s.t.Fatal(err)
	}
	url, stop, err := fake.Listen("127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = stop(context.WithoutCancel(s.t.Context())) })
	s.settings["STRIPE_SECRET_KEY"], s.settings["STRIPE_API_URL"], s.settings["STRIPE_WEBHOOK_SECRET"] = key, url, hookSecret
	return fake
}

const hookSecret = "whsec_e2e"

// busHealthy is what the server says about its Redis.
func busHealthy(t *testing.T, srv *server) bool {
	t.Helper()
	healthy, err := srv.metric(t.Context(), "souk_realtime_bus_healthy")
	if err != nil {
		t.Fatal(err)
	}
	return healthy == 1
}

// The API and the jobs in processes of their own: the lot closes, and the one who watches at the API sees it.
func TestRolesApart(t *testing.T) {
	t.Parallel()
	site := newSite(t)
	site.shareStripe()
	api := site.start("api")
	hana, bilal := api.signUp("Hana", "SELLER"), api.signUp("Bilal", "BUYER")
	bilal.topUp(t, 100)
	lot := hana.openLot(t, 5, 0)
	viewer, stream := api.opens(lot)
	if placed, err := bilal.place(lot, 1000, "one"); err != nil || placed.Code != "" {
		t.Fatalf("a bid: %+v, %v", placed, err)
	}
	site.awaitEnd(lot)
	if open := site.number(`SELECT count(*) FROM auction WHERE id = $1 AND status = 'OPEN'`, lot); open != 1 {
		t.Error("the lot was closed although nobody runs jobs")
	}
	worker := site.another().start("worker")
	if err := viewer.read(stream, viewer.closed); err != nil {
		t.Fatalf("the lot's end: %v", err)
	}
	stream.Cut()
	site.checkSold(api, lot)
	if answer, err := worker.client().Do("{ serverTime }", nil); err == nil {
		t.Errorf("the worker answers operations: %+v", answer)
	}
	site.checkLedger()
}
