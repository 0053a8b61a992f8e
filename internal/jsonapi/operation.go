package jsonapi

import "net/http"

// Operation is one call of an API: what routes and the reference are made from.
type Operation struct {
	Method, Path string
	ID           string // operationId
	Summary      string // a line
	Text         string // more, in Markdown
	Token        bool   // it asks for an access token as Bearer
	Scope        string // that the access token needs; "" for any
	In, Out      any    // of the types that Handle reads and answers with; Handle sets them
	Headers      []Header
	Status       int // of success; 0 is 200, or 204 without Out
	// Forms says that the body may also be a form: see readForm. Such an operation must not act by cookies. The document
	// has JSON alone.
	Forms bool
	// patch is what a merge patch is applied to; nil for operations that take no patch.
	patch any
	// Problems are those that this operation has beside those of all, by their code.
	Problems []Outcome
}

// Header is a header that a request may have, and that the operation does not read by its input.
type Header struct{ Name, Text string }

// Outcome is a problem that an operation may answer.
type Outcome struct {
	Status int
	Code   string // "" for an answer of the server without a problem in its body
	When   string
	More   any // a struct whose members stand beside those of Problem
}

// text returns what the reference says of the outcome.
func (o Outcome) text() string { return "`" + o.Code + "`: " + o.When }

// status returns the status of a successful response: what the operation says, else 204 without an output and 200 with
// one.
func (o Operation) status() int {
	switch {
	case o.Status != 0:
		return o.Status
	case o.Out == nil:
		return http.StatusNoContent
	}
	return http.StatusOK
}

// methodNames are the methods that an operation may have, as OpenAPI names them.
var methodNames = map[string]string{
	http.MethodGet: "get", http.MethodPut: "put", http.MethodPost: "post", http.MethodPatch: "patch",
	http.MethodDelete: "delete",
}
