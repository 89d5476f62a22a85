// Package e2e tests the product from outside: it builds the program, runs it as processes of their own on a real
// PostgreSQL and a real Redis, and speaks to them over HTTP and WebSocket as clients do. It kills them, too.
package e2e
