// Package username reads the names that users sign in with besides their address. From what was
// typed it makes the name that is stored, the key by which names are compared, and the skeleton by
// which names that look alike are found. No other package does that.
//
// A name follows the PRECIS profile UsernameCaseMapped (RFC 8265 section 3.3): it is in lower case
// and has no invisible characters. It is of one script, or of scripts that one language mixes (UTS
// 39 section 5.2), and no two names of a tenant look alike (section 4). Earlier names that do not
// follow these rules still work: Key finds them.
package username
