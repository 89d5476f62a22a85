package auction

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/batch"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
)

const (
	batchMax   = 512              // bids of one transaction
	waitingMax = 8192             // bids that wait for one lot in this server
	commitTime = 30 * time.Second // for one batch; then nobody knows, and the key finds what was done
	shortTries = 8                // how many bidders of a batch may turn out to be short before it is done bid by bid
)

// Drain takes no more bids, and waits until those that wait are answered.
func (s *Service) Drain(ctx context.Context) error {
	if err := s.bids.Close(ctx); err != nil {
		return fmt.Errorf("answer the bids that wait: %w", err)
	}
	return nil
}

// commit judges and writes a batch in one transaction. Where that fails for a reason that is one bid's alone, each is done by
// itself, so that what is wrong with it refuses it and no other.
func (s *Service) commit(ctx context.Context, lot uuid.UUID, asks []*ask) []batch.Answer[Placed] {
	begun := time.Now()
	answers, err := s.commitOnce(ctx, lot, asks)
	switch {
	case err == nil:
	case len(asks) == 1 || lost(err):
		answers = batch.Fail[Placed](len(asks), refusalOf(err))
	default:
		s.metrics.split.Inc()
		answers = make([]batch.Answer[Placed], 0, len(asks))
		for i := range asks {
			one, err := s.commitOnce(ctx, lot, asks[i:i+1])
			if err != nil {
				one = batch.Fail[Placed](1, refusalOf(err))
			}
			answers = append(answers, one...)
		}
	}
	s.metrics.committed(asks, answers, begun)
	return answers
}

// lost says that nobody knows whether a transaction was committed, or that no other will fare better.
func lost(err error) bool {
	return postgres.Away(err) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrNotFound)
}

// refusalOf is what a bidder is told of why their transaction failed.
func refusalOf(err error) error {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return ErrUnknown.Because(err)
	case postgres.Violates(err, "bid_bidder_id_idempotency_key_key"): // used on another lot meanwhile
		return ErrKeyReused
	}
	return err
}

// commitOnce is a batch's transaction, and the answers. A panic is an error: it may be one bid's alone.
func (s *Service) commitOnce(ctx context.Context, lot uuid.UUID, asks []*ask) (_ []batch.Answer[Placed], err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
		}
	}()
	short := make(map[uuid.UUID]error)
	for {
		var (
			told []realtime.Event
			b    *judging
		)
		err := postgres.InTx(ctx, s.pool, func(tx pgx.Tx) (err error) {
			b = &judging{s: s, tx: tx, asks: asks, short: short}
			told, err = b.run(ctx, lot)
			return err
		})
		if err == nil {
			if len(told) > 0 {
				s.hub.Publish(ctx, told...)
			}
			return b.answers(), nil
		}
		if b == nil || !b.blames(err) || len(short) == shortTries {
			return nil, err
		}
		short[b.state.Leader] = err // their money went elsewhere since it was looked at: the rest is judged again
	}
}

// blames says whether an error is that the wallet of who leads is short or frozen.
func (b *judging) blames(err error) bool {
	return b.state.Led() && (errors.Is(err, payment.ErrInsufficientFunds) || errors.Is(err, payment.ErrWalletFrozen)) &&
		fault.KindOf(err) == fault.Precondition
}
