// Package carrierfake holds carriers of our own: HTTP servers that keep state in memory and answer as the carriers' documented services do, so that the code
// which runs against them is the code that runs against the real ones. They are never mocks of an interface of ours.
//
// What the real ones do not have, for tests and the demo: a plan of what goes wrong (Plan), points that close, and parcels that are moved on by hand.
package carrierfake
