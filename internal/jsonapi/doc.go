// Package jsonapi reads what programs send as JSON, tells them what was wrong with it
// (RFC 9457), and writes the reference of an API from the types that it is served with
// (OpenAPI 3.1), so that the two cannot differ.
//
// A body is read strictly, because two readers of one body must never see different
// things: no member twice, none that is unknown, none in another case or of another
// type, no text that is not UTF-8, little depth, few bytes. Every fault is told at once,
// by its member's name, and none quotes what was sent: it may be a password.
//
// The fields of an input are described by their tags:
//
//	json      the member's name
//	doc       what it means, for the reference
//	need      "true": it has to be there, and not be empty
//	max       the most bytes of a text; 1024 when left out
//	enum      the values it may have, separated by commas
//	example   a value for the reference
//	secret    "true": any text at all, and never to be shown again
//	format    OpenAPI's word for what the text is: email, uri, …
package jsonapi
