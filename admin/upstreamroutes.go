package admin

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	providers "github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/tenants"
)

// shownUpstream is an upstream provider as the API shows one.
type shownUpstream struct {
	upstream
	Status upstreamStatus `json:"status" doc:"What is computed. It is ignored in what is sent."`
	answered
}

// upstreamStatus is what is computed about an upstream provider.
type upstreamStatus struct {
	Callback string `json:"callback" doc:"The redirect URI to register at the provider."`
	Secret   bool   `json:"secret" doc:"A client secret is stored."`
}

// showUpstream returns the upstream provider as the API shows one.
func (c *call) showUpstream(u storage.Upstream) (shownUpstream, error) {
	tag, err := jsonapi.TagOf(u)
	return shownUpstream{upstream: fieldsOfUpstream(u), answered: answered{tag: tag}, Status: upstreamStatus{
		Callback: c.asker.Tenant.URL("/upstream/" + u.ID + "/callback"), Secret: len(u.ClientSecret) > 0,
	}}, err
}

// ofUpstream is the input of an operation about one upstream provider.
type ofUpstream struct {
	Upstream string `path:"upstream" max:"64" doc:"The id of the upstream provider."`
}

// changeUpstreamCall is the input of operations that change an upstream provider without a body.
type changeUpstreamCall struct {
	ofUpstream
	jsonapi.Condition
	jsonapi.DryRun
}

// putUpstreamCall is the input of PUT /upstreams/{upstream}.
type putUpstreamCall struct {
	changeUpstreamCall
	ID string `json:"id,omitempty" max:"64" doc:"The id of the path, or nothing."`
	upstreamFields
	ignored
}

func (s *Server) upstreamRoutes() []jsonapi.Route {
	return []jsonapi.Route{s.listUpstreams(), s.getUpstream(), s.putUpstream(), s.patchUpstream(), s.removeUpstream(),
		s.testUpstream()}
}

func (s *Server) listUpstreams() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodGet, Path: "/upstreams", ID: "listUpstreams", Scope: "upstreams:read",
		Summary: "Lists the upstream providers, in the order of their buttons.", Text: "Their secrets are not shown.",
	}, func(c *call, _ jsonapi.None) (out whole[shownUpstream], err error) {
		t, err := s.own(c)
		out.Items = []shownUpstream{}
		for _, u := range t.Settings.Upstreams {
			one, err := c.showUpstream(u)
			if err != nil {
				return out, err
			}
			out.Items = append(out.Items, one)
		}
		return out, err
	})
}

// upstreamOf returns an upstream provider of the tenant.
func upstreamOf(t storage.Tenant, id string) (storage.Upstream, error) {
	u := t.Settings.Upstream(id)
	if u == nil {
		return storage.Upstream{}, storage.ErrNotFound
	}
	return *u, nil
}

func (s *Server) getUpstream() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodGet, Path: "/upstreams/{upstream}", ID: "getUpstream", Scope: "upstreams:read",
		Summary: "Returns an upstream provider.", Text: "Its secret is not shown.",
	}, func(c *call, in ofUpstream) (out shownUpstream, err error) {
		t, err := s.own(c)
		if err != nil {
			return out, err
		}
		u, err := upstreamOf(t, in.Upstream)
		if err != nil {
			return out, err
		}
		return c.showUpstream(u)
	})
}

func (s *Server) putUpstream() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodPut, Path: "/upstreams/{upstream}", ID: "putUpstream", Scope: "upstreams:write",
		Summary: "Adds an upstream provider, or replaces it.",
		Text: "What is left out gets its default; without `client_secret` the one that is stored stays. What a GET " +
			"answered can be sent as it is, and changes nothing.",
		Problems: tenantProblems,
	}, func(c *call, in putUpstreamCall) (out shownUpstream, err error) {
		if in.ID != "" && in.ID != in.Upstream {
			return out, invalid(jsonapi.FieldFault("id", "invalid", "This isn't the id in the path."))
		}
		t, err := s.own(c)
		if err != nil {
			return out, err
		}
		return s.saveUpstream(c, t, in.changeUpstreamCall, in.upstreamFields)
	})
}

func (s *Server) patchUpstream() jsonapi.Route {
	read := func(c *call, in changeUpstreamCall) (out upstreamFields, err error) {
		t, err := s.own(c)
		if err != nil {
			return out, err
		}
		u, err := upstreamOf(t, in.Upstream)
		return fieldsOfUpstream(u).upstreamFields, err
	}
	return handlePatch(s, jsonapi.Operation{
		Path: "/upstreams/{upstream}", ID: "patchUpstream", Scope: "upstreams:write",
		Summary: "Changes members of an upstream provider.", Problems: tenantProblems,
		Text: "A JSON merge patch (RFC 7396): what is left out stays, and null stands for the default. The secret stays " +
			"unless there is another one.",
	}, read, func(c *call, in changeUpstreamCall, was, now upstreamFields) (out shownUpstream, err error) {
		t, err := s.own(c)
		if err != nil {
			return out, err
		}
		u, err := upstreamOf(t, in.Upstream)
		if err == nil && !equal(was, fieldsOfUpstream(u).upstreamFields) {
			err = jsonapi.ErrMoved
		}
		if err != nil {
			return out, err
		}
		return s.saveUpstream(c, t, in, now)
	})
}

// saveUpstream stores an upstream provider in the place of the one with its id, or behind all others.
func (s *Server) saveUpstream(
	c *call, t storage.Tenant, in changeUpstreamCall, now upstreamFields,
) (out shownUpstream, err error) {
	all := fieldsOfTenant(t).Upstreams
	i := slices.IndexFunc(all, func(u upstream) bool { return u.ID == in.Upstream })
	added := i < 0
	if added {
		i, all = len(all), append(all, upstream{ID: in.Upstream})
		err = in.Condition.Check("")
	} else {
		err = in.Condition.CheckTag(jsonapi.TagOf(t.Settings.Upstreams[i]))
	}
	if err != nil {
		return out, err
	}
	all[i].upstreamFields = now
	saved, err := s.saveUpstreams(c, t, all, in)
	if err != nil {
		return out, placed(err, i)
	}
	u, err := upstreamOf(saved, in.Upstream)
	if err != nil {
		return out, err
	}
	out, err = c.showUpstream(u)
	if added {
		out.made = c.asker.Tenant.URL(Prefix + "/upstreams/" + u.ID)
	}
	return out, err
}

// saveUpstreams stores the upstream providers of a tenant that was read.
func (s *Server) saveUpstreams(
	c *call, t storage.Tenant, all []upstream, in changeUpstreamCall,
) (storage.Tenant, error) {
	f := fieldsOfTenant(t)
	f.Upstreams = all
	d, err := s.check(f, t, t.ID)
	if err != nil {
		return t, err
	}
	if in.Dry {
		return t, jsonapi.PreviewOf(tenants.Preview(t, d, s.Secrets))
	}
	return tenants.Save(c.Context(), s.Store, s.Secrets, t, d, func(e storage.Event) storage.Event {
		e.Detail = map[string]string{"upstream": in.Upstream}
		return c.ofOther(e)
	})
}

// placed returns a problem of the tenant's settings as one of the i-th upstream provider: its faults are in the body.
func placed(err error, i int) error {
	var p *jsonapi.Problem
	if !errors.As(err, &p) {
		return err
	}
	out := *p
	out.Errors = nil
	for _, f := range p.Errors {
		if field, ok := strings.CutPrefix(f.Field, "upstreams."+strconv.Itoa(i)+"."); ok {
			f = jsonapi.FieldFault(field, f.Code, f.Message)
		}
		out.Errors = append(out.Errors, f)
	}
	return &out
}

func (s *Server) removeUpstream() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodDelete, Path: "/upstreams/{upstream}", ID: "removeUpstream", Scope: "upstreams:write",
		Summary: "Removes an upstream provider.",
		Text: "Users can't sign in through it any more. Their linked accounts stay, and count again if a provider with " +
			"this id is added.",
		Problems: []jsonapi.Outcome{moved, upstreamInUse},
	}, func(c *call, in changeUpstreamCall) (none jsonapi.None, err error) {
		t, err := s.own(c)
		if err != nil {
			return none, err
		}
		u, err := upstreamOf(t, in.Upstream)
		if err == nil {
			err = in.Condition.CheckTag(jsonapi.TagOf(u))
		}
		if err != nil {
			return none, err
		}
		all := slices.DeleteFunc(fieldsOfTenant(t).Upstreams, func(u upstream) bool { return u.ID == in.Upstream })
		_, err = s.saveUpstreams(c, t, all, in)
		return none, inUse(err)
	})
}

// upstreamInUse is the problem of a removal after which the tenant's settings would be wrong.
var upstreamInUse = jsonapi.Outcome{Status: http.StatusConflict, Code: "in_use",
	When: "a rule about claims reads the provider; `errors` says which."}

// inUse returns the problem of settings that would be wrong as one of a removal.
func inUse(err error) error {
	var p *jsonapi.Problem
	if !errors.As(err, &p) || p.Status != wrongFields.Status {
		return err
	}
	out := &jsonapi.Problem{Status: upstreamInUse.Status, Code: upstreamInUse.Code,
		Detail: "The tenant's settings need the provider. Change them first."}
	for _, f := range p.Errors {
		out.Errors = append(out.Errors, jsonapi.ParameterFault(f.Field, f.Code, f.Message))
	}
	return out
}

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
