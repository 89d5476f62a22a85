package flash_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/flash"
	"github.com/souklive/souk/internal/redistest"
	"github.com/souklive/souk/internal/redisx"
)

// outlast has a crowd join at two servers and insists that each is admitted once, in order, no sooner than the rate allows and with a position
// that never goes up, whatever happens to Redis when a third is admitted.
func (r *room) outlast(mishap func()) {
	t := r.T
	t.Helper()
	const n, perMinute = 600, 12_000 // 200 a second
	users, sale := r.crowd(n), r.sale(flash.FIFO, 200*time.Millisecond, perMinute, 1)
	servers := []*flash.Service{r.flash, r.serve(r.Another(t), open{})}
	stop := loops(servers...)
	defer stop()
	for _, err := range domaintest.AtOnce(30, func(worker int) error {
		for i := worker; i < n; i += 30 {
			if _, err := servers[i%2].Join(t.Context(), users[i], sale.ID); err != nil {
				return err
			}
		}
		return nil
	}) {
		r.Must(err)
	}
	last, err := r.flash.PlaceOf(t.Context(), users[n-1], sale.ID)
	r.Must(err)
	follow := r.flash.Follow(t.Context(), last)
	var (
		happened bool
		admitted int64
		seen     []int64
		heard    int
		numbers  = map[uuid.UUID]int64{}
	)
	for _, u := range users {
		p, err := r.flash.PlaceOf(t.Context(), u, sale.ID)
		r.Must(err)
		numbers[u] = *p.Number
	}
	eventually(t, "everybody is admitted", func() bool {
		var passed float64
		var now int64
		r.Must(r.Admin.QueryRow(t.Context(), `SELECT admitted, extract(epoch FROM clock_timestamp() - starts_at) FROM flash_sale`).Scan(&now, &passed))
		if allowed := max(passed, 0) * perMinute / 60; float64(now) > allowed+1 || now < admitted {
			t.Errorf("%d are admitted after %.2f s, which allow %.0f; there were %d", now, passed, allowed, admitted)
		}
		if admitted = now; !happened && now > n/3 {
			happened = true
			mishap()
		}
		all := r.Told.Broadcasts()
		for _, b := range all[heard:] {
			if p, ok, err := follow(b.Payload); err != nil || ok {
				seen = append(seen, *p.Position)
			}
		}
		heard = len(all)
		return now == n && len(seen) > 0 && seen[len(seen)-1] == 0
	})
	if !happened || !slices.IsSortedFunc(seen, func(a, b int64) int { return int(b - a) }) {
		t.Errorf("positions %v", seen)
	}
	for _, u := range users {
		p, err := r.flash.PlaceOf(t.Context(), u, sale.ID)
		if r.Must(err); *p.Number != numbers[u] || !p.Admitted() {
			t.Errorf("their place was %d and is %+v", numbers[u], p)
		}
	}
}

// All nodes of a cluster are cut off and come back with nothing of what they had.
func TestAWaitingRoomOverACluster(t *testing.T) {
	t.Parallel()
	cluster := redistest.StartCluster(t)
	r := setup(t, cluster.URL)
	r.outlast(func() {
		r.Must(cluster.Kill())
		time.Sleep(300 * time.Millisecond)
		r.Must(cluster.Restart(t.Context()))
	})
}

// A server that runs alone has its Redis in itself, and loses it with itself.
func TestAWaitingRoomWithoutARedis(t *testing.T) {
	t.Parallel()
	client, stop, err := redisx.OpenLocal()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	r := furnish(&room{World: domaintest.New(t), client: client})
	r.outlast(func() { r.Must(client.FlushAll(t.Context()).Err()) })
}

// Who can read all of the database before a lottery is drawn does not know its seed; nobody draws without the key that it was sealed under.
func TestTheSeedIsNotInTheDatabase(t *testing.T) {
	t.Parallel()
	r := setup(t, redistest.URL(t))
	users, sale := r.crowd(5), r.sale(flash.Lottery, 0, 60_000, 1)
	r.Exec(`ALTER TABLE flash_sale DISABLE TRIGGER flash_sale_guard`)
	r.Exec(`UPDATE flash_sale SET starts_at = starts_at + interval '10 minutes'`)
	for _, u := range users {
		r.Must2(r.flash.Join(t.Context(), u, sale.ID))
	}
	var row string
	var kept []byte
	r.Must(r.Admin.QueryRow(t.Context(), `SELECT f::text, seed FROM flash_sale f`).Scan(&row, &kept))
	if bound := sha256.Sum256(kept); bytes.Equal(bound[:], sale.Commitment()) {
		t.Error("the database has the seed")
	}
	r.Exec(`UPDATE flash_sale SET starts_at = starts_at - interval '10 minutes'`)
	config := r.flash.Config
	config.Key = []byte("another key")
	told := map[uuid.UUID]time.Time{}
	if err := flash.New(config).Turn(t.Context(), told); domaintest.Code(err) != "FLASH_SEED_SEALED" || r.Int(`SELECT count(*) FROM flash_place WHERE number IS NOT NULL`) != 0 {
		t.Errorf("drawn under another key: %v", err)
	}
	r.Must(r.flash.Turn(t.Context(), told))
	drawn, err := r.flash.Get(t.Context(), r.seller, sale.ID)
	r.Must(err)
	bound := sha256.Sum256(drawn.Seed())
	if !bytes.Equal(bound[:], sale.Commitment()) || strings.Contains(row, hex.EncodeToString(drawn.Seed())) {
		t.Errorf("drawn by %x, which is in the database or not what was bound", drawn.Seed())
	}
	if n := r.Int(`SELECT count(DISTINCT number) * 100 + max(number) * 10 + min(number) FROM flash_place`); n != 551 {
		t.Errorf("numbers: %d", n)
	}
}
