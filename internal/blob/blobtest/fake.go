// Package blobtest is a bucket for tests: it speaks as much of the S3 protocol as internal/blob needs, and believes no request
// whose signature (AWS Signature Version 4) it can't make itself.
package blobtest

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/souklive/souk/internal/blob"
	"github.com/souklive/souk/internal/clock"
)

const (
	bucket    = "souk-test"
	accessKey = "AKIASOUKTEST"
	secretKey = "a secret of tests"
	region    = "eu-west-3"
)

type object struct {
	body        []byte
	contentType string
	at          time.Time
}

// Fake is a bucket.
type Fake struct {
	URL string

	mu      sync.Mutex
	objects map[string]object
	down    bool
	Now     func() time.Time
}

// New serves an empty bucket until the test ends.
func New(tb testing.TB) *Fake {
	tb.Helper()
	f := &Fake{objects: map[string]object{}, Now: time.Now}
	server := httptest.NewServer(f)
	tb.Cleanup(server.Close)
	f.URL = server.URL
	return f
}

// Config is how the bucket is reached.
func (f *Fake) Config(c clock.Clock) blob.S3Config {
	return blob.S3Config{Endpoint: f.URL, Region: region, Bucket: bucket, AccessKey: accessKey, SecretKey: secretKey, Clock: c}
}

// Down has the bucket answer nothing but 503, or work again.
func (f *Fake) Down(down bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down = down
}

// Age makes all objects older.
func (f *Fake) Age(by time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for key, o := range f.objects {
		o.at = o.at.Add(-by)
		f.objects[key] = o
	}
}

// ServeHTTP implements http.Handler.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 64<<20))
	if err != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	key, ok := strings.CutPrefix(r.URL.Path, "/"+bucket)
	key = strings.TrimPrefix(key, "/")
	switch {
	case f.down:
		refuse(w, http.StatusServiceUnavailable, "SlowDown")
	case !f.signed(r, body):
		refuse(w, http.StatusForbidden, "SignatureDoesNotMatch")
	case !ok:
		refuse(w, http.StatusNotFound, "NoSuchBucket")
	case key == "" && r.Method == http.MethodPost && r.URL.Query().Has("delete"):
		f.deleteAll(w, body)
	case key == "" && r.Method == http.MethodGet:
		f.list(w, r.URL.Query())
	case r.Method == http.MethodPut:
		f.objects[key] = object{body, r.Header.Get("Content-Type"), f.Now()}
		w.Header().Set("ETag", fmt.Sprintf("\"%x\"", sha256.Sum256(body)))
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		f.get(w, key)
	default:
		refuse(w, http.StatusMethodNotAllowed, "MethodNotAllowed")
	}
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `<?xml version="1.0"?><Error><Code>%s</Code><Message>%s</Message></Error>`, code, code)
}

func (f *Fake) get(w http.ResponseWriter, key string) {
	o, ok := f.objects[key]
	if !ok {
		refuse(w, http.StatusNotFound, "NoSuchKey")
		return
	}
	w.Header().Set("Content-Type", o.contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(o.body)))
	w.Header().Set("Last-Modified", o.at.UTC().Format(http.TimeFormat))
	_, _ = w.Write(o.body)
}

func (f *Fake) deleteAll(w http.ResponseWriter, body []byte) {
	var wanted struct {
		Object []struct {
			Key string `xml:"Key"`
		} `xml:"Object"`
	}
	if xml.Unmarshal(body, &wanted) != nil || len(wanted.Object) > 1000 {
		refuse(w, http.StatusBadRequest, "MalformedXML")
		return
	}
	for _, o := range wanted.Object {
		delete(f.objects, o.Key)
	}
	_, _ = io.WriteString(w, `<?xml version="1.0"?><DeleteResult></DeleteResult>`)
}

func (f *Fake) list(w http.ResponseWriter, query url.Values) {
	type contents struct {
		Key          string `xml:"Key"`
		Size         int    `xml:"Size"`
		LastModified string `xml:"LastModified"`
	}
	var found struct {
		XMLName     xml.Name   `xml:"ListBucketResult"`
		IsTruncated bool       `xml:"IsTruncated"`
		Contents    []contents `xml:"Contents"`
	}
	for key, o := range f.objects {
		if strings.HasPrefix(key, query.Get("prefix")) && key > query.Get("start-after") {
			found.Contents = append(found.Contents, contents{key, len(o.body), o.at.UTC().Format("2006-01-02T15:04:05.000Z")})
		}
	}
	slices.SortFunc(found.Contents, func(a, b contents) int { return strings.Compare(a.Key, b.Key) })
	if most, err := strconv.Atoi(cmp.Or(query.Get("max-keys"), "1000")); err == nil && len(found.Contents) > most {
		found.Contents, found.IsTruncated = found.Contents[:most], true
	}
	_ = xml.NewEncoder(w).Encode(found)
}

// signed makes a request's signature anew from what the request is, and compares.
func (f *Fake) signed(r *http.Request, body []byte) bool {
	query := r.URL.Query()
	got, names, credential, date, payload := query.Get("X-Amz-Signature"), query.Get("X-Amz-SignedHeaders"), query.Get("X-Amz-Credential"), query.Get("X-Amz-Date"), "UNSIGNED-PAYLOAD"
	if got == "" {
		fields := map[string]string{}
		for part := range strings.SplitSeq(strings.TrimPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 "), ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
			fields[name] = value
		}
		got, names, credential, date, payload = fields["Signature"], fields["SignedHeaders"], fields["Credential"], r.Header.Get("X-Amz-Date"), r.Header.Get("X-Amz-Content-Sha256")
		if sum := sha256.Sum256(body); payload != "UNSIGNED-PAYLOAD" && payload != hex.EncodeToString(sum[:]) {
			return false
		}
	} else if at, err := time.Parse("20060102T150405Z", date); err != nil || !f.lives(at, query.Get("X-Amz-Expires")) {
		return false
	}
	query.Del("X-Amz-Signature")
	scope, ok := strings.CutPrefix(credential, accessKey+"/")
	parts := strings.Split(scope, "/")
	if !ok || len(parts) != 4 {
		return false
	}
	canonical := []string{r.Method, r.URL.EscapedPath(), strings.ReplaceAll(query.Encode(), "+", "%20")}
	for name := range strings.SplitSeq(names, ";") {
		canonical = append(canonical, name+":"+headerOf(r, name))
	}
	sum := sha256.Sum256([]byte(strings.Join(append(canonical, "", names, payload), "\n")))
	toSign := strings.Join([]string{"AWS4-HMAC-SHA256", date, scope, hex.EncodeToString(sum[:])}, "\n")
	key := []byte("AWS4" + secretKey)
	for _, part := range append(parts, toSign) {
		mac := hmac.New(sha256.New, key)
		_, _ = io.WriteString(mac, part)
		key = mac.Sum(nil)
	}
	return hmac.Equal([]byte(got), []byte(hex.EncodeToString(key)))
}

func (f *Fake) lives(since time.Time, seconds string) bool {
	n, err := strconv.Atoi(seconds)
	return err == nil && !f.Now().After(since.Add(time.Duration(n)*time.Second))
}

func headerOf(r *http.Request, name string) string {
	switch name {
	case "host":
		return r.Host
	case "content-length":
		return strconv.FormatInt(r.ContentLength, 10)
	}
	return strings.Join(strings.Fields(r.Header.Get(name)), " ")
}
