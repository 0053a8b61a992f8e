package keratin

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

// fields are the parameters of a request, by name.
type fields map[string]string

// refused is the answer to a body that cannot be read: its status, and a sentence.
type refused struct {
	status   int
	sentence string
}

func (r *refused) Error() string { return r.sentence }

// readFields reads the parameters of a request: those of its body, which is JSON or a form, and of GET those of the
// URL. A form is assumed where no type is given. Passwords in URLs would end in logs: those of other methods do not
// count.
func readFields(r *http.Request) (fields, error) {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return readForm(r.URL.RawQuery)
	}
	kind := "application/x-www-form-urlencoded"
	if typ := r.Header.Get("Content-Type"); typ != "" {
		var err error
		if kind, _, err = mime.ParseMediaType(typ); err != nil {
			return nil, &refused{http.StatusUnsupportedMediaType, "the Content-Type cannot be read"}
		}
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	switch {
	case kind == "application/x-www-form-urlencoded":
		return readForm(string(body))
	case kind == "application/json":
		return readJSON(body)
	}
	return nil, &refused{http.StatusUnsupportedMediaType,
		"unsupported Content-Type: write application/json or application/x-www-form-urlencoded"}
}

// readForm reads a form. Of a repeated parameter the first counts.
func readForm(text string) (fields, error) {
	form, err := url.ParseQuery(text)
	if err != nil {
		return nil, &refused{http.StatusBadRequest, "the form cannot be read"}
	}
	f := fields{}
	for name := range form {
		f[name] = form.Get(name)
	}
	return f, nil
}

// readJSON reads an object. Its members are texts, or truths and numbers, which are read as texts.
func readJSON(body []byte) (fields, error) {
	f := fields{}
	if len(bytes.TrimSpace(body)) == 0 {
		return f, nil
	}
	bad := &refused{http.StatusBadRequest, "the JSON cannot be read: want one object whose members are texts"}
	var object map[string]any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&object); err != nil || object == nil {
		return nil, bad
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, bad
	}
	for name, value := range object {
		switch v := value.(type) {
		case nil:
		case string:
			f[name] = v
		case json.Number:
			f[name] = v.String()
		case bool:
			if v {
				f[name] = "true"
			}
		default:
			return nil, bad
		}
	}
	return f, nil
}

// isTrue reads a truth: what begins with t, as Keratin AuthN does, and 1.
func isTrue(v string) bool {
	v = strings.ToLower(v)
	return strings.HasPrefix(v, "t") || v == "1"
}
