// Package logging writes the log of the program: as JSON or text, without waiting for its reader, and
// without filling the disk when an attacker repeats a request.
package logging
