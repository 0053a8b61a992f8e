package upstreams

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"

	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
)

// answering is a provider's server: what it says at each path, always as JSON.
type answering map[string]string

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	body, ok := a[r.URL.Path]
	status := http.StatusOK
	if !ok {
		status = http.StatusNotFound
	}
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

const (
	idpExample = "https://idp.example"
	discovered = `{"issuer":"` + idpExample + `","authorization_endpoint":"` + idpExample +
		`/authorize","token_endpoint":"` + idpExample + `/token","jwks_uri":"` + idpExample + `/jwks","userinfo_endpoint":"` +
		idpExample + `/userinfo","id_token_signing_alg_values_supported":["ES256"]}`
	canary = "access-token-canary"
)

// FuzzAnswers has a provider of OpenID answer anything at one of its four addresses, and
// what it should at the others, except for a token that another key signed. Such answers never
// prove a user, and errors about them are short and quote no token (H1, H2).
func FuzzAnswers(f *testing.F) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	jwks, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: "k",
		Algorithm: "ES256", Use: "sig"}}})
	if err != nil {
		f.Fatal(err)
	}
	forged := `{"access_token":"` + canary +
		`","token_type":"Bearer",` +
		`"id_token":"eyJhbGciOiJFUzI1NiIsImtpZCI6ImsifQ.eyJpc3MiOiJodHRwczovL2lkcC5leGFtcGxlIiwic3ViIjoiMSIsImF1ZCI6InUifQ.AAAA"}`
	paths := []string{"/.well-known/openid-configuration", "/jwks", "/token", "/userinfo"}
	for i := range paths {
		for _, body := range []string{discovered, string(jwks), forged, `{}`, `null`, `[]`, ``, `{"keys":[]}`,
			`{"issuer":"https://evil.example"}`,
			strings.ReplaceAll(discovered, "https://idp.example/token", "http://169.254.169.254/"),
			strings.ReplaceAll(forged, "eyJhbGciOiJFUzI1NiIsImtpZCI6ImsifQ", "eyJhbGciOiJub25lIn0"),
			`{"error":"` + strings.Repeat("x", 500) + `"}`, strings.Repeat("[", 10000),
			`{"keys":[{"kty":"oct","k":"AA","kid":"k"}]}`, `{"expires_in":1e400}`} {
			f.Add(uint8(i), body)
		}
	}
	f.Fuzz(func(t *testing.T, where uint8, body string) {
		says := answering{paths[0]: discovered, paths[1]: string(jwks), paths[2]: forged, paths[3]: `{"sub":"1"}`}
		says[paths[int(where)%len(paths)]] = body
		p, err := New(&http.Client{Transport: says}).provider(storage.Upstream{ID: "u", Issuer: idpExample, ClientID: "u"},
			"client-secret-canary")
		if err != nil {
			t.Fatal(err)
		}
		id, err := p.Identify(t.Context(),
			upstream.Request{RedirectURI: "https://id.example/callback", State: "s", Nonce: "n",
				Verifier: oauth2.GenerateVerifier()}, upstream.Answer{Code: "code-canary"})
		if err == nil {
			t.Fatalf("another user's token is taken for that of %q", id.Subject)
		}
		if !errors.Is(err, upstream.ErrRefused) && !errors.Is(err, upstream.ErrUnreachable) {
			t.Errorf("got %v", err)
		}
		if text := err.Error(); len(text) > 500 || strings.Contains(text, "canary") {
			t.Errorf("%q tells too much", text)
		}
	})
}

// FuzzProfiles: whatever a provider says of a person, what is taken of it fits on a line
// and leads to https alone, and an address is verified only by the word true (H3, H4).
func FuzzProfiles(f *testing.F) {
	for _, body := range []string{
		`{"sub":"1","email":"jo@example.com","email_verified":true,"name":"Jo","picture":"https://a.example/p"}`,
		`{"email":"jo@example.com","email_verified":"true"}`,
		`{"email":"a\r\nBcc: b@c.d","email_verified":1,"name":"\u202eoJ"}`,
		`{"picture":"javascript:alert(1)","website":"https://u:p@h","profile":"https:///x"}`,
		`{"picture":{"data":{"url":"https://a.example/\u0000"}}}`, `{"amr":["pwd",1,null],"hd":"x"}`,
		`{"picture.data.url":7,"name":["x"]}`, `{"name":"` + strings.Repeat("x", 300) + `"}`,
		`{"xms_edov":true,"email":"jo@example.com"}`,
	} {
		f.Add(body, body)
	}
	f.Add(`{}`, `{"name":{"firstName":"Jo\n","lastName":"Doe"}}`)
	f.Fuzz(func(t *testing.T, body, user string) {
		var said claims
		if json.Unmarshal([]byte(body), &said) != nil {
			return
		}
		for _, kind := range upstream.Presets() {
			p, err := New(http.DefaultClient).provider(storage.Upstream{ID: "u", Preset: kind,
				Issuer: idpExample, ClientID: "u"}, "s")
			if err != nil {
				t.Fatal(err)
			}
			id := p.identity(said)
			appleUser(&id, upstream.Answer{User: user})
			q := id.Profile
			for _, s := range []string{id.Email, id.Hosted, q.Name, q.GivenName, q.FamilyName, q.Nickname, q.Locale, q.Zoneinfo,
				q.Picture, q.Profile, q.Website} {
				if len(s) > 8100 || !utf8.ValidString(s) ||
					strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }) {
					t.Errorf("%s: took %q", kind, s)
				}
			}
			for _, s := range []string{q.Picture, q.Profile, q.Website} {
				if s != "" && (secureURL(s) != s || !strings.HasPrefix(s, "https://")) {
					t.Errorf("%s: leads to %q", kind, s)
				}
			}
			v := said.at(p.claim("email_verified"))
			if id.EmailVerified && (id.Email == "" || v != true && (kind != "apple" || v != "true")) {
				t.Errorf("%s: %q is verified by %#v", kind, id.Email, v)
			}
			if len(id.AMR) > 16 {
				t.Errorf("%s: %d ways of signing in", kind, len(id.AMR))
			}
		}
	})
}
