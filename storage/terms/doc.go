// Package terms says by which texts a user's names are found.
//
// A name is folded: without case, accents, compatibility forms and punctuation, in any script. It is found by the
// beginning of each of its words: "Ada King Lovelace" by what begins "ada king lovelace", "king lovelace" or
// "lovelace". Package sqldb stores these texts with the user, and a search folds what was typed in the same way.
package terms
