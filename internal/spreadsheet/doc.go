// Package spreadsheet reads and writes CSV files as people's spreadsheet programs make them: with commas, semicolons or tabs, with a
// byte order mark or without. What can't be read as it was meant is refused, by its line.
//
// A cell that a spreadsheet program would run as a formula is written with an apostrophe before it and refused when read
// without one: https://owasp.org/www-community/attacks/CSV_Injection.
package spreadsheet
