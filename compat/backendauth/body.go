package backendauth

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
)

// body has the members of the JSON object that a request brings.
type body map[string]json.RawMessage

// refused is the answer to a body that cannot be read: its status, and a sentence.
type refused struct {
	status   int
	sentence string
}

func (r *refused) Error() string { return r.sentence }

// maxBody is the length of the longest body, in bytes: that of backend-auth.
const maxBody = 100 << 10

// readBody reads the object. An empty body is an empty object, as there. Members that a route does not know are not
// looked at.
func readBody(r *http.Request) (body, error) {
	text, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if len(text) > maxBody || isTooLarge(err) {
		return nil, &refused{http.StatusRequestEntityTooLarge, "request entity too large"}
	}
	if err != nil {
		return nil, err
	}
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return body{}, nil
	}
	var b body
	switch {
	case !json.Valid(text), text[0] != '{' && text[0] != '[':
		return nil, &refused{http.StatusBadRequest, "the JSON cannot be read: want one object"}
	case json.Unmarshal(text, &b) != nil: // a list
		return nil, faults{{Message: `"value" must be an object`, Path: "value", Type: "object.base",
			Context: detail{Key: "value"}}}
	}
	return b, nil
}

// isTooLarge reports whether a body was longer than the server allows.
func isTooLarge(err error) bool {
	_, ok := errors.AsType[*http.MaxBytesError](err)
	return ok
}
