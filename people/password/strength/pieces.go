package strength

import (
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// pieces finds the parts of a password that have a pattern. Each search looks at a bounded stretch
// after each position, so that its time is proportional to the length.
func pieces(runes []rune, about []string) []piece {
	var all []piece
	all = append(all, wordPieces(runes, ranksWith(about))...)
	all = append(all, repeatPieces(runes, about)...)
	all = append(all, sequencePieces(runes)...)
	all = append(all, keyboardPieces(runes)...)
	return append(all, datePieces(runes)...)
}

// ranksWith returns a function that looks words up. It returns the decimal logarithm of a word's
// rank, and false for unknown words. Words about the user come first, then those of the list.
func ranksWith(about []string) func(word string) (log10 float64, ok bool) {
	own := map[string]bool{}
	for _, a := range about {
		for _, part := range Parts(a) {
			own[part] = true
		}
	}
	list := ranks()
	return func(word string) (float64, bool) {
		if own[word] {
			return 0, true
		}
		log, ok := list[word]
		if !ok {
			return 0, false
		}
		// A step holds the ranks from 2^(log-1) to 2^log - 1. This is its middle.
		return max(0, (float64(log)-0.5)*math.Log10(2)), true
	}
}

// wordPieces finds words: forwards and backwards, in any case, and with digits and signs in the
// place of letters that they look like.
func wordPieces(runes []rune, rank func(string) (float64, bool)) []piece {
	var all []piece
	n := len(runes)
	lower := make([]rune, n)
	plain := make([]rune, n) // with letters in the place of what looks like them
	other := make([]rune, n) // the same with the other letter, where two look alike
	for i, r := range runes {
		lower[i] = unicode.ToLower(r)
		plain[i], other[i] = lower[i], lower[i]
		if looks, ok := lookalikes[lower[i]]; ok {
			plain[i], other[i] = rune(looks[0]), rune(looks[len(looks)-1])
		}
	}
	for from := range n {
		for to := from + 2; to <= min(n, from+longestWord); to++ {
			best := math.Inf(1)
			try := func(word []rune, extra float64) {
				if log, ok := rank(string(word)); ok {
					best = min(best, log+extra)
				}
			}
			word := lower[from:to]
			try(word, 0)
			if backwards := reversed(word); !slices.Equal(backwards, word) {
				try(backwards, math.Log10(2))
			}
			for _, letters := range [][]rune{plain[from:to], other[from:to]} {
				if !slices.Equal(letters, word) {
					try(letters, replacements(word, letters))
				}
			}
			if !math.IsInf(best, 1) {
				all = append(all, piece{from, to, best + capitals(runes[from:to])})
			}
		}
	}
	return all
}

// lookalikes are characters that users write in the place of letters, with those letters.
var lookalikes = map[rune]string{
	'4': "a", '@': "a", '8': "b", '(': "c", '3': "e", '6': "g", '9': "g", '1': "il", '!': "i", '|': "il", '0': "o",
	'$': "s", '5': "s", '7': "tl", '+': "t", '%': "x", '2': "z",
}

// reversed returns the word backwards.
func reversed(word []rune) []rune {
	back := slices.Clone(word)
	slices.Reverse(back)
	return back
}

// replacements returns the logarithm of the factor by which guesses grow if characters that look
// like letters are tried, for each letter that was replaced.
func replacements(word, letters []rune) float64 {
	replaced, kept := map[rune]int{}, map[rune]int{}
	for i, r := range letters {
		if word[i] != r {
			replaced[r]++
		} else {
			kept[r]++
		}
	}
	log := 0.0
	for r, n := range replaced {
		log += math.Log10(choices(n, kept[r]))
	}
	return log
}

// capitals returns the logarithm of the factor by which guesses grow if capital letters are tried.
// None, the first, the last and all letters are tried first.
func capitals(word []rune) float64 {
	upper, lower := 0, 0
	for _, r := range word {
		switch {
		case unicode.IsUpper(r):
			upper++
		case unicode.IsLower(r):
			lower++
		}
	}
	switch {
	case upper == 0:
		return 0
	case lower == 0, upper == 1 && (unicode.IsUpper(word[0]) || unicode.IsUpper(word[len(word)-1])):
		return math.Log10(2)
	}
	return math.Log10(choices(upper, lower))
}

// choices returns the number of ways to choose between 1 and min(a, b) of a+b things. It is at
// least 2.
func choices(a, b int) float64 {
	if a == 0 || b == 0 {
		return 2
	}
	sum := 0.0
	for i := 1; i <= min(a, b); i++ {
		sum += binomial(a+b, i)
	}
	return sum
}

// binomial returns the number of ways to choose k of n things.
func binomial(n, k int) float64 {
	r := 1.0
	for i := range k {
		r = r * float64(n-i) / float64(i+1)
	}
	return r
}

// longestRepeated bounds the length of a part whose repetition is searched for.
const longestRepeated = 12

// repeatPieces finds parts that are written several times, such as aaaa and abcabc.
func repeatPieces(runes []rune, about []string) []piece {
	var all []piece
	n := len(runes)
	for from := 0; from < n; {
		longest, unit := 0, 0
		for size := 1; size <= min(longestRepeated, (n-from)/2); size++ {
			to := from + size
			for to < n && runes[to] == runes[to-size] {
				to++
			}
			if whole := (to - from) / size * size; whole >= 2*size && whole > longest {
				longest, unit = whole, size
			}
		}
		if longest < 3 {
			from++
			continue
		}
		// The repeated part contains no repetition itself: a shorter part would have been found.
		base := cheapest(unit, without(runes[from:from+unit], about))
		all = append(all, piece{from, from + longest, base + math.Log10(float64(longest/unit))})
		from += longest
	}
	return all
}

// without finds all patterns except repetitions.
func without(runes []rune, about []string) []piece {
	all := append(wordPieces(runes, ranksWith(about)), sequencePieces(runes)...)
	return append(append(all, keyboardPieces(runes)...), datePieces(runes)...)
}

// sequencePieces finds runs of characters with a constant step, such as abcd and 9876, and with
// steps of up to five such as 2468.
func sequencePieces(runes []rune) []piece {
	var all []piece
	for from := 0; from+1 < len(runes); {
		step := runes[from+1] - runes[from]
		to := from + 2
		for to < len(runes) && runes[to]-runes[to-1] == step {
			to++
		}
		if step != 0 && step >= -5 && step <= 5 && (to-from > 2 || step == 1 || step == -1) {
			base := 26.0
			switch first := runes[from]; {
			case strings.ContainsRune("aAzZ019", first):
				base = 4
			case unicode.IsDigit(first):
				base = 10
			case first > unicode.MaxASCII || !unicode.IsLetter(first):
				base = 100
			}
			if step < 0 {
				base *= 2
			}
			all = append(all, piece{from, to, math.Log10(base * float64(to-from))})
		}
		from = to - 1
	}
	return all
}

// Parts returns the parts of a name or an address in lower case: attackers try them first, and a
// password must not be one of them.
func Parts(about string) []string {
	about = strings.ToLower(norm.NFC.String(strings.TrimSpace(about)))
	all := []string{about}
	local, domain, found := strings.Cut(about, "@")
	if found {
		all = append(all, local, domain)
	}
	all = append(all, strings.FieldsFunc(about, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})...)
	return slices.DeleteFunc(all, func(p string) bool { return utf8.RuneCountInString(p) < 3 })
}
