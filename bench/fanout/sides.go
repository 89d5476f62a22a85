//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/bench/rig"
	"github.com/souklive/souk/bench/viewers"
	"github.com/souklive/souk/internal/realtime"
)

// script is what our viewers have been sent: the rivals send it again.
type script struct {
	messages []string
	events   []realtime.Event
	epoch    string
}

// ours is Souk with viewers of lots.
func (s *stage) ours(ctx context.Context, spec viewers.Spec, lots ...lot) (*side, error) {
	souk, err := s.StartSouk(ctx, serverCore, "serve", "api")
	if err != nil {
		return nil, err
	}
	o := &side{name: "souk", server: souk, end: souk.Stop}
	spec.Addr, spec.Dialect = souk.Addr, "graphql"
	for _, l := range lots {
		spec.Lots = append(spec.Lots, l.node)
	}
	if err := o.watch(ctx, spec); err != nil {
		return nil, errors.Join(err, o.close(ctx))
	}
	return o, nil
}

// played is Souk, woken by what this process commits, which is kept for the rivals.
func (s *stage) played(ctx context.Context, size int, play *script) (*side, error) {
	lot := s.market.lots[0]
	key, err := lot.key()
	if err != nil {
		return nil, err
	}
	o, err := s.ours(ctx, viewers.Spec{Viewers: size}, lot)
	if err != nil {
		return nil, err
	}
	o.publish = func(ctx context.Context, events int) (int64, time.Time, error) {
		made, err := s.commit(ctx, key, events)
		if err != nil {
			return 0, time.Time{}, err
		}
		play.events = append(play.events, made...)
		begun := time.Now()
		s.hub.Publish(ctx, made...)
		return made[len(made)-1].Version, begun, nil
	}
	return o, nil
}

// remember takes down what our viewers were sent since it was last asked.
func (s *side) remember(ctx context.Context, play *script) error {
	raw, err := s.viewers.Ask(ctx, "record", "record")
	if err != nil {
		return err
	}
	var more []string
	err = json.Unmarshal([]byte(raw), &more)
	play.messages = append(play.messages, more...)
	return err
}

// rival is a server that plays the script.
func (s *stage) rival(ctx context.Context, name, program string, size int, play *script) (*side, error) {
	channel := "bench:" + name + ":" + uuid.NewString()
	spec, err := json.Marshal(rivalSpec{Redis: s.RedisURL, Channel: channel})
	if err != nil {
		return nil, err
	}
	args := []string{name, string(spec)}
	if name == "centrifuge" {
		args = args[1:]
	}
	running, err := rig.ConverseWith(serverCore, program, args...)
	if err != nil {
		return nil, err
	}
	r := &side{name: name, server: running.Process, end: running.End}
	if running.Addr, err = running.Hear(ctx, "addr"); err != nil {
		return nil, errors.Join(err, r.close(ctx))
	}
	at := 0
	r.publish = func(ctx context.Context, events int) (int64, time.Time, error) {
		pipe := s.Redis.Pipeline()
		for range events {
			message, err := play.trigger(name, at)
			if err != nil {
				return 0, time.Time{}, err
			}
			pipe.Publish(ctx, channel, message)
			at++
		}
		begun := time.Now()
		_, err := pipe.Exec(ctx)
		return play.events[at-1].Version, begun, err
	}
	load := viewers.Spec{Addr: running.Addr, Dialect: "graphql", Viewers: size, Lots: []string{s.market.lots[0].node}}
	if name == "centrifuge" {
		load.Dialect = name
	}
	if err := r.watch(ctx, load); err != nil {
		return nil, errors.Join(err, r.close(ctx))
	}
	return r, nil
}

const (
	messageHead = `{"type":"next","id":"1","payload":`
	messageTail = `}`
)

// trigger is what Redis brings a rival for the script's nth event: the message itself, the payload, or the event to execute.
func (p *script) trigger(name string, n int) (string, error) {
	if n >= len(p.events) || n >= len(p.messages) {
		return "", fmt.Errorf("the script has %d events and %d messages", len(p.events), len(p.messages))
	}
	switch name {
	case "raw":
		return p.messages[n], nil
	case "centrifuge":
		payload, ok := strings.CutPrefix(p.messages[n], messageHead)
		if !ok {
			return "", fmt.Errorf("not a message: %.100q", p.messages[n])
		}
		return strings.TrimSuffix(payload, messageTail), nil
	}
	e := p.events[n]
	raw, err := json.Marshal(map[string]any{"version": e.Version, "epoch": p.epoch, "kind": e.Kind, "at": e.At, "change": e.Payload})
	return string(raw), err
}
