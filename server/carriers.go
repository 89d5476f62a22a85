package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/souklive/souk/internal/carrierfake"
	"github.com/souklive/souk/internal/shipping"
	"github.com/souklive/souk/internal/shipping/fedex"
	"github.com/souklive/souk/internal/shipping/geocode"
	"github.com/souklive/souk/internal/shipping/mondialrelay"
	"github.com/souklive/souk/internal/shipping/relaiscolis"
)

// The account at Mondial Relay's fake: it is that which the carrier gives everybody for tests.
const (
	fakeEnseigne = "BDTEST13"
	fakeRelayKey = "PrivateK"
)

// The account at FedEx's fake.
const (
	fakeFedExClient  = "souk-fake"
	fakeFedExSecret  = "souk-play-parcels" //nolint:gosec // G101: it opens nothing but the fake
	fakeFedExAccount = "740561073"
)

// The account at Relais Colis's fake.
const (
	fakeColisKey      = "souk-play-parcels"
	fakeColisEnseigne = "5"
)

// openCarriers decides who carries parcels: those whose keys are set. Where there is none, that is nobody in production, and else fakes inside this process.
func (s *services) openCarriers(ctx context.Context, locator shipping.Locator) ([]shipping.Carrier, error) {
	c := s.config
	var carriers []shipping.Carrier
	if c.MondialRelayKey != "" {
		carriers = append(carriers, mondialrelay.New(mondialrelay.Config{
			Enseigne: c.MondialRelayEnseigne, Key: c.MondialRelayKey.Reveal(), Prepaid: c.MondialRelayPrepaid,
		}))
	}
	if c.FedExClientSecret != "" {
		carriers = append(carriers, fedex.New(fedex.Config{ClientID: c.FedExClientID, ClientSecret: c.FedExClientSecret.Reveal(), Account: c.FedExAccount, URL: c.FedExAPIURL, Webhook: c.FedExWebhookToken.Reveal()}))
	}
	if c.RelaisColisKey != "" {
		carriers = append(carriers, relaiscolis.New(relaiscolis.Config{
			ActivationKey: c.RelaisColisKey.Reveal(), RelayKey: c.RelaisColisListKey.Reveal(), Enseigne: c.RelaisColisEnseigne, Locator: locator,
		}))
	}
	if len(carriers) > 0 || c.Env == production {
		return carriers, nil
	}
	s.playParcels = true
	url, err := s.serveFake(ctx, "the Mondial Relay fake", carrierfake.NewMondialRelay(fakeEnseigne, fakeRelayKey))
	if err != nil {
		return nil, err
	}
	carriers = append(carriers, mondialrelay.New(mondialrelay.Config{Enseigne: fakeEnseigne, Key: fakeRelayKey, URL: url, LabelURL: url}))
	if url, err = s.serveFake(ctx, "the FedEx fake", carrierfake.NewFedEx(fakeFedExClient, fakeFedExSecret, fakeFedExAccount)); err != nil {
		return nil, err
	}
	carriers = append(carriers, fedex.New(fedex.Config{ClientID: fakeFedExClient, ClientSecret: fakeFedExSecret, Account: fakeFedExAccount, URL: url}))
	if url, err = s.serveFake(ctx, "the Relais Colis fake", carrierfake.NewRelaisColis(fakeColisKey, fakeColisKey)); err != nil {
		return nil, err
	}
	return append(carriers, relaiscolis.New(relaiscolis.Config{
		ActivationKey: fakeColisKey, RelayKey: fakeColisKey, Enseigne: fakeColisEnseigne, URL: url, RelayURL: url, Locator: locator,
	})), nil
}

// openLocator decides who knows where streets are: who is configured, else a fake inside this process, and in production nobody.
func (s *services) openLocator(ctx context.Context) (shipping.Locator, error) {
	switch s.config.Geocoder {
	case geocodedByGoogle:
		return geocode.NewGoogle(s.config.GoogleMapsKey.Reveal(), "", shipping.LineConfig{}), nil
	case geocodedByBAN:
		return geocode.NewBAN("", shipping.LineConfig{}), nil
	case geocodedByNobody:
		return nil, nil
	case "":
	}
	if s.config.Env == production {
		return nil, nil
	}
	url, err := s.serveFake(ctx, "the geocoders' fake", carrierfake.NewGeocoder(""))
	if err != nil {
		return nil, err
	}
	return geocode.NewBAN(url, shipping.LineConfig{}), nil
}

// serveFake serves a carrier's fake to this process until it stops.
func (s *services) serveFake(ctx context.Context, name string, fake http.Handler) (url string, err error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("start %s: %w", name, err)
	}
	server := &http.Server{Handler: fake, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("a fake stopped", "fake", name, "error", err)
		}
	}()
	s.closes(name, server.Shutdown)
	return "http://" + listener.Addr().String(), nil
}
