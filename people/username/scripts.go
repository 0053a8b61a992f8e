package username

import (
	"slices"
	"unicode"
)

// mixed are the scripts that one language mixes in a word (UTS 39 section 5.2, Highly Restrictive).
// Each may be combined with Latin.
var mixed = [][]*unicode.RangeTable{
	{unicode.Latin, unicode.Han, unicode.Hiragana, unicode.Katakana},
	{unicode.Latin, unicode.Han, unicode.Bopomofo},
	{unicode.Latin, unicode.Han, unicode.Hangul},
}

// oneScript reports whether a name is of one script, or of scripts that are mixed, and whether its
// digits are of one system.
func oneScript(name string) bool {
	var scripts []*unicode.RangeTable
	zeros := map[rune]bool{}
	for _, r := range name {
		if zero, ok := zeroOf(r); ok {
			zeros[zero] = true
		}
		if unicode.In(r, unicode.Common, unicode.Inherited) || unicode.In(r, scripts...) {
			continue
		}
		script := scriptOf(r)
		if script == nil {
			return false
		}
		scripts = append(scripts, script)
	}
	if len(zeros) > 1 {
		return false
	}
	return len(scripts) < 2 || slices.ContainsFunc(mixed, func(set []*unicode.RangeTable) bool {
		return !slices.ContainsFunc(scripts, func(s *unicode.RangeTable) bool { return !slices.Contains(set, s) })
	})
}

// scriptOf returns the script of a character, or nil.
func scriptOf(r rune) *unicode.RangeTable {
	for _, script := range unicode.Scripts {
		if unicode.Is(script, r) {
			return script
		}
	}
	return nil
}

// zeroOf returns the zero of a digit's system, and false for other characters. Unicode has the ten
// digits of a system in a row.
func zeroOf(r rune) (zero rune, ok bool) {
	if !unicode.Is(unicode.Nd, r) {
		return 0, false
	}
	for _, in := range unicode.Nd.R16 {
		if lo := rune(in.Lo); lo <= r && r <= rune(in.Hi) {
			return r - (r-lo)%10, true
		}
	}
	for _, in := range unicode.Nd.R32 {
		if lo := rune(in.Lo); lo <= r && r <= rune(in.Hi) {
			return r - (r-lo)%10, true
		}
	}
	return 0, false
}
