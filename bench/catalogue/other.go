//go:build !linux

// Command catalogue measures a catalogue; on Linux alone.
package main

import "fmt"

func main() { fmt.Println("bench-catalogue runs on Linux alone") }
