// Package review holds what buyers say of what they bought, and of whom. docs/reviews.md is its design.
//
// It owns the tables review, rating and review_report. What must stay true:
//   - a review is of a completed order, by its buyer: one of each listing of it and one of the seller;
//   - a rating is the sum of the reviews that are not hidden, at any moment: a trigger writes it with them, and servers have no right to;
//   - what support hides nobody else sees but its author, and it does not count.
//
// Lock order: review → rating → feed.
package review
