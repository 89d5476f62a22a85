//go:build linux

package rig

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ticks is how many of /proc's units of time make a second; Linux has shown 100 on every machine since 2.6.
const ticks = 100

// stat is what /proc says about a process.
type stat struct {
	parent int
	used   time.Duration // user and system time, in all its threads
	reaped time.Duration // of children that have ended
}

func statOf(pid int) (s stat, err error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return s, err
	}
	_, after, _ := strings.Cut(string(raw), ") ") // past the name, which may hold anything
	fields := strings.Fields(after)
	if len(fields) < 15 {
		return s, fmt.Errorf("/proc has %q", raw)
	}
	var numbers [5]int64
	for i, at := range []int{1, 11, 12, 13, 14} {
		var err1 error
		numbers[i], err1 = strconv.ParseInt(fields[at], 10, 64)
		err = errors.Join(err, err1)
	}
	s.parent = int(numbers[0])
	s.used = time.Duration(numbers[1]+numbers[2]) * time.Second / ticks
	s.reaped = time.Duration(numbers[3]+numbers[4]) * time.Second / ticks
	return s, err
}

// CPU is the user and system time that the process has had, in all its threads.
func (s *Process) CPU() (time.Duration, error) {
	stat, err := statOf(s.child.PID())
	if err != nil {
		return 0, errors.Join(err, s.Ended())
	}
	return stat.used, nil
}

// Load is the machine's load averages, of one, five and fifteen minutes.
func Load() string {
	raw, _ := os.ReadFile("/proc/loadavg")
	fields := strings.Fields(string(raw))
	return strings.Join(fields[:min(3, len(fields))], " ")
}

// OwnCPU is the user and system time of this process.
func OwnCPU() (time.Duration, error) {
	var u syscall.Rusage
	err := syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), err
}

// DatabaseCPU is the user and system time of all of PostgreSQL's processes, those that have ended included.
func (r *Rig) DatabaseCPU(ctx context.Context) (all time.Duration, err error) {
	var backend int
	if err := r.Admin.QueryRow(ctx, "SELECT pg_backend_pid()").Scan(&backend); err != nil {
		return 0, err
	}
	one, err := statOf(backend)
	if err != nil {
		return 0, err
	}
	postmaster, err := statOf(one.parent)
	if err != nil {
		return 0, err
	}
	all = postmaster.used + postmaster.reaped
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0, err
	}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if child, err := statOf(pid); err == nil && child.parent == one.parent { // it may have ended since
			all += child.used
		}
	}
	return all, nil
}
