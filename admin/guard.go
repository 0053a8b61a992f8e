package admin

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/storage"
)

// call is a request whose access token was accepted.
type call struct {
	*http.Request
	asker  people.Asker
	scopes []string // what the caller may do
	// user is the administrator who calls; nil for a client that calls for itself.
	user *storage.User
	// operates says that the operation is one of the operator's, whose scope stands for all of a tenant's settings.
	operates bool
}

type callKey struct{}

// handle returns the route of an operation for callers who have its scope. The path is below Prefix.
func handle[In, Out any](s *Server, op jsonapi.Operation, do func(c *call, in In) (Out, error)) jsonapi.Route {
	return s.guarded(jsonapi.Handle(protected(op), func(r *http.Request, in In) (Out, error) { return do(callOf(r), in) }))
}

// handlePatch is handle for a merge patch: see jsonapi.HandlePatch. A write that finds the record changed is told to
// apply the patch anew.
func handlePatch[In, Body, Out any](
	s *Server, op jsonapi.Operation, read func(c *call, in In) (Body, error),
	write func(c *call, in In, was, now Body) (Out, error),
) jsonapi.Route {
	return s.guarded(jsonapi.HandlePatch(protected(op),
		func(r *http.Request, in In) (Body, error) { return read(callOf(r), in) },
		func(r *http.Request, in In, was, now Body) (Out, error) {
			out, err := write(callOf(r), in, was, now)
			if errors.Is(err, storage.ErrStale) {
				err = jsonapi.ErrMoved
			}
			return out, err
		}))
}

// protected returns the operation as one that needs an access token with its scope.
func protected(op jsonapi.Operation) jsonapi.Operation {
	if !slices.Contains(administration.Scopes, op.Scope) {
		panic("admin: " + op.ID + " needs the scope " + op.Scope + ", which does not exist")
	}
	op.Token, op.Path = true, Prefix+op.Path
	if op.Method == http.MethodPost {
		op.Headers = append(op.Headers, idempotencyKey)
		op.Problems = append(op.Problems, keyReused, keyInUse, keySpent, tooLarge)
	}
	return op
}

// callOf returns the call that a request was accepted as.
func callOf(r *http.Request) *call {
	c := *r.Context().Value(callKey{}).(*call)
	c.Request = r
	return &c
}

// guarded returns the route with a check of the access token before anything else of the request is read.
func (s *Server) guarded(route jsonapi.Route) jsonapi.Route {
	serve := route.Serve
	route.Serve = func(w http.ResponseWriter, r *http.Request) error {
		web.RequestOf(r.Context()).Route = route.Path
		c, err := s.admit(r, route.Scope)
		if err != nil {
			return err
		}
		r = r.WithContext(context.WithValue(r.Context(), callKey{}, c))
		if r.Method == http.MethodPost {
			return s.once(c, w, r, serve)
		}
		return serve(w, r)
	}
	return route
}

// admit returns the call of a request whose access token has the scope.
func (s *Server) admit(r *http.Request, scope string) (*call, error) {
	t := web.TenantOf(r.Context())
	if len(r.Header.Values("Authorization")) == 0 {
		// RFC 6750 section 3.1: no error code for a client that did not know that it needs a token.
		return nil, &jsonapi.Problem{Status: http.StatusUnauthorized, Code: "missing_token",
			Detail:       "Send an access token for " + t.URL(Prefix) + " in the header Authorization: Bearer.",
			Authenticate: challenge(t, "", "")}
	}
	b, err := s.Tokens.Bearer(r)
	if err != nil {
		return nil, err
	}
	// A token that other APIs see, too, could be used here by them. The scopes of an API key say what it is for.
	if b.Key == nil && (len(b.Audience) != 1 || b.Audience[0] != t.URL(Prefix)) {
		web.Note(r.Context(), "why", "the token is for another audience")
		return nil, &jsonapi.Problem{Status: http.StatusUnauthorized, Code: "invalid_token",
			Detail:       "The access token isn't for this API. Its audience has to be " + t.URL(Prefix) + " alone.",
			Authenticate: challenge(t, "invalid_token", "")}
	}
	if err := checkSignIn(t, b); err != nil {
		return nil, err
	}
	c := &call{asker: s.asker(r, b), scopes: scopesOf(t, b), user: b.User}
	if !slices.Contains(c.scopes, scope) {
		return nil, insufficient(t, scope)
	}
	return c, nil
}

// checkSignIn returns an error if a user got the token by a sign-in that is not as the tenant demands of
// administrators. The client then asks the user for another one (RFC 9470 section 3).
func checkSignIn(t *issuer.Tenant, b storage.Bearer) error {
	if b.User == nil || b.Grant == nil {
		return nil
	}
	rules := t.Settings.Administrators
	rules.SessionIdle = 0 // it is about the console
	err := administration.CheckSignIn(rules, b.Grant.AuthTime, b.Grant.AuthTime, b.Grant.ACR)
	if err == nil {
		return nil
	}
	header := challenge(t, "insufficient_user_authentication", "")
	detail := "The tenant wants administrators to sign in with a second factor. Ask for a new token with acr_values=" +
		storage.ACRMultiFactor + "."
	if errors.Is(err, people.ErrSignInFirst) {
		seconds := strconv.FormatInt(int64(time.Duration(rules.SessionLifetime)/time.Second), 10)
		header += `, max_age="` + seconds + `"`
		detail = "The administrator's last sign-in is too old. Ask for a new token with max_age=" + seconds + "."
	}
	if rules.SecondFactor {
		header += `, acr_values="` + storage.ACRMultiFactor + `"`
	}
	return &jsonapi.Problem{Status: http.StatusUnauthorized, Code: "insufficient_user_authentication", Detail: detail,
		Authenticate: header}
}

// asker returns who asks for the use cases that a request causes.
func (s *Server) asker(r *http.Request, b storage.Bearer) people.Asker {
	req := web.RequestOf(r.Context())
	a := people.Asker{
		Tenant: web.TenantOf(r.Context()), Actor: b.Client.ClientID, RequestID: req.ID, IP: req.IP,
		UserAgent: r.UserAgent(), Language: s.Language(r),
	}
	if b.User != nil {
		a.Actor = b.User.ID
	}
	return a
}

// scopesOf returns what the holder of a token may do. It is decided by what the client is registered for now, and
// by the role that the user has now: both count at once.
func scopesOf(t *issuer.Tenant, b storage.Bearer) []string {
	may := b.Client.Scopes()
	if b.User != nil {
		may = slices.DeleteFunc(administration.ScopesOf(t.ID, b.User.AdminRole), func(scope string) bool {
			return !slices.Contains(may, scope)
		})
	}
	return slices.DeleteFunc(slices.Clone(b.Scopes), func(scope string) bool {
		return !administration.Exists(t.ID, scope) || !slices.Contains(may, scope)
	})
}

// insufficient returns the error of a token without a scope that is needed.
func insufficient(t *issuer.Tenant, scope string) error {
	return &jsonapi.Problem{Status: http.StatusForbidden, Code: "insufficient_scope",
		Detail:       "This needs the scope " + scope + ", in the access token and among what the caller may do.",
		More:         neededScope{scope},
		Authenticate: challenge(t, "insufficient_scope", scope)}
}

// neededScope is what the problem insufficient_scope says beside its code.
type neededScope struct {
	Scope string `json:"scope" doc:"The scope that is needed."`
}

// challenge returns the WWW-Authenticate header for a request without a token that suffices (RFC 6750 section 3,
// RFC 9728 section 5.1).
func challenge(t *issuer.Tenant, code, scope string) string {
	header := `Bearer realm="` + t.Issuer + `", resource_metadata="` + t.ResourceMetadataURL(Prefix) + `"`
	if code != "" {
		header += `, error="` + code + `"`
	}
	if scope != "" {
		header += `, scope="` + scope + `"`
	}
	return header
}

// needs returns an error unless the caller may do what the scope stands for.
func (c *call) needs(scope string) error {
	if slices.Contains(c.scopes, scope) {
		return nil
	}
	return insufficient(c.asker.Tenant, scope)
}

// mayChange returns an error if the user is an administrator who may do more than the caller. What the caller changes
// about the user afterwards rests on the role that the user has here.
func (c *call) mayChange(u storage.User) error {
	c.asker.Judged = &u
	if scope := administration.Outranked(u, c.scopes); scope != "" {
		return &jsonapi.Problem{Status: http.StatusForbidden, Code: "outranked", More: neededScope{scope},
			Detail:       "The user is an administrator who may do more than you: " + scope + ".",
			Authenticate: challenge(c.asker.Tenant, "insufficient_scope", scope)}
	}
	return nil
}

// resource is the document that says how the API is protected (RFC 9728 section 2).
type resource struct {
	Resource             string   `json:"resource"`
	AuthorizationServers []string `json:"authorization_servers"`
	Scopes               []string `json:"scopes_supported"`
	BearerMethods        []string `json:"bearer_methods_supported"`
	ProofAlgorithms      []string `json:"dpop_signing_alg_values_supported"`
	Name                 string   `json:"resource_name"`
}

// escaped returns an id as it stands in a path.
func escaped(id string) string { return url.PathEscape(id) }

// serveMetadata serves the document to every client: all of it is public.
func (s *Server) serveMetadata(w http.ResponseWriter, r *http.Request) {
	t := web.TenantOf(r.Context())
	s.servePublic(w, r, resource{
		Resource: t.URL(Prefix), AuthorizationServers: []string{t.Issuer}, Scopes: administration.Scopes,
		BearerMethods: []string{"header"}, ProofAlgorithms: clients.AlgorithmNames(clients.AssertionAlgorithms),
		Name: "Vouchsafe management API",
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
