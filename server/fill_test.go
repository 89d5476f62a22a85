package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/souklive/souk/internal/pgtest"
)

func TestFill(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t)
	environ := []string{"DATABASE_URL=" + database.URL, "DATABASE_ADMIN_URL=" + database.AdminURL, "SOUK_STATE_DIR=" + t.TempDir()}
	code, stdout, stderr := call(t, environ, "fill", "--listings", "20")
	if code != 0 || !strings.Contains(stdout, "20 listings were added") {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
	for _, bad := range [][]string{{"fill", "--listings", "0"}, {"fill", "--listings", "many"}, {"fill", "more"}} {
		if code, _, _ := call(t, environ, bad...); code != exitUsage {
			t.Errorf("%v: exit %d", bad, code)
		}
	}
	var n int
	if err := database.Pool.QueryRow(t.Context(), "SELECT count(*) FROM listing").Scan(&n); err != nil || n != 20 {
		t.Errorf("%d listings, %v", n, err)
	}
}

// Invented goods are kept out of a real market.
func TestFillInProduction(t *testing.T) {
	t.Parallel()
	if err := mayFill(Config{Env: production}, false); !errors.Is(err, errFillProduction) {
		t.Errorf("in production: %v", err)
	}
	for _, c := range []struct {
		env     mode
		earnest bool
	}{{production, true}, {"development", false}} {
		if err := mayFill(Config{Env: c.env}, c.earnest); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
