package jsonapi

import (
	"net/http"
	"strconv"
)

// Operation is one call of an API: what routes and the reference are made from.
type Operation struct {
	Method, Path string
	ID           string // operationId
	Summary      string // a line
	Text         string // more, in Markdown
	Token        bool   // it asks for an access token as Bearer
	In, Out      any    // structs, as examples of their types; nil when there is no body
	Status       int    // of success; 0 is 200, or 204 without Out
	// Problems are those that this operation has beside those of all, by their code.
	Problems []Outcome
}

// Outcome is a problem that an operation may answer.
type Outcome struct {
	Status int
	Code   string
	When   string
	More   any // a struct whose members stand beside those of Problem
}

func (o Outcome) text() string { return "`" + o.Code + "`: " + o.When }

func (o Operation) status() int {
	switch {
	case o.Status != 0:
		return o.Status
	case o.Out == nil:
		return http.StatusNoContent
	}
	return http.StatusOK
}

// Document is an OpenAPI document (OpenAPI 3.1), as far as it is needed.
type Document struct {
	OpenAPI    string     `json:"openapi"`
	Info       Info       `json:"info"`
	Servers    []server   `json:"servers,omitempty"`
	Paths      paths      `json:"paths"`
	Components components `json:"components"`
}

// Info is what an API says of itself.
type Info struct {
	Title       string `json:"title"`
	Version     string `json:"version"`
	Description string `json:"description,omitempty"`
}

type server struct {
	URL string `json:"url"`
}

type paths = ordered[ordered[*call]]

type call struct {
	ID        string                `json:"operationId"`
	Summary   string                `json:"summary"`
	Text      string                `json:"description,omitempty"`
	Security  []map[string][]string `json:"security,omitempty"`
	Body      *body                 `json:"requestBody,omitempty"`
	Responses ordered[response]     `json:"responses"`
}

type body struct {
	Required bool             `json:"required"`
	Content  map[string]media `json:"content"`
}

type response struct {
	Text    string           `json:"description"`
	Content map[string]media `json:"content,omitempty"`
}

type media struct {
	Schema *schema `json:"schema"`
}

type components struct {
	Schemas         map[string]*schema        `json:"schemas"`
	SecuritySchemes map[string]securityScheme `json:"securitySchemes,omitempty"`
}

type securityScheme struct {
	Type   string `json:"type"`
	Scheme string `json:"scheme"`
	Text   string `json:"description"`
}

const (
	problemSchema = "Problem"
	bearerScheme  = "accessToken"
	basicScheme   = "clientSecret"
)

// Describe writes the document of an API at issuer ("" for none in particular), and
// of the problems that all its operations have.
func Describe(info Info, issuer string, operations []Operation, common []Outcome) *Document {
	d := &Document{OpenAPI: "3.1.1", Info: info, Components: components{
		Schemas: map[string]*schema{problemSchema: output(Problem{})},
		SecuritySchemes: map[string]securityScheme{
			bearerScheme: {"http", "bearer", "An access token that this API gave."},
			basicScheme:  {"http", "basic", "The client's id and secret, for clients that are registered with client_secret_basic. Others say who they are in the body."},
		},
	}}
	if issuer != "" {
		d.Servers = []server{{issuer}}
	}
	for _, o := range operations {
		d.add(o, common)
	}
	return d
}

func (d *Document) add(o Operation, common []Outcome) {
	c := &call{ID: o.ID, Summary: o.Summary, Text: o.Text}
	switch {
	case o.Token:
		c.Security = []map[string][]string{{bearerScheme: {}}}
	case o.In != nil:
		c.Security = []map[string][]string{{}, {basicScheme: {}}}
	}
	if o.In != nil {
		c.Body = &body{true, map[string]media{"application/json": {input(o.In)}}}
	}
	done := response{Text: http.StatusText(o.status())}
	if o.Out != nil {
		done.Content = map[string]media{"application/json": {output(o.Out)}}
	}
	c.Responses.add(strconv.Itoa(o.status()), done)
	for _, p := range append(append([]Outcome{}, o.Problems...), common...) {
		text, one := p.text(), &schema{Ref: "#/components/schemas/" + problemSchema}
		if p.More != nil {
			one = &schema{AllOf: []*schema{one, output(p.More)}}
		}
		status := strconv.Itoa(p.Status)
		if before := c.Responses.find(status); before != nil {
			before.Text += "\n\n" + text
			if p.More != nil {
				before.Content["application/problem+json"] = media{one}
			}
			continue
		}
		c.Responses.add(status, response{text, map[string]media{"application/problem+json": {one}}})
	}
	item := d.Paths.find(o.Path)
	if item == nil {
		d.Paths.add(o.Path, ordered[*call]{})
		item = d.Paths.find(o.Path)
	}
	item.add(methodNames[o.Method], c)
}

var methodNames = map[string]string{
	http.MethodGet: "get", http.MethodPost: "post", http.MethodPatch: "patch", http.MethodDelete: "delete",
}
