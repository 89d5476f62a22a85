// Package explain tells what happened to an order, from every table that knows of it, in the order of time: for an operator who is
// asked where the money, the goods or the order is. It owns no table and changes none.
package explain
