package keratin_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestOrigins(t *testing.T) {
	t.Parallel()
	w := start(t)
	b, _ := w.signedUp(newName())
	for origin, audience := range map[string]string{
		"https://app.example.com": "app.example.com", "http://app.example.com:3000": "app.example.com",
		"https://APP.example.com": "app.example.com", "https://a.shops.example.com": "a.shops.example.com:443",
		"https://a.b.shops.example.com": "a.b.shops.example.com:443",
		"http://a.shops.example.com":    "", "https://a.shops.example.com:8443": "", "https://shops.example.com": "",
		"https://app.example.com.evil.example": "", "https://evilapp.example.com": "", "null": "", "https://": "",
		"https://app.example.com@evil.example": "", "javascript:app.example.com": "", "app.example.com": "",
		"https://evil.example/app.example.com": "", "https://.shops.example.com": "",
	} {
		b.origin = origin
		got := b.do("GET", "/session/refresh")
		if audience == "" {
			got.want(http.StatusForbidden, "Origin is not a trusted host.")
			if got.header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s may read the answer", origin)
			}
			continue
		}
		if claims := got.want(201, "TOKEN").token(w); strings.Join(claims.Aud, " ") != audience {
			t.Errorf("%s: got aud %v, want %s", origin, claims.Aud, audience)
		}
	}
	// The Referer counts only where there is no Origin.
	send := func(headers ...string) *answer {
		req, err := http.NewRequest("POST", w.at+"/session", nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(headers); i += 2 {
			req.Header.Add(headers[i], headers[i+1])
		}
		return w.send(http.DefaultClient, req)
	}
	send().want(403, "Origin is not a trusted host.")
	send("Referer", appOrigin+"/login?x").refused("credentials", "FAILED")
	send("Referer", appOrigin+"/login", "Origin", "https://evil.example").want(403, "Origin is not a trusted host.")
	send("Origin", appOrigin, "Origin", "https://evil.example").want(403, "Origin is not a trusted host.")
}

func TestPreflight(t *testing.T) {
	t.Parallel()
	w := start(t)
	for origin, allowed := range map[string]bool{appOrigin: true, "https://evil.example": false} {
		req, err := http.NewRequest("OPTIONS", w.at+"/session", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Origin", origin)
		req.Header.Set("Access-Control-Request-Method", "DELETE")
		req.Header.Set("Access-Control-Request-Headers", "content-type,sentry-trace")
		got := w.send(http.DefaultClient, req)
		if is := got.header.Get("Access-Control-Allow-Origin") == origin; is != allowed {
			t.Errorf("%s: got headers %v", origin, got.header)
		}
		if allowed && (!strings.Contains(got.header.Get("Access-Control-Allow-Methods"), "DELETE") ||
			got.header.Get("Access-Control-Allow-Headers") != "content-type,sentry-trace" || got.status >= 300) {
			t.Errorf("got %d with headers %v", got.status, got.header)
		}
	}
}

func TestOpenRoutes(t *testing.T) {
	t.Parallel()
	w := start(t)
	get := func(path string) *answer {
		req, err := http.NewRequest("GET", w.at+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		return w.send(http.DefaultClient, req)
	}
	get("/health").want(200, `{"db":true,"http":true,"redis":true}`)
	get("/configuration").want(200, `{"claims_supported":["iss","sub","aud","exp","iat","auth_time"],`+
		`"id_token_signing_alg_values_supported":["RS256"],"issuer":"`+w.at+`","jwks_uri":"`+w.at+`/jwks",`+
		`"response_types_supported":["id_token"],"subject_types_supported":["public"]}`)
	keys := get("/jwks")
	for _, part := range []string{`"use":"sig"`, `"alg":"RS256"`, `"kty":"RSA"`, `"kid":"`, `"e":"AQAB"`, `"n":"`} {
		if !strings.Contains(keys.body, part) {
			t.Errorf("got keys %s, want %s in them", keys.body, part)
		}
	}
	if strings.Contains(keys.body, `"d":`) || strings.Contains(keys.body, `"EC"`) {
		t.Errorf("got keys %s", keys.body)
	}
	// Private routes are on PORT alone, and open with the password alone.
	if got := get("/stats"); got.status != 404 {
		t.Errorf("got %d for a private route on PUBLIC_PORT, want 404", got.status)
	}
	for _, path := range []string{"/stats", "/metrics", "/accounts/1", "/"} {
		req, err := http.NewRequest("GET", w.private+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, password := range []string{"", "wrong"} {
			if password != "" {
				req.SetBasicAuth("app", password)
			}
			if got := w.send(http.DefaultClient, req); got.status != 401 ||
				got.header.Get("WWW-Authenticate") != `Basic realm="Private AuthN Realm"` {
				t.Errorf("%s: got %d, %v", path, got.status, got.header)
			}
		}
	}
}

// TestPrivateRoutesAreNotForPages: a browser that was asked for the password, at GET /metrics for example, sends it
// with forms of other pages, too.
func TestPrivateRoutesAreNotForPages(t *testing.T) {
	t.Parallel()
	w := start(t)
	for origin, status := range map[string]int{"https://evil.example": 403, "null": 403, appOrigin: 422, "": 422} {
		req := postForm(t, w.private+"/accounts/import", url.Values{})
		req.SetBasicAuth("app", "the app's server")
		if req.Header.Del("Origin"); origin != "" {
			req.Header.Set("Origin", origin)
		}
		if got := w.send(http.DefaultClient, req); got.status != status {
			t.Errorf("%q: got %d %s, want %d", origin, got.status, got.body, status)
		}
	}
	// No spelling of a path leads elsewhere.
	for _, path := range []string{"//stats", "/./stats", "/x/../stats", "/health/../stats", "/health;/../stats", "/stats/",
		"/STATS", "/%2e/stats", "/stats%2f", "//evil.example/..", "/../login"} {
		for _, at := range []string{w.at, w.private} {
			req := request(t, "GET", at+"/x")
			req.URL.Opaque = "//" + req.URL.Host + "/authn" + path
			if got := w.send(&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error {
				return http.ErrUseLastResponse
			}}, req); got.status != 404 || got.leads() != "" {
				t.Errorf("%s: got %d to %q, want 404", path, got.status, got.leads())
			}
		}
	}
}

// TestBodies sends the same sign-in in all forms that Keratin AuthN takes, and what cannot be read.
func TestBodies(t *testing.T) {
	t.Parallel()
	w := start(t)
	name := newName()
	w.signedUp(name)
	send := func(typ, body string) *answer {
		req, err := http.NewRequest("POST", w.at+"/session", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Origin", appOrigin)
		if typ != "" {
			req.Header.Set("Content-Type", typ)
		}
		return w.send(http.DefaultClient, req)
	}
	form := "username=" + name + "&password=tidal+lantern+orchard"
	object := `{"username":"` + name + `","password":"` + goodPassword + `"}`
	send("application/x-www-form-urlencoded", form).want(201, "TOKEN")
	send("application/x-www-form-urlencoded; charset=UTF-8", form).want(201, "TOKEN")
	send("", form).want(201, "TOKEN")
	send("application/json", object).want(201, "TOKEN")
	send("application/json; charset=utf-8", object+"\n").want(201, "TOKEN")
	for typ, body := range map[string]string{
		"text/plain": form, "application/xml": "<a/>", "multipart/form-data; boundary=x": "--x--",
		"nonsense/": form, ";": form,
	} {
		if got := send(typ, body); got.status != 415 || !strings.HasPrefix(got.body, `{"error":"`) {
			t.Errorf("%s: got %d %s, want 415 with an error", typ, got.status, got.body)
		}
	}
	for _, body := range []string{`}`, `{"username":`, `[]`, `"x"`, `null`, object + object, `{"username":{}}`} {
		if got := send("application/json", body); got.status != 400 || !strings.HasPrefix(got.body, `{"error":"`) {
			t.Errorf("%s: got %d %s, want 400 with an error", body, got.status, got.body)
		}
	}
	if got := send("", "%zz=1"); got.status != 400 || !strings.HasPrefix(got.body, `{"error":"`) {
		t.Errorf("got %d %s, want 400 with an error", got.status, got.body)
	}
	if got := send("", "username="+strings.Repeat("x", 200_000)); got.status != 413 ||
		!strings.HasPrefix(got.body, `{"error":"`) {
		t.Errorf("got %d %.99s, want 413 with an error", got.status, got.body)
	}
}
