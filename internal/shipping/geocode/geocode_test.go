package geocode_test

import (
	"errors"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/souklive/souk/internal/address"
	"github.com/souklive/souk/internal/carrierfake"
	"github.com/souklive/souk/internal/shipping"
	"github.com/souklive/souk/internal/shipping/geocode"
)

const key = "AIzaSyA-a-key-of-tests-which-opens-no-door"

func paris() address.Postal {
	return address.Postal{Line1: "38 rue Mauconseil", City: "Paris", PostalCode: "75001", Country: "FR"}
}

// both are the geocoders, each with a fake of its own.
func both(t *testing.T, patience time.Duration) map[string]struct {
	*carrierfake.Geocoder
	shipping.Locator
} {
	t.Helper()
	fakes := map[string]struct {
		*carrierfake.Geocoder
		shipping.Locator
	}{}
	for _, name := range []string{geocode.BANName, geocode.GoogleName} {
		fake := carrierfake.NewGeocoder(key)
		server := httptest.NewServer(fake)
		t.Cleanup(server.Close)
		var locator shipping.Locator = geocode.NewBAN(server.URL, shipping.LineConfig{Patience: patience})
		if name == geocode.GoogleName {
			locator = geocode.NewGoogle(key, server.URL, shipping.LineConfig{Patience: patience})
		}
		fakes[name] = struct {
			*carrierfake.Geocoder
			shipping.Locator
		}{fake, locator}
	}
	return fakes
}

func TestWhereAddressesAre(t *testing.T) {
	t.Parallel()
	for name, g := range both(t, time.Minute) {
		got, err := g.Locate(t.Context(), paris())
		if err != nil || got.At != (shipping.Coordinates{Latitude: 48.8641433, Longitude: 2.3470309}) || !got.Exact {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		vague := paris()
		vague.Line1 = "a street that nobody knows"
		if got, err := g.Locate(t.Context(), vague); err != nil || got.Exact || int(got.At.Latitude) != 48 {
			t.Errorf("%s, of the town alone: %+v, %v", name, got, err)
		}
		nowhere := address.Postal{Line1: "1 rue de Nulle Part", City: "Nulle Part", PostalCode: "99999", Country: "FR"}
		if _, err := g.Locate(t.Context(), nowhere); !errors.Is(err, shipping.ErrPlaceUnknown) {
			t.Errorf("%s, nowhere: %v", name, err)
		}
		long := paris()
		long.Line2 = strings.Repeat("é", 500)
		if _, err := g.Locate(t.Context(), long); err != nil && !errors.Is(err, shipping.ErrPlaceUnknown) {
			t.Errorf("%s, a long one: %v", name, err)
		}
	}
	ban := both(t, time.Minute)[geocode.BANName]
	abroad := paris()
	abroad.Country = "BE"
	if _, err := ban.Locate(t.Context(), abroad); !errors.Is(err, shipping.ErrPlaceUnknown) || ban.Asked() != 0 {
		t.Errorf("abroad: %v", err)
	}
}

// Each status of Google's, and what it means. None of them tells the key.
func TestGooglesStatuses(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]shipping.Outcome{
		"OVER_QUERY_LIMIT": shipping.Unavailable, "OVER_DAILY_LIMIT": shipping.Locked, "REQUEST_DENIED": shipping.Locked, "INVALID_REQUEST": shipping.Refused, "UNKNOWN_ERROR": shipping.Unavailable,
		"A_STATUS_OF_TOMORROW": shipping.Unavailable,
	} {
		g := both(t, time.Minute)[geocode.GoogleName]
		g.Answer(status)
		_, err := g.Locate(t.Context(), paris())
		if failed, ok := errors.AsType[*shipping.CarrierError](err); !ok || failed.Outcome != want || failed.Code != status || strings.Contains(err.Error(), key) {
			t.Errorf("%s: %v", status, err)
		}
	}
	g := both(t, time.Minute)[geocode.GoogleName]
	g.Answer("ZERO_RESULTS")
	if _, err := g.Locate(t.Context(), paris()); !errors.Is(err, shipping.ErrPlaceUnknown) {
		t.Errorf("ZERO_RESULTS: %v", err)
	}
	fake := httptest.NewServer(carrierfake.NewGeocoder(key))
	t.Cleanup(fake.Close)
	if _, err := geocode.NewGoogle("another-key", fake.URL, shipping.LineConfig{}).Locate(t.Context(), paris()); shipping.OutcomeOf(err) != shipping.Locked || strings.Contains(err.Error(), "another-key") {
		t.Errorf("another key: %v", err)
	}
}

func TestWhatCanGoWrong(t *testing.T) {
	t.Parallel()
	for _, fault := range []carrierfake.Fault{carrierfake.CutBefore, carrierfake.CutAfter, carrierfake.ErrorBefore, carrierfake.Down, carrierfake.Garbage, carrierfake.Slow} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			patience := time.Minute
			if fault == carrierfake.Slow {
				patience = 3 * time.Second
			}
			for name, g := range both(t, patience) {
				g.Plan.Delay(time.Minute)
				g.Plan.Fail(fault, 1)
				if _, err := g.Locate(t.Context(), paris()); shipping.OutcomeOf(err) != shipping.Unavailable || strings.Contains(err.Error(), key) || strings.Contains(err.Error(), "key=") {
					t.Errorf("%s: %v", name, err)
				}
				if _, err := g.Locate(t.Context(), paris()); err != nil {
					t.Errorf("%s, the next: %v", name, err)
				}
			}
		})
	}
}

// A geocoder that says that it was asked too often is left alone, although it says so with 200; nobody who is not there is told the key.
func TestTheBreaker(t *testing.T) {
	t.Parallel()
	g := both(t, time.Minute)[geocode.GoogleName]
	g.Answer("OVER_QUERY_LIMIT")
	for range 8 {
		if _, err := g.Locate(t.Context(), paris()); shipping.OutcomeOf(err) != shipping.Unavailable {
			t.Error(err)
		}
	}
	if n := g.Asked(); n != 5 {
		t.Errorf("asked %d times", n)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + listener.Addr().String()
	_ = listener.Close()
	for _, url := range []string{nobody, "http://%zz", "gopher://x"} {
		if _, err := geocode.NewGoogle(key, url, shipping.LineConfig{}).Locate(t.Context(), paris()); err == nil || strings.Contains(err.Error(), key) || strings.Contains(err.Error(), "key=") {
			t.Errorf("%s: %v", url, err)
		}
	}
}
