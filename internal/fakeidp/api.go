package fakeidp

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// claims returns the OpenID claims about the person, in the form that this kind of provider uses.
func (s *Server) claims(p Person) map[string]any {
	said := map[string]any{"sub": p.subject()}
	if p.Name != "" {
		first, last, _ := strings.Cut(p.Name, " ")
		if s.Kind != Apple { // Apple sends the name beside the ID token
			said["name"], said["given_name"], said["family_name"] = p.Name, first, last
		}
	}
	verified := "email_verified"
	if s.Kind == Microsoft {
		verified = "xms_edov"
	}
	if p.Email != "" {
		said["email"] = p.Email
		switch p.Verified {
		case "true":
			said[verified] = true
		case "false":
			said[verified] = false
		case "text":
			said[verified] = "true"
		case "one":
			said[verified] = "1"
		case "number":
			said[verified] = 1
		}
	}
	if p.Hosted != "" {
		said["hd"] = p.Hosted
	}
	return said
}

// owner returns the authorization that the request's access token stands for. If there is none, it
// answers 401 and returns nil.
func (s *Server) owner(w http.ResponseWriter, r *http.Request) *authorization {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	s.mu.Lock()
	a := s.open[token]
	s.mu.Unlock()
	if !ok || a == nil {
		refuse(w, http.StatusUnauthorized, "invalid_token")
		return nil
	}
	return a
}

// userinfo answers with the claims of the token's owner, or with the fault that the person chose.
func (s *Server) userinfo(w http.ResponseWriter, r *http.Request) {
	a := s.owner(w, r)
	if a == nil {
		return
	}
	said := s.claims(a.Person)
	switch a.Fault {
	case faultUserinfo:
		said["sub"] = "another"
	case faultInfo403:
		refuse(w, http.StatusForbidden, "insufficient_scope")
		return
	case faultInfo500:
		http.Error(w, "out of order", http.StatusInternalServerError)
		return
	case faultInfoJWT, faultInfoOther:
		said["iss"], said["aud"] = s.Issuer, a.clientID
		if a.Fault == faultInfoOther {
			said["aud"] = "another"
		}
		raw, err := s.sign(said, "")
		if err != nil {
			http.Error(w, "no JWT", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/jwt")
		_, _ = io.WriteString(w, raw)
		return
	}
	writeJSON(w, said)
}

// facebookMe answers with the profile of the token's owner. It demands the HMAC that proves that
// the caller is the app for which the token was made.
func (s *Server) facebookMe(w http.ResponseWriter, r *http.Request) {
	a := s.owner(w, r)
	if a == nil {
		return
	}
	proof := hmac.New(sha256.New, []byte(s.ClientSecret))
	proof.Write([]byte(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")))
	if a.clientID != s.ClientID ||
		!hmac.Equal([]byte(hex.EncodeToString(proof.Sum(nil))), []byte(r.URL.Query().Get("appsecret_proof"))) {
		refuse(w, http.StatusBadRequest, "appsecret_proof")
		return
	}
	first, last, _ := strings.Cut(a.Name, " ")
	said := map[string]any{"id": a.subject(), "name": a.Name, "first_name": first, "last_name": last}
	if a.Email != "" {
		said["email"] = a.Email
	}
	writeJSON(w, said)
}

// facebookDebug tells an app about an access token: whether it is valid, and for which app and
// user.
func (s *Server) facebookDebug(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+s.ClientID+"|"+s.ClientSecret {
		refuse(w, http.StatusUnauthorized, "invalid_token")
		return
	}
	s.mu.Lock()
	a := s.open[r.URL.Query().Get("input_token")]
	s.mu.Unlock()
	data := map[string]any{"is_valid": a != nil}
	if a != nil {
		data["app_id"], data["user_id"] = a.clientID, a.subject()
	}
	writeJSON(w, map[string]any{"data": data})
}

// gitHubUser answers with the profile of the token's owner.
func (s *Server) gitHubUser(w http.ResponseWriter, r *http.Request) {
	if a := s.owner(w, r); a != nil {
		writeJSON(w, map[string]any{
			"id": json.Number(a.subject()), "login": strings.ToLower(strings.ReplaceAll(a.Name, " ", "-")), "name": a.Name,
			"email": "for-show@example.com",
		})
	}
}

// gitHubEmails answers with the addresses of the token's owner.
func (s *Server) gitHubEmails(w http.ResponseWriter, r *http.Request) {
	if a := s.owner(w, r); a != nil {
		if a.Fault == faultNoEmails {
			refuse(w, http.StatusForbidden, "Resource not accessible by integration")
			return
		}
		emails := []map[string]any{{"email": "second@example.com", "primary": false, "verified": true}}
		if a.Email != "" {
			emails = append(emails, map[string]any{"email": a.Email, "primary": true, "verified": a.Verified == "true"})
		}
		writeJSON(w, emails)
	}
}

// discordMe answers with the profile of the token's owner.
func (s *Server) discordMe(w http.ResponseWriter, r *http.Request) {
	if a := s.owner(w, r); a != nil {
		writeJSON(w, map[string]any{
			"id": a.subject(), "username": strings.ToLower(strings.ReplaceAll(a.Name, " ", "_")), "global_name": a.Name,
			"email": a.Email, "verified": a.Verified == "true", "locale": "en-US",
		})
	}
}
