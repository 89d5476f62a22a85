// Package flash runs flash sales: a waiting room before a listing of which there is little, that lets buyers in at a rate.
// docs/flash-sales.md is its design.
//
// It owns the tables flash_sale and flash_place. What must stay true, and is held by the database:
//   - somebody has one place in a waiting room, and its number stays; numbers have no gap;
//   - who may come in are those whose number is at most the sale's `admitted`, which only grows, and never faster than the rate;
//   - while a sale runs, its listing is reserved by who was admitted alone: in one reservation at a time, of which one is paid, and no more of it than the sale allows.
//
// Redis knows whose turn it is to admit, and nothing that could not be lost.
//
// Lock order: listing → flash_sale → flash_place. A reservation locks its buyer's place between its listings and its stock's lines.
package flash
