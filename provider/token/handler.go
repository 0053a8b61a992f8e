package token

import (
	"context"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
)

// grant is what differs between grant types. The client is authenticated, and registered for the
// grant type, when check is called.
type grant interface {
	// check refuses what must be refused. It changes nothing, but for ending what was misused.
	check(ctx context.Context, q *tokenRequest) error
	// issue makes what check let pass into tokens, and writes them to the answer.
	issue(ctx context.Context, q *tokenRequest, answer fosite.AccessResponder) error
}

// handler is a grant type as fosite calls it (fosite.TokenEndpointHandler), with the checks that no
// grant type may forget.
type handler struct {
	name  string // the value of grant_type
	grant grant
}

// CanSkipClientAuth implements fosite.TokenEndpointHandler.
func (h *handler) CanSkipClientAuth(context.Context, fosite.AccessRequester) bool { return false }

// CanHandleTokenEndpointRequest implements fosite.TokenEndpointHandler.
func (h *handler) CanHandleTokenEndpointRequest(_ context.Context, r fosite.AccessRequester) bool {
	asked := r.GetGrantTypes()
	return len(asked) == 1 && asked[0] == h.name
}

// HandleTokenEndpointRequest implements fosite.TokenEndpointHandler: it checks what was presented.
func (h *handler) HandleTokenEndpointRequest(ctx context.Context, r fosite.AccessRequester) error {
	q := r.GetSession().(*tokenRequest)
	q.client, q.form = r.GetClient().(oauth.Client).Client, r.GetRequestForm()
	web.Note(ctx, "client", q.client.ClientID)
	web.Note(ctx, "grant_type", h.name)
	if !q.client.MayUse(h.name) {
		return fosite.ErrUnauthorizedClient.WithDescription("This client can't use this grant type. Add it to the " +
			"client's grant_types.")
	}
	if err := settleHolder(q); err != nil {
		return err
	}
	return h.grant.check(ctx, q)
}

// PopulateTokenEndpointResponse implements fosite.TokenEndpointHandler: it writes the tokens. fosite
// calls it for every handler, whether or not the request is the handler's.
func (h *handler) PopulateTokenEndpointResponse(
	ctx context.Context, r fosite.AccessRequester, answer fosite.AccessResponder,
) error {
	if !h.CanHandleTokenEndpointRequest(ctx, r) {
		return fosite.ErrUnknownRequest
	}
	return h.grant.issue(ctx, r.GetSession().(*tokenRequest), answer)
}
