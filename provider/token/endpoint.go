package token

import (
	"net/http"
	"slices"
	"time"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
)

// Token serves the token endpoint (RFC 6749 section 3.2). Errors pass through fosite as they are, so
// that a storage that did not answer is seen as that here.
func (s *Server) Token(w http.ResponseWriter, r *http.Request) error {
	form, err := oauth.PostForm(w, r)
	if err != nil {
		return err
	}
	// fosite would authenticate the client first, and call an unknown grant type an invalid request.
	name := form.Get("grant_type")
	if name == "" {
		return fosite.ErrInvalidRequest.WithDescription("grant_type is missing.")
	}
	if isKeyAlone(r, form) {
		return s.exchangeKey(w, r, form)
	}
	if !slices.ContainsFunc(s.handlers, func(h *handler) bool { return h.name == name }) {
		return fosite.ErrUnsupportedGrantType.WithDescription(
			"There is no such grant type here; see grant_types_supported in the discovery document.",
		)
	}
	ctx := r.Context()
	// Before the client authenticates: a proof without a current nonce must not spend the client's assertion.
	proof, err := s.Proofs.Read(r, "")
	if err != nil {
		return err
	}
	q := &tokenRequest{tenant: web.TenantOf(ctx), now: time.Now(), proof: proof}
	request, err := s.Engine.NewAccessRequest(ctx, r, q)
	if err != nil {
		return err
	}
	answer, err := s.Engine.NewAccessResponse(ctx, request)
	if err != nil {
		return err
	}
	if name == clients.ExchangeGrant {
		return oauth.WriteJSON(w, http.StatusOK, exchangedOf(answer))
	}
	return oauth.WriteJSON(w, http.StatusOK, tokensOf(answer))
}
