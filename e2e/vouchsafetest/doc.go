// Package vouchsafetest runs the real program for end-to-end tests, and provides users, clients,
// and a browser that tests control step by step.
//
// The program is built once and runs as a process of its own, in the two shapes in which operators
// use it: embedded (SQLite, http on localhost) and production (PostgreSQL, Redis, https). Tests see
// what every user sees: HTTP, the command line and the log. A difference between the shapes is a
// defect, so that Each runs every test against both.
//
// Some rules hold for every answer, such as headers, registered errors and the entropy of codes.
// The helpers that read answers check them, and so does every test.
package vouchsafetest
