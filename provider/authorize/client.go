package authorize

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/clientauth"
	"github.com/vouchsafe/vouchsafe/storage"
)

// findClient finds the client that the request names. It proves nothing: any browser may name any client.
func (s *Server) findClient(ctx context.Context, a *authorization, form url.Values) error {
	for _, name := range []string{"client_id", "redirect_uri"} {
		if len(form[name]) > 1 {
			return badRequest(name + " came more than once; send it once (RFC 6749 section 3.1).")
		}
	}
	id := form.Get("client_id")
	if id == "" {
		return badRequest("client_id is missing. Send the id of a client from clients.yaml or `vouchsafe client list`.")
	}
	c, err := s.Find(ctx, a.tenant, id)
	if errors.Is(err, storage.ErrNotFound) {
		clientauth.NoteUnauthenticated(ctx, id, nil)
		prob := badRequest(
			"There's no enabled client with this client_id. Check `vouchsafe client list`. A clients file takes " +
				"effect by `vouchsafe client apply`, or by VOUCHSAFE_CLIENTS when the server starts.",
		)
		prob.Code, prob.Got = "invalid_client", id
		return prob
	}
	if err != nil {
		return err
	}
	web.Note(ctx, "client", c.ClientID)
	a.client = c
	return nil
}

// checkRedirectURI checks that the redirect URI is the client's, or chooses the only one that it has.
func checkRedirectURI(a *authorization, form url.Values) error {
	c := a.client
	a.sentURI = form.Get("redirect_uri")
	a.redirectURI = a.sentURI
	if len(c.RedirectURIs) == 0 {
		prob := badRequest(
			"The client has no redirect_uris, so users can't sign in to it. Register some in clients.yaml, with the " +
				"grant type authorization_code.",
		)
		prob.Got = a.redirectURI
		return prob
	}
	if a.redirectURI == "" {
		// OAuth allows to leave it out when there is no choice, OpenID Connect does not.
		if len(c.RedirectURIs) != 1 || slices.Contains(strings.Fields(form.Get("scope")), "openid") {
			prob := badRequest(
				"redirect_uri is missing. It's optional only without the scope openid, for a client that registered just one.",
			)
			prob.Expected = c.RedirectURIs
			return prob
		}
		a.redirectURI = c.RedirectURIs[0]
	} else if !clients.AllowsRedirect(c, c.RedirectURIs, a.redirectURI) {
		prob := badRequest(
			"This redirect_uri isn't registered for the client. It must match exactly. Only native clients " +
				"can change the port of http://127.0.0.1, http://[::1] and http://localhost. Register it in clients.yaml " +
				"under redirect_uris, or send a registered one.",
		)
		prob.Got, prob.Expected = a.redirectURI, c.RedirectURIs
		return prob
	}
	if !clients.MayReturnTo(&a.tenant.Tenant, c, a.redirectURI) {
		prob := badRequest("The document of this client sends users to another host than its own. An administrator can " +
			"allow the client, or list that host among outside_clients.hosts of the tenant.")
		prob.Got, prob.Expected = a.redirectURI, []string{clients.HostOf(c.ClientID)}
		return prob
	}
	a.answerable = true
	return nil
}

// badRequest returns a problem that says to a developer what is wrong.
func badRequest(developer string) *web.Problem {
	return &web.Problem{Status: http.StatusBadRequest, Code: "invalid_request", Title: "problem.bad_request.title",
		Message: "problem.bad_request", Developer: developer}
}
