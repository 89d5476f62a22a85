package domaintest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/stripefake"
)

// Impatient keeps stripe-go from repeating a cut connection or a conflict after half a second's sleep: what was lost stays
// lost until the product itself asks again. stripe-go knows no other way but these.
type Impatient struct{ limit atomic.Int64 }

// Wait says for how long an answer is waited for.
func (i *Impatient) Wait(limit time.Duration) { i.limit.Store(int64(limit)) }

// Client is a client that asks once, and gives up in the time that Wait says, ten seconds at first.
func (i *Impatient) Client() *http.Client {
	i.Wait(10 * time.Second)
	return &http.Client{Transport: i}
}

// RoundTrip reads the whole answer, so that one that is cut is an error here already.
func (i *Impatient) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(r.Context(), time.Duration(i.limit.Load()))
	defer cancel()
	response, err := http.DefaultTransport.RoundTrip(r.WithContext(ctx))
	if err != nil {
		return nil, errCut
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil {
		return nil, errCut
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	response.Header.Set("Stripe-Should-Retry", "false")
	return response, nil
}

// errCut bears the words that stripe-go takes as the end of it.
var errCut = errors.New("the connection was cut (unsupported protocol scheme)")

// Intents are all payments that the Stripe has, the newest first.
func (w *CardWorld) Intents() (all []stripefake.PaymentIntent) {
	w.T.Helper()
	for after := ""; ; after = "&starting_after=" + all[len(all)-1].ID {
		r := httptest.NewRequestWithContext(w.Ctx(), http.MethodGet, "/v1/payment_intents?limit=100"+after, nil)
		r.Header.Set("Authorization", "Bearer "+stripeKey)
		answer := httptest.NewRecorder()
		w.Stripe.ServeHTTP(answer, r)
		var page struct {
			Data    []stripefake.PaymentIntent `json:"data"`
			HasMore bool                       `json:"has_more"`
		}
		w.Must(json.Unmarshal(answer.Body.Bytes(), &page))
		if all = append(all, page.Data...); !page.HasMore {
			return all
		}
	}
}

// Webhook sends payment an event of a kind about an object, as the provider does, and says what it is called.
func (w *World) Webhook(kind, object string) (event string, err error) {
	event = "evt_" + kind + "_" + object
	body := fmt.Appendf(nil, `{"id":%q,"object":"event","type":%q,"created":%d,"api_version":%q,"data":{"object":{"id":%q}}}`,
		event, kind, time.Now().Unix(), stripefake.APIVersion, object)
	r := httptest.NewRequestWithContext(w.Ctx(), http.MethodPost, payment.WebhookPath, bytes.NewReader(body))
	r.Header.Set("Stripe-Signature", stripefake.Sign(body, webhookSecret, time.Now()))
	answer := httptest.NewRecorder()
	if w.Payment.WebhookHandler().ServeHTTP(answer, r); answer.Code != http.StatusOK {
		return event, fmt.Errorf("the webhook answers %d: %s", answer.Code, strings.TrimSpace(answer.Body.String()))
	}
	return event, nil
}

// Works has payment's own jobs and sweeps do what there is, due or not, as a server does in the end.
func (w *CardWorld) Works() {
	w.T.Helper()
	workers := river.NewWorkers()
	payment.Workers(workers, w.Payment)
	regular := payment.PeriodicJobs()
	client, err := river.NewClient(riverpgxv5.New(w.Pool), &river.Config{
		Workers: workers, PeriodicJobs: regular, Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 4}},
		FetchCooldown: time.Millisecond, FetchPollInterval: 2 * time.Millisecond, Logger: slog.New(slog.DiscardHandler), TestOnly: true,
	})
	w.Must(err)
	w.Exec(`UPDATE river_job SET state = 'available', scheduled_at = now() WHERE state IN ('available', 'scheduled', 'retryable')`)
	before := w.Int(`SELECT coalesce(max(id), 0) FROM river_job`)
	w.Must(client.Start(w.Ctx()))
	for deadline := time.Now().Add(5 * time.Minute); ; time.Sleep(5 * time.Millisecond) {
		begun := w.Int(`SELECT count(*) FROM river_job WHERE id > $1`, before) // the regular ones come all at once
		left := w.Int(`SELECT count(*) FROM river_job WHERE state = 'running' OR state = 'available' AND scheduled_at <= now()`)
		if int(begun) >= len(regular) && left == 0 {
			break
		}
		if time.Now().After(deadline) {
			w.T.Fatalf("%d jobs were begun, %d are left", begun, left)
		}
	}
	w.Must(client.Stop(context.WithoutCancel(w.Ctx())))
}
