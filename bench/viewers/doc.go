//go:build linux

// Package viewers is a load client: thousands of WebSockets that watch lots, on one thread with one epoll. It reads the version of
// each message, insists on every one, and takes the time to the last viewer.
//
// It is a process of its own, told what to do by lines on its standard input: a benchmark starts itself in the role "load" (Run).
package viewers
