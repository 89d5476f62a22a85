// Package obs is how the server is watched: log lines that carry the ids of the work they belong to,
// request ids, metrics, and health.
//
// Invariants: a line that is written with a context carries that context's request id; nothing that a
// client sends reaches a log or a response header as an id without having passed ValidRequestID; and a
// metric's labels have a bounded number of values.
package obs
