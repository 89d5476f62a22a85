package id

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"
)

// The vectors are from the TypeID specification's valid.yml.
func TestTypeIDVectors(t *testing.T) {
	t.Parallel()
	for text, u := range map[string]string{
		"prefix_01h455vb4pex5vsknk084sn02q": "01890a5d-ac96-774b-bcce-b302099a8057",
		"prefix_0123456789abcdefghjkmnpqrs": "0110c853-1d09-52d8-d73e-1194e95b5f19",
		"prefix_7zzzzzzzzzzzzzzzzzzzzzzzzz": "ffffffff-ffff-ffff-ffff-ffffffffffff",
	} {
		if got := Kind("prefix").Encode(uuid.MustParse(u)); got != text {
			t.Errorf("%s is written %s, want %s", u, got, text)
		}
		if got, err := Kind("prefix").Decode(text); err != nil || got.String() != u {
			t.Errorf("%s is read as %s, %v", text, got, err)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	good := Auction.Encode(New())
	for text, want := range map[string]error{
		good:                             nil,
		Listing.Encode(New()):            ErrKind,
		"":                               ErrMalformed,
		"auc_":                           ErrMalformed,
		good[4:]:                         ErrMalformed,
		good + "0":                       ErrMalformed,
		strings.ToUpper(good):            ErrMalformed,
		"auc_8zzzzzzzzzzzzzzzzzzzzzzzzz": ErrMalformed, // beyond 128 bits
		"auc_01h455vb4pex5vsknk084sn0l":  ErrMalformed, // l is not of the alphabet
		strings.Repeat("a", 1_000):       ErrMalformed,
		"1; DROP TABLE bid":              ErrMalformed,
		"auc_\x00h455vb4pex5vsknk084sn":  ErrMalformed,
	} {
		if _, err := Auction.Decode(text); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
	}
}

func TestNewIsOrderedByTime(t *testing.T) {
	t.Parallel()
	last := New()
	for range 1_000 {
		next := New()
		if strings.Compare(Bid.Encode(next), Bid.Encode(last)) <= 0 {
			t.Fatalf("%s came after %s", Bid.Encode(next), Bid.Encode(last))
		}
		last = next
	}
}

func TestGraphQL(t *testing.T) {
	t.Parallel()
	want := Show.ID(New())
	var b strings.Builder
	want.MarshalGQL(&b)
	var got ID
	if err := got.UnmarshalGQL(strings.Trim(b.String(), `"`)); err != nil || got != want {
		t.Errorf("%s came back as %v, %v", b.String(), got, err)
	}
	if err := got.UnmarshalGQL(7); !errors.Is(err, ErrMalformed) {
		t.Errorf("a number: %v", err)
	}
}
