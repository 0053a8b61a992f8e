// Package texts holds every text that users read on pages and in the answers of the JSON API, in
// all languages, and chooses the language.
//
// A text has an id. Code and templates name ids, never sentences. LANGUAGE/AREA.json holds the
// texts of one area, and every language has the same ids: a test says what is missing.
//
// The package knows no HTTP. It never changes a text because of who reads it.
package texts
