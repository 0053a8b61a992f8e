package strength

import (
	"math"
	"slices"
	"sync"
	"unicode"
)

// keyboard is the position of keys. On a slanted keyboard each row is half a key to the right of
// the row above, and on a keypad it is not.
type keyboard struct {
	at     map[rune][2]int // the row and the place in it
	keys   float64
	degree float64 // the average number of neighbours of a key
	slant  bool
}

// keyboards are the American keyboard without and with shift, the keypad, and the German and the
// French keyboard.
var keyboards = sync.OnceValue(func() []keyboard {
	return []keyboard{
		newKeyboard(true, "`1234567890-=", " qwertyuiop[]\\", " asdfghjkl;'", " zxcvbnm,./"),
		newKeyboard(true, "~!@#$%^&*()_+", " QWERTYUIOP{}|", " ASDFGHJKL:\"", " ZXCVBNM<>?"),
		newKeyboard(false, " /*-", "789+", "456", "123", " 0."),
		newKeyboard(true, "^1234567890", " qwertzuiop\u00fc+", " asdfghjkl\u00f6\u00e4#", " yxcvbnm,.-"),
		newKeyboard(true, "\u00b21234567890", " azertyuiop^$", " qsdfghjklm\u00f9*", " wxcvbn,;:!"),
	}
})

// newKeyboard returns a keyboard with these rows. A space stands for a place without a key.
func newKeyboard(slant bool, rows ...string) keyboard {
	k := keyboard{at: map[rune][2]int{}, slant: slant}
	for row, keys := range rows {
		for place, r := range []rune(keys) {
			if r != ' ' {
				k.at[r] = [2]int{row, place}
			}
		}
	}
	k.keys, k.degree = float64(len(k.at)), 5
	return k
}

// way returns the direction from the first key to the second. It reports false if they are not
// neighbours.
func (k keyboard) way(a, b rune) (dir [2]int, ok bool) {
	from, ok1 := k.at[a]
	to, ok2 := k.at[b]
	dir = [2]int{to[0] - from[0], to[1] - from[1]}
	if !ok1 || !ok2 || dir == [2]int{} {
		return dir, false
	}
	near := [][2]int{{0, -1}, {0, 1}, {-1, 0}, {1, 0}}
	if k.slant {
		near = append(near, [2]int{-1, 1}, [2]int{1, -1})
	} else {
		near = append(near, [2]int{-1, 1}, [2]int{1, -1}, [2]int{-1, -1}, [2]int{1, 1})
	}
	return dir, slices.Contains(near, dir)
}

// keyboardPieces finds runs over neighbouring keys, such as qwerty, 1qaz and poiuz.
func keyboardPieces(runes []rune) []piece {
	var all []piece
	for _, k := range keyboards() {
		for from := 0; from+2 < len(runes); {
			to, turns := from+1, 0
			var before [2]int
			for to < len(runes) {
				dir, ok := k.way(k.key(runes[to-1]), k.key(runes[to]))
				if !ok {
					break
				}
				if turns == 0 || dir != before {
					turns++
				}
				before = dir
				to++
			}
			if to-from > 2 {
				all = append(all, piece{from, to, k.guesses(to-from, turns) + capitals(runes[from:to])})
			}
			from = max(from+1, to-1)
		}
	}
	return all
}

// key returns r if it is on the keyboard, and its lower-case form otherwise.
func (k keyboard) key(r rune) rune {
	if _, ok := k.at[r]; ok {
		return r
	}
	return unicode.ToLower(r)
}

// guesses returns the decimal logarithm of the number of runs with at most that many keys and
// turns.
func (k keyboard) guesses(keys, turns int) float64 {
	sum := 0.0
	for i := 2; i <= keys; i++ {
		for j := 1; j <= min(turns, i-1); j++ {
			sum += binomial(i-1, j-1) * k.keys * math.Pow(k.degree, float64(j))
		}
	}
	return math.Log10(sum)
}
