// Package id makes and reads the ids that clients see: a kind's prefix and a UUIDv7 in the TypeID
// form (lst_01hx…), so that an id tells what it names and an id of the wrong kind is refused by name.
//
// Specification: TypeID 0.3 over RFC 9562 UUIDs.
package id

import (
	"io"
	"strings"

	"github.com/google/uuid"
	"go.jetify.com/typeid"
	"go.jetify.com/typeid/base32"

	"github.com/souklive/souk/internal/fault"
)

// Kind is an id's prefix.
type Kind string

// The kinds of things that have an id in the API.
const (
	User         Kind = "usr"
	Session      Kind = "ses"
	Listing      Kind = "lst"
	Photo        Kind = "pho"
	Show         Kind = "shw"
	Auction      Kind = "auc"
	Bid          Kind = "bid"
	Order        Kind = "ord"
	Conversation Kind = "cnv"
	Message      Kind = "msg"
	TopUp        Kind = "top"
	Card         Kind = "crd"
	CardSetup    Kind = "cst"
	OrderPayment Kind = "pay"
	Refund       Kind = "rfd"
	Withdrawal   Kind = "wdr"
	Chargeback   Kind = "cbk"
	Freeze       Kind = "frz"
	Exchange     Kind = "exc"
	Referral     Kind = "ref"
	AdminAction  Kind = "adm"
	ShowMessage  Kind = "smg"
	SecondChance Kind = "sch"
	Code         Kind = "cod"
	FlashSale    Kind = "fls"
	Variant      Kind = "var"
	Location     Kind = "loc"
	Reservation  Kind = "rsv"
	Notification Kind = "ntf"
	Import       Kind = "imp"
	Review       Kind = "rev"
	Want         Kind = "wnt"
	Offer        Kind = "ofr"
	SavedSearch  Kind = "ssr"
	Synonym      Kind = "syn"
	Category     Kind = "cat"
	Brand        Kind = "brn"
	Attribute    Kind = "att"
	Address      Kind = "adr"
	Quote        Kind = "qte"
	Promotion    Kind = "prm"
	Shipment     Kind = "shp"
	Invoice      Kind = "inv"
	RiskReview   Kind = "rsk"
)

// ErrMalformed and ErrKind refuse text that is no id, and an id of another kind.
var (
	ErrMalformed = fault.New(fault.Invalid, "ID_MALFORMED", "This is not an id of this API.")
	ErrKind      = fault.New(fault.Invalid, "ID_WRONG_KIND", "This id names something of another kind.")
)

// New makes a fresh UUIDv7: ordered by time, so that indexes stay dense.
func New() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// Encode writes an id of a kind. Each event to viewers has some: it is put together here, with one allocation.
func (k Kind) Encode(u uuid.UUID) string { return string(k) + "_" + base32.Encode(u) }

// Decode reads an id and insists on its kind.
func (k Kind) Decode(s string) (uuid.UUID, error) {
	kind, u, err := Parse(s)
	if err != nil {
		return uuid.Nil, err
	}
	if kind != k {
		return uuid.Nil, ErrKind.With("expected", string(k)).With("got", string(kind))
	}
	return u, nil
}

// Parse reads an id of any kind.
func Parse(s string) (Kind, uuid.UUID, error) {
	if len(s) > 64 || !strings.Contains(s, "_") {
		return "", uuid.Nil, ErrMalformed
	}
	t, err := typeid.FromString(s)
	if err != nil {
		return "", uuid.Nil, ErrMalformed
	}
	return Kind(t.Prefix()), uuid.UUID(t.UUIDBytes()), nil
}

// Node is anything with an id that clients see.
type Node interface {
	NodeID() ID
}

// ID is an id with its kind, as it crosses the API's border.
type ID struct {
	Kind Kind
	UUID uuid.UUID
}

// ID ties a UUID to the kind.
func (k Kind) ID(u uuid.UUID) ID { return ID{Kind: k, UUID: u} }

// As gives the UUID if the id is of that kind, and ErrKind if not.
func (i ID) As(k Kind) (uuid.UUID, error) {
	if i.Kind != k {
		return uuid.Nil, ErrKind.With("expected", string(k)).With("got", string(i.Kind))
	}
	return i.UUID, nil
}

func (i ID) String() string { return i.Kind.Encode(i.UUID) }

// AppendTo writes the id behind what there is.
func (i ID) AppendTo(b []byte) []byte {
	b = append(append(b, i.Kind...), '_')
	return append(b, base32.Encode(i.UUID)...)
}

// MarshalGQL and UnmarshalGQL make ID the Go type of GraphQL's ID scalar.
func (i ID) MarshalGQL(w io.Writer) { _, _ = io.WriteString(w, `"`+i.String()+`"`) }

// UnmarshalGQL reads an id of any kind; the resolver insists on the kind that it needs.
func (i *ID) UnmarshalGQL(v any) error {
	s, ok := v.(string)
	if !ok {
		return ErrMalformed
	}
	kind, u, err := Parse(s)
	if err != nil {
		return err
	}
	*i = kind.ID(u)
	return nil
}
