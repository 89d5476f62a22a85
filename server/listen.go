package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
)

// portTries is how many ports after the default one are tried before the system chooses.
const portTries = 20

// listen opens a TCP address. Where the user did not choose it and it is taken, by a second clone most
// likely, the next free port does as well; where the user chose it, that is an error which names the
// setting.
func listen(ctx context.Context, setting, addr string, chosen bool) (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", addr)
	if err == nil {
		return listener, nil
	}
	if !errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s=%s cannot be listened on: %w", setting, addr, err)
	}
	if chosen {
		return nil, fmt.Errorf("%s=%s is taken by another program; choose another port, or unset it", setting, addr)
	}
	host, portText, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", setting, err)
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", setting, err)
	}
	for next := port + 1; next <= port+portTries; next++ {
		listener, err = config.Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(next)))
		if err == nil {
			return listener, nil
		}
	}
	listener, err = config.Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return nil, fmt.Errorf("find a free port: %w", err)
	}
	return listener, nil
}

// baseURL is where a browser on this machine reaches the listener: one that listens on every address
// is reached at the loopback one.
func baseURL(listener net.Listener) string {
	host, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return "http://" + listener.Addr().String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}
