//go:build !linux

// Command bids measures what a bid costs. It needs Linux: its viewers are an epoll, and it reads processor time from /proc.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "bench-bids: this benchmark runs on Linux alone")
	os.Exit(1)
}
