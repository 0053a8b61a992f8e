// Package load keeps a server busy with users and apps while a test breaks a dependency of it,
// replaces it, or lets another one take over.
//
// The users and apps remember the answers that they got. Verify then checks them: tokens that were
// issued work, what was redeemed or revoked stays so, and no grant has two branches. One function,
// a Refusal, decides which errors are acceptable meanwhile, so that all tests demand the same.
package load
