//go:build linux

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"

	"github.com/redis/go-redis/v9"

	"github.com/souklive/souk/internal/redisx"
)

// rivalSpec is what a server that we are compared with is told. All of them are woken as ours is: by a message of Redis.
type rivalSpec struct {
	Redis   string `json:"redis"`
	Channel string `json:"channel"`
}

// runRival serves a handler on a free port, whose address it says, and hands on what Redis brings, until its standard input ends.
func runRival(args []string, handler http.Handler, received func(payload string) error) error {
	var spec rivalSpec
	if err := json.Unmarshal([]byte(args[0]), &spec); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	client, err := redisx.Open(ctx, spec.Redis)
	if err != nil {
		return err
	}
	subscription := client.Subscribe(ctx, spec.Channel)
	if _, err := subscription.Receive(ctx); err != nil {
		return err
	}
	go func() { cancel(follow(ctx, subscription, received)) }()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() { cancel(http.Serve(listener, handler)) }() //nolint:gosec // a benchmark's own client
	fmt.Println("addr", listener.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, bufio.NewReader(os.Stdin))
		cancel(nil)
	}()
	<-ctx.Done()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

func follow(ctx context.Context, from *redis.PubSub, received func(payload string) error) error {
	for {
		message, err := from.ReceiveMessage(ctx)
		if err != nil {
			return err
		}
		if err := received(message.Payload); err != nil {
			return err
		}
	}
}

// noEvent is what a rival answers a subscription with, so that its viewer knows that it is heard.
const noEvent = `{"data":{"auctionEvents":{"version":0}}}`
