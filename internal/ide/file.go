package ide

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// How long a browser may keep a file without asking.
const (
	forEver    = "public, max-age=31536000, immutable" // its name has its content's hash in it
	revalidate = "no-cache"                            // it may be kept, and asked about each time
)

// file is something served from memory, plain or compressed.
type file struct {
	contentType string
	cache       string
	body        []byte
	etag        string
	compressed  func() []byte // made for the first client that takes it: most of start-up has no use for it
}

func newFile(contentType, cache string, body []byte) *file {
	sum := sha256.Sum256(body)
	return &file{
		contentType: contentType,
		cache:       cache,
		body:        body,
		etag:        base64.RawURLEncoding.EncodeToString(sum[:12]),
		compressed:  sync.OnceValue(func() []byte { return gzipped(body) }),
	}
}

// serve answers GET and HEAD, with 304 where the client has this very representation.
func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	body, etag := f.body, `"`+f.etag+`"`
	h := w.Header()
	h.Set("Vary", "Accept-Encoding")
	h.Set("Cache-Control", f.cache)
	h.Set("Content-Type", f.contentType)
	encoded := takesGzip(r.Header.Values("Accept-Encoding"))
	if encoded {
		etag = `"` + f.etag + `-gzip"`
	}
	h.Set("ETag", etag)
	if matches(r.Header.Values("If-None-Match"), etag) {
		h.Del("Content-Type")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if encoded {
		body = f.compressed()
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodHead {
		return
	}
	_, _ = w.Write(body) // the client has gone; there is nobody to tell
}

func gzipped(body []byte) []byte {
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	_, _ = w.Write(body) // a bytes.Buffer takes everything
	_ = w.Close()
	return buf.Bytes()
}

// takesGzip reads Accept-Encoding: gzip or *, unless its weight is zero. A name of its own goes
// before the asterisk.
func takesGzip(headers []string) bool {
	takes, decided := false, false
	for part := range strings.SplitSeq(strings.Join(headers, ","), ",") {
		coding, parameters, _ := strings.Cut(part, ";")
		wanted := !zeroWeight(parameters)
		switch strings.ToLower(strings.TrimSpace(coding)) {
		case "gzip", "x-gzip":
			takes, decided = wanted, true
		case "*":
			if !decided {
				takes = wanted
			}
		}
	}
	return takes
}

func zeroWeight(parameters string) bool {
	value, ok := strings.CutPrefix(strings.ToLower(strings.ReplaceAll(parameters, " ", "")), "q=")
	if !ok {
		return false
	}
	weight, err := strconv.ParseFloat(value, 64)
	return err != nil || weight == 0
}

// matches compares weakly, as If-None-Match asks for (RFC 9110, section 13.1.2).
func matches(headers []string, etag string) bool {
	for part := range strings.SplitSeq(strings.Join(headers, ","), ",") {
		part = strings.TrimSpace(part)
		if part == "*" || strings.TrimPrefix(part, "W/") == etag {
			return true
		}
	}
	return false
}
