package httpx

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"
)

const (
	// bodyTime is how long a client may take to send a body. The server has no read time-out of its
	// own, because that would cut streams.
	bodyTime = 20 * time.Second
	// maxDrain is how much of a body that is too large is read and thrown away. Many clients read the
	// answer only after they have sent everything, and would see a broken connection instead.
	maxDrain = 16 << 20
)

// BodyLimit refuses a body above limit bytes with 413 BODY_TOO_LARGE before the handler runs. It counts
// what arrives and does not trust Content-Length. The body is held in memory, so limit is for requests
// that the handler reads whole; an upload streams, under a limit of its own.
func BodyLimit(limit int64) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Body == nil || r.Body == http.NoBody {
				next.ServeHTTP(w, r)
				return
			}
			if r.ContentLength > limit && (r.Header.Get("Expect") != "" || r.ContentLength > maxDrain) {
				// The client waits for leave to send it, or has more than we would throw away.
				w.Header().Set("Connection", "close")
				refuseBody(w, r, limit)
				return
			}
			body, err := readBody(w, r, limit)
			switch {
			case errors.Is(err, errBodyTooLarge):
				refuseBody(w, r, limit)
				return
			case err != nil:
				Refuse(w, r, http.StatusBadRequest, "BODY_UNREADABLE", "The request's body could not be read.")
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			r.ContentLength = int64(len(body))
			next.ServeHTTP(w, r)
		})
	}
}

var errBodyTooLarge = errors.New("body too large")

func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	control := http.NewResponseController(w)
	// A writer without deadlines is a test's.
	_ = control.SetReadDeadline(time.Now().Add(bodyTime))
	defer func() { _ = control.SetReadDeadline(time.Time{}) }()

	body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read the body: %w", err)
	}
	if int64(len(body)) <= limit {
		return body, nil
	}
	if _, err := io.CopyN(io.Discard, r.Body, maxDrain); !errors.Is(err, io.EOF) {
		w.Header().Set("Connection", "close")
	}
	return nil, errBodyTooLarge
}

func refuseBody(w http.ResponseWriter, r *http.Request, limit int64) {
	Refuse(w, r, http.StatusRequestEntityTooLarge, "BODY_TOO_LARGE",
		fmt.Sprintf("The request's body is larger than %d bytes.", limit))
}

// mediaType is a Content-Type without its parameters.
func mediaType(contentType string) string {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return ""
	}
	return kind
}
