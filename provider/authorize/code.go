package authorize

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Handlers returns the handlers of the endpoint, for registration with the Engine.
func (s *Server) Handlers() fosite.AuthorizeEndpointHandlers {
	return fosite.AuthorizeEndpointHandlers{codeHandler{s.Tokens}}
}

// codeHandler makes the code, in place of fosite's handlers, which store three rows for it.
type codeHandler struct{ tokens *tokens.Maker }

// HandleAuthorizeEndpointRequest implements fosite.AuthorizeEndpointHandler.
func (h codeHandler) HandleAuthorizeEndpointRequest(
	_ context.Context, r fosite.AuthorizeRequester, answer fosite.AuthorizeResponder,
) error {
	sealed, err := sealCode(h.tokens, r.GetSession().(*authorization))
	if err != nil {
		return err
	}
	answer.AddParameter("code", sealed)
	r.SetResponseTypeHandled("code")
	return nil
}

// sealCode returns a code of the authorization, all of whose checks are settled.
func sealCode(m *tokens.Maker, a *authorization) (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", err
	}
	c := &tokens.Code{
		ID: id.String(), ClientID: a.client.ClientID, RedirectURI: a.sentURI,
		CodeChallenge: a.codeChallenge, JKT: a.jkt, Nonce: a.nonce, Scopes: a.scopes, Audience: a.audience(),
		UserID: a.account.UserID, SessionID: a.account.ID, CredentialVersion: a.account.CredentialVersion,
		AuthTime: a.account.AuthTime, AMR: a.account.AMR, ACR: a.answerACR(), IssuedAt: time.Now(),
	}
	c.NameActor(a.account.Session)
	if a.rawClaims != "" {
		c.Claims = json.RawMessage(a.rawClaims)
	}
	return m.SealCode(a.tenant, c)
}

// replay is how long a finished request gives its code once more: a second click on a button cancels the
// answer to the first.
const replay = 10 * time.Second

// finishedKey is under which the code of the request with that id is remembered.
func finishedKey(t *issuer.Tenant, id string) string { return "authorized:" + t.ID + ":" + id }

// once returns the code that the request with that id gave first.
func (s *Server) once(ctx context.Context, a *authorization, id, sealed string) (string, error) {
	key, box := finishedKey(a.tenant, id), s.Secrets.Box(a.tenant.ID, secret.AuthorizedOnce)
	life := s.RequestLifetime
	if a.signed != "" {
		life = max(life, objectLife+2*objectSkew) // for as long as its object counts
	}
	err := s.Ephemeral.Put(ctx, key, box.Seal([]byte(sealed)), life)
	if err == nil || !errors.Is(err, storage.ErrExists) {
		return sealed, nil // without memory of it, sign-in goes on: the grant's unique code is what counts
	}
	done := &web.Problem{Status: http.StatusBadRequest, Code: "invalid_request", Title: "problem.signed_in.title",
		Message: "problem.signed_in"}
	kept, err := s.Ephemeral.Get(ctx, key)
	if err != nil {
		return "", done
	}
	first, err := box.Open(kept)
	if err != nil {
		return "", done
	}
	c, err := s.Tokens.OpenCode(a.tenant, string(first), time.Now())
	if err != nil || time.Since(c.IssuedAt) > replay || c.SessionID != a.account.ID {
		return "", done
	}
	return string(first), nil
}
