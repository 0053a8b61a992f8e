package jsonapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strings"
	"unicode/utf8"
)

const (
	maxBody  = 64 << 10
	maxDepth = 8   // a passkey's answer has four
	maxParts = 512 // values in all
)

// Read reads the request's body into the struct that v points to. Errors are Problems.
func Read(w http.ResponseWriter, r *http.Request, v any) error {
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	return Parse(body, v)
}

// readBody is the body of a request that says it is JSON. A text/plain that looks like
// it is refused: that is what a form of another site can send without asking first.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.URL.RawQuery != "" {
		return nil, &Problem{Status: http.StatusBadRequest, Code: "invalid_request", Detail: "Send everything in the body, and nothing in the URL: that is written to logs."}
	}
	typ, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if charset, ok := params["charset"]; err != nil || typ != "application/json" || ok && !strings.EqualFold(charset, "utf-8") ||
		len(r.Header.Values("Content-Type")) > 1 || r.Header.Get("Content-Encoding") != "" {
		return nil, &Problem{Status: http.StatusUnsupportedMediaType, Code: "unsupported_media_type", Detail: "Send application/json in UTF-8, not compressed."}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooBig *http.MaxBytesError
	switch {
	case errors.As(err, &tooBig):
		return nil, &Problem{Status: http.StatusRequestEntityTooLarge, Code: "too_large", Detail: "The body is too large.", Err: err}
	case err != nil:
		return nil, malformed("The body could not be read.")
	}
	return body, nil
}

// Parse is Read for a body that is at hand.
func Parse(body []byte, v any) error {
	tree, err := parse(body)
	if err != nil {
		return err
	}
	object, ok := tree.(map[string]any)
	if !ok {
		return malformed("The body is not a JSON object.")
	}
	return Bind(object, v)
}

// Bind puts members where they belong in the struct that v points to: for what came in
// another way than as JSON. Texts are strings, and JSON within what Value gives.
func Bind(members map[string]any, v any) error {
	var faults []Fault
	bind(reflect.ValueOf(v).Elem(), members, "", &faults)
	return faulty(http.StatusBadRequest, faults)
}

// Value is the value that JSON stands for; the text itself when it is none.
func Value(text string) any {
	if tree, err := parse([]byte(text)); err == nil {
		return tree
	}
	return text
}

func malformed(detail string) error {
	return &Problem{Status: http.StatusBadRequest, Code: "malformed", Detail: detail}
}

// faulty is the problem of a request with those faults; nil without any.
func faulty(status int, faults []Fault) error {
	if len(faults) == 0 {
		return nil
	}
	return &Problem{Status: status, Code: "invalid_fields", Errors: faults}
}

// parse gives objects as map[string]any, lists as []any, texts, json.Numbers, bools and nil.
func parse(body []byte) (any, error) {
	switch {
	case !utf8.Valid(body):
		return nil, malformed("The body is not UTF-8.")
	case !json.Valid(body): // the decoder alone would look no further than the first value
		return nil, malformed("The body is not JSON (RFC 8259).")
	case loneSurrogate(body):
		return nil, malformed("A text has half of a surrogate pair: it stands for no character.")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	p := &parser{Decoder: d}
	return p.value(0)
}

type parser struct {
	*json.Decoder
	parts int
}

func (p *parser) value(depth int) (any, error) {
	if p.parts++; depth > maxDepth || p.parts > maxParts {
		return nil, malformed("The body is nested too deeply, or has too many values.")
	}
	tok, err := p.Token()
	if err != nil {
		return nil, malformed("The body is not JSON (RFC 8259).")
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
			return nil, malformed("The body is not JSON (RFC 8259).")
		}
		name, _ := tok.(string)
		if _, twice := members[name]; twice {
			return nil, malformed("An object has two members of one name.")
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
