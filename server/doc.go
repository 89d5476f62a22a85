// Command souk is the program: it reads the settings, opens what they name, wires the domains, serves,
// and stops in an order that loses nothing.
//
// Start-up: settings → address → PostgreSQL → migrations → pool → Redis → Stripe → wiring → serving.
// Each thing that is opened registers how it is closed, and closing runs the other way round. In
// development whatever the settings leave out is started for play; production refuses to start and
// names everything that is missing at once.
//
// main only hands over to run, which tests start with their own arguments, environment and output.
package main
