// Package vouchsafetest runs the real program for the end-to-end tests, and gives them
// what sits around it: people, clients, and a browser that is driven by hand.
//
// The program is built once and started as its own process, in the two shapes that it
// is used in: embedded (SQLite, http on localhost) and production (PostgreSQL, Redis,
// https). Tests see it through HTTP, its command line and its logs, as anybody does.
// A test that is true of one shape and not of the other is a defect; Each therefore
// runs every test against both.
//
// What every answer has to hold (headers, registered errors, entropy of codes) is
// checked by the helpers that read answers, so that every test checks it.
package vouchsafetest
