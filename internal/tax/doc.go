// Package tax says what tax a sale bears. docs/tax.md is its design.
//
// It owns the table tax_registration. What must stay true:
//   - a provider's answer is asked for outside of every transaction, and believed only where it may be true; where there is none in time, the table's
//     rates stand in, and who is charged by them is told;
//   - who is not registered for tax charges none.
package tax
