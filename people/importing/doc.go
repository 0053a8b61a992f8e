// Package importing reads users from files and writes them to files: as JSON lines or CSV, with the
// password hashes of other products.
//
// Import reads rows, checks each by the rules of the sign-up page, and adds users in batches. A row that
// is refused stops nothing: the caller is told of it, and of the progress. Users who are there already
// are passed over, so that an import that was interrupted can be started again. Export writes rows that
// Import reads. Row.Check is also how an administrator's entry of one user is checked.
//
// What is wrong with a row is a Fault: an id, and a sentence in English for operators, who read nothing
// else in this program in another language.
//
// The package must keep up with files of a million users: it holds neither the file nor its rows, but
// one batch and a few bytes for each row; and it leaves the database to others after each batch. It never
// quotes a password hash.
package importing
