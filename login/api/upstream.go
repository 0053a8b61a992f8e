package api

import (
	"errors"
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people/federation"
	"github.com/vouchsafe/vouchsafe/people/upstream"
)

// upstreamFields are the inputs by which an app signs a user in with a token from an upstream provider.
type upstreamFields struct {
	ProviderType string `json:"providerType" max:"64" doc:"local, which is the default, or the id of the upstream provider at which the user signed in, such as google or facebook." example:"local"`
	IDToken      string `json:"id_token" secret:"true" max:"16384" doc:"The upstream provider's ID token, from the provider's SDK: for one of the client ids in tenants.yaml, and at most ten minutes old. It works once."`
	AccessToken  string `json:"access_token" secret:"true" max:"4096" doc:"With Facebook, instead of id_token."`
	Nonce        string `json:"nonce" secret:"true" max:"255" doc:"The nonce with which the app requested id_token, if it sent one."`
}

// elsewhere reports whether the user has signed in at an upstream provider.
func (f upstreamFields) elsewhere() bool { return f.ProviderType != "" && f.ProviderType != "local" }

// token returns what the app got from the upstream provider.
func (f upstreamFields) token() upstream.Token {
	return upstream.Token{IDToken: f.IDToken, AccessToken: f.AccessToken, Nonce: f.Nonce}
}

// upstreamProblem returns err, or the problem that the provider cannot be reached or is not the
// tenant's any more.
func upstreamProblem(err error) error {
	var lost federation.Lost
	switch {
	case errors.Is(err, upstream.ErrUnreachable):
		return &web.Problem{
			Status: http.StatusServiceUnavailable, Message: "federated.unreachable_token", RetryAfter: 5 * time.Second,
		}
	case errors.As(err, &lost):
		return ui.RefusalProblem(err)
	}
	return err
}
