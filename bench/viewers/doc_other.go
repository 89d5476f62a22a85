//go:build !linux

// Package viewers is a load client; on Linux alone.
package viewers
