package admin

import (
	"net/http"

	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	providers "github.com/vouchsafe/vouchsafe/people/upstream"
)

// trial is what came out when an upstream provider was tried.
type trial struct {
	Works bool        `json:"works" doc:"No step has failed."`
	Steps []trialStep `json:"steps" doc:"What was tried, in order."`
}

// trialStep is one thing that was tried.
type trialStep struct {
	Name    string `json:"name" doc:"What was tried: redirect URI, discovery, clock, keys, scopes, PKCE, authorization or client."`
	Outcome string `json:"outcome" doc:"passed, warning, failed, skipped (another step has to pass first) or unknown (only a sign-in shows it)."`
	Says    string `json:"says" doc:"What came out, and what to do about it."`
}

// triedCall is the input of POST /upstreams/{upstream}:test.
type triedCall struct {
	Upstream string `path:"upstream" max:"64" doc:"The id of the upstream provider."`
}

func (s *Server) testUpstream() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/upstreams/{upstream}:test", ID: "testUpstream", Scope: "upstreams:write",
		Summary: "Tries an upstream provider, without a user.",
		Text: "The server reads what the provider says of itself, its keys and its clock, and tries whether the provider " +
			"takes the client and the redirect URI. Nothing is changed.",
	}, func(c *call, in triedCall) (out trial, err error) {
		// The tenant of a request may be a second old: who has just changed the provider wants to know about that.
		now, err := s.own(c)
		if err != nil {
			return out, err
		}
		asker, t := c.asker, *c.asker.Tenant
		t.Tenant, asker.Tenant = now, &t
		steps, err := s.Federation.Try(c.Context(), asker, in.Upstream)
		out.Works, out.Steps = providers.Works(steps), []trialStep{}
		for _, one := range steps {
			out.Steps = append(out.Steps, trialStep(one))
		}
		return out, err
	})
}
