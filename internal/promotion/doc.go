// Package promotion takes something off what a buyer pays: by a coupon's code, or by itself. docs/promotions.md is its design.
//
// It owns the tables promotion, promotion_use and coupon_try. What must stay true:
//   - a promotion is used no more often than its limits say, and the platform's never gives more than its budget, however many quote at once:
//     each use is taken under the promotion's lock, with the quote that has it;
//   - a quote that nothing came of gives its use back;
//   - a promotion's terms are fixed; it ends earlier or later, and may be had more often.
//
// Lock order: promotion, in the order of their ids → reservation, of other quotes, which are skipped where they are locked.
package promotion
