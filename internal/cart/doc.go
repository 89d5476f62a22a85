// Package cart holds what people mean to buy, signed in or not, of many sellers at once. docs/cart.md is its design.
//
// It owns the tables cart and cart_line. What must stay true:
//   - a cart promises nothing: price and stock are read anew each time, beside what they were; only a reservation sets aside;
//   - a guest's cart is opened by its token alone, of which only a hash is kept;
//   - a cart has 50 lines at most, each of one variant, and none of its owner's own;
//   - what is paid for leaves the cart in the transaction that pays for it, by a trigger.
//
// Lock order: cart → its reservation → what that holds. Nobody who holds a cart's lines, a reservation or stock waits for a cart.
package cart
