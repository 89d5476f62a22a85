// Package risk is asked before a buyer's money moves: whether it is let through, looked at later by staff, or refused (docs/risk.md).
//
// It owns the tables risk_check, whose rows are written once, risk_review, staff's queue, and risk_tier. What must stay true:
//   - what is refused has done nothing, and says by a typed refusal when to try again;
//   - whatever was looked at is a row, with the rules that stood against it;
//   - rules that can't be asked stop nobody: the checkout goes on, and is to be looked at;
//   - whatever is to be looked at is in the queue until staff decide; what they refuse is undone whatever is killed meanwhile.
package risk
