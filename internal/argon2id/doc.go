// Package argon2id hashes the secrets that users choose: passwords of users and client secrets
// that an administrator made up.
//
// It adds two things to golang.org/x/crypto/argon2. The first is an encoding (the PHC string),
// whose parameters are checked against bounds before any work is done. The second is a bound on how
// many hashes run at once. A hash takes some 19 MiB of memory and 40 ms of a core, so that without
// a bound a flood of guesses would use up the memory first and the cores next.
//
// The package does not judge whether a password is good. That is people/password.
package argon2id
