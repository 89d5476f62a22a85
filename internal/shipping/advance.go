package shipping

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/notify"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
)

const (
	// lease is for how long a shipment is whose who is at it; tryFor is how long they may be, which is less.
	lease  = 90 * time.Second
	tryFor = 60 * time.Second
	// alertAfter is how long a label may take before somebody is told.
	alertAfter = 30 * time.Minute
	// lockedFor is how long nothing is tried after our own account was refused.
	lockedFor = 15 * time.Minute
	firstTry  = 10 * time.Second
	lastTry   = time.Hour
	textMax   = 300
)

// backOff is how long to wait after so many attempts: twice as long each time, up to an hour.
func backOff(attempts int) time.Duration {
	return min(firstTry<<min(attempts-1, 10), lastTry)
}

// Advance brings a shipment on that waits for its label: it is registered with its carrier, and the label fetched and kept. It does nothing where the shipment is
// not due, or somebody is at it. What fails at the carrier is no error: it is written down, and tried again.
func (s *Service) Advance(ctx context.Context, shipment uuid.UUID) (err error) {
	defer fault.Wrap(&err, "advance shipment %s", shipment)
	claimed, err := s.q.ShipmentClaim(ctx, s.pool, lease.Seconds(), shipment)
	if postgres.NoRows(err) {
		return nil
	}
	if err != nil {
		return err
	}
	one, err := shipmentOf(claimed.Shipment)
	if err != nil {
		return err
	}
	calls, cancel := context.WithTimeout(ctx, tryFor)
	defer cancel()
	ctx = context.WithoutCancel(ctx) // what came of a call is written down
	carrier, err := s.carrier(one.Carrier)
	if err != nil {
		return s.failed(ctx, one, claimed.WasInDoubt, &CarrierError{Carrier: one.Carrier, Op: "create", Outcome: Locked, Code: "NOT_CONFIGURED"})
	}
	if one.Number == nil {
		if claimed.OrderCancelled && !claimed.WasInDoubt {
			return s.failed(ctx, one, false, &CarrierError{Carrier: one.Carrier, Op: "create", Outcome: Refused, Code: "ORDER_CANCELLED"})
		}
		made, doubt, err := s.register(calls, carrier, one, claimed.WasInDoubt)
		if err != nil {
			return s.failed(ctx, one, doubt, err)
		}
		// A label that came with the registration is not given again: it is kept before anything says that there is one.
		if made.Label != nil {
			if err := s.keepLabel(calls, one.ID, made.Label); err != nil {
				return s.failed(ctx, one, true, unkept(one.Carrier, Unknown, err))
			}
		}
		if one, err = s.registered(ctx, one, made); err != nil {
			return err
		}
	}
	if one.document != "" {
		label, err := carrier.Document(calls, one.document)
		s.metrics.called(one.Carrier, "label", err)
		if err != nil {
			if OutcomeOf(err) == Unknown { // a label that was not given can be asked for again
				err = &CarrierError{Carrier: one.Carrier, Op: "label", Outcome: Unavailable, Err: err}
			}
			return s.failed(ctx, one, false, err)
		}
		if err := s.keepLabel(calls, one.ID, label); err != nil {
			return s.failed(ctx, one, false, unkept(one.Carrier, Unavailable, err))
		}
	}
	return s.labelled(ctx, one)
}

// labelled writes down that a parcel's label is kept, and tells both sides of the order.
func (s *Service) labelled(ctx context.Context, one Shipment) error {
	var told []realtime.Event
	err := postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		told = nil
		if _, err := s.q.ShipmentOrderLockAny(ctx, tx, one.OrderID); err != nil {
			return err
		}
		_, err := s.q.ShipmentLabelled(ctx, tx, labelKey(one.ID), trackFirst.Seconds(), one.ID)
		if postgres.NoRows(err) { // given up meanwhile
			return nil
		}
		if err == nil && s.orders != nil {
			told, err = s.orders.ParcelTx(ctx, tx, one.OrderID)
		}
		return err
	})
	if err == nil {
		s.publish(ctx, told)
	}
	return err
}

// labelKey is under which a shipment's label is kept.
func labelKey(shipment uuid.UUID) string { return "labels/" + shipment.String() + ".pdf" }

func (s *Service) keepLabel(ctx context.Context, shipment uuid.UUID, label []byte) error {
	return s.labels.Put(ctx, labelKey(shipment), "application/pdf", label)
}

// unkept is for a label that the object store did not take.
func unkept(carrier string, o Outcome, err error) error {
	return &CarrierError{Carrier: carrier, Op: "keep the label", Outcome: o, Code: "STORAGE", Err: err}
}

// errLookAgain is for a shipment that may have been registered, of which nobody but a person can say whether it was.
var errLookAgain = errors.New("it may have been registered, and the carrier can't be asked")

// register buys a parcel's label. Where an earlier call may have done so, the carrier is asked first; where it can't be, it is bought again only if a label
// that is never used costs nothing. doubt says whether, after an error, one may have been bought.
func (s *Service) register(ctx context.Context, carrier Carrier, one Shipment, doubt bool) (_ Created, stillDoubt bool, err error) {
	if doubt {
		product, _ := ProductOf(carrier, one.Product)
		finder, asks := carrier.(Finder)
		switch {
		case asks:
			made, err := finder.Find(ctx, one.reference)
			s.metrics.called(one.Carrier, "find", err)
			late, isLate := carrier.(LateFinder)
			switch {
			case errors.Is(err, ErrTakenBack):
			case !errors.Is(err, ErrUnknownParcel):
				return made, err != nil, err
			case isLate && one.calledAt != nil && time.Since(*one.calledAt) < late.KnowsAfter():
				return Created{}, true, &CarrierError{Carrier: one.Carrier, Op: "find", Outcome: Unknown, Code: "NOT_KNOWN_YET", Text: "the carrier may not know of it yet", Err: err}
			}
		case !product.Unused:
			return Created{}, true, errLookAgain
		}
	}
	if err := s.q.ShipmentCalled(ctx, s.pool, one.ID); err != nil {
		return Created{}, doubt, err
	}
	made, err := carrier.Create(ctx, one.request())
	s.metrics.called(one.Carrier, "create", err)
	return made, err != nil && OutcomeOf(err) == Unknown, err
}

// registered writes down that the carrier has a parcel, and what it takes for it.
func (s *Service) registered(ctx context.Context, one Shipment, made Created) (Shipment, error) {
	cost := made.Cost
	if cost.Minor == 0 {
		cost, _ = Cost(one.Carrier, one.Product, one.To.Country, one.Grams)
	}
	set := db.ShipmentRegisteredParams{ID: one.ID, CarrierNumber: &made.Number, Document: &made.Document}
	if cost.Minor > 0 {
		set.Cost, set.Currency = &cost.Minor, new(string(cost.Currency))
	}
	var row db.Shipment
	err := postgres.InTx(ctx, s.pool, func(tx pgx.Tx) (err error) {
		if row, err = s.q.ShipmentRegistered(ctx, tx, set); err != nil || cost.Minor == 0 {
			return err
		}
		return postLabel(ctx, tx, one.ID, cost)
	})
	if postgres.NoRows(err) {
		s.log.ErrorContext(ctx, "a parcel was registered that nobody waits for any more", "shipment", one.ID, "carrier", one.Carrier, "number", made.Number)
	}
	if err != nil {
		return one, fmt.Errorf("write down parcel %s: %w", made.Number, err)
	}
	return shipmentOf(row)
}

// postLabel books what a label costs.
func postLabel(ctx context.Context, tx pgx.Tx, shipment uuid.UUID, cost money.Amount) error {
	_, err := ledger.PostTx(ctx, tx, ledger.Entry{
		Key: "shipment:" + shipment.String() + ":label", Flow: ledger.FlowLabel, Cause: ledger.Cause{Kind: "shipment", ID: shipment},
		Legs: []ledger.Leg{
			{Account: ledger.Account{Kind: ledger.CarrierCost, Currency: cost.Currency}, Amount: -cost.Minor},
			{Account: ledger.Account{Kind: ledger.CarrierPayable, Currency: cost.Currency}, Amount: cost.Minor},
		},
	})
	return err
}

// failed writes down that a try came to nothing, and when the next is. Who waits for too long, or for somebody of ours, is told.
func (s *Service) failed(ctx context.Context, one Shipment, doubt bool, why error) error {
	set := db.ShipmentTriedParams{ID: one.ID, Status: string(StatusPending), InDoubt: doubt, NextSeconds: backOff(one.Attempts).Seconds(), AlertSeconds: alertAfter.Seconds()}
	set.FailureCode, set.FailureText = words(why)
	if one.PointID != nil && errors.Is(why, ErrPointClosed) {
		s.closed(ctx, one.Carrier, one.To.Country, *one.PointID)
	}
	outcome := OutcomeOf(why)
	switch {
	case errors.Is(why, errLookAgain):
		set.NextSeconds, set.AlertNow = -1, true
	case outcome == Refused:
		set.Status = string(StatusFailed)
	case outcome == Locked:
		set.NextSeconds, set.AlertNow = lockedFor.Seconds(), true
	}
	set.Outcome = new(strings.ToUpper(outcome.String()))
	var told []realtime.Event
	err := postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		told = nil
		row, err := s.q.ShipmentTried(ctx, tx, set)
		if postgres.NoRows(err) {
			return nil
		}
		if err != nil || row.AlertedAt == nil || one.alerted {
			return err
		}
		told, err = s.alertTx(ctx, tx, row)
		return err
	})
	s.publish(ctx, told)
	level := s.log.WarnContext
	if outcome == Locked {
		level = s.log.ErrorContext // nobody gets a label until somebody looks at our account
	}
	level(ctx, "a shipment has no label yet", "shipment", one.ID, "order", one.OrderID, "attempt", one.Attempts, "error", why)
	return err
}

// alertTx tells who sends it, once, of a parcel that waits for its label.
func (s *Service) alertTx(ctx context.Context, tx pgx.Tx, row db.Shipment) ([]realtime.Event, error) {
	s.metrics.alerts.WithLabelValues(row.Carrier).Inc()
	s.log.ErrorContext(ctx, "a shipment waits for its label", "shipment", row.ID, "order", row.OrderID, "carrier", row.Carrier, "since", row.CreatedAt, "attempts", row.Attempts)
	sender := row.SellerID
	if row.ClaimID != nil {
		var err error
		if sender, err = s.q.ShipmentOrderBuyer(ctx, tx, row.OrderID); err != nil {
			return nil, err
		}
	}
	return notify.InsertTx(ctx, tx, notify.Note{
		Recipient: sender, Kind: notify.ShipmentDelayed, Subject: id.Order.ID(row.OrderID), Key: "shipment:" + row.ID.String() + ":delayed",
		Parameters: []notify.Parameter{notify.Text("shipment", id.Shipment.Encode(row.ID)), notify.Text("carrier", row.Carrier)},
	})
}

// words are a failure's code and text, for its seller to read: the carrier's own, or ours.
func words(err error) (code, text string) {
	if refusal, ours := fault.As(err); ours {
		code, text = refusal.Code, refusal.Message
	}
	if failed, ok := errors.AsType[*CarrierError](err); ok && failed.Code != "" {
		text = strings.TrimSpace(failed.Text + " (" + failed.Code + ")")
		if code == "" {
			code = failed.Code
		}
	}
	switch {
	case errors.Is(err, errLookAgain):
		code, text = "OUTCOME_UNKNOWN", errLookAgain.Error()
	case code == "":
		code = "NO_ANSWER"
	}
	if len(text) > textMax {
		text = strings.ToValidUTF8(text[:textMax], "")
	}
	return code, text
}
