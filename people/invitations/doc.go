// Package invitations holds use cases about invitations: an administrator invites the owner of an e-mail address to
// make an account, and says which groups, roles and attributes it will have.
//
// An invitation is a code (storage.CodeInvite) for the address. What it gives is sealed in the code; of the
// link only a hash is stored. The change that makes the account uses the code up and gives what there is to
// give, so that nothing happens twice or by half. A user who proves the address otherwise gets the same (Give).
//
// An invitation is worth what its inviter could do on the day when it is accepted. An inviter who may not add
// users any more has invited no one. One who may not give groups and roles any more has given none. What was
// removed since the invitation is left out, also if there is something new under the same name by then: the
// inviter did not mean that. The event of the new account names what was left out.
package invitations
