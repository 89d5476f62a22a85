package e2e

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/souklive/souk/internal/apitest"
)

// A reservation of a code is paid in one transaction: killed around its commit, the retry finds its order or makes it, and the code has one owner.
func TestKilledWhilePayingForACode(t *testing.T) {
	t.Parallel()
	for _, point := range []crashPoint{
		at("before the reservation is consumed", write("UPDATE", "reservation", "NEW.status = 'CONSUMED'")),
		at("before the code is given", write("UPDATE", "code", "")),
		at("before the money is posted", write("INSERT", "order_payment", "")),
		at("before the commit", commit("INSERT", "reservation_payment", "", lost)),
		at("after the commit, before the answer", commit("INSERT", "reservation_payment", "", happens)),
	} {
		t.Run(point.name, func(t *testing.T) {
			t.Parallel()
			c := newCrashSite(t)
			hana, bilal := c.server.signUp("Hana", "SELLER"), c.server.signUp("Bilal", "BUYER")
			bilal.topUp(t, 20)
			made := hana.Must(t, `mutation($input: ListingCreateInput!) { listingCreate(input: $input) { listing { variants { id } } userErrors { code } } }`, apitest.Vars{"input": apitest.Vars{
				"kind": "DIGITAL_CODE", "title": "A game", "photoIds": []string{hana.sendPhoto(t)}, "variants": []any{apitest.Vars{"price": eur(900)}},
			}})
			game := made.Str("listingCreate.listing.variants.0.id")
			hana.Must(t, tour(t, "Upload codes"), apitest.Vars{"input": apitest.Vars{"variantId": game, "codes": "ONE\nTWO", "idempotencyKey": "k"}})
			set := bilal.Must(t, setAside, apitest.Vars{"input": apitest.Vars{"lines": []any{apitest.Vars{"variantId": game}}, "idempotencyKey": "k"}}).Str("reservationCreate.reservation.id")
			pay := apitest.Vars{"reservationId": set, "total": eur(900), "idempotencyKey": "pay"}
			c.dieAt(point, func() (wait func()) { return bilal.sends(payFor, pay) })
			bilal = bilal.at(c.server)
			order := ""
			for range 2 {
				got := bilal.Must(t, payFor, apitest.Vars{"input": pay}).Str("reservationPay.orders.0.id")
				if got == "" || order != "" && got != order {
					t.Fatalf("the retry: %q after %q", got, order)
				}
				order = got
			}
			if n := c.count(`SELECT count(*) FROM code WHERE order_id IS NOT NULL`); n != 1 {
				t.Errorf("%d codes are sold", n)
			}
			if available, held := bilal.wallet(t); available != 1100 || held != 0 {
				t.Errorf("the wallet has %d and %d held", available, held)
			}
			c.checkBooks()
		})
	}
}

// `souk codes rotate` is killed again and again; run once more it finishes, and the old key can go.
func TestKilledWhileRotatingKeys(t *testing.T) {
	t.Parallel()
	site := newSite(t)
	old, next := "old:"+strings.Repeat("1", 64), "new:"+strings.Repeat("3", 64)
	site.settings["SOUK_CODE_KEYS"], site.settings["SOUK_CODE_HASH_KEY"] = old, strings.Repeat("2", 64)
	srv := site.start()
	hana := srv.signUp("Hana", "SELLER")
	game := hana.Must(t, `mutation($input: ListingCreateInput!) { listingCreate(input: $input) { listing { variants { id } } userErrors { code } } }`, apitest.Vars{"input": apitest.Vars{
		"kind": "DIGITAL_CODE", "title": "A game", "photoIds": []string{hana.sendPhoto(t)}, "variants": []any{apitest.Vars{"price": eur(900)}},
	}}).Str("listingCreate.listing.variants.0.id")
	for i := range 60 {
		hana.Must(t, tour(t, "Upload codes"), apitest.Vars{"input": apitest.Vars{"variantId": game, "codes": fmt.Sprintf("CODE-%d", i), "idempotencyKey": strconv.Itoa(i)}})
	}
	srv.stop()
	left := func() (n int) {
		t.Helper()
		if err := site.db.Admin.QueryRow(t.Context(), `SELECT count(*) FROM code_batch WHERE key_id = 'old'`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	site.settings["SOUK_CODE_KEYS"] = next + "," + old
	// Each run is held in its second transaction, and killed there.
	if _, err := site.db.Admin.Exec(t.Context(), `CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.05); RETURN NEW; END $$;
		CREATE TRIGGER slowly BEFORE UPDATE ON code_batch FOR EACH ROW EXECUTE FUNCTION slowly()`); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		before, cmd := left(), site.command("codes", "rotate", "--batch", "5")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "some are rewrapped", func() bool { return left() < before })
		time.Sleep(30 * time.Millisecond)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if n := left(); n == 0 || n%5 != 0 {
			t.Errorf("after the kill %d are left", n)
		}
	}
	out, err := site.command("codes", "rotate", "--batch", "50").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "the others can go") || left() != 0 {
		t.Errorf("%v, %d left: %s", err, left(), out)
	}
	site.settings["SOUK_CODE_KEYS"] = next
	if out, err := site.command("codes", "rotate").CombinedOutput(); err != nil {
		t.Errorf("with the new key alone: %v, %s", err, out)
	}
	site.settings["SOUK_CODE_KEYS"] = old
	if out, err := site.command("codes", "rotate").CombinedOutput(); err == nil || !strings.Contains(string(out), "key new") {
		t.Errorf("without the key: %v, %s", err, out)
	}
}
