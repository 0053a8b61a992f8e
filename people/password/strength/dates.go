package strength

import (
	"math"
	"strings"
)

// datePieces finds years, and dates of four to eight digits with or without separators.
func datePieces(runes []rune) []piece {
	var all []piece
	for from := range runes {
		if !isDigit(runes[from]) {
			continue
		}
		for to := from + 4; to <= min(len(runes), from+10); to++ {
			if log, ok := dateGuesses(runes[from:to]); ok {
				all = append(all, piece{from, to, log})
			}
		}
	}
	return all
}

// around is the year from which the distance of dates is counted, because users choose near ones.
const around = 2026

// dateGuesses returns the decimal logarithm of the guesses for a year or a date. It reports false
// for anything else.
func dateGuesses(runes []rune) (float64, bool) {
	fields := strings.FieldsFunc(string(runes), func(r rune) bool { return strings.ContainsRune("/\\.-_ ", r) })
	digits := 0
	for _, f := range fields {
		for _, r := range f {
			if !isDigit(r) {
				return 0, false
			}
			digits++
		}
	}
	if !isDigit(runes[len(runes)-1]) {
		return 0, false
	}
	switch {
	case len(fields) == 1 && digits == 4:
		if y := number(fields[0]); y >= 1900 && y <= 2050 {
			return math.Log10(span(y)), true
		}
		return 0, false
	case len(fields) == 1 && digits >= 5 && digits <= 8:
		best := math.Inf(1)
		s := fields[0]
		for i := 1; i <= len(s)-2; i++ {
			for j := i + 1; j <= len(s)-1; j++ {
				best = min(best, date(s[:i], s[i:j], s[j:]))
			}
		}
		return best, !math.IsInf(best, 1)
	case len(fields) == 3:
		log := date(fields[0], fields[1], fields[2])
		return log + math.Log10(4), !math.IsInf(log, 1)
	}
	return 0, false
}

// date returns the decimal logarithm of the guesses for three numbers that are a day, a month and a
// year in any order. It returns infinity if they are not.
func date(a, b, c string) float64 {
	best := math.Inf(1)
	for _, try := range [][3]string{{a, b, c}, {b, a, c}, {c, b, a}, {b, c, a}} { // day, month, year
		d, m, y := number(try[0]), number(try[1]), number(try[2])
		if len(try[0]) > 2 || len(try[1]) > 2 || d < 1 || d > 31 || m < 1 || m > 12 || len(try[2]) != 2 && len(try[2]) != 4 {
			continue
		}
		if len(try[2]) == 2 {
			if y += 2000; y > around+20 {
				y -= 100
			}
		}
		if y >= 1900 && y <= 2050 {
			best = min(best, math.Log10(365*span(y)))
		}
	}
	return best
}

// span returns the number of years to try until year is found.
func span(year int) float64 { return max(20, math.Abs(float64(year-around))) }

// number returns the value of a text of digits.
func number(s string) int {
	n := 0
	for _, r := range s {
		n = 10*n + int(r-'0')
	}
	return n
}

func isDigit(r rune) bool { return r >= '0' && r <= '9' }
