// Package archtest holds the rules of docs/architecture.md that a compiler does not: which way imports run, and
// that each directory says what it is for. It has tests only.
package archtest
