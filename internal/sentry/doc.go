// Package sentry sends errors of a server to a service with the protocol of Sentry, such as Sentry, GlitchTip or
// Bugsink.
//
// What reaches the log with the level of errors is reported: panics, answers with a status of 500 or more, and failures
// of the server itself. Such a service is another party, so that reports have less than the log. Of a request they have
// the method, the pattern of its route, the status and the id, by which operators find its line in the log; no path,
// header, cookie, body, query, address or user. Texts of errors are cleared of what may be a secret or name a user
// (clear.go). Of a panic only the text of Go's own errors is sent, and the stack without arguments.
//
// No request waits: a report that finds no room is lost, and each error is reported once a minute, with the number of
// times that it happened.
//
// The SDK of Sentry is not used. It would add 1.4 MB and twenty packages for one form of POST, reads variables of its
// own, and sends more than it is told to: modules, the machine, headers.
package sentry
