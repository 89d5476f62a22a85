// Package fx knows what one currency is worth in another. It owns the table fx_rate, which keeps what a Source said
// last; whoever exchanges reads that, and never waits for a source.
//
// What must stay true:
//   - rates are decimals and all arithmetic is exact: no float, and what has to be rounded is rounded down, so that
//     nobody gets more than a rate gives, and there and back gains nothing;
//   - while a source is down its last rates are used until they are too old, and then none are;
//   - rates that cannot be are not believed: those older than what is known, from the future, or less than half or more
//     than double of the last.
//
// Time is the database's.
package fx
