package blob

import (
	"context"
	"errors"
	"io"
	"regexp"
	"time"
)

// The errors of a store.
var (
	ErrNotFound    = errors.New("there is no such object")
	ErrUnavailable = errors.New("the object storage does not answer")
	ErrKey         = errors.New("this is no key of an object")
)

// Store keeps objects.
type Store interface {
	// Name says which store it is: the same name is the same objects.
	Name() string
	// SignPut lets whoever has the ticket send so many bytes of a type to a key.
	SignPut(ctx context.Context, key, contentType string, bytes int64, ttl time.Duration) (Ticket, error)
	// SignGet is a link to an object's bytes.
	SignGet(ctx context.Context, key string, ttl time.Duration) (string, error)
	Put(ctx context.Context, key, contentType string, body []byte) error
	// Open reads an object, and says how large it is.
	Open(ctx context.Context, key string) (io.ReadCloser, int64, error)
	Delete(ctx context.Context, keys ...string) error
	// List is the first objects, by their keys, that begin so and come after a key: a thousand at most.
	List(ctx context.Context, prefix, after string) ([]Object, error)
}

// Ticket is one HTTP request that its holder may make.
type Ticket struct {
	URL       string
	Method    string
	Headers   []Header
	ExpiresAt time.Time
}

// Header is one HTTP header.
type Header struct{ Name, Value string }

// Object is one that is kept.
type Object struct {
	Key        string
	Bytes      int64
	ModifiedAt time.Time
}

// listed is how many objects a list has.
const listed = 1000

// keys are names below names, so that none leads out of where they are kept.
var keys = regexp.MustCompile(`^[0-9a-z][0-9a-z_-]*(/[0-9a-z][0-9a-z._-]*){0,4}$`)

func checkKey(key string) error {
	if len(key) > 200 || !keys.MatchString(key) {
		return ErrKey
	}
	return nil
}

// ReadAll reads an object of so many bytes at most; ErrTooLarge for a larger one, before it is read.
func ReadAll(ctx context.Context, s Store, key string, most int64) (_ []byte, err error) {
	from, size, err := s.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	if size > most {
		return nil, ErrTooLarge
	}
	body, err := io.ReadAll(io.LimitReader(from, most+1))
	switch {
	case err != nil:
		return nil, errors.Join(ErrUnavailable, err)
	case int64(len(body)) > most:
		return nil, ErrTooLarge
	}
	return body, nil
}

// ErrTooLarge is for an object that is larger than its reader takes.
var ErrTooLarge = errors.New("the object is larger than it may be")
