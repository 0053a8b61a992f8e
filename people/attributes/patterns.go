package attributes

import (
	"regexp"
	"sync"
)

// mostPatterns is how many compiled patterns are kept: administrators of tenants choose them.
const mostPatterns = 1000

// patterns are compiled patterns, by their text. An import matches one of them with a value of each user.
var patterns = struct {
	sync.Mutex
	compiled map[string]*regexp.Regexp
}{compiled: map[string]*regexp.Regexp{}}

// compile compiles a pattern, which a value must match as a whole.
func compile(pattern string) (*regexp.Regexp, error) {
	return regexp.Compile(`\A(?:` + pattern + `)\z`)
}

// matches reports whether the text as a whole matches a pattern. A pattern that cannot be compiled was refused when it
// was declared, and matches nothing.
func matches(pattern, text string) bool {
	patterns.Lock()
	form := patterns.compiled[pattern]
	patterns.Unlock()
	if form == nil {
		var err error
		if form, err = compile(pattern); err != nil {
			return false
		}
		patterns.Lock()
		if len(patterns.compiled) >= mostPatterns {
			clear(patterns.compiled)
		}
		patterns.compiled[pattern] = form
		patterns.Unlock()
	}
	return form.MatchString(text)
}
