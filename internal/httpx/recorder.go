package httpx

import (
	"bufio"
	"net"
	"net/http"
)

// recorder remembers what was answered. It passes on Hijack and Flush, which WebSocket and SSE
// libraries ask for by type.
type recorder struct {
	http.ResponseWriter
	status   int // 0 until the header is written
	bytes    int64
	hijacked bool
}

// WriteHeader remembers the first final status; 1xx ones are only announcements.
func (w *recorder) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write counts the body.
func (w *recorder) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// Flush implements http.Flusher.
func (w *recorder) Flush() {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	_ = http.NewResponseController(w.ResponseWriter).Flush() // http.Flusher has no way to say so
}

// Hijack implements http.Hijacker.
func (w *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		w.hijacked, w.status = true, http.StatusSwitchingProtocols
	}
	return conn, rw, err
}

// Unwrap lets http.ResponseController reach deadlines and the rest.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// written reports whether it is too late to answer something else.
func (w *recorder) written() bool { return w.status != 0 || w.hijacked }

// streaming reports whether the answer lasted as long as the client wished: its time is no latency.
func (w *recorder) streaming() bool {
	return w.hijacked || mediaType(w.Header().Get("Content-Type")) == "text/event-stream"
}
