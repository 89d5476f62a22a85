// Package want holds what buyers look for: sellers answer with a listing, and listings that fit are found as they are published.
// docs/wants.md is its design.
//
// It owns the tables want, want_offer and want_change. What must stay true:
//   - what publishes a listing queues one row, in its own transaction, however many people look for something: they are told afterwards;
//   - a want and a listing meet once, whoever finds it first: the job, a second job, or the seller;
//   - nobody is told of what they may not see, and what is offered for a want is its buyer's to see.
//
// Lock order: the buyer → want → feed.
package want
