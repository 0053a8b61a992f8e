package jsonapi

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
)

// None is an input or output without members.
type None struct{}

// Route is an operation and what serves it.
type Route struct {
	Operation
	// Serve answers a request. What it returns as an error, it has not answered.
	Serve func(w http.ResponseWriter, r *http.Request) error
}

// Handle returns the route that reads In, calls do, and answers with Out. The struct In is
// described in the package's documentation. An Out of type None, or a nil pointer, is answered
// without a body; an Out with an ETag method gets that header, and a GET with a matching
// If-None-Match gets 304.
//
// An Out with a Location method that is not "" is answered with that header and 201. If do returns a Preview, that
// is the answer.
//
// Handle panics when the package cannot read In or describe Out, or when the path and In differ.
func Handle[In, Out any](op Operation, do func(r *http.Request, in In) (Out, error)) Route {
	op.In, op.Out = *new(In), bodyOf(*new(Out))
	in := shapeOf(reflect.TypeFor[In](), true)
	op.check(in)
	return Route{op, func(w http.ResponseWriter, r *http.Request) error {
		var input In
		if err := read(w, r, reflect.ValueOf(&input).Elem(), in, op.Forms); err != nil {
			return err
		}
		out, err := do(r, input)
		return op.finish(w, r, out, err)
	}}
}

// finish answers with what an operation returned.
func (o Operation) finish(w http.ResponseWriter, r *http.Request, out any, err error) error {
	var preview *Preview
	var stream Stream
	switch {
	case errors.As(err, &stream):
		return stream(w, r)
	case errors.As(err, &preview):
		return Write(w, http.StatusOK, preview)
	case err != nil:
		return err
	}
	return o.answer(w, r, out)
}

// Stream is an answer that the operation writes itself. It is returned in the place of an error, as a Preview is.
type Stream func(w http.ResponseWriter, r *http.Request) error

// Error implements error.
func (Stream) Error() string { return "the answer is a stream" }

// bodyOf returns what is written of an output: nil when there is no body.
func bodyOf(out any) any {
	if _, none := out.(None); none {
		return nil
	}
	return out
}

// check panics when the operation is not one that can be served.
func (o Operation) check(in *shape) {
	at := "jsonapi: " + o.Method + " " + o.Path + " "
	if methodNames[o.Method] == "" || !strings.HasPrefix(o.Path, "/") || o.ID == "" {
		panic(at + "lacks an id, a path or a method that is known")
	}
	if (o.Method == http.MethodGet || o.patch != nil) && in.hasBody() {
		panic(at + "has members of a body in its input")
	}
	var names []string
	for _, m := range in.from(inPath) {
		names = append(names, m.name)
	}
	vars := parseTemplate(o.Path).names()
	if slices.Sort(vars); !slices.Equal(vars, slices.Sorted(slices.Values(names))) {
		panic(at + fmt.Sprintf("has the parameters %v in its path, and %v in its input", vars, names))
	}
	if out := bodyOf(o.Out); out != nil {
		output(out)
	}
}

// answer writes what an operation returns.
func (o Operation) answer(w http.ResponseWriter, r *http.Request, out any) error {
	if v := reflect.ValueOf(out); v.Kind() == reflect.Pointer && v.IsNil() {
		out = nil
	}
	if tagged, ok := out.(Tagged); ok {
		tag := tagged.ETag()
		w.Header().Set("ETag", string(tag))
		if c, err := conditionOf(r); err != nil {
			return err
		} else if read := r.Method == http.MethodGet || r.Method == http.MethodHead; read && c.has(tag) {
			w.Header().Set("Cache-Control", "no-store")
			w.WriteHeader(http.StatusNotModified)
			return nil
		}
	}
	if page, ok := out.(interface{ next() string }); ok && page.next() != "" {
		w.Header().Set("Link", nextLink(r, page.next()))
	}
	status := o.Status
	if made, ok := out.(Located); ok && made.Location() != "" {
		w.Header().Set("Location", made.Location())
		status = http.StatusCreated
	}
	if status == 0 {
		status = http.StatusOK
	}
	return Write(w, status, bodyOf(out))
}

// nextLink returns the Link header of the page after this one (RFC 8288).
func nextLink(r *http.Request, cursor string) string {
	query := r.URL.Query()
	query.Set("after", cursor)
	link := url.URL{Path: "", RawQuery: query.Encode()}
	return "<" + link.String() + `>; rel="next"`
}
