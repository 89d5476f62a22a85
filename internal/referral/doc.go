// Package referral pays those who bring others: a commission on the first purchase of each. It owns the tables
// referral_code and referral; the money is the ledger's.
//
// What must stay true:
//   - a user has at most one referrer, named at their own sign-up, for ever;
//   - of a referee's purchases one earns a commission, the first that is completed and earns one at all, however many are
//     completed at once. It is fixed then, and never more than the platform's fee on that purchase: who sells to those
//     they brought cannot gain by it;
//   - a user's referral_pending account is the sum of their PENDING referrals;
//   - a commission is paid once, not before its order can no longer be returned, or cancelled with its order.
//
// Lock order: the order's row, then the referral's, then the referrer's feed, then the ledger. Time is the database's.
//
// docs/referral.md tells the whole.
package referral
