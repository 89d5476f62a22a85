// Package inventory knows how much there is of what is sold from stock, where it lies, and who has it set aside. docs/inventory.md is
// its design.
//
// It owns the tables location, stock, stock_movement, reservation and reservation_line, and the columns reserved_by and
// reserved_until of listing. What must stay true, and is held by the database:
//   - nothing is promised twice: what is reserved is never more than what is on hand, and each reservation takes by conditional
//     updates, whatever was read before;
//   - a stock is the sum of its movements, which are only added to;
//   - a reservation ends once: consumed by its payment before its time, released by its buyer, or expired after its time.
//
// Lock order: reservation → listing of what exists once → stock, each in the order of their ids → feed.
package inventory
