package provider

import (
	"context"
	"slices"
	"time"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
)

// grantTypes is the table of what POST /token gives tokens for. Discovery, the checks
// on clients and the documentation read it: a grant type is a row here and a file.
var grantTypes = map[string]func(*Provider) fosite.TokenEndpointHandler{
	"authorization_code": func(p *Provider) fosite.TokenEndpointHandler {
		return &grantHandler{"authorization_code", codeGrant{p}}
	},
	"refresh_token": func(p *Provider) fosite.TokenEndpointHandler {
		return &grantHandler{"refresh_token", refreshGrant{p}}
	},
	"client_credentials": func(p *Provider) fosite.TokenEndpointHandler {
		return &grantHandler{"client_credentials", clientCredentialsGrant{p}}
	},
}

// grantType is what differs between grant types. The client is authenticated and
// registered for it when check is called.
type grantType interface {
	// check refuses what must be refused. It changes nothing, but for ending what was
	// misused.
	check(ctx context.Context, s *session) error
	// issue makes what check let pass into tokens.
	issue(ctx context.Context, s *session) (*issued, error)
}

// issued is an answer of the token endpoint (RFC 6749 section 5.1).
type issued struct {
	access  string
	expires time.Duration
	refresh string // or ""
	id      string // or ""
	scopes  []string
}

// grantHandler makes a grant type a handler of fosite's, with the checks that none
// may forget.
type grantHandler struct {
	name  string
	grant grantType
}

func (h *grantHandler) CanSkipClientAuth(context.Context, fosite.AccessRequester) bool { return false }

func (h *grantHandler) CanHandleTokenEndpointRequest(_ context.Context, r fosite.AccessRequester) bool {
	return slices.Equal(r.GetGrantTypes(), []string{h.name})
}

func (h *grantHandler) HandleTokenEndpointRequest(ctx context.Context, r fosite.AccessRequester) error {
	s := r.GetSession().(*session)
	s.client, s.form = r.GetClient().(oauth.Client).Client, r.GetRequestForm()
	web.Note(ctx, "client", s.client.ClientID)
	web.Note(ctx, "grant_type", h.name)
	if !s.client.MayUse(h.name) {
		return fosite.ErrUnauthorizedClient.WithDescription("The client is not registered for this grant type.")
	}
	return h.grant.check(ctx, s)
}

func (h *grantHandler) PopulateTokenEndpointResponse(ctx context.Context, r fosite.AccessRequester, w fosite.AccessResponder) error {
	s := r.GetSession().(*session)
	t, err := h.grant.issue(ctx, s)
	if err != nil {
		return err
	}
	// fosite looks at these two alone; the answer is made of the tokens.
	w.SetAccessToken(t.access)
	w.SetTokenType("Bearer")
	s.issued = t
	return nil
}
