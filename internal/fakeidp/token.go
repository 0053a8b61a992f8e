package fakeidp

import (
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/vouchsafe/vouchsafe/internal/secret"
)

// hangs is how long faultHang delays an answer: longer than a client should wait.
const hangs = time.Minute

// token is the token endpoint. It redeems a code, once.
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil || !s.isClient(r) {
		refuse(w, http.StatusUnauthorized, "invalid_client")
		return
	}
	s.mu.Lock()
	a, ok := s.codes[r.PostForm.Get("code")]
	delete(s.codes, r.PostForm.Get("code"))
	s.mu.Unlock()
	sum := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	if !ok || r.PostForm.Get("grant_type") != "authorization_code" || r.PostForm.Get("redirect_uri") != a.redirectURI ||
		base64.RawURLEncoding.EncodeToString(sum[:]) != a.challenge {
		refuse(w, http.StatusBadRequest, "invalid_grant")
		return
	}
	if s.fail(w, r, a.Fault) {
		return
	}
	access := s.accessToken(a)
	answer := map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": 3600}
	if s.openID() && a.Fault != faultNoToken {
		raw, err := s.idToken(a, access)
		if err != nil {
			http.Error(w, "no ID token", http.StatusInternalServerError)
			return
		}
		answer["id_token"] = raw
	}
	writeJSON(w, answer)
}

// accessToken returns a new access token for the authorization.
func (s *Server) accessToken(a authorization) string {
	access := secret.Token()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil || len(s.open) >= maxKept {
		s.open = map[string]*authorization{}
	}
	s.open[access] = &a
	return access
}

// Issue returns the tokens that an app of the client gets through the provider's own software kit,
// without a redirect.
func (s *Server) Issue(clientID string, who Person) (idToken, accessToken string, err error) {
	a := authorization{Person: who, clientID: clientID}
	accessToken = s.accessToken(a)
	if s.openID() {
		idToken, err = s.idToken(a, accessToken)
	}
	return idToken, accessToken, err
}

// isClient reports whether the request authenticates the client, by its secret or, with Apple, by
// an assertion.
func (s *Server) isClient(r *http.Request) bool {
	id, given, ok := r.BasicAuth()
	if !ok {
		id, given = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	}
	if s.AppleKey == nil {
		return id == s.ClientID && given == s.ClientSecret
	}
	assertion, err := jwt.ParseSigned(given, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return false
	}
	var said jwt.Claims
	return assertion.Claims(s.AppleKey, &said) == nil && id == s.ClientID &&
		said.Subject == s.ClientID && said.Issuer != "" &&
		said.Audience.Contains(s.Issuer) && said.Expiry.Time().After(time.Now()) && assertion.Headers[0].KeyID != ""
}

// fail behaves as a fault of transport says, and reports whether there was one.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, fault string) bool {
	switch fault {
	case faultHang:
		select {
		case <-r.Context().Done():
		case <-time.After(hangs):
		}
	case faultHuge:
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"access_token":"`)
		chunk := strings.Repeat("x", 1<<20)
		for range 100 {
			if _, err := io.WriteString(w, chunk); err != nil {
				break
			}
		}
	case faultStatus:
		http.Error(w, "out of order", http.StatusServiceUnavailable)
	case faultJSON:
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"access_token":`)
	case faultRedirect:
		http.Redirect(w, r, s.Issuer+"/elsewhere", http.StatusTemporaryRedirect)
	default:
		return false
	}
	return true
}

// idToken returns the ID token about the person, with the fault that was chosen.
func (s *Server) idToken(a authorization, access string) (string, error) {
	now := time.Now()
	sum := sha256.Sum256([]byte(access))
	said := s.claims(a.Person)
	switch a.Fault {
	case faultLean, faultInfo403, faultInfo500, faultInfoJWT, faultInfoOther:
		said = map[string]any{"sub": a.subject()}
	}
	for name, value := range map[string]any{
		"auth_time": now.Unix(), // the person has just been chosen on the page
		"iss":       s.Issuer, "aud": a.clientID, "azp": a.clientID, "nonce": a.nonce,
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "at_hash": base64.RawURLEncoding.EncodeToString(sum[:16]),
	} {
		said[name] = value
	}
	if s.Kind == Microsoft {
		said["iss"], said["tid"] = s.microsoft(a.Tenant), a.Tenant
	}
	switch a.Groups {
	case "":
	case "none":
		said["groups"] = []string{}
	default:
		said["groups"] = strings.Fields(a.Groups)
	}
	if a.Factors != "" {
		said["amr"] = strings.Fields(a.Factors)
	}
	switch a.Fault {
	case faultIssuer:
		said["iss"] = "https://other.example"
	case faultAudience:
		said["aud"], said["azp"] = "another", nil
		delete(said, "azp")
	case faultParty:
		said["aud"], said["azp"] = []string{s.ClientID, "another"}, "another"
	case faultNonce:
		said["nonce"] = secret.Token()
	case faultExpired:
		said["exp"] = now.Add(-time.Minute).Unix()
	case faultFuture:
		said["iat"] = now.Add(time.Hour).Unix()
	case faultOld:
		said["iat"] = now.Add(-24 * time.Hour).Unix()
	case faultAuthTime:
		said["auth_time"] = now.Add(-24 * time.Hour).Unix()
	case faultHash:
		said["at_hash"] = "AAAAAAAAAAAAAAAAAAAAAA"
	case faultTenant:
		said["tid"] = "00000000-0000-0000-0000-000000000000"
	}
	if name := map[string]string{faultNoNonce: "nonce", faultNoExpiry: "exp", faultNoIssued: "iat", faultSubject: "sub",
		faultNoTime: "auth_time"}[a.Fault]; name != "" {
		delete(said, name)
	}
	return s.sign(said, a.Fault)
}

// sign returns the claims as a JWT, with a fault of the signature if one was chosen.
func (s *Server) sign(said map[string]any, fault string) (string, error) {
	key, err := s.signingKey(fault == faultNewKey)
	if err != nil {
		return "", err
	}
	with := jose.SigningKey{Algorithm: jose.ES256, Key: key}
	if fault == faultSymmetric {
		with = jose.SigningKey{Algorithm: jose.HS256, Key: []byte(s.ClientSecret)}
	}
	signer, err := jose.NewSigner(with, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", err
	}
	raw, err := jwt.Signed(signer).Claims(said).Serialize()
	if err != nil {
		return "", err
	}
	parts := strings.Split(raw, ".")
	switch fault {
	case faultSignature:
		other := "A"
		if parts[2][10] == 'A' {
			other = "B"
		}
		raw = parts[0] + "." + parts[1] + "." + parts[2][:10] + other + parts[2][11:]
	case faultUnsigned:
		raw = base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + parts[1] + "."
	}
	return raw, nil
}

// refuse answers with an OAuth error.
func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `{"error":"`+code+`"}`)
}
