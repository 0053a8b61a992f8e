package jsonapi

import (
	"fmt"
	"net/http"
	"strings"
)

// Fault is what is wrong with one member or parameter of a request.
type Fault struct {
	Field   string `json:"field" doc:"The name of the member or parameter; those of an object within are joined by dots."`
	Pointer string `json:"pointer,omitempty" doc:"The JSON pointer of the member in the body (RFC 6901)."`
	Code    string `json:"code" doc:"What programs go by."`
	Message string `json:"message" doc:"For people, in the language that was asked for."`
}

// FieldCode is a code that a fault can have.
type FieldCode struct{ Code, When string }

// FieldCodes are the codes of what this package refuses by itself.
var FieldCodes = []FieldCode{
	{"missing", "the member is required, or empty."},
	{"unknown", "there is no such member."},
	{"repeated", "the parameter is there more than once."},
	{"type", "the value has another JSON type."},
	{"too_long", "the value has too many bytes."},
	{"too_many", "the list has too many entries."},
	{"invalid", "the value does not have the form that the reference describes."},
}

// FieldFault returns the fault of a member of the body whose name has dots between those of
// objects, as in address.city.
func FieldFault(field, code, message string) Fault {
	var at place
	for name := range strings.SplitSeq(field, ".") {
		at = at.member(name)
	}
	return at.fault(code, "%s", message)
}

// ParameterFault returns the fault of a parameter of the path or query.
func ParameterFault(name, code, message string) Fault {
	return parameter(name).fault(code, "%s", message)
}

// place is where a value stands in a body. The zero value is the body itself.
type place struct {
	field, pointer string
	inURL          bool // no pointer leads there
}

// pointerEscapes are those of RFC 6901 section 3.
var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")

// member returns the place of a member, or of an entry of a list by its index.
func (p place) member(name string) place {
	field := name
	if p.field != "" {
		field = p.field + "." + name
	}
	if p.inURL {
		return place{field: field, inURL: true}
	}
	return place{field: field, pointer: p.pointer + "/" + pointerEscapes.Replace(name)}
}

// parameter returns the place of a parameter of the path or query.
func parameter(name string) place { return place{field: name, inURL: true} }

// fault returns what is wrong at the place.
func (p place) fault(code, format string, args ...any) Fault {
	return Fault{p.field, p.pointer, code, fmt.Sprintf(format, args...)}
}

// Faulty returns the problem of a request with those faults; nil without any.
func Faulty(faults ...Fault) error {
	if len(faults) == 0 {
		return nil
	}
	return &Problem{Status: http.StatusBadRequest, Code: "invalid_fields", Errors: faults}
}
