package threats

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/vouchsafe/vouchsafe/e2e/buildtest"
	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

func jwtRows() []row {
	return []row{
		{"F1 algorithms in tokens of ours", f1},
		{"F3 bombs", f3},
		{"F5 claims that override", f5},
		{"F9 a sub used again", f9},
	}
}

// forgeries returns forgeries of a JWT that the server signed: the same claims without its
// signature.
func forgeries(t *testing.T, api *vouchsafetest.API, token string) map[string]string {
	t.Helper()
	parts := strings.Split(token, ".")
	enc := base64.RawURLEncoding.EncodeToString
	head := map[string]any{}
	raw, err := base64.RawURLEncoding.DecodeString(parts[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		t.Fatal(err)
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	claims := map[string]any{}
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	kid, _ := head["kid"].(string)
	typ := head["typ"]
	keys := api.Keys(t)
	public := keys.Key(kid)
	if len(public) != 1 {
		t.Fatalf("no key %q", kid)
	}
	asJWK, err := public[0].MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	keyed := vouchsafetest.Keyed()
	with := func(alg string) string {
		h, err := json.Marshal(map[string]any{"alg": alg, "kid": kid, "typ": typ})
		if err != nil {
			t.Fatal(err)
		}
		return enc(h)
	}
	extra := map[jose.HeaderKey]any{"kid": kid, "typ": typ}
	embedded := map[jose.HeaderKey]any{"kid": kid, "typ": typ,
		"jwk": jose.JSONWebKey{Key: keyed[0].Key.Public(), KeyID: kid}}
	out := map[string]string{
		"alg none":            with("none") + "." + parts[1] + ".",
		"alg nOnE":            with("nOnE") + "." + parts[1] + "." + parts[2],
		"HS256, public JWK":   vouchsafetest.Sign(t, jose.HS256, asJWK, extra, claims),
		"a foreign ES256 key": vouchsafetest.Sign(t, jose.ES256, keyed[0].Key, extra, claims),
		"a foreign EdDSA key": vouchsafetest.Sign(t, jose.EdDSA, keyed[1].Key, extra, claims),
		"a foreign RS256 key": vouchsafetest.Sign(t, jose.RS256, keyed[2].Key, extra, claims),
		"a key it brings":     vouchsafetest.Sign(t, jose.ES256, keyed[0].Key, embedded, claims),
		"no signature":        parts[0] + "." + parts[1] + ".",
		"a zero signature":    parts[0] + "." + parts[1] + "." + enc(make([]byte, 64)),
		"a cut signature":     token[:len(token)-4],
		"other claims": parts[0] + "." + enc(bytes.Replace(payload, []byte(`"sub":"`),
			[]byte(`"sub":"x`), 1)) + "." + parts[2],
		"a second signature": token + "." + parts[2],
		"JSON serialization": `{"payload":"` + parts[1] + `","protected":"` + parts[0] +
			`","signature":"` + parts[2] + `"}`,
		"an alg of another key": with("EdDSA") + "." + parts[1] + "." + parts[2],
		"white space":           parts[0] + "." + parts[1] + ". " + parts[2],
		"padding":               token + "=",
	}
	return out
}

func f1(t *testing.T, s *vouchsafetest.Server) {
	b, api := jo(t, s), s.API(t)
	own := tokens(t, s, b, vouchsafetest.NewRequest(web))
	for name, forged := range forgeries(t, api, own.Access()) {
		if info := api.Userinfo(t, forged); info.Status != 401 && info.Status != 400 {
			t.Errorf("access token, %s: got %d %s from user info, want 401", name, info.Status, info.Raw)
		}
		if api.Active(t, web, forged) {
			t.Errorf("access token, %s: introspection calls it active", name)
		}
	}
	for name, forged := range forgeries(t, api, own.ID()) {
		a := b.Authorize(t, vouchsafetest.NewRequest(web, "prompt", "none", "id_token_hint", forged))
		if a.Code() != "" {
			t.Errorf("hint, %s: got a code, want it not to be believed", name)
		}
		page := s.Browser(t, b.Person).Get(t,
			"/logout?"+url.Values{"id_token_hint": {forged},
				"post_logout_redirect_uri": {"https://rp.example/signed-out"}}.Encode())
		if page.Left != nil {
			t.Errorf("logout hint, %s: the browser was sent to %s", name, page.Left)
		}
	}
	wantAlive(t, s, own)
}

func f3(t *testing.T, s *vouchsafetest.Server) {
	b, api := jo(t, s), s.API(t)
	enc := base64.RawURLEncoding.EncodeToString
	var zip bytes.Buffer
	w, err := flate.NewWriter(&zip, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(make([]byte, 50<<20)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	bombs := map[string]string{
		"dots":    strings.Repeat(".", 1<<20),
		"letters": strings.Repeat("A", 1<<20),
		"parts":   strings.Repeat("AA.", 300000),
		"PBES2": enc([]byte(`{"alg":"PBES2-HS512+A256KW","enc":"A256GCM","p2c":2147483647,"p2s":"AAAA"}`)) +
			".AAAA.AAAA.AAAA.AAAA",
		"zip": enc([]byte(`{"alg":"dir","enc":"A256GCM","zip":"DEF"}`)) + "..AAAAAAAAAAAAAAAA." +
			enc(zip.Bytes()) + ".AAAAAAAAAAAAAAAAAAAAAA",
		"JWE": enc([]byte(`{"alg":"RSA-OAEP","enc":"A256GCM"}`)) + "." + strings.Repeat("A",
			342) + ".AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA",
		"deep JSON": enc([]byte(strings.Repeat(`{"a":`, 50000)+"1"+strings.Repeat("}", 50000))) + ".e30.AAAA",
		"in room, nested": enc([]byte(`{"alg":"RS256","a":`+strings.Repeat(`{"a":`, 1500)+"1"+strings.Repeat("}", 1501))) +
			".e30.AAAA",
		"in room, parts":   strings.Repeat("AA.", 5000),
		"in room, letters": strings.Repeat("A", 15<<10),
		"big head":         enc([]byte(`{"alg":"RS256","x":"`+strings.Repeat("x", 500000)+`"}`)) + ".e30.AAAA",
	}
	for name, bomb := range bombs {
		start := time.Now()
		for _, path := range []string{"/introspect", "/revoke"} {
			if r := api.As(t, web, path, url.Values{"token": {bomb}}); r.Status >= 500 {
				t.Errorf("%s at %s: got %d", name, path, r.Status)
			}
		}
		if r := api.Form(t, "/userinfo", url.Values{"access_token": {bomb}}); r.Status < 400 || r.Status >= 500 {
			t.Errorf("%s at user info: got %d, want 4xx", name, r.Status)
		}
		if r := api.ByKey(t, bomb, "grant_type", "client_credentials"); r.Status < 400 || r.Status >= 500 {
			t.Errorf("%s as an assertion: got %d, want 4xx", name, r.Status)
		}
		if len(bomb) < 4000 {
			b.Get(t, vouchsafetest.NewRequest(web, "id_token_hint", bomb).Path())
		}
		if len(bomb) < 16<<10 { // as much as a header holds
			api.Userinfo(t, bomb).Want(t, 401, "invalid_token")
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%s took %v", name, took)
		}
	}
	if mem := residentKB(t, s.Pid()); mem > 1<<20 && !buildtest.Race {
		t.Errorf("the server uses %d MiB after that", mem>>10)
	}
	wantAlive(t, s, tokens(t, s, b, vouchsafetest.NewRequest(web)))
}

// f5: there are no custom claims yet. The claims parameter is the nearest thing.
func f5(t *testing.T, s *vouchsafetest.Server) {
	b, api := jo(t, s), s.API(t)
	r := vouchsafetest.NewRequest(web, "claims",
		`{"id_token":{"iss":{"value":"https://evil.example"},"aud":{"value":"other"},"exp":{"value":9999999999},`+
			`"nonce":{"value":"x"},"client_id":null,"azp":{"value":"other"}},"userinfo":{"sub":{"value":"x"},`+
			`"iss":{"value":"https://evil.example"}}}`)
	a := b.Authorize(t, r)
	if a.Code() == "" {
		if a.Error() == "" {
			t.Errorf("got %d at %s", a.Page.Status, a.Page.URL.Path)
		}
		return // refused altogether
	}
	reply := api.Redeem(t, r, a.Code()).Want(t, 200, "")
	id := api.IDToken(t, web, r, reply)
	info := api.Userinfo(t, reply.Access())
	if id.Int("exp") > time.Now().Unix()+90000 || info.Status == http.StatusOK && info.String("sub") != id.String("sub") {
		t.Errorf("got %v and %s, want what the server says", id.Claims, info.Raw)
	}
	// A sub in the claims parameter names the user who is meant, and does not sign in another one.
	for _, member := range []string{"id_token", "userinfo"} {
		r = vouchsafetest.NewRequest(web, "prompt", "none", "claims", `{"`+member+`":{"sub":{"value":"somebody-else"}}}`)
		if a := b.Authorize(t, r); a.Code() != "" {
			reply := api.Redeem(t, r, a.Code()).Want(t, 200, "")
			if got := api.Verify(t, reply.ID()).String("sub"); got != id.String("sub") || member == "id_token" {
				t.Errorf("%s: got a code and sub %q for a request about another user", member, got)
			}
		}
	}
}

func f9(t *testing.T, s *vouchsafetest.Server) {
	p := s.Person(t)
	sub := func() string {
		return s.API(t).Verify(t, tokens(t, s, s.Browser(t, p), vouchsafetest.NewRequest(web)).ID()).String("sub")
	}
	first := sub()
	s.Command(t, "", "user", "remove", p.Email, "--yes")
	s.Command(t, p.Password+"\n", "user", "add", p.Email, "--verified", "--password-stdin")
	if second := sub(); second == first {
		t.Errorf("got sub %s again for another person with the same address", second)
	}
}
