package admin

import (
	"net/http"

	"github.com/vouchsafe/vouchsafe/internal/diff"
	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/tenants"
)

// shownAPI is an API of the tenant as this one shows it. Its members are those of tenants.yaml.
type shownAPI struct {
	storage.API
	answered
}

func showAPI(a storage.API) (shownAPI, error) {
	tag, err := jsonapi.TagOf(a)
	return shownAPI{a, answered{tag: tag}}, err
}

// ofAPI is the input of an operation about one API.
type ofAPI struct {
	Path string `path:"api" max:"2048" doc:"The API's identifier; escaped, as in https%3A%2F%2Fapi.example."`
}

// changeAPICall is the input of operations that change an API without a body.
type changeAPICall struct {
	ofAPI
	jsonapi.Condition
	jsonapi.DryRun
}

// putAPICall is the input of PUT /apis/{api}.
type putAPICall struct {
	changeAPICall
	storage.API
}

func (s *Server) apiRoutes() []jsonapi.Route {
	return []jsonapi.Route{s.listAPIs(), s.getAPI(), s.putAPI(), s.patchAPI(), s.removeAPI()}
}

func (s *Server) listAPIs() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodGet, Path: "/apis", ID: "listAPIs", Scope: "tenant:read",
		Summary: "Lists the APIs for which clients can get access tokens.",
	}, func(c *call, _ jsonapi.None) (whole[storage.API], error) {
		t, err := s.own(c)
		return wholeOf(t.Settings.APIs, func(a storage.API) storage.API { return a }), err
	})
}

// apiOf returns an API of the caller's tenant.
func (s *Server) apiOf(c *call, identifier string) (storage.API, error) {
	t, err := s.own(c)
	if err != nil {
		return storage.API{}, err
	}
	if found := t.Settings.API(identifier); found != nil {
		return *found, nil
	}
	return storage.API{}, storage.ErrNotFound
}

func (s *Server) getAPI() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodGet, Path: "/apis/{api}", ID: "getAPI", Scope: "tenant:read", Summary: "Returns an API.",
	}, func(c *call, in ofAPI) (out shownAPI, err error) {
		a, err := s.apiOf(c, in.Path)
		if err != nil {
			return out, err
		}
		return showAPI(a)
	})
}

func (s *Server) putAPI() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodPut, Path: "/apis/{api}", ID: "putAPI", Scope: "tenant:write",
		Summary: "Adds an API, or replaces it. Its roles stay.", Text: "What is left out gets its default.",
		Problems: tenantProblems,
	}, func(c *call, in putAPICall) (shownAPI, error) { return s.saveAPI(c, in.changeAPICall, nil, in.API) })
}

func (s *Server) patchAPI() jsonapi.Route {
	return handlePatch(s, jsonapi.Operation{
		Path: "/apis/{api}", ID: "patchAPI", Scope: "tenant:write", Summary: "Changes members of an API.",
		Text:     "A JSON merge patch (RFC 7396): what is left out stays, and null stands for the default.",
		Problems: tenantProblems,
	}, func(c *call, in changeAPICall) (storage.API, error) {
		return s.apiOf(c, in.Path)
	}, func(c *call, in changeAPICall, was, now storage.API) (shownAPI, error) {
		return s.saveAPI(c, in, &was, now)
	})
}

// saveAPI stores the API that the path names. read, unless nil, is what it has to be until then.
func (s *Server) saveAPI(c *call, in changeAPICall, read *storage.API, now storage.API) (out shownAPI, err error) {
	if now.Identifier == "" {
		now.Identifier = in.Path
	}
	if now.Identifier != in.Path {
		return out, invalid(jsonapi.FieldFault("identifier", "invalid", "This isn't the identifier in the path."))
	}
	seen := func(was *storage.API) error {
		if read != nil && (was == nil || !equal(*read, *was)) {
			return jsonapi.ErrMoved
		}
		return checkAPI(was, &now, in)
	}
	added, err := tenants.PutAPISeen(c.Context(), s.Store, c.asker.Tenant.ID, now, seen, c.asker.Event)
	if err != nil {
		return out, err
	}
	out, err = showAPI(now)
	if added {
		out.made = c.asker.Tenant.URL(Prefix + "/apis/" + escaped(now.Identifier))
	}
	return out, err
}

// checkAPI checks the condition of a request on the API as it is; nil if there is none. It returns what would change
// if that is what was asked for. now is nil for a removal.
func checkAPI(was, now *storage.API, in changeAPICall) error {
	var err error
	if was == nil {
		err = in.Condition.Check("")
	} else {
		err = in.Condition.CheckTag(jsonapi.TagOf(*was))
	}
	if err != nil || !in.Dry {
		return err
	}
	var fields diff.Fields
	fields.AddStruct(*orZero(was), *orZero(now), "")
	return jsonapi.PreviewOf(fields)
}

func (s *Server) removeAPI() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodDelete, Path: "/apis/{api}", ID: "removeAPI", Scope: "tenant:write",
		Summary: "Removes an API with its roles.", Problems: []jsonapi.Outcome{moved},
	}, func(c *call, in changeAPICall) (jsonapi.None, error) {
		return jsonapi.None{}, tenants.RemoveAPISeen(c.Context(), s.Store, c.asker.Tenant.ID, in.Path,
			func(was *storage.API) error { return checkAPI(was, nil, in) }, c.asker.Event)
	})
}
