package presence

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
)

// lookEvery is how often what is followed is looked at.
const lookEvery = time.Second

// follows are the places that somebody here follows.
type follows struct {
	mu sync.Mutex
	of map[uuid.UUID]*followed
}

type followed struct {
	told *Counts // to all of them; nil until the first look
	tell map[chan Counts]struct{}
}

// Follow tells how many are in a place and how they cheer, and again whenever that is another, until ctx ends; the channel stays open. Of
// what was not taken only the newest is kept. A server looks once a second, however many follow the place. Nobody may write to Reactions.
func (p *Presence) Follow(ctx context.Context, where uuid.UUID) <-chan Counts {
	news := make(chan Counts, 1)
	p.follows.mu.Lock()
	defer p.follows.mu.Unlock()
	at := p.follows.of[where]
	if at == nil {
		at = &followed{tell: map[chan Counts]struct{}{}}
		p.follows.of[where] = at
	}
	at.tell[news] = struct{}{}
	if at.told != nil {
		news <- *at.told
	}
	context.AfterFunc(ctx, func() {
		p.follows.mu.Lock()
		defer p.follows.mu.Unlock()
		if delete(at.tell, news); len(at.tell) == 0 && p.follows.of[where] == at {
			delete(p.follows.of, where)
		}
	})
	return news
}

// lookOut looks until ctx ends.
func (p *Presence) lookOut(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			p.report(ctx, p.look(ctx))
		case <-ctx.Done():
			return
		}
	}
}

// look tells those who follow a place what has become another there.
func (p *Presence) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, redisPatience)
	defer cancel()
	p.follows.mu.Lock()
	places := slices.Collect(maps.Keys(p.follows.of))
	p.follows.mu.Unlock()
	if len(places) == 0 {
		return nil
	}
	counts, err := p.countAll(ctx, places)
	if err != nil {
		return err
	}
	p.follows.mu.Lock()
	defer p.follows.mu.Unlock()
	for i, where := range places {
		if at := p.follows.of[where]; at != nil {
			at.hear(counts[i])
		}
	}
	return nil
}

func (f *followed) hear(now Counts) {
	if f.told != nil && f.told.Watching == now.Watching && maps.Equal(f.told.Reactions, now.Reactions) {
		return
	}
	f.told = &now
	for news := range f.tell {
		select { // nobody else sends
		case <-news:
		default:
		}
		news <- now
	}
}
