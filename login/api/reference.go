package api

import (
	"net/http"

	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/internal/web"
)

// apiVersion changes when the API changes in a way that could break an app.
const apiVersion = "1"

// Reference returns the OpenAPI document of the JSON API at the issuer, or at none in particular for "".
func Reference(issuer string) *jsonapi.Document {
	table := jsonapi.NewTable(nil, Routes()...)
	return jsonapi.Describe(jsonapi.Info{
		Title: "Vouchsafe: signing users in", Version: apiVersion,
		Description: "For first-party apps with screens of their own. Problems are RFC 9457; programs should " +
			"rely on their code.\n\nThe code of an entry of errors is one of these:\n\n" + fieldCodeTable(),
	}, issuer, table.Operations(), commonProblems)
}

// serveReference serves the document to every client, because all of it is public.
func (s *Server) serveReference(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		s.apiFail(w, r, &jsonapi.Problem{Status: http.StatusMethodNotAllowed, Code: "method_not_allowed",
			Detail: "This call only accepts GET."})
		return
	}
	issuer := web.TenantOf(r.Context()).Issuer
	document, ok := s.references.Load(issuer)
	if !ok {
		document, _ = s.references.LoadOrStore(issuer, Reference(issuer))
	}
	if err := jsonapi.Write(w, http.StatusOK, document); err != nil {
		s.apiFail(w, r, err)
	}
}
