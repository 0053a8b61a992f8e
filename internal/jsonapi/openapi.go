package jsonapi

import (
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

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

// server is where the API is served: a Server Object of OpenAPI.
type server struct {
	URL string `json:"url"`
}

// paths are the operations by their path, and then by their method. Both keep the order of the table of routes.
type paths = ordered[ordered[*call]]

// call is an operation: an Operation Object of OpenAPI.
type call struct {
	ID        string                `json:"operationId"`
	Summary   string                `json:"summary"`
	Text      string                `json:"description,omitempty"`
	Security  []map[string][]string `json:"security,omitempty"`
	Params    []param               `json:"parameters,omitempty"`
	Body      *body                 `json:"requestBody,omitempty"`
	Responses ordered[response]     `json:"responses"`
}

// body is what an operation is sent: a Request Body Object.
type body struct {
	Required bool             `json:"required"`
	Content  map[string]media `json:"content"`
}

// param is a parameter of an operation.
type param struct {
	Name     string  `json:"name"`
	In       source  `json:"in"`
	Text     string  `json:"description,omitempty"`
	Required bool    `json:"required,omitempty"`
	Schema   *schema `json:"schema"`
}

// header is a header of a response.
type header struct {
	Schema *schema `json:"schema"`
}

// response is an answer of an operation: a Response Object.
type response struct {
	Text    string            `json:"description"`
	Headers map[string]header `json:"headers,omitempty"`
	Content map[string]media  `json:"content,omitempty"`
}

// media is a body of one type: a Media Type Object.
type media struct {
	Schema *schema `json:"schema"`
}

// components are what operations refer to: schemas of types, and ways to authenticate.
type components struct {
	Schemas         map[string]*schema        `json:"schemas"`
	SecuritySchemes map[string]securityScheme `json:"securitySchemes,omitempty"`
}

// securityScheme is a way to authenticate a request.
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
			bearerScheme: {"http", "bearer", "An access token of the issuer."},
			basicScheme: {"http", "basic", "The client's id and secret, for clients that are registered with " +
				"client_secret_basic. Others say who they are in the body."},
		},
	}}
	if issuer != "" {
		d.Servers = []server{{issuer}}
	}
	used := map[string]bool{}
	for _, o := range operations {
		for _, way := range d.add(o, common).Security {
			for scheme := range way {
				used[scheme] = true
			}
		}
	}
	maps.DeleteFunc(d.Components.SecuritySchemes, func(scheme string, _ securityScheme) bool { return !used[scheme] })
	return d
}

// add adds an operation, and returns it. What it takes and answers is read from the types of its input and output, so
// that the document cannot say anything else than the program does.
func (d *Document) add(o Operation, common []Outcome) *call {
	c := &call{ID: o.ID, Summary: o.Summary, Text: o.Text}
	in := shapeOf(reflect.TypeOf(o.In), true)
	switch {
	case o.Token:
		scopes := []string{}
		if o.Scope != "" {
			scopes = append(scopes, o.Scope)
		}
		c.Security = []map[string][]string{{bearerScheme: scopes}}
	case in.hasBody():
		c.Security = []map[string][]string{{}, {basicScheme: {}}}
	}
	c.Params = params(in)
	for _, h := range o.Headers {
		c.Params = append(c.Params, param{h.Name, inHeader, h.Text, false, &schema{Type: "string"}})
	}
	if in.hasBody() {
		c.Body = &body{true, map[string]media{"application/json": {object(in, true)}}}
	}
	if o.patch != nil {
		c.Body = &body{true, map[string]media{patchType: {patchOf(input(o.patch))}}}
	}
	c.succeeds(o)
	c.fails(o.outcomes(in, common))
	item := d.Paths.find(o.Path)
	if item == nil {
		d.Paths.add(o.Path, ordered[*call]{})
		item = d.Paths.find(o.Path)
	}
	item.add(methodNames[o.Method], c)
	return c
}

// params returns the parameters of an input.
func params(in *shape) []param {
	var all []param
	for _, m := range in.members {
		switch m.source {
		case inPath, inQuery:
			s := m.schema(true)
			s.Text = ""
			all = append(all, param{m.name, m.source, m.doc, m.need || m.source == inPath, s})
		case inHeader:
			for _, header := range []string{"If-Match", "If-None-Match"} {
				all = append(all, param{header, inHeader, conditionTexts[header], false, &schema{Type: "string"}})
			}
		}
	}
	return all
}

// conditionTexts describe the headers of a Condition.
var conditionTexts = map[string]string{
	"If-Match":      "The ETag that the resource has to have.",
	"If-None-Match": "With *, the resource must not exist.",
}

// succeeds adds the response to a request that succeeds.
func (c *call) succeeds(o Operation) {
	done := response{Text: http.StatusText(o.status())}
	if o.Out != nil {
		done.Content = map[string]media{"application/json": {output(o.Out)}}
	}
	_, tagged := o.Out.(Tagged)
	if tagged {
		done.Headers = map[string]header{"ETag": {&schema{Type: "string"}}}
	}
	status := o.status()
	if _, located := o.Out.(Located); located && o.Method == http.MethodPut {
		c.Responses.add(strconv.Itoa(http.StatusCreated), response{
			Text: http.StatusText(http.StatusCreated), Headers: done.Headers, Content: done.Content})
	}
	if previews(o.In) {
		preview := media{output(Preview{})}
		switch {
		case status == http.StatusOK && o.Out != nil:
			preview = media{&schema{AnyOf: []*schema{output(o.Out), output(Preview{})}}}
			done.Content = map[string]media{"application/json": preview}
		default:
			c.Responses.add(strconv.Itoa(http.StatusOK), response{Text: "With `dry_run`: what would change.",
				Content: map[string]media{"application/json": preview}})
		}
	}
	c.Responses.add(strconv.Itoa(status), done)
	if reflect.TypeOf(o.Out) != nil && reflect.TypeOf(o.Out).Kind() == reflect.Pointer {
		c.Responses.add(strconv.Itoa(http.StatusNoContent), response{Text: "There is nothing to say."})
	}
	if tagged && o.Method == http.MethodGet {
		c.Responses.add(strconv.Itoa(http.StatusNotModified), response{Text: http.StatusText(http.StatusNotModified)})
	}
}

// DryRun is the part of an input with which a client asks what would change.
type DryRun struct {
	Dry bool `query:"dry_run" doc:"Change nothing, and answer with what would change."`
}

// previews reports whether a client may ask what would change: the input has a DryRun.
func previews(in any) bool {
	return slices.ContainsFunc(reflect.VisibleFields(reflect.TypeOf(in)), func(f reflect.StructField) bool {
		return f.Type == reflect.TypeFor[DryRun]()
	})
}

// outcomes returns the problems of an operation, those of all operations last.
func (o Operation) outcomes(in *shape, common []Outcome) []Outcome {
	all := append([]Outcome{}, o.Problems...)
	if len(in.from(inHeader)) > 0 {
		all = append(all, Outcome{
			Status: http.StatusPreconditionFailed, Code: "precondition_failed",
			When: "the resource is not as `If-Match` or `If-None-Match` says. `ETag` is its current tag.",
		})
	}
	return append(all, common...)
}

// fails adds the problems to the responses, those of one status as one.
func (c *call) fails(all []Outcome) {
	for i, p := range all {
		same := func(o Outcome) bool { return o.Status == p.Status }
		if slices.ContainsFunc(all[:i], same) {
			continue
		}
		if p.Code == "" { // answered before the request has come to the API
			c.Responses.add(strconv.Itoa(p.Status), response{Text: p.When})
			continue
		}
		var texts []string
		var more []any
		for _, o := range all {
			if same(o) {
				texts, more = append(texts, o.text()), append(more, o.More)
			}
		}
		c.Responses.add(strconv.Itoa(p.Status), response{Text: strings.Join(texts, "\n\n"),
			Content: map[string]media{"application/problem+json": {problemWith(more)}}})
	}
}

// problemWith returns the schema of problems of one status. more has what stands beside the members of each: nil for
// nothing. What not all of them have is not required.
func problemWith(more []any) *schema {
	problem := &schema{Ref: "#/components/schemas/" + problemSchema}
	all := &schema{AllOf: []*schema{problem}}
	for i, one := range more {
		same := func(other any) bool { return reflect.TypeOf(other) == reflect.TypeOf(one) }
		if one == nil || slices.ContainsFunc(more[:i], same) {
			continue
		}
		s := output(one)
		if slices.ContainsFunc(more, func(other any) bool { return !same(other) }) {
			s.Required, s.typ = nil, nil
		}
		all.AllOf = append(all.AllOf, s)
	}
	if len(all.AllOf) == 1 {
		return problem
	}
	return all
}
