package console

import (
	"io/fs"
	"regexp"
	"strings"
)

// Prefix is the path of the console below an issuer.
const Prefix = "/admin"

// Place is one of the console's places, to which the navigation leads.
type Place struct {
	ID   string
	Path string // of its first page, below Prefix
}

// Text returns the id of the place's name.
func (p Place) Text() string { return "place." + p.ID }

// Places are all places, in the order of the navigation. A place is shown to administrators who may open its first
// page; one that has no pages yet is shown to none.
var Places = []Place{
	{"overview", ""}, {"people", "/people"}, {"groups", "/groups"}, {"apps", "/apps"}, {"apis", "/apis"},
	{"sign-in", "/sign-in"}, {"log", "/log"}, {"settings", "/settings"},
}

// Page is a row of the table of pages: what one method does at one path.
type Page struct {
	// Method is GET for a page to look at, and POST for what a form is sent to.
	Method string
	// Path is below Prefix, as in patterns of http.ServeMux: "/people/{id}". Only ids without special characters may be
	// in a path. All others go into the query.
	Path string
	// Scopes are what the administrator's role has to allow: those that the operation of the management API needs.
	Scopes []string
	// Fresh asks for a proof that is no older than people.Freshness.
	Fresh bool
	// Upload says that the form may bring a file of at most MaxUpload bytes: see ui.FileOf.
	Upload bool
	Serve  Handler
	// part is where the page is from.
	part *part
}

// Handler serves a page. An error that it returns is shown once: see Call.fail.
type Handler func(c *Call) error

// Part is what a package brings to the console.
type Part struct {
	// Place is the ID of the place that the pages belong to.
	Place string
	Pages []Page
	// Templates has a folder templates with *.html. Each page's template begins with {{template "top" .}} and ends with
	// {{template "bottom" .}}; the blocks of this package's templates/*.html are there, too.
	Templates fs.FS
}

// pagePath matches the paths of the console that a sign-in may lead to.
var pagePath = regexp.MustCompile(`^` + Prefix + `(/[A-Za-z0-9_~:-][A-Za-z0-9._~:-]*)*$`)

// IsPage reports whether the address is one of the console, with or without a query, to which a sign-in may lead.
func IsPage(address string) bool {
	path, _, _ := strings.Cut(address, "?")
	return len(address) < 4000 && pagePath.MatchString(path)
}
