package resource

import (
	"errors"
	"net/http"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Userinfo tells a client about the user whose access token it brings (OIDC Core 5.3). What is
// wrong with the token stands in WWW-Authenticate, too (RFC 6750 section 3).
func (s *Server) Userinfo(w http.ResponseWriter, r *http.Request) error {
	err := s.answerUserinfo(w, r)
	if e := oauth.Refusal(err); e != nil {
		w.Header().Set("WWW-Authenticate", authenticateHeader(web.TenantOf(r.Context()), e))
	}
	return err
}

// answerUserinfo needs one read: the grant, if it lives and the token was not revoked, with its
// user.
func (s *Server) answerUserinfo(w http.ResponseWriter, r *http.Request) error {
	ctx, t := r.Context(), web.TenantOf(r.Context())
	brought, err := broughtToken(w, r)
	if errors.Is(err, errNoToken) {
		// Not an error: the client is told what to bring (RFC 6750 section 3.1, RFC 9449 section 7.1).
		w.Header()["Www-Authenticate"] = []string{authenticateHeader(t, nil), oauth.DPoPChallenge(t, nil)}
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusUnauthorized)
		return nil
	}
	if err != nil {
		return err
	}
	// A client's own tokens never have openid.
	token, scopes, err := s.workingToken(r, brought, "openid")
	if err != nil {
		return err
	}
	web.Note(ctx, "client", token.grant.ClientID)
	return s.writeUserinfo(w, r, token, scopes)
}

// writeUserinfo answers with the claims that the token's scopes and the claims parameter ask for, and those of
// rules: as JSON, or as a JWT if the client registered so (OIDC Core 5.3.2).
func (s *Server) writeUserinfo(
	w http.ResponseWriter, r *http.Request, token *shownToken, scopes []string,
) error {
	ctx, t := r.Context(), web.TenantOf(r.Context())
	subject, c := token.subject, token.subject.Client
	if err := s.Tokens.ReadIdentities(ctx, subject, token.user.ID); err != nil {
		return err
	}
	granted := token.grant.Claims
	if token.claims.Origin != nil {
		granted = nil // the user allowed these to another client
	}
	asked := tokens.GrantedClaims(subject, granted).Userinfo
	all := tokens.UserClaims(subject, claims.InUserinfo, scopes, asked)
	all["sub"] = token.claims.Subject // last, so that no claim of the user can replace it
	if token.claims.Act != nil {
		all["act"] = token.claims.Act
	}
	if c.UserinfoSignedResponseAlg != "" {
		all["iss"], all["aud"] = t.Issuer, c.ClientID
	}
	plain, err := tokens.Encode(all, subject, claims.InUserinfo, scopes, asked)
	if err != nil {
		return err
	}
	tokens.NoteTooLarge(ctx, subject)
	if c.UserinfoSignedResponseAlg == "" {
		return oauth.WriteEncoded(w, http.StatusOK, plain)
	}
	return s.writeSigned(w, r, c, plain)
}

// writeSigned answers with a JWT of the claims.
func (s *Server) writeSigned(w http.ResponseWriter, r *http.Request, c *storage.Client, plain []byte) error {
	ctx, t := r.Context(), web.TenantOf(r.Context())
	signed, err := s.Keys.Sign(ctx, t.ID, c.UserinfoSignedResponseAlg, tokens.IDTokenType, plain)
	if err != nil {
		return err
	}
	return writeJWT(w, "application/jwt", signed)
}

// writeJWT answers with a JWT of that media type.
func writeJWT(w http.ResponseWriter, kind, signed string) error {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
	h.Set("X-Content-Type-Options", "nosniff")
	_, err := w.Write([]byte(signed))
	return err
}
