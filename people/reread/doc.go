// Package reread finds and mends addresses and user names that an earlier release stored and that this one
// reads in another way.
//
// All runs in servers, and writes what can safely be mended. CheckAll is for operators, who agree on the rest with
// the users. Neither locks a user out.
package reread
