package auction

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
	"github.com/souklive/souk/internal/show"
)

// The kinds of a show's events that are about its lots and no lot's own.
const (
	EventLotsReordered = "LOTS_REORDERED"
	EventLotPinned     = "LOT_PINNED"
	EventLotUnpinned   = "LOT_UNPINNED"
)

// InShow is what an event of a show tells of its lots; the show's own events, and its chat's, tell nothing of them.
type InShow struct {
	Show    *show.Show  `json:"show,omitempty"`
	Auction *Auction    `json:"auction,omitempty"`
	Bids    []Bid       `json:"bids,omitempty"`
	Queue   []uuid.UUID `json:"queue,omitempty"` // the lots that wait, in their order
}

// InShowOf reads what an event of a show tells of its lots.
func InShowOf(e realtime.Event) (InShow, error) {
	var told InShow
	if err := json.Unmarshal(e.Payload, &told); err != nil {
		return InShow{}, fmt.Errorf("lots in %s/%d: %w", e.Topic, e.Version, err)
	}
	return told, nil
}

// AddLot puts a lot into a show of the host's, behind those that wait; its listing is reserved from now on.
func (s *Service) AddLot(ctx context.Context, host uuid.UUID, in StartInput) (_ Auction, err error) {
	if in.Show == nil {
		return Auction{}, ErrNotInShow.At("showId")
	}
	if err := s.validate(in); err != nil {
		return Auction{}, err
	}
	defer fault.Wrap(&err, "add listing %s to a show", in.Listing)
	return s.tell(ctx, func(tx pgx.Tx) (Auction, []realtime.Event, error) {
		row, err := s.insertTx(ctx, tx, host, in, Queued, time.Time{})
		if err != nil {
			return Auction{}, nil, err
		}
		return s.tellTx(ctx, tx, row, EventQueued)
	})
}

// OpenLot opens a lot that waits in a live show.
func (s *Service) OpenLot(ctx context.Context, host, lot uuid.UUID) (_ Auction, err error) {
	defer fault.Wrap(&err, "open lot %s", lot)
	return s.changeLot(ctx, host, lot, func(tx pgx.Tx, in show.Show, row db.Auction, now time.Time) (Auction, []realtime.Event, error) {
		switch {
		case in.Status != show.Live:
			return Auction{}, nil, show.ErrNotLive
		case Status(row.Status) != Queued:
			return Auction{}, nil, ErrNotWaiting
		}
		return s.openTx(ctx, tx, row, now)
	})
}

// PauseLot stops a lot's time; what is left of it is kept.
func (s *Service) PauseLot(ctx context.Context, host, lot uuid.UUID) (_ Auction, err error) {
	defer fault.Wrap(&err, "pause lot %s", lot)
	return s.changeLot(ctx, host, lot, func(tx pgx.Tx, _ show.Show, row db.Auction, now time.Time) (Auction, []realtime.Event, error) {
		if Status(row.Status) != Open || !now.Before(*row.EndsAt) {
			return Auction{}, nil, ErrLotNotOpen
		}
		row.Status, row.TimeLeft = string(Paused), new(row.EndsAt.Sub(now).Microseconds())
		return s.tellTx(ctx, tx, row, EventPaused)
	})
}

// ResumeLot lets a paused lot run on for what is left of its time. How far late bids may move its end moves along.
func (s *Service) ResumeLot(ctx context.Context, host, lot uuid.UUID) (_ Auction, err error) {
	defer fault.Wrap(&err, "resume lot %s", lot)
	return s.changeLot(ctx, host, lot, func(tx pgx.Tx, _ show.Show, row db.Auction, now time.Time) (Auction, []realtime.Event, error) {
		if Status(row.Status) != Paused {
			return Auction{}, nil, ErrNotPaused
		}
		end := now.Add(time.Duration(*row.TimeLeft) * time.Microsecond)
		if row.LatestEnd != nil {
			row.LatestEnd = new(row.LatestEnd.Add(end.Sub(*row.EndsAt)))
		}
		row.Status, row.EndsAt, row.TimeLeft = string(Open), &end, nil
		return s.runTx(ctx, tx, row, EventResumed)
	})
}

// HammerLot ends an open or paused lot at once: it is sold to who leads, where the reserve is met, and else unsold.
func (s *Service) HammerLot(ctx context.Context, host, lot uuid.UUID) (_ Auction, err error) {
	defer fault.Wrap(&err, "bring the hammer down on lot %s", lot)
	return s.endLot(ctx, host, lot, func(row db.Auction) (Status, error) {
		if !Status(row.Status).Live() {
			return "", ErrLotNotOpen
		}
		return outcome(row), nil
	})
}

// PassLot lets a lot go that waits, or that nobody's bid would win; its listing is free again.
func (s *Service) PassLot(ctx context.Context, host, lot uuid.UUID) (_ Auction, err error) {
	defer fault.Wrap(&err, "pass lot %s", lot)
	return s.endLot(ctx, host, lot, func(row db.Auction) (Status, error) {
		switch status := Status(row.Status); {
		case status == Queued:
		case !status.Live():
			return "", ErrLotNotOpen
		case stateOf(row).Sells():
			return "", ErrWouldSell
		}
		return Passed, nil
	})
}

// RemoveLot takes a lot out that waits; its listing is free again.
func (s *Service) RemoveLot(ctx context.Context, host, lot uuid.UUID) (_ Auction, err error) {
	defer fault.Wrap(&err, "take lot %s out", lot)
	return s.endLot(ctx, host, lot, func(row db.Auction) (Status, error) {
		if Status(row.Status) != Queued {
			return "", ErrNotWaiting
		}
		return Passed, nil
	})
}

// endLot ends a lot by its host's hand, as decide says. An end that has come is an end: the lot is closed as any other.
func (s *Service) endLot(ctx context.Context, host, lot uuid.UUID, decide func(db.Auction) (Status, error)) (Auction, error) {
	return s.changeLot(ctx, host, lot, func(tx pgx.Tx, _ show.Show, row db.Auction, now time.Time) (Auction, []realtime.Event, error) {
		status, err := decide(row)
		if err != nil {
			return Auction{}, nil, err
		}
		if Status(row.Status) == Open && !now.Before(*row.EndsAt) {
			status = outcome(row)
		}
		row, told, err := s.markTx(ctx, tx, row, now, status)
		if err != nil {
			return Auction{}, nil, err
		}
		settled, err := s.settleTx(ctx, tx, row)
		return s.auctionOf(row), append(told, settled...), err
	})
}

// changeLot does something to a lot of a host's show under the show's lock and its own.
func (s *Service) changeLot(
	ctx context.Context, host, lot uuid.UUID, do func(pgx.Tx, show.Show, db.Auction, time.Time) (Auction, []realtime.Event, error),
) (Auction, error) {
	before, err := s.Get(ctx, lot)
	if err != nil {
		return Auction{}, err
	}
	if before.ShowID == nil {
		return Auction{}, ErrNotInShow
	}
	return s.tell(ctx, func(tx pgx.Tx) (Auction, []realtime.Event, error) {
		in, err := s.shows.LockTx(ctx, tx, host, *before.ShowID)
		if err != nil {
			return Auction{}, nil, err
		}
		row, now, err := s.lockTx(ctx, tx, lot)
		if err != nil {
			return Auction{}, nil, err
		}
		return do(tx, in, row, now)
	})
}

// tell commits what do does, and publishes what that tells.
func (s *Service) tell(ctx context.Context, do func(pgx.Tx) (Auction, []realtime.Event, error)) (a Auction, err error) {
	var events []realtime.Event
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		a, events, err = do(tx)
		return err
	})
	if err != nil {
		return Auction{}, err
	}
	s.hub.Publish(ctx, events...)
	return a, nil
}

// ReorderLots puts lots that wait in a show before all others that do, in this order; the others keep theirs.
func (s *Service) ReorderLots(ctx context.Context, host, in uuid.UUID, lots []uuid.UUID) (_ show.Show, err error) {
	if len(lots) == 0 || len(lots) > maxReorder {
		return show.Show{}, ErrReorder.At("lotIds")
	}
	defer fault.Wrap(&err, "order the lots of show %s", in)
	return s.tellShow(ctx, host, in, func(tx pgx.Tx, now show.Show) (show.Show, string, InShow, error) {
		if now.Status.Over() {
			return now, "", InShow{}, show.ErrOver
		}
		waiting, err := s.q.LotsWaiting(ctx, tx, in)
		if err != nil {
			return now, "", InShow{}, err
		}
		queue, places := make([]uuid.UUID, len(waiting)), make([]int32, len(waiting))
		for i, lot := range waiting {
			queue[i], places[i] = lot.ID, lot.Position
		}
		if queue, err = first(queue, lots); err != nil {
			return now, "", InShow{}, err
		}
		err = s.q.LotsPlace(ctx, tx, queue, places)
		return now, EventLotsReordered, InShow{Queue: queue}, err
	})
}

const maxReorder = 1000

// first puts some of a queue to its beginning.
func first(queue, some []uuid.UUID) ([]uuid.UUID, error) {
	rest := slices.Clone(queue)
	for _, lot := range some {
		i := slices.Index(rest, lot)
		if i < 0 { // it does not wait, or was named before
			return nil, ErrReorder.At("lotIds")
		}
		rest = slices.Delete(rest, i, i+1)
	}
	return slices.Concat(some, rest), nil
}

// PinLot shows a lot of a show to its viewers before the others, or none.
func (s *Service) PinLot(ctx context.Context, host, in uuid.UUID, lot *uuid.UUID) (_ show.Show, err error) {
	defer fault.Wrap(&err, "pin a lot in show %s", in)
	return s.tellShow(ctx, host, in, func(tx pgx.Tx, now show.Show) (show.Show, string, InShow, error) {
		if now.Status.Over() {
			return now, "", InShow{}, show.ErrOver
		}
		kind, told := EventLotUnpinned, InShow{}
		if lot != nil {
			row, _, err := s.lockTx(ctx, tx, *lot)
			if err == nil && (row.ShowID == nil || *row.ShowID != in) {
				err = ErrNotInShow.At("lotId")
			}
			if err != nil {
				return now, "", InShow{}, err
			}
			kind, told.Auction = EventLotPinned, new(s.auctionOf(row))
		}
		now, err := s.shows.PinTx(ctx, tx, in, lot)
		told.Show = &now
		return now, kind, told, err
	})
}

// tellShow changes a host's show under its lock, and tells its viewers.
func (s *Service) tellShow(
	ctx context.Context, host, in uuid.UUID, do func(pgx.Tx, show.Show) (_ show.Show, kind string, told InShow, _ error),
) (now show.Show, err error) {
	var event realtime.Event
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if now, err = s.shows.LockTx(ctx, tx, host, in); err != nil {
			return err
		}
		var (
			kind string
			told InShow
		)
		if now, kind, told, err = do(tx, now); err != nil {
			return err
		}
		event, err = show.AppendTx(ctx, tx, in, kind, told)
		return err
	})
	if err != nil {
		return show.Show{}, err
	}
	s.hub.Publish(ctx, event)
	return now, nil
}

// EndShow ends a live show that has no open and no paused lot. The lots that still wait are passed.
func (s *Service) EndShow(ctx context.Context, host, in uuid.UUID) (_ show.Show, err error) {
	defer fault.Wrap(&err, "end show %s", in)
	if err := s.closeDueOf(ctx, in); err != nil {
		return show.Show{}, err
	}
	return s.finish(ctx, host, in, func(now show.Show) (show.Status, string, error) {
		if now.Status.Over() {
			return "", "", show.ErrOver
		}
		if now.Status != show.Live {
			return "", "", show.ErrNotLive
		}
		return show.Ended, show.EventEnded, nil
	})
}

// CancelShow calls a show off that has not begun. Its lots are passed.
func (s *Service) CancelShow(ctx context.Context, host, in uuid.UUID) (_ show.Show, err error) {
	defer fault.Wrap(&err, "cancel show %s", in)
	return s.finish(ctx, host, in, func(now show.Show) (show.Status, string, error) {
		if now.Status != show.Scheduled {
			return "", "", show.ErrNotScheduled
		}
		return show.Cancelled, show.EventCancelled, nil
	})
}

// closeDueOf closes the lots of a show whose end has come, so that they do not keep it from ending.
func (s *Service) closeDueOf(ctx context.Context, in uuid.UUID) error {
	live, err := s.q.LotsLive(ctx, s.pool, in)
	if err != nil {
		return err
	}
	for _, lot := range live {
		if _, err := s.Close(ctx, lot.ID); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) finish(ctx context.Context, host, in uuid.UUID, decide func(show.Show) (show.Status, string, error)) (now show.Show, err error) {
	var events []realtime.Event
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		now, err = s.shows.LockTx(ctx, tx, host, in)
		if err != nil {
			return err
		}
		as, kind, err := decide(now)
		if err != nil {
			return err
		}
		live, err := s.q.LotsLive(ctx, tx, in)
		if err != nil {
			return err
		}
		if len(live) > 0 {
			return show.ErrHasOpenLot.With("lot", s.auctionOf(live[0]))
		}
		if events, err = s.passWaitingTx(ctx, tx, in); err != nil {
			return err
		}
		if now, err = s.shows.FinishTx(ctx, tx, in, as); err != nil {
			return err
		}
		event, err := show.AppendTx(ctx, tx, in, kind, show.Change{Show: &now})
		events = append(events, event)
		return err
	})
	if err != nil {
		return show.Show{}, err
	}
	s.hub.Publish(ctx, events...)
	return now, nil
}

// passWaitingTx passes all lots that wait in a show that is locked, and frees their listings. The show's viewers learn it by
// the show's end; those of a lot, by the lot's own event.
func (s *Service) passWaitingTx(ctx context.Context, tx pgx.Tx, in uuid.UUID) ([]realtime.Event, error) {
	rows, err := s.q.LotsPassWaiting(ctx, tx, in)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	listings, changes := make([]uuid.UUID, len(rows)), make([]realtime.Change, len(rows))
	for i, row := range rows {
		listings[i] = row.ListingID
		changes[i] = realtime.Change{Topic: Topic(row.ID), Version: row.Version, Kind: EventPassed, Payload: Change{Auction: s.auctionOf(row)}}
	}
	if err := s.catalog.FreeAllTx(ctx, tx, listings); err != nil {
		return nil, err
	}
	return realtime.AppendAllTx(ctx, tx, changes)
}
