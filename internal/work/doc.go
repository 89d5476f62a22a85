// Package work has what the servers' own work is made of: loops that look again and again at what is due, and queues of changes that are worked off in transactions.
//
// What must stay true:
//   - any number of servers may run one loop: what keeps them apart is the rows' locks, never this package;
//   - a change that fails holds up no other: it is put off, longer each time, and after Tries it is set aside, which is told by an error in the log and a row that stays. It is
//     lost by nobody;
//   - a database that does not answer counts against no change.
package work
