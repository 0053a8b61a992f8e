package rules

import (
	"errors"
	"strings"
)

// maxTarget bounds the target of a checked request, in bytes.
const maxTarget = 16 << 10

// ErrAmbiguous is the error of Path for a path that proxies and apps read in different ways.
var ErrAmbiguous = errors.New("the path could be read in two ways")

// Path returns the path of a request target (path and query, as the browser wrote them) with its escapes decoded.
// It returns ErrAmbiguous for what some proxies or apps read as another path: escaped slashes, backslashes and
// percent signs, segments "." and "..", empty segments, parameters behind a semicolon, control characters and
// whatever is not ASCII. The query decides nothing.
func Path(target string) (string, error) {
	raw, _, _ := strings.Cut(target, "?")
	if len(target) > maxTarget || !strings.HasPrefix(raw, "/") {
		return "", ErrAmbiguous
	}
	for i := range len(target) {
		if c := target[i]; c <= ' ' || c >= 0x7f || c == '#' {
			return "", ErrAmbiguous
		}
	}
	path, ok := decoded(raw)
	if !ok {
		return "", ErrAmbiguous
	}
	for segment := range strings.SplitSeq(strings.TrimSuffix(path[1:], "/"), "/") {
		if segment == "." || segment == ".." || segment == "" && path != "/" {
			return "", ErrAmbiguous
		}
	}
	return path, nil
}

// decoded returns a path with its escapes decoded. It reports false for characters, escaped or not, that
// separate something in a path for some readers.
func decoded(raw string) (string, bool) {
	if !strings.ContainsAny(raw, "%\\;") {
		return raw, true
	}
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		if c == '%' {
			if i+2 >= len(raw) {
				return "", false
			}
			high, ok := hex(raw[i+1])
			low, ok2 := hex(raw[i+2])
			if !ok || !ok2 {
				return "", false
			}
			c = high<<4 | low
			i += 2
			if c == '/' || c == '%' || c == '?' || c == '#' || c < ' ' || c == 0x7f {
				return "", false
			}
		}
		if c == '\\' || c == ';' {
			return "", false
		}
		out = append(out, c)
	}
	return string(out), true
}

// hex returns the value of a hexadecimal digit.
func hex(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
