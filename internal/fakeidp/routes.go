package fakeidp

import (
	"net/http"
	"net/url"
	"strings"
)

// routes returns the handlers by method and path below the issuer.
func (s *Server) routes() map[string]http.HandlerFunc {
	var token string
	authorize := s.authorizePath()
	routes := map[string]http.HandlerFunc{"GET /style.css": s.style}
	switch s.Kind {
	case Facebook:
		token = "/v23.0/oauth/access_token"
		routes["GET /v23.0/me"], routes["GET /v23.0/debug_token"] = s.facebookMe, s.facebookDebug
	case GitHub:
		token = "/login/oauth/access_token"
		routes["GET /api/v3/user"], routes["GET /api/v3/user/emails"] = s.gitHubUser, s.gitHubEmails
	case Discord:
		token = "/api/oauth2/token"
		routes["GET /api/users/@me"] = s.discordMe
	default:
		token = "/token"
		routes["GET /.well-known/openid-configuration"] = s.discovery
		routes["GET /keys"], routes["GET /userinfo"] = s.jwks, s.userinfo
	}
	routes["GET "+authorize], routes["POST "+authorize], routes["POST "+token] = s.authorize, s.choose, s.token
	return routes
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	base, err := url.Parse(s.Issuer)
	if err != nil {
		http.Error(w, "no issuer", http.StatusInternalServerError)
		return
	}
	path, ok := strings.CutPrefix(r.URL.Path, base.Path)
	if !ok {
		http.NotFound(w, r)
		return
	}
	s.mu.Lock()
	if s.hits == nil {
		s.hits = map[string]int{}
	}
	if len(s.hits) < maxKept {
		s.hits[path]++
	}
	s.mu.Unlock()
	h := s.routes()[r.Method+" "+path]
	if h == nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	h(w, r)
}
