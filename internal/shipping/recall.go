package shipping

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/ledger"
	"github.com/souklive/souk/internal/postgres"
)

// Recall is what becomes of a label that was given up.
type Recall string

// The recalls. The last three are final.
const (
	RecallPending     Recall = "PENDING"      // its carrier is asked to take it back
	RecallTakenBack   Recall = "TAKEN_BACK"   // and has: it costs nothing
	RecallRefused     Recall = "REFUSED"      // and will not: it stays paid
	RecallNotPossible Recall = "NOT_POSSIBLE" // its carrier takes none back
)

// recallOf says what is to become of a shipment's label once it is given up; empty where it has none.
func (s *Service) recallOf(row db.Shipment) Recall {
	if row.CarrierNumber == nil && !row.InDoubt {
		return ""
	}
	carrier, err := s.carrier(row.Carrier)
	if _, takesBack := carrier.(Canceller); err == nil && !takesBack {
		return RecallNotPossible
	}
	return RecallPending // also where it is not configured just now
}

// TakeBack asks a carrier to take a label back that was given up: the wish stands in its row, what came of the call is written down after it, and what failed is tried again
// later. It does nothing where that is not due, or somebody is at it.
func (s *Service) TakeBack(ctx context.Context, shipment uuid.UUID) (err error) {
	defer fault.Wrap(&err, "take the label of shipment %s back", shipment)
	row, err := s.q.ShipmentRecallClaim(ctx, s.pool, lease.Seconds(), shipment)
	if postgres.NoRows(err) {
		return nil
	}
	if err != nil {
		return err
	}
	one, err := shipmentOf(row)
	if err != nil {
		return err
	}
	calls, cancel := context.WithTimeout(ctx, tryFor)
	defer cancel()
	ctx = context.WithoutCancel(ctx) // what came of a call is written down
	why := s.cancelAt(calls, one)
	s.metrics.called(one.Carrier, "cancel", why)
	if why == nil {
		return s.takenBack(ctx, one)
	}
	s.log.WarnContext(ctx, "a carrier has not taken a label back", "shipment", one.ID, "order", one.OrderID, "carrier", one.Carrier, "attempt", row.RecallAttempts, "error", why)
	set := db.ShipmentRecalledParams{ID: one.ID, Recall: new(string(RecallPending)), NextSeconds: backOff(int(row.RecallAttempts)).Seconds(), FailureCode: row.FailureCode, FailureText: row.FailureText}
	switch OutcomeOf(why) {
	case Refused:
		set.Recall, set.NextSeconds = new(string(RecallRefused)), -1
		set.FailureCode, set.FailureText = words(why)
	case Locked:
		set.NextSeconds = lockedFor.Seconds()
	case Unknown, Unavailable: // asking again is harmless
	}
	return s.q.ShipmentRecalled(ctx, s.pool, set)
}

// cancelAt has a carrier take a parcel back, by its number or, where the answer that had it was lost, by our reference. Nil where the carrier has none.
func (s *Service) cancelAt(ctx context.Context, one Shipment) error {
	carrier, err := s.carrier(one.Carrier)
	if err != nil {
		return &CarrierError{Carrier: one.Carrier, Op: "cancel", Outcome: Locked, Code: "NOT_CONFIGURED"}
	}
	canceller, takesBack := carrier.(Canceller)
	if !takesBack {
		return &CarrierError{Carrier: one.Carrier, Op: "cancel", Outcome: Refused, Code: "NOT_POSSIBLE"}
	}
	if one.Number != nil {
		return canceller.Cancel(ctx, *one.Number)
	}
	finder, asks := carrier.(Finder)
	if !asks {
		return &CarrierError{Carrier: one.Carrier, Op: "cancel", Outcome: Refused, Code: "OUTCOME_UNKNOWN", Text: "nobody can say whether it was registered"}
	}
	made, err := finder.Find(ctx, one.reference)
	late, isLate := carrier.(LateFinder)
	switch {
	case errors.Is(err, ErrTakenBack):
		return nil
	case errors.Is(err, ErrUnknownParcel) && isLate && one.calledAt != nil && time.Since(*one.calledAt) < late.KnowsAfter():
		return &CarrierError{Carrier: one.Carrier, Op: "find", Outcome: Unknown, Code: "NOT_KNOWN_YET", Err: err}
	case errors.Is(err, ErrUnknownParcel):
		return nil
	case err != nil:
		return err
	}
	return canceller.Cancel(ctx, made.Number)
}

// takenBack writes down that a label is its carrier's again, who takes nothing for it.
func (s *Service) takenBack(ctx context.Context, one Shipment) error {
	return postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if err := s.q.ShipmentRecalled(ctx, tx, db.ShipmentRecalledParams{
			ID: one.ID, Recall: new(string(RecallTakenBack)), NextSeconds: -1, FailureCode: "CANCELLED",
		}); err != nil || one.Cost == nil {
			return err
		}
		_, err := ledger.PostTx(ctx, tx, ledger.Entry{
			Key: "shipment:" + one.ID.String() + ":label_back", Flow: ledger.FlowLabel, Cause: ledger.Cause{Kind: "shipment", ID: one.ID},
			Legs: []ledger.Leg{
				{Account: ledger.Account{Kind: ledger.CarrierPayable, Currency: one.Cost.Currency}, Amount: -one.Cost.Minor},
				{Account: ledger.Account{Kind: ledger.CarrierCost, Currency: one.Cost.Currency}, Amount: one.Cost.Minor},
			},
		})
		return err
	})
}
