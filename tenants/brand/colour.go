package brand

import (
	"fmt"
	"math"
	"strconv"
)

// colour is red, green and blue in sRGB.
type colour [3]uint8

// parseColour reads a colour written as #rrggbb, and reports false for any other text.
func parseColour(s string) (colour, bool) {
	if len(s) != 7 || s[0] != '#' {
		return colour{}, false
	}
	n, err := strconv.ParseUint(s[1:], 16, 32)
	return colour{uint8(n >> 16), uint8(n >> 8), uint8(n)}, err == nil
}

// of is parseColour for constants. It panics if s is not a colour.
func of(s string) colour {
	c, ok := parseColour(s)
	if !ok {
		panic("brand: " + s)
	}
	return c
}

// String returns the colour as #rrggbb.
func (c colour) String() string { return fmt.Sprintf("#%02x%02x%02x", c[0], c[1], c[2]) }

// toward returns c mixed with other. share is the part of other, from 0 to 1.
func (c colour) toward(other colour, share float64) colour {
	for i := range c {
		c[i] = uint8(math.Round(float64(c[i])*(1-share) + float64(other[i])*share))
	}
	return c
}

// luminance returns the relative luminance of WCAG 2.2, from 0 to 1.
func (c colour) luminance() float64 {
	linear := func(v uint8) float64 {
		s := float64(v) / 255
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c[0]) + 0.7152*linear(c[1]) + 0.0722*linear(c[2])
}

// contrast returns the contrast ratio of WCAG 2.2, from 1 to 21.
func contrast(a, b colour) float64 {
	x, y := a.luminance(), b.luminance()
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// least returns the smallest contrast of c with any of the others.
func least(c colour, others ...colour) float64 {
	l := math.Inf(1)
	for _, o := range others {
		l = min(l, contrast(c, o))
	}
	return l
}
