package console

import (
	"html/template"
	"net/http"
	"strings"
	"sync"
)

// part is a Part with its templates, which are read at the first use.
type part struct {
	Part
	templates func() (*template.Template, error)
}

// newPart returns the part, ready to be served.
func newPart(p Part) *part {
	return &part{p, sync.OnceValues(func() (*template.Template, error) {
		t, err := template.ParseFS(templateFiles, "templates/*.html")
		if err != nil || p.Templates == nil {
			return t, err
		}
		return t.ParseFS(p.Templates, "templates/*.html")
	})}
}

// pattern returns the page as a pattern of http.ServeMux.
func (p *Page) pattern() string { return p.Method + " " + Prefix + p.Path }

// table finds pages by their requests.
type table struct {
	mux   *http.ServeMux
	pages map[string]*Page // by pattern
}

// newTable returns the table of all pages. http.ServeMux panics for two pages of which neither is more specific.
func newTable(parts []*part) *table {
	t := &table{http.NewServeMux(), map[string]*Page{}}
	for _, part := range parts {
		for _, page := range part.Pages {
			page.part = part
			t.pages[page.pattern()] = &page
			t.mux.Handle(page.pattern(), http.NotFoundHandler())
		}
	}
	return t
}

// find returns the page of a request, with the values of its path set; nil if there is none.
func (t *table) find(r *http.Request) *Page {
	if strings.Contains(r.URL.Path, "//") || strings.Contains(r.URL.Path, "/.") {
		return nil // ServeMux would redirect
	}
	probe := r.Clone(r.Context())
	if probe.Method == http.MethodHead {
		probe.Method = http.MethodGet
	}
	_, pattern := t.mux.Handler(probe)
	page := t.pages[pattern]
	if page != nil {
		page.readPath(r)
	}
	return page
}

// page returns the page to look at with a path below Prefix; nil if there is none.
func (t *table) page(path string) *Page { return t.pages[http.MethodGet+" "+Prefix+path] }

// readPath sets the values of a path that matches the page's.
func (p *Page) readPath(r *http.Request) {
	names, values := strings.Split(Prefix+p.Path, "/"), strings.Split(r.URL.Path, "/")
	for i, name := range names {
		if inner, ok := strings.CutPrefix(name, "{"); ok && i < len(values) {
			r.SetPathValue(strings.TrimSuffix(inner, "}"), values[i])
		}
	}
}
