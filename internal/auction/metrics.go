package auction

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/souklive/souk/internal/batch"
)

// metrics are counted over all lots, so their number is bounded.
type metrics struct {
	bids    *prometheus.CounterVec // by outcome
	size    prometheus.Histogram   // of a batch
	wait    prometheus.Histogram   // of a bid, until its batch begins
	took    prometheus.Histogram   // of a batch's transaction
	split   prometheus.Counter     // batches that were done bid by bid
	outcome [2]prometheus.Counter
}

func newMetrics(registerer prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		bids: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "souk_auction_bids_total", Help: "Bids that were judged, by outcome: taken (a repeated one, too) or refused.",
		}, []string{"outcome"}),
		size: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "souk_auction_batch_size", Help: "Bids in one transaction of a lot.", Buckets: prometheus.ExponentialBuckets(1, 2, 10),
		}),
		wait: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "souk_auction_bid_wait_seconds", Help: "How long a bid waits for its batch to begin.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 2.5, 12),
		}),
		took: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "souk_auction_commit_seconds", Help: "How long a batch takes, its commit included.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14),
		}),
		split: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "souk_auction_batches_split_total", Help: "Batches that failed and were done bid by bid.",
		}),
	}
	m.outcome = [2]prometheus.Counter{m.bids.WithLabelValues("taken"), m.bids.WithLabelValues("refused")}
	if registerer == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.bids, m.size, m.wait, m.took, m.split} {
		if err := registerer.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *metrics) committed(asks []*ask, answers []batch.Answer[Placed], begun time.Time) {
	m.size.Observe(float64(len(asks)))
	m.took.Observe(time.Since(begun).Seconds())
	for i, a := range asks {
		m.wait.Observe(begun.Sub(a.came).Seconds())
		if answers[i].Err == nil {
			m.outcome[0].Inc()
		} else {
			m.outcome[1].Inc()
		}
	}
}
