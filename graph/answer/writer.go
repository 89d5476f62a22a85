package answer

import (
	"context"
	"io"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/souklive/souk/graph/scalar"
	"github.com/souklive/souk/internal/id"
)

// event is what the parts of one answer share.
type event struct {
	ctx    context.Context
	asking sync.WaitGroup
	failed atomic.Bool
}

// writer writes a part of an answer: a text, with holes where resolvers are still asked.
type writer struct {
	*event
	text  []byte
	holes []hole
}

type hole struct {
	at   int
	part *writer
}

// fail has the answer thrown away.
func (w *writer) fail() { w.failed.Store(true) }

// later leaves a hole, which a goroutine fills: resolvers are asked at once, so that what they load is gathered.
func (w *writer) later(fill func(*writer)) {
	part := &writer{event: w.event}
	w.holes = append(w.holes, hole{len(w.text), part})
	w.asking.Go(func() {
		defer part.failOnPanic()
		fill(part)
	})
}

func (w *writer) failOnPanic() {
	if recover() != nil {
		w.fail()
	}
}

// size is how long the text is with its holes filled.
func (w *writer) size() int {
	size := len(w.text)
	for _, h := range w.holes {
		size += h.part.size()
	}
	return size
}

// all writes the whole text into a buffer, which grows once.
func (w *writer) all(out io.Writer) {
	if buffer, ok := out.(interface{ Grow(int) }); ok {
		buffer.Grow(w.size() + usualSize)
	}
	w.writeTo(out)
}

// writeTo writes the text with its holes filled.
func (w *writer) writeTo(out io.Writer) {
	from := 0
	for _, h := range w.holes {
		_, _ = out.Write(w.text[from:h.at]) // into a buffer
		h.part.writeTo(out)
		from = h.at
	}
	_, _ = out.Write(w.text[from:])
}

// Text is a string, or an enum's value.
func Text[S ~string](*compiler, graphql.CollectedField) (Write[S], error) {
	return func(w *writer, s S) { w.quote(string(s)) }, nil
}

// quote writes a string as gqlgen does.
func (w *writer) quote(s string) {
	if strings.ContainsFunc(s, escaped) {
		w.text = appendGQL(w.text, graphql.MarshalString(s))
		return
	}
	w.text = append(w.text, '"')
	w.text = append(w.text, s...)
	w.text = append(w.text, '"')
}

func escaped(r rune) bool { return r < ' ' || r == '"' || r == '\\' }

func appendGQL(to []byte, m graphql.Marshaler) []byte {
	var b strings.Builder
	m.MarshalGQL(&b)
	return append(to, b.String()...)
}

// Number is an Int.
func Number[N ~int | ~int32 | ~int64](*compiler, graphql.CollectedField) (Write[N], error) {
	return func(w *writer, n N) { w.text = strconv.AppendInt(w.text, int64(n), 10) }, nil
}

// BigInt is an integer in a string.
func BigInt(*compiler, graphql.CollectedField) (Write[int64], error) {
	return func(w *writer, n int64) {
		w.text = append(strconv.AppendInt(append(w.text, '"'), n, 10), '"')
	}, nil
}

// Flag is a Boolean.
func Flag(*compiler, graphql.CollectedField) (Write[bool], error) {
	return func(w *writer, b bool) { w.text = strconv.AppendBool(w.text, b) }, nil
}

// Time is an instant.
func Time(*compiler, graphql.CollectedField) (Write[time.Time], error) {
	return func(w *writer, t time.Time) { w.text = t.UTC().AppendFormat(w.text, scalar.TimeLayout) }, nil
}

// ID is an id.
func ID(*compiler, graphql.CollectedField) (Write[id.ID], error) {
	return func(w *writer, i id.ID) {
		w.text = append(w.text, '"')
		w.text = append(i.AppendTo(w.text), '"')
	}, nil
}
