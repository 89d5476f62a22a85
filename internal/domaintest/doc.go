// Package domaintest gives the tests of the domains a small world on a database of its own: people, goods, money
// and all services, with a publisher that remembers what it was told.
package domaintest
