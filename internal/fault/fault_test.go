package fault_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/souklive/souk/internal/fault"
)

func TestCopiesLeaveTheSentinel(t *testing.T) {
	t.Parallel()
	sentinel := fault.New(fault.Precondition, "BID_TOO_LOW", "Too low.").At("amount").With("minimum", 1)
	before := fmt.Sprintf("%#v", *sentinel)
	cause := errors.New("cause")
	made := sentinel.At("bid", "amount").With("minimum", 2).With("price", 3).Because(cause)
	if after := fmt.Sprintf("%#v", *sentinel); after != before {
		t.Errorf("%s became %s", before, after)
	}
	if len(made.Field) != 2 || made.Data["minimum"] != 2 || made.Data["price"] != 3 || !errors.Is(made, cause) {
		t.Errorf("%+v", made)
	}
	if !errors.Is(made, sentinel) || !errors.Is(fmt.Errorf("op: %w", made), sentinel) {
		t.Error("a copy is not its sentinel")
	}
	if errors.Is(made, fault.New(fault.Precondition, "OTHER", "Too low.")) || errors.Is(errors.New("BID_TOO_LOW"), sentinel) {
		t.Error("it is another")
	}
	// A copy's data are its own, however it was made.
	one := sentinel.With("a", 1)
	two := one.At("x").With("b", 2)
	if _, leaked := one.Data["b"]; leaked || two.Data["a"] != 1 {
		t.Errorf("%v %v", one.Data, two.Data)
	}
}

func TestAsFindsTheOuterRefusal(t *testing.T) {
	t.Parallel()
	inner := fault.New(fault.NotFound, "INNER", "Inner.")
	outer := fault.New(fault.Internal, "OUTER", "Outer.").Because(fmt.Errorf("op: %w", inner))
	if f, ok := fault.As(fmt.Errorf("more: %w", outer)); !ok || f != outer || fault.KindOf(outer) != fault.Internal {
		t.Errorf("%v", f)
	}
	if !errors.Is(outer, inner) {
		t.Error("the cause is lost")
	}
	for _, err := range []error{nil, context.Canceled} {
		if f, ok := fault.As(err); ok || f != nil || fault.KindOf(err) != fault.Internal {
			t.Errorf("%v: %v", err, f)
		}
	}
}

func TestWrap(t *testing.T) {
	t.Parallel()
	op := func(err error) (_ int, out error) {
		defer fault.Wrap(&out, "bid on %s", "lot 7")
		return 0, err
	}
	if _, err := op(nil); err != nil {
		t.Errorf("nothing became %v", err)
	}
	refusal := fault.New(fault.Conflict, "TAKEN", "It is %d%% taken.", 100)
	_, err := op(refusal)
	if f, _ := fault.As(err); f != refusal || err.Error() != "bid on lot 7: TAKEN: It is 100% taken." {
		t.Errorf("%v", err)
	}
}

func TestKinds(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for k := fault.Internal; k <= fault.Unavailable; k++ {
		if name := k.String(); name == "" || seen[name] {
			t.Errorf("kind %d is %q", k, name)
		}
		seen[k.String()] = true
		if k.Retryable() != (k == fault.RateLimited || k == fault.Unavailable) {
			t.Errorf("%s: %t", k, k.Retryable())
		}
	}
	if msg := fault.New(fault.Invalid, "X", "100 %").Message; msg != "100 %" {
		t.Errorf("%q", msg)
	}
}
