// Package terminal prints what commands have to say, and asks what they need to know.
//
// The same command is used at a terminal and by a script. At a terminal tables fit the screen, work shows how far it
// is, and losses have to be confirmed. Elsewhere tables are whole, nothing is drawn over, and no command waits for an
// answer. Names of users and clients never move the cursor of a terminal.
package terminal
