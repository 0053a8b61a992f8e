package api

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// asking is a call of the API with the app that sent it.
type asking struct {
	*http.Request
	app  storage.Client
	kept *authSession // the auth_session that came, or a new one
	// asker is the app as use cases know it. It has no cookies: a browser adds them by itself.
	asker people.Asker
	// in is the app's request at the authorization challenge endpoint; nil elsewhere.
	in *storage.Interaction
}

// interaction returns the authorization request that the user answers. Without one, it says which app asks.
func (a *asking) interaction() *storage.Interaction {
	if a.in != nil {
		return a.in
	}
	return &storage.Interaction{TenantID: a.app.TenantID, Client: a.app}
}

// fromApp is the input of a call in which the client authenticates. form returns its credentials.
type fromApp interface{ form() url.Values }

// appFields are the parameters of client authentication (RFC 6749 section 2.3.1, RFC 7523
// section 2.2).
type appFields struct {
	ClientID            string `json:"client_id" doc:"The client's id, unless the client authenticates with a header or an assertion." example:"my-app"`
	ClientSecret        string `json:"client_secret" secret:"true" doc:"The client's secret, with client_secret_post."`
	ClientAssertion     string `json:"client_assertion" secret:"true" max:"16384" doc:"The client's assertion, with private_key_jwt."`
	ClientAssertionType string `json:"client_assertion_type" doc:"With an assertion: urn:ietf:params:oauth:client-assertion-type:jwt-bearer."`
}

// form returns the parameters that are not empty.
func (c appFields) form() url.Values {
	form := url.Values{}
	for _, f := range [][2]string{
		{"client_id", c.ClientID}, {"client_secret", c.ClientSecret},
		{"client_assertion", c.ClientAssertion}, {"client_assertion_type", c.ClientAssertionType},
	} {
		if f[1] != "" {
			form.Set(f[0], f[1])
		}
	}
	return form
}

// forApps returns the route of a call in which the client authenticates.
func forApps[In fromApp, Out any](
	s *Server, op jsonapi.Operation, do func(a *asking, in In) (Out, error),
) jsonapi.Route {
	op.Problems, op.Forms = outcomes(op.Problems, appProblems), true
	return jsonapi.Handle(op, func(r *http.Request, in In) (out Out, err error) {
		app, err := s.Apps.App(r, in.form())
		if err != nil {
			return out, err
		}
		a, err := s.asks(r, app, in)
		if err != nil {
			return out, err
		}
		return do(a, in)
	})
}

// asks returns the call with the app's auth_session. It returns an error if a script of another origin sent it,
// or if the auth_session is not the app's.
func (s *Server) asks(r *http.Request, app storage.Client, in any) (*asking, error) {
	if err := allowedOrigin(r, app); err != nil {
		return nil, err
	}
	sealed := ""
	if keeps, ok := in.(interface{ session() string }); ok {
		sealed = keeps.session()
	}
	kept, err := s.openAuthSession(r, app, sealed)
	if err != nil {
		return nil, err
	}
	return newAsking(r, app, kept), nil
}

// newAsking returns the call of an app with its opened auth_session.
func newAsking(r *http.Request, app storage.Client, kept *authSession) *asking {
	asker := ui.AppAsker(r)
	asker.ClientID, asker.Kept = app.ClientID, kept.Kept
	return &asking{Request: r, app: app, kept: kept, asker: asker}
}

// keep replaces what the app keeps: the response has the new auth_session.
func (a *asking) keep(kept people.Kept) { a.asker.Kept, a.kept.Kept = kept, kept }

// wish returns which second factor the call asks for.
func (a *asking) wish() people.FactorWish {
	in := a.interaction()
	return people.FactorWish{Rule: in.Client.SecondFactor, ACR: in.ACR}
}

// allowedOrigin returns an error if a script of an origin that the app did not register sent the request. The
// API reads no cookies, so that a page of another site can do no more than any program. But an attacker's page
// could try stolen passwords from the addresses of its visitors.
func allowedOrigin(r *http.Request, app storage.Client) error {
	origins, site := r.Header.Values("Origin"), r.Header.Get("Sec-Fetch-Site")
	switch {
	case len(origins) == 0 && (site == "" || site == "same-origin" || site == "none"):
		return nil
	case len(origins) == 1 && (origins[0] == originOf(web.TenantOf(r.Context()).Issuer) ||
		slices.Contains(app.AllowedCORSOrigins, origins[0])):
		return nil
	}
	return &jsonapi.Problem{Status: http.StatusForbidden, Code: "origin_not_allowed",
		Detail: "This origin isn't registered for the client. Add it to allowed_cors_origins."}
}

// originOf returns the origin of a URL.
func originOf(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
