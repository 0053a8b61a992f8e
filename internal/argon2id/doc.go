// Package argon2id hashes what people choose: passwords, and client secrets that
// somebody made up. It exists for two things that golang.org/x/crypto/argon2 leaves
// to its caller: an encoding (the PHC string), whose parameters are bounded before
// any work is done, and a bound on how many hashes run at once. Each takes some
// 19 MiB and 40 ms of a core, so that a flood of guesses would otherwise take the
// machine's memory first and its processors next.
//
// It never decides what a good password is.
package argon2id
