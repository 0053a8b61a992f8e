package jsonapi

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strings"
)

const (
	maxBody  = 64 << 10
	maxDepth = 8   // a passkey's answer has four
	maxParts = 512 // values in all
)

// read reads a request into the struct v of shape s: its path, query, headers and body. All that
// is wrong with members and parameters is in one Problem.
func read(w http.ResponseWriter, r *http.Request, v reflect.Value, s *shape, forms bool) error {
	var b binder
	if err := b.parameters(v, s, r); err != nil {
		return err
	}
	if s.hasBody() {
		readBody := readObject
		if forms && isForm(r) {
			readBody = s.readForm
		}
		object, err := readBody(w, r)
		if err != nil {
			return err
		}
		b.object(v, object, s, place{})
	} else if r.ContentLength != 0 {
		return malformed("This call has no body.")
	}
	return Faulty(b.faults...)
}

// hasBody reports whether an input has members in the body.
func (s *shape) hasBody() bool {
	return slices.ContainsFunc(s.members, func(m member) bool { return m.source == inBody })
}

// readObject returns the JSON object of a request. Its faults are Problems.
func readObject(w http.ResponseWriter, r *http.Request) (map[string]any, error) {
	body, err := readBody(w, r)
	if err != nil {
		return nil, err
	}
	return parseObject(body)
}

// readBody returns the body of a request whose type is JSON. A text/plain that looks like JSON is
// refused: a form of another site can send that without a preflight request.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	typ, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if charset, ok := params["charset"]; err != nil || typ != "application/json" ||
		ok && !strings.EqualFold(charset, "utf-8") || len(r.Header.Values("Content-Type")) > 1 ||
		r.Header.Get("Content-Encoding") != "" {
		return nil, &Problem{
			Status: http.StatusUnsupportedMediaType, Code: "unsupported_media_type",
			Detail: "Send application/json in UTF-8, without compression.",
		}
	}
	return ReadAll(w, r)
}

// ReadAll returns the body of a request. One that is longer than any operation takes is a Problem.
func ReadAll(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooBig *http.MaxBytesError
	switch {
	case errors.As(err, &tooBig):
		return nil, &Problem{
			Status: http.StatusRequestEntityTooLarge, Code: "too_large",
			Detail: "The body is too large.", Err: err,
		}
	case err != nil:
		return nil, malformed("The body couldn't be read.")
	}
	return body, nil
}

// parseObject returns the JSON object that the text stands for.
func parseObject(body []byte) (map[string]any, error) {
	tree, err := parse(body)
	if err != nil {
		return nil, err
	}
	object, ok := tree.(map[string]any)
	if !ok {
		return nil, malformed("The body isn't a JSON object.")
	}
	return object, nil
}

// Bind puts members into the struct that v points to, for members that came in another way than
// as JSON. Texts are strings; the objects within are what Value returns.
func Bind(members map[string]any, v any) error {
	var b binder
	to := reflect.ValueOf(v).Elem()
	b.object(to, members, shapeOf(to.Type(), true), place{})
	return Faulty(b.faults...)
}

// Value returns the value that a JSON text stands for; the text itself when it is none.
func Value(text string) any {
	if tree, err := parse([]byte(text)); err == nil {
		return tree
	}
	return text
}
