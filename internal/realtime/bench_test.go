package realtime

import (
	"strconv"
	"sync"
	"testing"
)

// BenchmarkFanOut is one commit on one topic to n viewers of one server; ns/delivery is per viewer.
func BenchmarkFanOut(b *testing.B) {
	for _, viewers := range []int{1, 100, 1000, 10_000} {
		b.Run(strconv.Itoa(viewers), func(b *testing.B) { fanOut(b, viewers, 1) })
	}
}

// BenchmarkBurst is the same with a hundred commits at once.
func BenchmarkBurst(b *testing.B) {
	for _, viewers := range []int{100, 1000} {
		b.Run(strconv.Itoa(viewers), func(b *testing.B) { fanOut(b, viewers, 100) })
	}
}

func fanOut(b *testing.B, viewers, burst int) {
	b.Helper()
	store, topic := newMemStore(), newTestTopic()
	h := startHub(b, patient(), store, (&memNet{}).bus())
	var round, ready sync.WaitGroup
	ready.Add(viewers)
	for range viewers {
		s := subscribe(b, h, Subscribe{Topic: topic, After: new(int64(0))})
		go func() {
			ready.Done()
			for range s.Events() {
				round.Done()
			}
		}()
	}
	ready.Wait()
	events := make([]Event, 0, b.N*burst)
	for range b.N * burst {
		events = append(events, eventOf(topic, int64(len(events)+1)))
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < len(events); i += burst {
		round.Add(viewers * burst)
		for _, e := range events[i : i+burst] {
			h.topic(topic).post(e)
		}
		round.Wait()
	}
	b.StopTimer()
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*burst*viewers), "ns/delivery")
}
