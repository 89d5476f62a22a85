//go:build linux

// Package rig is what benchmarks stand on: a PostgreSQL that keeps every commit and a Redis, both started for one run and gone after
// it; Souk and other processes, each on a core, with the processor time that they have used; medians, and a report.
//
// A program that starts processes by it takes the role "pin" (Pin) when its first argument says so.
package rig
