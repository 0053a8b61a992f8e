// Package people holds the use cases about accounts: what a user, an app, an administrator or
// a command may ask for. It knows no HTTP. Every door (page, JSON API, command) reads its
// request once, makes an Asker, calls one function of the Service, and says what came back.
//
// # How a use case is written
//
// A use case is a method of Service: verb plus object, in the file of its subject. It takes a
// context, the Asker and values, and returns values and one error. The door has done nothing
// before that another door could forget: limits, rules of the tenant, events and mails belong
// to the use case.
//
// An error is one of four:
//
//   - Faults: fields of what was entered are wrong. Each names its field and the id of a text.
//   - Refusal: nothing was done, for a reason with the id of a text. Compare with errors.Is.
//   - *Limited: the attempt came too early.
//   - anything else is a failure of ours or of storage, and travels up.
//
// This package has no words for users: doors turn ids into text, and choose the status.
//
// # How a use case changes things
//
// It reads, decides, and writes one storage.Change that holds everything: the user, the
// credentials, the code that is spent, the mails and the events. What was read is guarded by
// Change.Version or by a condition of the change, so that of two simultaneous requests one
// succeeds; the other gets a Refusal: ErrChangedMeanwhile, unless the use case knows better.
//
// # Helpers
//
//   - code.go makes, finds and opens codes, counts the tries of each, and proves the flows that wait
//     for one.
//   - limits.go counts attempts and messages. Count before the work, as the callers there do.
//   - change.go makes changes, completes their events and composes their mails.
//   - owner.go says who may change what only the owner of an account may change, and refuses to
//     remove the last way to sign in.
//   - devices.go says by which marks a device is known, and which need no second factor.
//
// The files form layers: no two files use each other, directly or through others. A helper of two
// use cases is in a file that uses neither.
//
// # What a browser or an app keeps
//
// Kept is the part of an Asker that the browser or the app brought. A use case that changes it
// returns one, and the door has it kept: in cookies, or in the app's auth_session.
//
// # What it must never do
//
// Import net/http, read a cookie, choose a status or a path to redirect to, and tell an
// anonymous asker whether an account exists: an unknown name costs the same reads, the same
// mail (a decoy) and the same time.
//
// # Packages beside
//
// A subject that has many use cases and that no other use case calls has a package of its own.
// people/federation follows the same rules and embeds the Service. people/administration,
// people/importing and people/reread are for operators and have errors of their own.
package people
