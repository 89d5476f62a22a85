// Package shipping brings what was bought to who bought it: carriers behind one interface, addresses as each of them takes them. docs/shipping.md is
// its design; the packages below this one speak the carriers' own protocols.
//
// What must stay true:
//   - a call that may have had an effect is never told from one that had none by hope: where the answer was lost the outcome is Unknown, and nothing
//     is bought a second time before the carrier was asked;
//   - what of an address a carrier's limits do not take is reported, and never lost in silence;
//   - a carrier that is down is not asked on and on: its line is cut for a while (Line), and what waits for it stays visible.
package shipping
