// Package catalog holds what is for sale: listings and their photos.
//
// It owns the tables listing, photo and listing_photo. What must stay true:
//   - a listing is ACTIVE (may be bought or auctioned), RESERVED (in an open auction, or won and not yet
//     handed over) or SOLD, and ACTIVE again when its sale was cancelled; it moves by one conditional UPDATE, so two
//     takers can't both get it;
//   - a photo's bytes count only after they were checked to be the announced kind of picture;
//   - a photo shows one listing, of the user who uploaded it.
package catalog
