package adminlog_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/souklive/souk/internal/adminlog"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/pgtest"
	"github.com/souklive/souk/internal/postgres"
)

type bundle struct {
	*pgtest.Database
	log   *adminlog.Service
	admin uuid.UUID
}

func setup(t *testing.T) bundle {
	t.Helper()
	w := domaintest.New(t)
	return bundle{&pgtest.Database{Pool: w.Pool, Admin: w.Admin}, adminlog.New(w.Pool), w.User(identity.Admin)}
}

func (b bundle) record(ctx context.Context, reason string) (a adminlog.Action, err error) {
	err = postgres.InTx(ctx, b.Pool, func(tx pgx.Tx) error {
		a, err = adminlog.RecordTx(ctx, tx, adminlog.Entry{Actor: b.admin, Kind: "TESTED", Subject: "entry 1", Reason: reason})
		return err
	})
	return a, err
}

func TestAnActionIsKept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	want, err := b.record(t.Context(), "  a wrong amount\r\nwas booked ")
	if err != nil {
		t.Fatal(err)
	}
	if want.Reason != "a wrong amount\nwas booked" || want.ActorID != b.admin || want.Kind != "TESTED" || want.Subject != "entry 1" || want.At.IsZero() {
		t.Errorf("recorded %+v", want)
	}
	listed, err := b.log.List(t.Context(), page.Args{})
	if err != nil || len(listed.Nodes) != 1 || listed.Nodes[0] != want {
		t.Errorf("listed %+v, %v, want %+v", listed.Nodes, err, want)
	}
	found, err := b.log.ByID(t.Context(), []uuid.UUID{want.ID, uuid.New()})
	if err != nil || len(found) != 1 || found[want.ID] != want {
		t.Errorf("found %+v, %v", found, err)
	}
}

func TestAnActionNeedsAReason(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for reason, want := range map[string]error{
		"": adminlog.ErrReason, " \n\t": adminlog.ErrReason, strings.Repeat("é", 1001): adminlog.ErrReason,
		"up\u202edown": adminlog.ErrReasonText, "bell\a": adminlog.ErrReasonText, "\xff": adminlog.ErrReasonText,
		strings.Repeat("é", 1000): nil, "why: \u200fبسبب": nil,
	} {
		if _, err := b.record(t.Context(), reason); !errors.Is(err, want) {
			t.Errorf("%.20q: %v, want %v", reason, err, want)
		}
	}
	listed, err := b.log.List(t.Context(), page.Args{})
	if err != nil || len(listed.Nodes) != 2 {
		t.Errorf("%d were recorded, %v", len(listed.Nodes), err)
	}
}

// An action that is undone leaves no record of having been done.
func TestAnActionBelongsToItsTransaction(t *testing.T) {
	t.Parallel()
	b := setup(t)
	undone := errors.New("undone")
	err := postgres.InTx(t.Context(), b.Pool, func(tx pgx.Tx) error {
		if _, err := adminlog.RecordTx(t.Context(), tx, adminlog.Entry{Actor: b.admin, Kind: "TESTED", Subject: "x", Reason: "x"}); err != nil {
			return err
		}
		return undone
	})
	if listed, listErr := b.log.List(t.Context(), page.Args{}); !errors.Is(err, undone) || listErr != nil || len(listed.Nodes) != 0 {
		t.Errorf("%v, %v: %+v", err, listErr, listed.Nodes)
	}
}

func TestTheLogOnlyGrows(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if _, err := b.record(t.Context(), "because"); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{"UPDATE admin_action SET reason = 'x'", "DELETE FROM admin_action", "TRUNCATE admin_action"} {
		if _, err := b.Pool.Exec(t.Context(), statement); sqlState(err) != "42501" {
			t.Errorf("%s by a server: %v", statement, err)
		}
		if _, err := b.Admin.Exec(t.Context(), statement); sqlState(err) != "SK301" {
			t.Errorf("%s by the owner: %v", statement, err)
		}
	}
}

func TestTheLogIsReadPageByPage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var want []uuid.UUID
	for range 5 {
		a, err := b.record(t.Context(), "because")
		if err != nil {
			t.Fatal(err)
		}
		want = append([]uuid.UUID{a.ID}, want...)
	}
	var got []uuid.UUID
	first, args := 2, page.Args{}
	for args.First = &first; ; {
		p, err := b.log.List(t.Context(), args)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range p.Nodes {
			got = append(got, a.ID)
		}
		if args.After = p.PageInfo().EndCursor; !p.HasNext {
			break
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%d of %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("place %d: %s, want %s", i, got[i], want[i])
		}
	}
	zero, foreign := 0, page.Key{}.Encode('A')
	for _, args := range []page.Args{{First: &zero}, {After: &foreign}} {
		if _, err := b.log.List(t.Context(), args); err == nil {
			t.Errorf("%+v is taken", args)
		}
	}
}

func sqlState(err error) string {
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pgErr.Code
	}
	return fmt.Sprint(err)
}
