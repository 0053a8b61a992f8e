package declare

import "iter"

// Value is one entry of a file of settings.
type Value struct {
	Name   string
	NameAt Place
	At     Place    // of the value
	Texts  []string // one, or those of a list; nil when the value is neither
	Empty  bool     // nothing stands behind the name
}

// Values returns the entries of a file that is one mapping of names to texts or lists of texts. What
// makes it another file goes to fs; whether a name is known is for the caller to say.
func Values(file string, text []byte, fs *Faults) iter.Seq[Value] {
	return func(yield func(Value) bool) {
		for key, val := range mapping(file, text, fs) {
			v := Value{Name: key.Value, NameAt: placeOf(file, key), At: placeOf(file, val), Empty: isNull(val)}
			if texts, ok := textsOf(val); ok {
				v.Texts = texts
			}
			if !yield(v) {
				return
			}
		}
	}
}
