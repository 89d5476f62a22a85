//go:build race

package e2e

// withRace says that the tests run under the race detector; so does then the program.
const withRace = true
