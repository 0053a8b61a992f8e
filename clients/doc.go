// Package clients holds the rules about clients: what one may declare, which defaults it gets,
// how its secrets are made, stored and compared, which redirect URIs count as registered, and how the
// clients of a file become those that are stored ([NewPlan]).
//
// [Validate] is the only way by which a record becomes fit to store. The protocol relies on
// that: it serves what is stored and does not check it again.
//
// The package knows no HTTP, and neither files nor flags: package declare reads clients files,
// and a command or an API reads its own input. It never holds a secret in clear for longer than
// a call, and no fault that it reports contains one.
package clients
