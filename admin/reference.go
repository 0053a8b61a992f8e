package admin

import (
	"net/http"

	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/internal/web"
)

// version changes when the API changes in a way that could break a program.
const version = "1"

// Reference returns the OpenAPI document of the API at the issuer, or at none in particular for "".
func Reference(issuer string) *jsonapi.Document {
	table := jsonapi.NewTable(nil, Routes()...)
	d := jsonapi.Describe(jsonapi.Info{
		Title: "Vouchsafe: management", Version: version,
		Description: "For administrators and their programs. Each call needs an access token of the issuer, whose " +
			"only audience is `ISSUER/api/v1`, with the scope that stands beside it. Problems are RFC 9457; programs " +
			"should rely on their code.",
	}, issuer, table.Operations(), commonProblems)
	d.NameSchemas()
	return d
}

// serveReference serves the document to every client, because all of it is public.
func (s *Server) serveReference(w http.ResponseWriter, r *http.Request) {
	issuer := web.TenantOf(r.Context()).Issuer
	document, ok := s.references.Load(issuer)
	if !ok {
		document, _ = s.references.LoadOrStore(issuer, Reference(issuer))
	}
	s.servePublic(w, r, document)
}
