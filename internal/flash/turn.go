package flash

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/realtime"
)

const (
	turnEvery     = 200 * time.Millisecond
	tellEvery     = time.Second // also where nothing has changed: what was lost is told again
	redisPatience = time.Second
)

// turnstile lets so many through as the rate allows since the last time, whoever turns it: one script, one key, Redis's clock. Of a
// sale that it does not know it takes what the database says, and lets nobody through yet: so a Redis that has lost everything, or a
// part, admits nobody sooner.
const turnstile = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local kept, joined, rate = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local s = redis.call('HMGET', KEYS[1], 'admitted', 'at')
if not s[1] or not s[2] then
  redis.call('HSET', KEYS[1], 'admitted', kept, 'at', now)
  redis.call('PEXPIRE', KEYS[1], 86400000)
  return kept
end
local admitted = math.max(tonumber(s[1]), kept)
local passed = math.max(0, math.min(now - tonumber(s[2]), math.max(1000, 60000 / rate)))
local n = math.min(joined - admitted, math.floor(passed * rate / 60000))
if n > 0 then
  admitted = admitted + n
  redis.call('HSET', KEYS[1], 'admitted', admitted, 'at', math.ceil(now - (passed - n * 60000 / rate)))
  redis.call('PEXPIRE', KEYS[1], 86400000)
end
return admitted`

// State is how far a waiting room is, as it is told to those who wait: everybody works out their own position.
type State struct {
	Admitted int64 `json:"admitted"`
	Joined   int64 `json:"joined"`
	Drawn    bool  `json:"drawn"`
}

// Topic is a waiting room's.
func Topic(sale uuid.UUID) realtime.Topic {
	return realtime.Topic("flash:" + sale.String())
}

// TurnLoop draws lotteries and admits who waits until ctx ends. Any number of servers may do so at once: together they admit no more than
// the rate. Without Redis nobody is admitted until it is back; places are in the database.
func (s *Service) TurnLoop(ctx context.Context) error {
	tick := time.NewTicker(turnEvery)
	defer tick.Stop()
	told := map[uuid.UUID]time.Time{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := s.Turn(ctx, told); err != nil && ctx.Err() == nil {
				s.Log.WarnContext(ctx, "nobody was admitted to flash sales, which will be tried again", "error", err)
			}
		}
	}
}

// Turn goes once through all sales that run.
func (s *Service) Turn(ctx context.Context, told map[uuid.UUID]time.Time) (err error) {
	defer fault.Wrap(&err, "admit to flash sales")
	rows, err := s.q.FlashSalesRunning(ctx, s.Pool)
	if err != nil {
		return err
	}
	for _, row := range rows {
		sale := s.saleOf(row)
		changed, turnErr := s.turnSale(ctx, &sale)
		if turnErr != nil {
			err = turnErr // the others' turn comes all the same
		}
		if now := s.Clock.Now(); changed || now.Sub(told[sale.ID]) >= tellEvery {
			told[sale.ID] = now
			state := State{Admitted: sale.Admitted, Joined: sale.Joined, Drawn: sale.Mode == FIFO || sale.DrawnAt != nil}
			if tellErr := s.Hub.Broadcast(ctx, Topic(sale.ID), state); tellErr != nil {
				err = tellErr
			}
		}
	}
	return err
}

// turnSale draws a sale's lottery if that is due, and admits who may come in. What it says is committed: nobody is told of a turn that
// could be lost.
func (s *Service) turnSale(ctx context.Context, sale *Sale) (changed bool, err error) {
	if sale.Mode == Lottery && sale.DrawnAt == nil {
		if changed, err = s.draw(ctx, sale.ID); err != nil {
			return changed, err
		}
		sale.DrawnAt = new(s.Clock.Now())
	}
	if sale.Admitted >= sale.Joined {
		return changed, nil
	}
	upTo, err := s.turnGate(ctx, *sale)
	if err != nil || upTo <= sale.Admitted {
		return changed, err
	}
	admitted, err := s.q.FlashAdmit(ctx, s.Pool, sale.ID, upTo)
	if err != nil {
		return changed, err
	}
	changed = changed || admitted > sale.Admitted
	sale.Admitted = max(sale.Admitted, admitted)
	return changed, nil
}

// turnGate asks Redis up to which number the rate lets in.
func (s *Service) turnGate(ctx context.Context, sale Sale) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, redisPatience)
	defer cancel()
	return redis.NewScript(turnstile).Run(ctx, s.Redis, []string{s.gateKey(sale.ID)}, sale.Admitted, sale.Joined, sale.AdmitPerMinute).Int64()
}

// gateKey is one key a sale, in one slot of a cluster.
func (s *Service) gateKey(sale uuid.UUID) string {
	return "souk:flash:" + s.Epoch() + ":{" + sale.String() + "}"
}

// Follow turns what is told of a waiting room into somebody's place in it. Positions never go up, in whatever order the news comes.
func (s *Service) Follow(ctx context.Context, place Place) func(json.RawMessage) (Place, bool, error) {
	newest, told := place.upTo(), false
	return func(raw json.RawMessage) (Place, bool, error) {
		var state State
		if err := json.Unmarshal(raw, &state); err != nil {
			return Place{}, false, err
		}
		if place.Number == nil && state.Drawn {
			drawn, err := s.PlaceOf(ctx, place.UserID, place.SaleID)
			if err != nil {
				return Place{}, false, err
			}
			place, newest = drawn, drawn.upTo()
		}
		if place.Number == nil || told && state.Admitted <= newest {
			return Place{}, false, nil
		}
		newest, told = max(newest, state.Admitted), true
		return place.after(newest), true, nil
	}
}

// upTo is the number up to which all were admitted when the place was read, as far as it tells.
func (p Place) upTo() int64 {
	if p.Number == nil {
		return 0
	}
	return *p.Number - *p.Position
}
