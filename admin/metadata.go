package admin

import (
	"net/http"
	"net/url"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/people/administration"
)

// resource is the document that says how the API is protected (RFC 9728 section 2).
type resource struct {
	Resource             string   `json:"resource"`
	AuthorizationServers []string `json:"authorization_servers"`
	Scopes               []string `json:"scopes_supported"`
	BearerMethods        []string `json:"bearer_methods_supported"`
	Name                 string   `json:"resource_name"`
}

// escaped returns an id as it stands in a path.
func escaped(id string) string { return url.PathEscape(id) }

// metadataURL returns the URL of the document. The path of the issuer stands behind the well-known path (RFC 9728
// section 3).
func metadataURL(t *issuer.Tenant) string {
	u, err := url.Parse(t.Issuer)
	if err != nil {
		return t.URL(metadata)
	}
	u.Path = metadata[:len(metadata)-len(Prefix)] + u.Path + Prefix
	return u.String()
}

// serveMetadata serves the document to every client: all of it is public.
func (s *Server) serveMetadata(w http.ResponseWriter, r *http.Request) {
	t := web.TenantOf(r.Context())
	s.servePublic(w, r, resource{
		Resource: t.URL(Prefix), AuthorizationServers: []string{t.Issuer}, Scopes: administration.Scopes,
		BearerMethods: []string{"header"}, Name: "Vouchsafe management API",
	})
}

// servePublic serves a document that is the same for every reader.
func (s *Server) servePublic(w http.ResponseWriter, r *http.Request, document any) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		s.fail(w, r, &jsonapi.Problem{Status: http.StatusMethodNotAllowed, Code: "method_not_allowed",
			Detail: "This call only accepts GET."})
		return
	}
	if err := jsonapi.Write(w, http.StatusOK, document); err != nil {
		s.fail(w, r, err)
	}
}
