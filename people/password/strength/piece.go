package strength

// piece is a part of the password that is guessed as a whole.
type piece struct {
	from, to int     // the runes from from up to, but not including, to
	guesses  float64 // as decimal logarithm
}
