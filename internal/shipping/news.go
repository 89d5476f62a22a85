package shipping

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/httpx"
	"github.com/souklive/souk/internal/postgres"
)

// NewsPath is below which carriers tell of parcels: /webhooks/carriers/FEDEX.
const NewsPath = "/webhooks/carriers/"

const (
	// maxNews bounds what a carrier sends at once.
	maxNews = 1 << 20
	// newsWait is how long news of a parcel that nobody knows is kept open: it may come before the answer to its registration.
	newsWait = 10 * time.Minute
	// newsKept is how long what was told is kept, so that a repetition is known.
	newsKept = 90 * 24 * time.Hour
	// newsLate is after how long the sweep takes news up whose job was lost.
	newsLate = time.Minute
)

// The statuses of news.
const (
	newsDone    = "DONE"
	newsIgnored = "IGNORED"
)

// ErrNewsSignature is for what somebody else than the carrier has sent, or nobody can say who.
var ErrNewsSignature = fault.New(fault.Invalid, "WEBHOOK_SIGNATURE_INVALID", "This webhook is not signed with the carrier's secret.")

// NewsHandler takes what carriers tell into the inbox and answers at once; jobs act on it. Who can't be verified is refused.
func (s *Service) NewsHandler() http.Handler {
	return httpx.BodyLimit(maxNews)(http.HandlerFunc(s.takeNews))
}

func (s *Service) takeNews(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		httpx.Refuse(w, r, http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "Webhooks are sent with POST.")
		return
	}
	carrier, err := s.carrier(strings.TrimPrefix(r.URL.Path, NewsPath))
	teller, tells := carrier.(Teller)
	if err != nil || !tells {
		httpx.Refuse(w, r, http.StatusNotFound, ErrCarrier.Code, "No carrier tells of its parcels here.")
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		httpx.Refuse(w, r, http.StatusBadRequest, "BODY_UNREADABLE", "The request's body could not be read.")
		return
	}
	news, err := teller.Told(r.Header, body)
	if err != nil {
		s.log.WarnContext(r.Context(), "what a carrier is said to have told was refused", "carrier", carrier.Name(), "error", err)
		httpx.Refuse(w, r, http.StatusBadRequest, ErrNewsSignature.Code, ErrNewsSignature.Message)
		return
	}
	if err := s.keepNews(r.Context(), carrier.Name(), news); err != nil {
		s.log.ErrorContext(r.Context(), "what a carrier told could not be kept", "carrier", carrier.Name(), "error", err)
		httpx.Refuse(w, r, http.StatusInternalServerError, "INTERNAL", "The webhook could not be kept; send it again.")
		return
	}
	w.WriteHeader(http.StatusOK)
}

// keepNews writes news into the inbox, once, together with the jobs that act on them.
func (s *Service) keepNews(ctx context.Context, carrier string, news []News) error {
	return postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		for _, n := range news {
			fresh, err := s.q.CarrierNewsInsert(ctx, tx, carrier, n.ID, n.Number)
			if err != nil {
				return err
			}
			if fresh == 0 || s.jobs == nil {
				continue
			}
			if _, err := s.jobs.InsertTx(ctx, tx, NewsJob{Carrier: carrier, ID: n.ID, Number: n.Number}, &river.InsertOpts{MaxAttempts: 3}); err != nil {
				return err
			}
		}
		return nil
	})
}

// NewsJob acts on what a carrier told of a parcel. It is enqueued with it.
type NewsJob struct {
	Carrier string `json:"carrier"`
	ID      string `json:"id"`
	Number  string `json:"number"`
}

// Kind implements river.JobArgs.
func (NewsJob) Kind() string { return "carrier_news" }

type newsWorker struct {
	river.WorkerDefaults[NewsJob]
	service *Service
}

// Timeout implements river.Worker.
func (w *newsWorker) Timeout(*river.Job[NewsJob]) time.Duration { return lease }

// Work acts on the news.
func (w *newsWorker) Work(ctx context.Context, job *river.Job[NewsJob]) error {
	return w.service.actOn(ctx, job.Args)
}

// actOn has the parcel that was told of asked about, as a poll does: so that the order, the number and the age of what is told do not matter. Where the
// carrier does not answer, the poll goes on.
func (s *Service) actOn(ctx context.Context, n NewsJob) (err error) {
	defer fault.Wrap(&err, "act on what %s told of parcel %s", n.Carrier, n.Number)
	row, err := s.q.CarrierNewsGet(ctx, s.pool, n.Carrier, n.ID, n.Number)
	if postgres.NoRows(err) || err == nil && row.Status != "RECEIVED" {
		return nil
	}
	if err != nil {
		return err
	}
	shipment, err := s.q.ShipmentToAsk(ctx, s.pool, n.Carrier, &n.Number)
	switch {
	case postgres.NoRows(err) && time.Since(row.ReceivedAt) < newsWait:
		return nil // the sweep comes again
	case postgres.NoRows(err):
		return s.endNews(ctx, n, newsIgnored, "no parcel of ours is on its way with this number")
	case err != nil:
		return err
	}
	if err := s.Track(ctx, shipment); err != nil {
		return err
	}
	return s.endNews(ctx, n, newsDone, "")
}

func (s *Service) endNews(ctx context.Context, n NewsJob, status, note string) error {
	return s.q.CarrierNewsEnd(ctx, s.pool, db.CarrierNewsEndParams{Status: status, Note: note, Carrier: n.Carrier, ID: n.ID, Number: n.Number})
}

// sweepNews acts on what lost its job, or waited for its parcel, and forgets what is old.
func (s *Service) sweepNews(ctx context.Context) error {
	rows, err := s.q.CarrierNewsOpen(ctx, s.pool, newsLate.Seconds(), sweepBatch)
	for _, row := range rows {
		if err := s.actOn(ctx, NewsJob{Carrier: row.Carrier, ID: row.ID, Number: row.Number}); err != nil {
			s.log.ErrorContext(ctx, "what a carrier told could not be acted on", "carrier", row.Carrier, "number", row.Number, "error", err)
		}
	}
	if err != nil {
		return err
	}
	return s.q.CarrierNewsForget(ctx, s.pool, newsKept.Seconds())
}
