package jsonapi

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// parse returns the value of a JSON text: map[string]any, []any, string, json.Number, bool or nil.
func parse(body []byte) (any, error) {
	switch {
	case !utf8.Valid(body):
		return nil, malformed("The body isn't valid UTF-8.")
	case !json.Valid(body): // the decoder alone would look no further than the first value
		return nil, malformed("The body isn't valid JSON (RFC 8259).")
	case loneSurrogate(body):
		return nil, malformed("A string has half of a surrogate pair.")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	p := &parser{Decoder: d}
	return p.value(0)
}

// parser counts the values that it has read: a small body of many lists would cost much memory.
type parser struct {
	*json.Decoder
	parts int
}

// value reads the next value. depth is how many lists and objects hold it.
func (p *parser) value(depth int) (any, error) {
	if p.parts++; depth > maxDepth || p.parts > maxParts {
		return nil, malformed("The body is nested too deeply, or has too many values.")
	}
	tok, err := p.Token()
	if err != nil {
		return nil, malformed("The body isn't valid JSON (RFC 8259).")
	}
	switch tok {
	case json.Delim('{'):
		return p.object(depth)
	case json.Delim('['):
		list := []any{}
		for p.More() {
			v, err := p.value(depth + 1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = p.Token()
		return list, err
	}
	return tok, nil
}

// object reads the rest of an object. Which of two members of one name counts, readers
// decide differently (RFC 8259 section 4).
func (p *parser) object(depth int) (any, error) {
	members := map[string]any{}
	for p.More() {
		tok, err := p.Token()
		if err != nil {
			return nil, malformed("The body isn't valid JSON (RFC 8259).")
		}
		name, _ := tok.(string)
		if _, twice := members[name]; twice {
			return nil, malformed("An object has two members with the same name.")
		}
		if members[name], err = p.value(depth + 1); err != nil {
			return nil, err
		}
	}
	_, err := p.Token()
	return members, err
}

// loneSurrogate finds an escape in valid JSON that stands for half a character, which
// the decoder would silently replace.
func loneSurrogate(body []byte) bool {
	for i := 0; i < len(body); i++ {
		if body[i] != '\\' {
			continue
		}
		i++
		if body[i] != 'u' {
			continue
		}
		half := hex4(body[i+1:])
		i += 4
		switch {
		case half < 0xd800 || half > 0xdfff:
		case half >= 0xdc00, len(body) < i+7, body[i+1] != '\\', body[i+2] != 'u':
			return true
		default:
			if low := hex4(body[i+3:]); low < 0xdc00 || low > 0xdfff {
				return true
			}
			i += 6
		}
	}
	return false
}

// hex4 returns the number that four hexadecimal digits stand for. json.Valid has checked that they are some.
func hex4(b []byte) (n int) {
	for _, c := range b[:4] {
		n <<= 4
		switch {
		case c <= '9':
			n |= int(c - '0')
		default:
			n |= int(c|0x20-'a') + 10
		}
	}
	return n
}
