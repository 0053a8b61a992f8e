package admin

import (
	"net/http"
	"strings"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/storage"
)

// explainCall is the input of GET /users/{user}/claims.
type explainCall struct {
	ofUser
	Client string `path:"client" max:"256" doc:"The client that would get the claims."`
	Scope  string `query:"scope" max:"4096" doc:"The scopes that the client asks for, separated by spaces; all of the client's when left out."`
}

// explanation says what a client gets of one claim about a user.
type explanation struct {
	Claim  string   `json:"claim" doc:"The claim."`
	Value  any      `json:"value,omitempty" doc:"What the claim is, whether or not it is given."`
	In     []string `json:"in" doc:"Where: id_token, userinfo, access_token, introspection."`
	Absent string   `json:"absent,omitempty" doc:"Why the client does not get the claim there."`
	Scope  string   `json:"scope,omitempty" doc:"The scope that asks for it."`
	From   string   `json:"from" doc:"The source of the rule."`
	Rule   string   `json:"rule" doc:"Whose rule it is: built in, tenant or client."`
}

// explained is what a client gets of a user.
type explained struct {
	whole[explanation]
	Refused string `json:"refused,omitempty" enum:"unverified,domain,group" doc:"Why the user may not use the client: the address isn't verified, or is of another domain, or the user is in none of the groups."`
}

// claimStore is where claims are made from.
type claimStore struct {
	people.Store
	storage.Tenants
}

func (s *Server) explainClaims() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodGet, Path: "/users/{user}/claims/{client}", ID: "explainClaims", Scope: "users:read",
		Summary: "Says what a client learns about a user, why it does not learn the rest, and why the user may not use it.",
		Text:    "First the built-in claims, then the tenant's rules, then the client's, as tokens are made now.",
	}, func(c *call, in explainCall) (out explained, err error) {
		store := claimStore{s.People.Store, s.Store}
		subject, err := claims.Find(c.Context(), store, c.asker.Tenant.ID, in.User, in.Client)
		if err != nil {
			return out, err
		}
		subject.Names, err = clients.Names(c.Context(), s.Accounts.Pairwise, subject.Client)
		if err != nil {
			return out, err
		}
		scopes := subject.Client.Scopes()
		if in.Scope != "" {
			scopes = strings.Fields(in.Scope)
		}
		return explained{
			wholeOf(subject.Explain(scopes, claims.Declared{}), shownExplanation), subject.Refused(),
		}, nil
	})
}

// shownExplanation returns an explanation as the API shows it: without the place of the rule, which would name files of
// the server.
func shownExplanation(e claims.Explanation) explanation {
	out := explanation{Claim: e.Claim, In: e.In, Absent: e.Absent, Scope: e.Scope, From: e.From, Rule: e.Rule}
	if e.Value != nil {
		out.Value = e.Value
	}
	return out
}
