// Package presence is what only this moment knows of a place, a show: how many watch it, on all servers, and how they cheer.
//
// It is kept in Redis, and nowhere else. Each server writes how many people it has in a place, twice a second, to be forgotten
// after a second and a half; whoever asks adds up what is there. So a server that dies without a word is out of the count before two
// seconds are over, by Redis's clock and no other. Reactions are counted in a server and added to the place's sums four times a second.
//
// What must stay true:
//   - somebody who is in a place several times on one server counts once there; somebody on two servers counts twice;
//   - all keys of a place have one slot of a cluster;
//   - nothing here is worth an error to anybody: what Redis does not take is lost, and its count is right again a beat later.
package presence

import (
	"context"
	"crypto/rand"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"github.com/souklive/souk/internal/fault"
)

const (
	beatEvery     = 250 * time.Millisecond
	writeEvery    = 2                       // beats between two writings of how many are here
	forgetAfter   = 1500 * time.Millisecond // what a server wrote
	reactionsKept = 24 * time.Hour          // after the last
	redisPatience = time.Second             // with one beat
)

// Config is what a Presence is made of.
type Config struct {
	Redis redis.UniversalClient
	Epoch func() string // of the database: two installations on one Redis do not mix
	Log   *slog.Logger
}

// Presence is this server's part.
type Presence struct {
	Config
	server string

	mu     sync.Mutex
	places map[uuid.UUID]*place

	follows follows
}

// place is what this server knows of a place that somebody here is in, or has cheered in since the last beat.
type place struct {
	people    map[string]int // how often each is in it
	reactions map[string]int64
}

// Counts are a place's, of all servers.
type Counts struct {
	Watching  int64
	Reactions map[string]int64 // by kind, since the first
}

// New makes a Presence. Run makes it known to others.
func New(c Config) *Presence {
	return &Presence{Config: c, server: rand.Text(), places: map[uuid.UUID]*place{}, follows: follows{of: map[uuid.UUID]*followed{}}}
}

// Enter counts somebody in until leave is called, which may be called again.
func (p *Presence) Enter(where uuid.UUID, who string) (leave func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at(where).people[who]++
	return sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		people := p.at(where).people
		if people[who]--; people[who] <= 0 {
			delete(people, who)
		}
	})
}

// React counts a reaction.
func (p *Presence) React(where uuid.UUID, kind string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at(where).reactions[kind]++
}

// at is what is known of a place; mu is held.
func (p *Presence) at(where uuid.UUID) *place {
	if p.places[where] == nil {
		p.places[where] = &place{people: map[string]int{}, reactions: map[string]int64{}}
	}
	return p.places[where]
}

// Run tells Redis until ctx ends, and takes its leave.
func (p *Presence) Run(ctx context.Context) error {
	var looking sync.WaitGroup
	defer looking.Wait()
	looking.Go(func() { p.lookOut(ctx) })
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-tick.C:
			p.report(ctx, p.beat(ctx, n%writeEvery == 0))
		case <-ctx.Done():
			p.report(ctx, p.leave(context.WithoutCancel(ctx)))
			return nil
		}
	}
}

func (p *Presence) report(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil {
		p.Log.DebugContext(ctx, "how many watch could not be told", "error", err)
	}
}

// news is what a beat tells of a place.
type news struct {
	where     uuid.UUID
	people    int
	reactions map[string]int64
}

// gather takes what is to be told, and forgets the places where nobody is any more.
func (p *Presence) gather() []news {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]news, 0, len(p.places))
	for where, at := range p.places {
		all = append(all, news{where, len(at.people), at.reactions})
		at.reactions = map[string]int64{}
		if len(at.people) == 0 {
			delete(p.places, where)
		}
	}
	return all
}

// beat adds the reactions since the last one, and, if it is time, says how many are here. One round trip for all places.
func (p *Presence) beat(ctx context.Context, write bool) error {
	ctx, cancel := context.WithTimeout(ctx, redisPatience)
	defer cancel()
	all := p.gather()
	if len(all) == 0 {
		return nil
	}
	_, err := p.Redis.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for _, n := range all {
			for kind, count := range n.reactions {
				pipe.HIncrBy(ctx, p.reactions(n.where), kind, count)
			}
			if len(n.reactions) > 0 {
				pipe.PExpire(ctx, p.reactions(n.where), reactionsKept)
			}
			switch {
			case n.people == 0:
				pipe.Del(ctx, p.share(n.where, p.server))
			case write:
				pipe.Set(ctx, p.share(n.where, p.server), n.people, forgetAfter)
				pipe.SAdd(ctx, p.servers(n.where), p.server)
				pipe.PExpire(ctx, p.servers(n.where), forgetAfter)
			}
		}
		return nil
	})
	return err
}

// leave takes what this server said back, so that nobody waits until it is forgotten.
func (p *Presence) leave(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, redisPatience)
	defer cancel()
	p.mu.Lock()
	places := slices.Collect(maps.Keys(p.places))
	p.mu.Unlock()
	if len(places) == 0 {
		return nil
	}
	_, err := p.Redis.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for _, where := range places {
			pipe.Del(ctx, p.share(where, p.server))
		}
		return nil
	})
	return err
}

// Count adds up what all servers said of a place.
func (p *Presence) Count(ctx context.Context, where uuid.UUID) (Counts, error) {
	all, err := p.countAll(ctx, []uuid.UUID{where})
	if err != nil {
		return Counts{}, err
	}
	return all[0], nil
}

// countAll is Count for several, in their order, by two round trips.
func (p *Presence) countAll(ctx context.Context, places []uuid.UUID) (_ []Counts, err error) {
	defer fault.Wrap(&err, "read who watches %d places", len(places))
	servers, reactions := make([]*redis.StringSliceCmd, len(places)), make([]*redis.MapStringStringCmd, len(places))
	if _, err := p.Redis.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for i, where := range places {
			servers[i], reactions[i] = pipe.SMembers(ctx, p.servers(where)), pipe.HGetAll(ctx, p.reactions(where))
		}
		return nil
	}); err != nil {
		return nil, err
	}
	all, shares := make([]Counts, len(places)), make([]*redis.SliceCmd, len(places))
	if _, err := p.Redis.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for i, where := range places {
			keys := []string{p.share(where, p.server)} // there is one at least, for MGET's sake
			for _, server := range servers[i].Val() {
				if server != p.server {
					keys = append(keys, p.share(where, server))
				}
			}
			shares[i] = pipe.MGet(ctx, keys...)
		}
		return nil
	}); err != nil {
		return nil, err
	}
	for i := range places {
		all[i] = countsOf(shares[i].Val(), reactions[i].Val())
	}
	return all, nil
}

// countsOf reads what Redis has of a place: nil is the share of a server that has been silent.
func countsOf(shares []any, reactions map[string]string) Counts {
	counts := Counts{Reactions: map[string]int64{}}
	for kind, n := range reactions {
		counts.Reactions[kind], _ = strconv.ParseInt(n, 10, 64) // only HINCRBY writes there
	}
	for _, share := range shares {
		if text, ok := share.(string); ok {
			n, _ := strconv.ParseInt(text, 10, 64)
			counts.Watching += n
		}
	}
	return counts
}

// The braces give all keys of a place one slot.

func (p *Presence) servers(where uuid.UUID) string {
	return "souk:" + p.Epoch() + ":watch:{" + where.String() + "}"
}

func (p *Presence) share(where uuid.UUID, server string) string {
	return p.servers(where) + ":" + server
}

func (p *Presence) reactions(where uuid.UUID) string {
	return "souk:" + p.Epoch() + ":react:{" + where.String() + "}"
}
