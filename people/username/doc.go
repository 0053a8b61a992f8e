// Package username reads the names that people sign in with beside their address. It alone
// makes of what was typed the name that is stored, the key by which names are compared, and
// the skeleton by which names that look alike are.
//
// A name is of the PRECIS profile UsernameCaseMapped (RFC 8265 section 3.3): in lower case,
// without what does not show. It is of one script, or of those that one language mixes (UTS 39
// section 5.2), and no two names of a tenant are easily taken for each other (section 4).
// Names from earlier that are not so go on working: Key finds them.
package username
