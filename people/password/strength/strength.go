// Package strength says how hard a password is to guess: whether it is among the most common ones of breaches
// (Common), and how many guesses an attacker needs who knows how users make passwords (Score, Guesses). It is an
// own reading of zxcvbn's paper with lists of its own. It never stores or logs a password.
package strength

import (
	"math"

	"golang.org/x/text/unicode/norm"
)

// maxJudged is how many characters of a password are judged. A password that is not strong within
// them is not strong enough.
const maxJudged = 72

// Score returns how hard a password is to guess, on the scale of zxcvbn: 0 takes fewer than 10³
// guesses, 1 fewer than 10⁶, 2 fewer than 10⁸, 3 fewer than 10¹⁰, and 4 more. about are words that
// an attacker tries first: names and addresses of the user, and the name of the service.
func Score(password string, about ...string) int {
	score := 0
	found := Guesses(norm.NFC.String(password), about)
	for _, bound := range []float64{1e3, 1e6, 1e8, 1e10} {
		if found >= math.Log10(bound+5) { // a password exactly at a bound is below it
			score++
		}
	}
	return score
}

// Guesses returns the decimal logarithm of the number of guesses that an attacker needs who knows
// how users make passwords. It is zxcvbn's search for the cheapest way to put the password together
// from the parts that pieces finds and from single characters (Wheeler, zxcvbn: Low-Budget Password
// Strength Estimation, USENIX Security 2016, section 5).
func Guesses(password string, about []string) float64 {
	runes := []rune(password)
	runes = runes[:min(len(runes), maxJudged)]
	n := len(runes)
	if n == 0 {
		return 0
	}
	return cheapest(n, pieces(runes, about))
}

// way is one way to put the beginning of the password together.
type way struct {
	product float64 // the product of the guesses of its pieces, as decimal logarithm
	total   float64 // the guesses if the order of the pieces has to be found as well
	brute   bool    // whether the last piece consists of single characters
}

// mostPieces bounds the pieces that a password is put together from. The number of orders of more
// pieces alone exceeds every score.
const mostPieces = 16

// cheapest returns the least guesses for a password of n runes in which these pieces were found, as
// decimal logarithm.
func cheapest(n int, found []piece) float64 {
	ends := make([][]piece, n+1)
	for _, p := range found {
		ends[p.to] = append(ends[p.to], p)
	}
	// best[to][count] is the cheapest way to the runes before to with count pieces.
	best := make([][mostPieces + 1]*way, n+1)
	try := func(p piece, count int, product float64, brute bool) {
		w := &way{product + p.guesses, 0, brute}
		w.total = ordered(w.product, count)
		// Skip it if a way with as many or fewer pieces is as cheap.
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

// ordered multiplies the product of the guesses by the number of orders of the pieces, and adds the
// guesses for ways with fewer pieces, ten thousand for each.
func ordered(product float64, count int) float64 {
	factorial := 0.0
	for i := 2; i <= count; i++ {
		factorial += math.Log10(float64(i))
	}
	return sum10(product+factorial, 4*float64(count-1))
}

// sum10 returns the logarithm of the sum of two numbers, given their logarithms.
func sum10(a, b float64) float64 {
	if a < b {
		a, b = b, a
	}
	return a + math.Log10(1+math.Pow(10, b-a))
}

// atLeast raises the guesses of a piece of a longer password to the minimum, because an attacker
// also has to guess where the piece begins and ends.
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
