// Package catalog holds what is for sale: listings of five kinds, their variants and photos. docs/catalogue.md is its design.
//
// It owns the tables listing, listing_move, listing_deleted, listing_attribute, variant, price_change, listing_photo and listing_place, and the views public_listing and
// offered_listing. What must stay true:
//   - a listing moves by the table of moves in moves.go, which the database holds as well; of two takers of what exists once only one
//     gets it, as each takes it by one conditional UPDATE;
//   - who may see a listing is said in one place, the view public_listing; its seller and staff see it always, and who has its tier
//     what is offered to known buyers only (offered_listing), by its id;
//   - what a listing says of its category's attributes is of their types;
//   - every listing that exists once has exactly one variant, under the listing's own number; a listing's price is the lowest of
//     its variants', and every price that a variant has had is kept;
//   - a listing with a history is never deleted, and what is deleted goes as a whole, by listing_erase() alone;
//   - a photo shows one listing, of the user who uploaded it.
//
// Lock order: listing → variant → stock → photo.
package catalog
