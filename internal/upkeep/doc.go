// Package upkeep is what servers and commands do with stored data that is no longer of use: they finish
// large removals part by part, and go by a clock that cannot sweep away too much.
package upkeep
