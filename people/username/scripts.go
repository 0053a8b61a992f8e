package username

import (
	"slices"
	"unicode"
)

// mixed are the scripts that one language mixes in a word (UTS 39 section 5.2, Highly
// Restrictive); each goes with Latin, too.
var mixed = [][]*unicode.RangeTable{
	{unicode.Latin, unicode.Han, unicode.Hiragana, unicode.Katakana},
	{unicode.Latin, unicode.Han, unicode.Bopomofo},
	{unicode.Latin, unicode.Han, unicode.Hangul},
}

// oneScript says whether a name is of one script, or of those that are mixed, and its digits of
// one system.
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

func scriptOf(r rune) *unicode.RangeTable {
	for _, script := range unicode.Scripts {
		if unicode.Is(script, r) {
			return script
		}
	}
	return nil
}

// zeroOf is the zero of a decimal digit's system: Unicode has each system's ten in a row.
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
