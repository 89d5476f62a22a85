//go:build souk_broken

package audience

import (
	"os"
	"sync"
	"sync/atomic"

	"github.com/souklive/souk/internal/gqlws"
)

// brokenBy says how this build is broken: drop, swap or reuse.
var brokenBy = os.Getenv("BROKEN_AUDIENCE")

// Of so many events handed to viewers, one is dropped; of so many, one is overtaken by the next.
const (
	dropOneIn = 10_000
	swapOneIn = 1_000
)

var handed atomic.Int64

// seam is a viewer that does not get what it should.
func seam(v gqlws.Viewer) gqlws.Viewer { return &wronged{Viewer: v} }

type wronged struct {
	gqlws.Viewer
	mu   sync.Mutex
	held []byte
}

// Next implements gqlws.Viewer.
func (w *wronged) Next(last int64, answers [][]byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out [][]byte
	for _, body := range answers {
		n := handed.Add(1)
		switch {
		case brokenBy == "drop" && n%dropOneIn == 0:
			continue
		case brokenBy == "swap" && n%swapOneIn == 0 && w.held == nil:
			w.held = body
			continue
		}
		out = append(out, body)
		if w.held != nil {
			out = append(out, w.held)
			w.held = nil
		}
	}
	if len(out) > 0 {
		w.Viewer.Next(last, out)
	}
}

// bench is where a run's answers are encoded, one over the other where this build reuses its buffer, as gqlgen's executor
// does with its own.
type bench struct{ buffer []byte }

func (b *bench) keep(body []byte) []byte {
	if brokenBy != "reuse" {
		return body
	}
	b.buffer = append(b.buffer[:0], body...)
	return b.buffer
}
