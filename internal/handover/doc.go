// Package handover hands goods over in person: the buyer shows a code, and who types it in has given them what they bought.
//
// It owns the table hand_over. What must stay true:
//   - the code is its buyer's alone to see; it is compared in constant time, and five wrong ones end it;
//   - an order that was handed over is received, whatever breaks between: the same code goes on from there.
//
// Lock order: order → hand_over. Nothing is captured inside of a transaction.
package handover
