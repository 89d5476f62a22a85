package realtime

import (
	"cmp"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
)

// Config is what a hub needs, and its knobs. A knob left at zero has the default that is named.
type Config struct {
	Pool       *pgxpool.Pool
	Redis      redis.UniversalClient
	Log        *slog.Logger          // default: slog.Default()
	Registerer prometheus.Registerer // nil: the metrics are not exposed

	Linger time.Duration // a topic stays after its last viewer; 10 s

	GapWait       time.Duration // before what is missing is read, as it may be on its way; 30 ms
	PollEvery     time.Duration // tails are compared with Postgres; 2 s
	PollUnhealthy time.Duration // and while Redis does not answer; 250 ms
	PingEvery     time.Duration // the pub/sub connection is tried; silence of twice this is a fault; 1 s

	Mailbox    int // events that wait for a topic's sequencer, 256
	AheadBytes int // of events that arrived early, a topic; 1 MiB

	ReplayEvents int   // a topic's newest events stay in memory, for viewers that come back; 256
	ReplayBytes  int   // and no more bytes than this; 256 KiB
	MaxReplay    int64 // a cursor further back gets a snapshot, a viewer twice as far is ended; 10,000 events

	LagEvents int // a live viewer further behind is ended, within ReplayEvents; 4,096
	LagBytes  int // or with more bytes waiting, within ReplayBytes; 4 MiB

	Page            int           // events in one read; 256
	ReadConcurrency int           // reads at once, so that the pool stays free for requests; 4
	ReadTimeout     time.Duration // of one read, with its wait for a permit; 5 s

	PublishTimeout time.Duration // of one round trip with wake-ups; 500 ms
	PublishRest    time.Duration // after a failed one, nothing is sent for so long; 1 s
}

func (c Config) withDefaults() Config {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	c.Linger = cmp.Or(c.Linger, 10*time.Second)
	c.GapWait = cmp.Or(c.GapWait, 30*time.Millisecond)
	c.PollEvery = cmp.Or(c.PollEvery, 2*time.Second)
	c.PollUnhealthy = cmp.Or(c.PollUnhealthy, 250*time.Millisecond)
	c.PingEvery = cmp.Or(c.PingEvery, time.Second)
	c.Mailbox = cmp.Or(c.Mailbox, 256)
	c.AheadBytes = cmp.Or(c.AheadBytes, 1<<20)
	c.ReplayEvents = cmp.Or(c.ReplayEvents, 256)
	c.ReplayBytes = cmp.Or(c.ReplayBytes, 256<<10)
	c.MaxReplay = cmp.Or(c.MaxReplay, 10_000)
	c.LagEvents = cmp.Or(c.LagEvents, 4096)
	c.LagBytes = cmp.Or(c.LagBytes, 4<<20)
	c.Page = cmp.Or(c.Page, 256)
	c.ReadConcurrency = cmp.Or(c.ReadConcurrency, 4)
	c.ReadTimeout = cmp.Or(c.ReadTimeout, 5*time.Second)
	c.PublishTimeout = cmp.Or(c.PublishTimeout, 500*time.Millisecond)
	c.PublishRest = cmp.Or(c.PublishRest, time.Second)
	return c
}
