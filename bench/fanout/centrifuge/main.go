// Command centrifuge is a server on the centrifuge library with its defaults: WebSocket, the JSON protocol, anonymous clients,
// one channel without history. What Redis brings it publishes. It is a module of its own, so that Souk does not depend on
// what it is compared with.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"

	"github.com/centrifugal/centrifuge"
	"github.com/redis/rueidis"
)

// spec is rival.go's.
type spec struct {
	Redis   string `json:"redis"`
	Channel string `json:"channel"`
}

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "centrifuge:", err)
		os.Exit(1)
	}
}

func run(argument string) error {
	var s spec
	if err := json.Unmarshal([]byte(argument), &s); err != nil {
		return err
	}
	node, err := newNode()
	if err != nil {
		return err
	}
	options, err := rueidis.ParseURL(s.Redis)
	if err != nil {
		return err
	}
	options.DisableCache = true
	client, err := rueidis.NewClient(options)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	go func() {
		cancel(client.Receive(ctx, client.B().Subscribe().Channel(s.Channel).Build(), func(m rueidis.PubSubMessage) {
			if _, err := node.Publish(channel, []byte(m.Message)); err != nil {
				cancel(err)
			}
		}))
	}()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	handler := centrifuge.NewWebsocketHandler(node, centrifuge.WebsocketConfig{})
	go func() { cancel(http.Serve(listener, anonymous(handler))) }()
	fmt.Println("addr", listener.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, bufio.NewReader(os.Stdin))
		os.Exit(0)
	}()
	<-ctx.Done()
	return context.Cause(ctx)
}

const channel = "lot"

func newNode() (*centrifuge.Node, error) {
	node, err := centrifuge.New(centrifuge.Config{})
	if err != nil {
		return nil, err
	}
	node.OnConnect(func(client *centrifuge.Client) {
		client.OnSubscribe(func(_ centrifuge.SubscribeEvent, answer centrifuge.SubscribeCallback) {
			answer(centrifuge.SubscribeReply{}, nil)
		})
	})
	return node, node.Run()
}

func anonymous(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(centrifuge.SetCredentials(r.Context(), &centrifuge.Credentials{})))
	})
}
