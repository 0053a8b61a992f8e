package token

import (
	"net/http"
	"slices"
	"time"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/dpop"
	"github.com/vouchsafe/vouchsafe/provider/mtls"
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
	proof, presented, err := s.holder(r)
	if err != nil {
		return err
	}
	q := &tokenRequest{tenant: web.TenantOf(ctx), now: time.Now(), proof: proof, presented: presented}
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

// holder returns what shows that the sender of the request holds a key: its proof, and the thumbprint of the
// certificate that it presents in TLS, or "".
func (s *Server) holder(r *http.Request) (proof dpop.Proof, presented string, err error) {
	if proof, err = s.Proofs.Read(r, ""); err != nil {
		return proof, "", err
	}
	if presented, err = mtls.ThumbprintOf(r); err != nil {
		err = fosite.ErrInvalidRequest.WithDescription("The client's certificate can't be read: " + err.Error() + ".")
	}
	return proof, presented, err
}
