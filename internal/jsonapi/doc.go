// Package jsonapi serves operations whose inputs and outputs are Go structs, tells programs what is
// wrong with their requests (RFC 9457), and writes the reference of an API from the same structs
// (OpenAPI 3.1), so that the two cannot differ.
//
// Handle makes a Route of an Operation and a function; NewTable serves many of them. What is wrong
// with a struct panics there, when the program starts, and never at a request.
//
// A request is read strictly, because two readers of one body must never see different things: no
// member twice, none that is unknown, none in another case or of another type, no text that is not
// UTF-8, little depth, few bytes. All faults are told at once, with a JSON pointer to each member
// (RFC 6901). None quotes what was sent, because it may be a password.
//
// An input has fields of these types: strings, bools, integers, floats, what reads itself by
// encoding.TextUnmarshaler (a time.Time, a netip.Addr), structs, json.RawMessage for an object that
// the operation reads itself, lists and maps of all these, pointers to them where absence and the
// zero value differ, and Condition for If-Match and If-None-Match. null is no value of any.
// Their tags are:
//
//	json      the member's name in the body
//	path      the parameter's name in the path, as in /users/{id}
//	query     the parameter's name in the query; a list is several of that name
//	doc       what it means, for the reference
//	need      "true": it has to be there, and not be empty
//	max       the most bytes of a text, or of each text of a list; 1024 when left out
//	items     the most entries of a list or map; 100 when left out
//	least     the smallest value of an integer
//	most      the largest value of an integer; all are within ±(2^53 - 1)
//	enum      the values of a text, separated by commas
//	example   a value for the reference
//	free      "true": a json.RawMessage may be any value but null
//	secret    "true": any text at all, and never to be shown again; only in the body
//	format    OpenAPI's word for what the text is: email, uri, …
//
// The package must never know what an operation is about, who calls it, or where anything is stored.
package jsonapi
