package jsonapi

import (
	"errors"
	"maps"
	"mime"
	"net/http"
	"reflect"
)

// ErrMoved is returned by the write function of HandlePatch if the resource is not any more what was read.
var ErrMoved = errors.New("the resource has changed since it was read")

// mostReads bounds how often a patch is applied anew, because others change the resource meanwhile.
const mostReads = 5

// HandlePatch returns the route of an operation that takes a JSON merge patch (RFC 7396). In has parameters only.
// read returns the resource as it is, without what is computed, and write stores it with the patch applied; both
// are called again when write returns ErrMoved. What is wrong with the patched resource is told as Handle tells
// it: nothing can get in by a patch that a PUT would not take.
func HandlePatch[In, Body, Out any](
	op Operation, read func(r *http.Request, in In) (Body, error),
	write func(r *http.Request, in In, was, now Body) (Out, error),
) Route {
	op.Method = http.MethodPatch
	op.In, op.Out, op.patch = *new(In), bodyOf(*new(Out)), *new(Body)
	in, body := shapeOf(reflect.TypeFor[In](), true), shapeOf(reflect.TypeFor[Body](), true)
	op.check(in)
	return Route{op, func(w http.ResponseWriter, r *http.Request) error {
		var input In
		var b binder
		if err := b.parameters(reflect.ValueOf(&input).Elem(), in, r); err != nil {
			return err
		}
		patch, err := readPatch(w, r)
		if err == nil {
			err = Faulty(b.faults...)
		}
		if err != nil {
			return err
		}
		for range mostReads {
			was, err := read(r, input)
			if err != nil {
				return err
			}
			var now Body
			if err := apply(patch, was, reflect.ValueOf(&now).Elem(), body); err != nil {
				return err
			}
			out, err := write(r, input, was, now)
			if !errors.Is(err, ErrMoved) {
				return op.finish(w, r, out, err)
			}
		}
		return &Problem{Status: http.StatusConflict, Code: "changing",
			Detail: "Others change the resource all the time. Try again."}
	}}
}

// readPatch returns the merge patch of a request. Its type may be that of any JSON, too.
func readPatch(w http.ResponseWriter, r *http.Request) (map[string]any, error) {
	if typ, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && typ == patchType {
		r.Header.Set("Content-Type", "application/json")
	}
	return readObject(w, r)
}

// patchType is the type of a merge patch (RFC 7396 section 4).
const patchType = "application/merge-patch+json"

// Patch puts what is, with a merge patch (RFC 7396) applied, into the struct that to points to. The values of the
// patch are what Value returns.
func Patch(patch map[string]any, is, to any) error {
	v := reflect.ValueOf(to).Elem()
	return apply(patch, is, v, shapeOf(v.Type(), true))
}

// apply binds what is with the patch applied to the struct v of shape s.
func apply(patch map[string]any, is any, v reflect.Value, s *shape) error {
	text, err := encode(is)
	if err != nil {
		return err
	}
	object, err := parseObject(text)
	if err != nil {
		return err
	}
	var b binder
	b.object(v, merged(object, patch, s), s, place{})
	return Faulty(b.faults...)
}

// merged returns the target of shape s with the patch applied (RFC 7396 section 2). A null for a member that the shape
// does not have stays, so that it is refused as any other value for it: its name may be misspelt. s is nil where any
// member may be.
func merged(target, patch map[string]any, s *shape) map[string]any {
	out := maps.Clone(target)
	if out == nil {
		out = map[string]any{}
	}
	for name, value := range patch {
		switch value := value.(type) {
		case nil:
			if _, known := s.below(name); known {
				delete(out, name)
			} else {
				out[name] = nil
			}
		case map[string]any:
			below, _ := out[name].(map[string]any)
			deeper, _ := s.below(name)
			out[name] = merged(below, value, deeper)
		default:
			out[name] = value
		}
	}
	return out
}

// below returns the shape of the member of that name, or nil where any value may be, and whether there may be such a
// member.
func (s *shape) below(name string) (*shape, bool) {
	switch {
	case s == nil || s.kind == rawKind:
		return nil, true
	case s.kind == mapKind:
		return s.elem, true
	}
	for i := range s.members {
		if m := &s.members[i]; m.source == inBody && m.name == name {
			return m.shape, true
		}
	}
	return nil, false
}
