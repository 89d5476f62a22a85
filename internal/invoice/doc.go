// Package invoice issues invoices and credit notes of orders, numbered without a gap, and makes them into PDFs. docs/invoices.md is its design.
//
// It owns the tables invoice, invoice_series, invoice_due and invoice_file. What must stay true:
//   - an order that was sent has one invoice, over what was paid for it; each refund after that one credit note, over what went back;
//   - the credit notes of an invoice are no more than it, in all and in tax;
//   - a seller's numbers of a year are 1, 2, 3 …, those of invoices and those of credit notes each, in the order of their times;
//   - what was issued says the same for ever, and a PDF of it is the same bytes for ever.
//
// Lock order: order → series → feed.
package invoice
