package provider

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/storage"
)

// serves measures a request through the whole chain.
func (s *tokenServer) serves(b *testing.B, request func() *http.Request) {
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		s.handler.ServeHTTP(w, request())
		if w.Code != http.StatusOK {
			b.Fatalf("got %d %s", w.Code, w.Body)
		}
	}
}

func BenchmarkUserinfo(b *testing.B) {
	for _, format := range []string{"jwt", "opaque"} {
		b.Run(format, func(b *testing.B) {
			s := startTokens(b)
			token := s.tokens(s.client(func(c *storage.Client) { c.AccessTokenFormat = format })).str("access_token")
			s.serves(b, func() *http.Request { return request("GET", "/userinfo", "", bearer(token)) })
		})
	}
}

func BenchmarkIntrospection(b *testing.B) {
	s := startTokens(b)
	c, secret := s.confidential("web")
	token := s.confidentialTokens(c, secret).str("access_token")
	form := values("token", token).Encode()
	s.serves(b, func() *http.Request { return request("POST", "/introspect", form, basic("web", secret), formType) })
}

func BenchmarkPublished(b *testing.B) {
	s := startTokens(b)
	s.jwks("/jwks")
	for _, path := range []string{"/jwks", openIDPath} {
		b.Run(path, func(b *testing.B) {
			s.serves(b, func() *http.Request { return request("GET", path, "") })
		})
	}
}

// BenchmarkPush pushes an authorization request (RFC 9126): nothing is signed or stored.
func BenchmarkPush(b *testing.B) {
	s := startTokens(b)
	c, secret := s.confidential("web", func(c *storage.Client) { c.RedirectURIs = []string{testRedirect} })
	form := (&asker{&visitor{tokenServer: s}, c}).wanted().Encode()
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		s.handler.ServeHTTP(w, request("POST", "/par", form, basic("web", secret), formType))
		if w.Code != http.StatusCreated {
			b.Fatalf("got %d %s", w.Code, w.Body)
		}
	}
}

// BenchmarkAuthorize sends a browser that is signed in back to its client: with a plain request, and with a request URI
// that is pushed outside the measured time.
func BenchmarkAuthorize(b *testing.B) {
	for _, pushed := range []bool{false, true} {
		b.Run(map[bool]string{false: "plain", true: "pushed"}[pushed], func(b *testing.B) {
			a := startAsking(b)
			a.signsIn(a.user)
			var paths []string
			b.ReportAllocs()
			for b.Loop() {
				if len(paths) == 0 {
					b.StopTimer()
					for range 1000 {
						query := a.wanted()
						if pushed {
							query = values("client_id", a.client.ClientID, "request_uri", a.pushes())
						}
						paths = append(paths, "/authorize?"+query.Encode())
					}
					b.StartTimer()
				}
				last := len(paths) - 1
				to, _ := a.visit(paths[last])
				if paths = paths[:last]; !strings.Contains(to, "code=") {
					b.Fatalf("got %q", to)
				}
			}
		})
	}
}

// BenchmarkBoundCredentials has one signature, one verification and one INSERT.
func BenchmarkBoundCredentials(b *testing.B) {
	s := startTokens(b)
	_, secret := s.service("svc")
	form, as := values("grant_type", "client_credentials", "scope", "api"), basic("svc", secret)
	p := s.proves()
	p.posts(form, as)
	proofs := make([]string, 0, 1000)
	for b.Loop() {
		if len(proofs) == 0 {
			b.StopTimer() // the client's work
			for range cap(proofs) {
				proofs = append(proofs, p.sign(p.claims("POST", "/token", "")))
			}
			b.StartTimer()
		}
		last := len(proofs) - 1
		w := httptest.NewRecorder()
		s.handler.ServeHTTP(w, request("POST", "/token", form.Encode(), as, formType, "DPoP: "+proofs[last]))
		if proofs = proofs[:last]; w.Code != http.StatusOK {
			b.Fatalf("got %d %s", w.Code, w.Body)
		}
	}
}
