package vouchsafetest

import (
	"math"
)

// entropy estimates the bits in a string from the frequency of its characters, as the suite of the
// OpenID Foundation does.
func entropy(s string) float64 {
	counts := map[rune]float64{}
	n := 0.0
	for _, c := range s {
		counts[c]++
		n++
	}
	bits := 0.0
	for _, c := range counts {
		bits -= c * math.Log2(c/n)
	}
	return bits
}
