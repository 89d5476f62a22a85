//go:build !linux

// Command checkout measures checkouts; on Linux alone.
package main

import "fmt"

func main() { fmt.Println("bench-checkout runs on Linux alone") }
