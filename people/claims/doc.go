// Package claims is the one table of what apps may learn of a user (OpenID Connect Core section
// 5.1): each claim with its scope, its source, its JSON type, and who may edit it.
//
// Tokens, userinfo, discovery, the consent page, the profile page, the JSON API, imports and
// upstream providers read the table. None of them names a claim of a profile itself, so that a new
// claim is a new row here. Its words stand in login/texts; a claim that is stored anew needs a field
// in storage.Profile as well. Tests say what is missing.
//
// Tenants and clients add rows: rules (storage.ClaimRule), which [Check] judges when they are declared. A
// [Subject] evaluates them for every token and answer, and explains them. Rules have no language for
// expressions, and nothing in them can fail at run time: a value that is not known is left out.
//
// The package decides neither what a client is granted nor what a user agreed to.
package claims
