package provider

import (
	"net/http"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
)

// Endpoint is a row of the table of endpoints. Routing, CORS, client authentication, the discovery
// document and the form of errors read it, and `vouchsafe routes` prints it.
type Endpoint struct {
	// Path is below a tenant's issuer.
	Path string
	// Methods are those that the endpoint answers. It refuses all others with 405.
	Methods []string
	// Program says that programs call the endpoint: its errors are JSON. Otherwise users see them, on
	// the error page.
	Program bool
	// Scripts are the scripts that may read its answers (CORS).
	Scripts Scripts
	// Clients are the methods by which clients may authenticate. None: clients do not.
	Clients []string
	// Metadata is the endpoint's name in the discovery document; "" if it has none.
	Metadata string
	// announced says that the document names the methods of client authentication, too. RFC 8414
	// section 2 has names for those of three endpoints.
	announced bool
	// offered reports whether the tenant has the endpoint in its discovery document; nil: every tenant has.
	offered func(t *issuer.Tenant) bool
	// serve answers. It is nil where package login serves the endpoint.
	serve func(http.ResponseWriter, *http.Request) error
}

// Scripts says which origins' scripts may read the answers of an endpoint.
type Scripts string

const (
	ScriptsOfNone       Scripts = ""
	ScriptsOfRegistered Scripts = "registered" // the origins that the tenant's clients registered
	// ScriptsOfAny is for documents that say the same to all, and for clients that are not known yet.
	ScriptsOfAny Scripts = "any"
)

// refuseMethod returns the error for a method that e does not answer (405), and names in the header Allow those that
// it does (RFC 9110 section 15.5.6).
func (e *Endpoint) refuseMethod(w http.ResponseWriter) error {
	w.Header().Set("Allow", strings.Join(e.Methods, ", "))
	if e.Program {
		return oauth.ErrMethodNotAllowed.WithDescription("This endpoint only accepts " +
			strings.Join(e.Methods, " and ") + ".")
	}
	return &web.Problem{Status: http.StatusMethodNotAllowed, Message: "problem.method"}
}
