// Package page turns keyset pages into Relay connections: opaque cursors that hold the sort key of a
// row, never an offset, so that a page neither skips nor repeats while rows are added.
package page

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/fault"
)

// Limits of a page.
const (
	DefaultFirst = 20
	MaxFirst     = 100
)

// The refusals of this package.
var (
	ErrFirst  = fault.New(fault.Invalid, "PAGE_SIZE_INVALID", "first must be between 1 and 100.")
	ErrCursor = fault.New(fault.Invalid, "CURSOR_INVALID", "This cursor was not given out by this list.")
)

// Args are a connection's arguments as GraphQL gives them.
type Args struct {
	First *int
	After *string
}

// Size is how many rows the page has.
func (a Args) Size() (int, error) {
	if a.First == nil {
		return DefaultFirst, nil
	}
	if *a.First < 1 || *a.First > MaxFirst {
		return 0, ErrFirst
	}
	return *a.First, nil
}

// Key is a row's place in a list that is sorted by a time and then an id, both descending.
type Key struct {
	At time.Time
	ID uuid.UUID
}

// top sorts before every row of a descending list.
var top = Key{At: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), ID: uuid.Max}

// Encode writes the key as a cursor of the named list.
func (k Key) Encode(list byte) string {
	buf := make([]byte, 0, 25)
	buf = append(buf, list)
	buf = binary.BigEndian.AppendUint64(buf, uint64(k.At.UnixMicro()))
	buf = append(buf, k.ID[:]...)
	return base64.RawURLEncoding.EncodeToString(buf)
}

// Before reads where a page begins: the cursor's key, or the top of the list where there is none.
func (a Args) Before(list byte) (Key, error) {
	if a.After == nil {
		return top, nil
	}
	buf, err := base64.RawURLEncoding.DecodeString(*a.After)
	if err != nil || len(buf) != 25 || buf[0] != list {
		return Key{}, ErrCursor
	}
	micros := int64(binary.BigEndian.Uint64(buf[1:9]))
	if micros < 0 || micros > top.At.UnixMicro() {
		return Key{}, ErrCursor
	}
	return Key{At: time.UnixMicro(micros).UTC(), ID: uuid.UUID(buf[9:25])}, nil
}

// From reads where a page of a list begins that is sorted upwards: behind the cursor's key, or at the bottom where there is none.
func (a Args) From(list byte) (Key, error) {
	if a.After == nil {
		return Key{At: time.UnixMicro(0).UTC()}, nil
	}
	return a.Before(list)
}

// EncodeNumber and BeforeNumber do the same for lists that are sorted by a number from 1, descending.
func EncodeNumber(list byte, n int64) string {
	buf := binary.BigEndian.AppendUint64([]byte{list}, uint64(n))
	return base64.RawURLEncoding.EncodeToString(buf)
}

// FromNumber reads where a page begins of a list that is sorted upwards; without a cursor, at zero.
func (a Args) FromNumber(list byte) (int64, error) {
	if a.After == nil {
		return 0, nil
	}
	return a.BeforeNumber(list)
}

// BeforeNumber reads where a page begins; without a cursor, at the top.
func (a Args) BeforeNumber(list byte) (int64, error) {
	if a.After == nil {
		return math.MaxInt64, nil
	}
	buf, err := base64.RawURLEncoding.DecodeString(*a.After)
	if err != nil || len(buf) != 9 || buf[0] != list {
		return 0, ErrCursor
	}
	n := int64(binary.BigEndian.Uint64(buf[1:]))
	if n < 1 {
		return 0, ErrCursor
	}
	return n, nil
}

// Page is one page of a list: the Go side of a Relay connection.
type Page[T any] struct {
	Nodes   []T
	HasNext bool
	cursor  func(T) string
}

// Edge is a row with the cursor that a next page begins after.
type Edge[T any] struct {
	Cursor string
	Node   T
}

// Info says whether another page follows, and after what.
type Info struct {
	HasNextPage bool
	EndCursor   *string
}

// Edges are the rows with their cursors.
func (p Page[T]) Edges() []Edge[T] {
	edges := make([]Edge[T], len(p.Nodes))
	for i, node := range p.Nodes {
		edges[i] = Edge[T]{Cursor: p.cursor(node), Node: node}
	}
	return edges
}

// PageInfo says how to go on.
func (p Page[T]) PageInfo() Info {
	info := Info{HasNextPage: p.HasNext}
	if n := len(p.Nodes); n > 0 {
		end := p.cursor(p.Nodes[n-1])
		info.EndCursor = &end
	}
	return info
}

// Of makes a page of what rows stand for; the rows were read with a limit of size+1, so that it is known
// whether another page follows.
func Of[R, T any](rows []R, size int, to func(R) T, cursor func(T) string) Page[T] {
	p := Page[T]{HasNext: len(rows) > size, cursor: cursor}
	rows = rows[:min(size, len(rows))]
	p.Nodes = make([]T, len(rows))
	for i, row := range rows {
		p.Nodes[i] = to(row)
	}
	return p
}
