// Package load is people and apps that keep a server busy while a test does something to
// it: breaks what it depends on, replaces it, or has another take over.
//
// They remember what they were told. Verify holds the server to it afterwards: whoever
// was given something can go on with it, what was spent stays spent, what was revoked
// stays revoked, and no grant has two branches. What the server may answer meanwhile is
// one function, a Refusal, so that no test is more patient than another.
package load
