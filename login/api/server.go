package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"sync"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/apikeys"
	"github.com/vouchsafe/vouchsafe/people/federation"
	"github.com/vouchsafe/vouchsafe/people/invitations"
	"github.com/vouchsafe/vouchsafe/storage"
)

// All calls of the API are below apiPrefix. apiDocument describes them, in OpenAPI.
const (
	apiPrefix   = "/auth/"
	apiDocument = apiPrefix + "openapi.json"
)

// Apps is the protocol's part of the JSON API: it authenticates the app and issues tokens. Its errors are
// web.Problems. Package provider implements it.
type Apps interface {
	// App authenticates the first-party client that sent the request, and returns it. form has the
	// parameters of client authentication from the request's body.
	App(r *http.Request, form url.Values) (storage.Client, error)
	// CheckScope returns an error if the app may not request the scope.
	CheckScope(app storage.Client, scope string) error
	// Tokens returns the tokens of a session.
	Tokens(ctx context.Context, app storage.Client, sess storage.Session, scope string) (storage.Tokens, error)
	// Refresh returns new tokens for a refresh token.
	Refresh(ctx context.Context, app storage.Client, token, scope string) (storage.Tokens, error)
	// SignOut ends the session that a token of the app belongs to, and the app's grants of that session.
	SignOut(ctx context.Context, app storage.Client, token string) error
	// Person returns the user of the request's access token, with the token's client and grant.
	Person(r *http.Request) (storage.Client, storage.Grant, storage.User, error)
	// Form reads and returns the form that an app posted.
	Form(w http.ResponseWriter, r *http.Request) (url.Values, error)
	// ProofOf returns the thumbprint of the key that the request's DPoP proof shows, or "", and what spends the proof.
	ProofOf(r *http.Request) (key string, spend func() error, err error)
	// Request reads an app's authorization request, and returns it with the parameters to pass to Code.
	Request(ctx context.Context, app storage.Client, form url.Values) (storage.Interaction, url.Values, error)
	// Code returns an authorization code for a session; asked is what Request returned.
	Code(ctx context.Context, app storage.Client, asked url.Values, sess storage.Session) (string, error)
	// CORS returns h with answers that scripts of the clients' registered origins may read.
	CORS(h http.Handler) http.Handler
}

// Config is what a Server is made of. All fields are required.
type Config struct {
	*people.Service
	Federation *federation.Service
	Keys       *apikeys.Service
	Apps       Apps
	// Errors shows the errors of requests that are not for the API.
	Errors web.ErrorPage
}

// Server serves the JSON API and the authorization challenge endpoint of all tenants.
type Server struct {
	Config
	invitations *invitations.Service
	// references are the OpenAPI documents, by issuer. They are kept for good, because tenants are few.
	references sync.Map
}

// New checks the Config.
func New(c Config) (*Server, error) {
	if c.Service == nil || c.Apps == nil || c.Federation == nil || c.Keys == nil || c.Errors == nil {
		return nil, errors.New("api: all fields are required")
	}
	return &Server{Config: c, invitations: &invitations.Service{Service: c.Service}}, nil
}
