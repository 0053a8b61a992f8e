package password

import (
	"math"
	"unicode/utf8"
)

// maxJudged is how many characters of a password are looked at. Who needs more to be
// hard to guess has enough.
const maxJudged = 72

// Score says how hard a password is to guess, in the meaning that zxcvbn gave the
// numbers: 0 takes fewer than 10³ guesses, 1 fewer than 10⁶, 2 fewer than 10⁸, 3 fewer
// than 10¹⁰, and 4 more. about are words that whoever guesses tries first: names and
// addresses of the person, the service's name.
func Score(password string, about ...string) int {
	score := 0
	found := guesses(composed(password), about)
	for _, bound := range []float64{1e3, 1e6, 1e8, 1e10} {
		if found >= math.Log10(bound+5) { // what is exactly at a bound is below it
			score++
		}
	}
	return score
}

// guesses is the decimal logarithm of how many guesses find the password, by somebody
// who knows how people make them. It is zxcvbn's search: the cheapest way to put the
// password together from what pieces finds, and from single characters (Wheeler, zxcvbn:
// Low-Budget Password Strength Estimation, USENIX Security 2016, section 5).
func guesses(password string, about []string) float64 {
	runes := []rune(password)
	runes = runes[:min(len(runes), maxJudged)]
	n := len(runes)
	if n == 0 {
		return 0
	}
	return cheapest(n, pieces(runes, about))
}

// piece is a part of the password that is guessed as one.
type piece struct {
	from, to int     // the runes from, up to but without to
	guesses  float64 // decimal logarithm
}

// way is how the password's beginning is put together.
type way struct {
	product float64 // of the guesses of its pieces, decimal logarithm
	total   float64 // with the order of the pieces to be found out too
	brute   bool    // whether the last piece is of single characters
}

// mostPieces bounds the pieces that a password is put together from: with more, the
// number of their orders alone is beyond any score.
const mostPieces = 16

func cheapest(n int, found []piece) float64 {
	ends := make([][]piece, n+1)
	for _, p := range found {
		ends[p.to] = append(ends[p.to], p)
	}
	// best[to][count] is the cheapest way to the runes before to with so many pieces.
	best := make([][mostPieces + 1]*way, n+1)
	try := func(p piece, count int, product float64, brute bool) {
		w := &way{product + p.guesses, 0, brute}
		w.total = ordered(w.product, count)
		// Not worth it when fewer pieces are as cheap.
		for c := 1; c <= count; c++ {
			if b := best[p.to][c]; b != nil && b.total <= w.total {
				return
			}
		}
		best[p.to][count] = w
	}
	follow := func(p piece, brute bool) {
		if p.from == 0 {
			try(p, 1, 0, brute)
			return
		}
		for count := 1; count < mostPieces; count++ {
			if b := best[p.from][count]; b != nil && !(brute && b.brute) {
				try(p, count+1, b.product, brute)
			}
		}
	}
	for to := 1; to <= n; to++ {
		for _, p := range ends[to] {
			follow(atLeast(p, n), false)
		}
		for from := range to {
			follow(atLeast(piece{from, to, float64(to - from)}, n), true)
		}
	}
	least := math.Inf(1)
	for _, w := range best[n] {
		if w != nil {
			least = min(least, w.total)
		}
	}
	return least
}

// ordered adds to the product of the guesses how many orders the pieces have, and what
// was tried before with fewer pieces, ten thousand for each.
func ordered(product float64, count int) float64 {
	factorial := 0.0
	for i := 2; i <= count; i++ {
		factorial += math.Log10(float64(i))
	}
	return sum10(product+factorial, 4*float64(count-1))
}

// sum10 is the logarithm of the sum of two numbers that are given by theirs.
func sum10(a, b float64) float64 {
	if a < b {
		a, b = b, a
	}
	return a + math.Log10(1+math.Pow(10, b-a))
}

// atLeast keeps a piece of a longer password from being cheaper than it can be: where it
// begins and ends has to be guessed too.
func atLeast(p piece, n int) piece {
	switch {
	case p.to-p.from == n:
	case p.to-p.from == 1:
		p.guesses = max(p.guesses, math.Log10(11))
	default:
		p.guesses = max(p.guesses, math.Log10(51))
	}
	return p
}

// length counts characters.
func length(s string) int { return utf8.RuneCountInString(s) }
