// Package page turns keyset pages into Relay connections: opaque cursors that hold the sort key of a
// row, never an offset, so that a page neither skips nor repeats while rows are added.
package page

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
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
	ErrQuery  = fault.New(fault.Invalid, "CURSOR_OF_ANOTHER_QUERY", "This cursor was given out by another query: page on with the same filter and order.")
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

// Asked tells apart what a list was asked for: its filters and its order. The zero Asked is the list as a whole, in the order that it has.
// A cursor keeps it, so that another query's is refused in place of being read as a place in this one.
type Asked [8]byte

// AskedFor is what some filters ask for. Those that are nil, or the zero value, ask for nothing.
func AskedFor(filters ...any) (asked Asked) {
	if !slices.ContainsFunc(filters, func(f any) bool { return f != nil && !reflect.ValueOf(f).IsZero() }) {
		return Asked{}
	}
	raw, err := json.Marshal(filters)
	if err != nil {
		panic(fmt.Sprintf("page: a filter that has no JSON: %v", err)) //nolint:forbidigo // cannot be: filters are names, ids and numbers
	}
	sum := sha256.Sum256(raw)
	return Asked(sum[:])
}

// mark writes a cursor: the list's mark, a key, and what was asked for.
func mark(list byte, key []byte, asked []Asked) string {
	buf := append([]byte{list}, key...)
	for _, a := range asked {
		if a != (Asked{}) {
			buf = append(buf, a[:]...)
		}
	}
	return base64.RawURLEncoding.EncodeToString(buf)
}

// unmark reads the key of so many bytes of a cursor that this list gave out for the same.
func (a Args) unmark(list byte, size int, asked []Asked) ([]byte, error) {
	buf, err := base64.RawURLEncoding.DecodeString(*a.After)
	if err != nil || len(buf) == 0 || buf[0] != list || len(buf) != 1+size && len(buf) != 1+size+len(Asked{}) {
		return nil, ErrCursor
	}
	if mark(list, buf[1:1+size], asked) != *a.After {
		return nil, ErrQuery
	}
	return buf[1 : 1+size], nil
}

// Encode writes the key as a cursor of the named list, and of what it was asked for.
func (k Key) Encode(list byte, asked ...Asked) string {
	return mark(list, append(binary.BigEndian.AppendUint64(nil, uint64(k.At.UnixMicro())), k.ID[:]...), asked)
}

// Before reads where a page begins: the cursor's key, or the top of the list where there is none.
func (a Args) Before(list byte, asked ...Asked) (Key, error) {
	if a.After == nil {
		return top, nil
	}
	key, err := a.unmark(list, 24, asked)
	if err != nil {
		return Key{}, err
	}
	micros := int64(binary.BigEndian.Uint64(key))
	if micros < 0 || micros > top.At.UnixMicro() {
		return Key{}, ErrCursor
	}
	return Key{At: time.UnixMicro(micros).UTC(), ID: uuid.UUID(key[8:])}, nil
}

// From reads where a page of a list begins that is sorted upwards: behind the cursor's key, or at the bottom where there is none.
func (a Args) From(list byte, asked ...Asked) (Key, error) {
	if a.After == nil {
		return Key{At: time.UnixMicro(0).UTC()}, nil
	}
	return a.Before(list, asked...)
}

// EncodeNumber and BeforeNumber do the same for lists that are sorted by a number from 1, descending.
func EncodeNumber(list byte, n int64, asked ...Asked) string {
	return mark(list, binary.BigEndian.AppendUint64(nil, uint64(n)), asked)
}

// FromNumber reads where a page begins of a list that is sorted upwards; without a cursor, at zero.
func (a Args) FromNumber(list byte) (int64, error) {
	if a.After == nil {
		return 0, nil
	}
	return a.BeforeNumber(list)
}

// BeforeNumber reads where a page begins; without a cursor, at the top.
func (a Args) BeforeNumber(list byte, asked ...Asked) (int64, error) {
	if a.After == nil {
		return math.MaxInt64, nil
	}
	key, err := a.unmark(list, 8, asked)
	if err != nil {
		return 0, err
	}
	n := int64(binary.BigEndian.Uint64(key))
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
