//go:build !linux

// Command fanout measures what it costs to bring a lot's events to many viewers. It needs Linux: its load client is an epoll, and
// it reads processor time from /proc.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "bench-fanout: this benchmark runs on Linux alone")
	os.Exit(1)
}
