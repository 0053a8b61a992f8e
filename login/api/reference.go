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

// Codes returns every code that a problem of the API can have, with the HTTP statuses it has.
func Codes() map[string][]int {
	all := map[string][]int{}
	for _, list := range append([][]jsonapi.Outcome{commonProblems, appProblems, personProblems},
		operationProblems()...) {
		for _, o := range list {
			all[o.Code] = append(all[o.Code], o.Status)
		}
	}
	return all
}

// ChallengeCodes returns every error that the authorization challenge endpoint can answer with.
func ChallengeCodes() map[string][]int {
	all := Codes()
	for _, o := range challengeProblems {
		all[o.Code] = append(all[o.Code], o.Status)
	}
	return all
}

// operationProblems returns the problems of each operation.
func operationProblems() (all [][]jsonapi.Outcome) {
	for _, o := range jsonapi.NewTable(nil, Routes()...).Operations() {
		all = append(all, o.Problems)
	}
	return all
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
