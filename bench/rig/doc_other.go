//go:build !linux

// Package rig is what benchmarks stand on; on Linux alone.
package rig
