// Package delegated has the use cases of apps that talk to their users themselves, as those of Keratin AuthN do: their
// forms are their own, they know users by numbers, and a token that resets a password or signs in goes to the app's
// server, which delivers it. Nothing is mailed by Vouchsafe but what tells users of changes to their accounts.
//
// The app's server is trusted with the accounts of users, because it could open any of them by such a token. It is not
// trusted with the accounts of administrators: for those there are no tokens, and no changes.
package delegated
