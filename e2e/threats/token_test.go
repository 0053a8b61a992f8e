package threats

import (
	"bytes"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

func tokenRows() []row {
	return []row{
		{"D1 other ways to send a request", d1},
		{"D2 grants", d2},
		{"D3 error hygiene", d3},
		{"D10 client credentials", d10},
	}
}

func d1(t *testing.T, s *vouchsafetest.Server) {
	b, api := jo(t, s), s.API(t)
	r := vouchsafetest.NewRequest(vouchsafetest.Post)
	code := b.Code(t, r)
	form := vouchsafetest.Values("grant_type", "authorization_code", "code", code, "redirect_uri", web.RedirectURI(),
		"code_verifier", r.Verifier, "client_id", "post", "client_secret", vouchsafetest.Post.Secret())
	asJSON := map[string]string{}
	var multi bytes.Buffer
	w := multipart.NewWriter(&multi)
	for k, v := range form {
		asJSON[k] = v[0]
		if err := w.WriteField(k, v[0]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(asJSON)
	if err != nil {
		t.Fatal(err)
	}
	for name, req := range map[string]*http.Request{
		"GET":             api.Request(t, http.MethodGet, "/token?"+form.Encode(), "", ""),
		"POST with query": api.Request(t, http.MethodPost, "/token?"+form.Encode(), "", ""),
		"a form and a query": api.Request(t, http.MethodPost,
			"/token?client_secret="+url.QueryEscape(vouchsafetest.Post.Secret()), "application/x-www-form-urlencoded",
			without(form, "client_secret").Encode()),
		"JSON":       api.Request(t, http.MethodPost, "/token", "application/json", string(text)),
		"multipart":  api.Request(t, http.MethodPost, "/token", w.FormDataContentType(), multi.String()),
		"text/plain": api.Request(t, http.MethodPost, "/token", "text/plain", form.Encode()),
		"no type":    api.Request(t, http.MethodPost, "/token", " ", form.Encode()),
		"PUT":        api.Request(t, http.MethodPut, "/token", "application/x-www-form-urlencoded", form.Encode()),
		"HEAD":       api.Request(t, http.MethodHead, "/token?"+form.Encode(), "", ""),
	} {
		reply := api.Do(t, req)
		if !slices.Contains([]int{400, 401, 405, 415}, reply.Status) || reply.Access() != "" {
			t.Errorf("%s: got %d %s, want a refusal", name, reply.Status, reply.Raw)
		}
	}
	twice := vouchsafetest.Values("grant_type", "authorization_code", "code", code, "code", "other", "redirect_uri",
		web.RedirectURI(), "code_verifier", r.Verifier)
	if reply := api.As(t, vouchsafetest.Post, "/token", twice); reply.Error() != "invalid_request" {
		t.Errorf("code twice: got %d %s, want invalid_request", reply.Status, reply.Raw)
	}
	api.Redeem(t, r, code).Want(t, 200, "") // none of that was carried out
}

func without(form url.Values, name string) url.Values {
	out := url.Values{}
	for k, v := range form {
		if k != name {
			out[k] = v
		}
	}
	return out
}

func d2(t *testing.T, s *vouchsafetest.Server) {
	api := s.API(t)
	for _, grant := range []string{
		"bogus", "password", "implicit", "AUTHORIZATION_CODE", "urn:ietf:params:oauth:grant-type:saml2-bearer",
		strings.Repeat("x", 5000),
	} {
		reply := api.Token(t, web, "grant_type", grant, "username", "jo@example.com", "password",
			"correct horse battery staple")
		reply.Want(t, 400, "unsupported_grant_type")
	}
	api.Token(t, web, "grant_type", "").Want(t, 400, "invalid_request")
	api.Token(t, web).Want(t, 400, "invalid_request")
	api.Token(t, web, "grant_type", "client_credentials").Want(t, 400, "unauthorized_client")
	for _, other := range []string{"device_code", "jwt-bearer", "token-exchange"} {
		api.Token(t, web, "grant_type", "urn:ietf:params:oauth:grant-type:"+other).Want(t, 400, "unauthorized_client")
	}
	api.Token(t, vouchsafetest.Public, "grant_type", "client_credentials").Want(t, 400, "unauthorized_client")
	api.Token(t, vouchsafetest.Service, "grant_type", "refresh_token", "refresh_token", "x").Want(t,
		400, "unauthorized_client")
	api.Token(t, vouchsafetest.CodeOnly, "grant_type", "refresh_token", "refresh_token", "x").Want(t,
		400, "unauthorized_client")
	r := vouchsafetest.NewRequest(vouchsafetest.CodeOnly)
	if reply := api.Redeem(t, r, jo(t, s).Code(t, r)).Want(t, 200, ""); reply.Refresh() != "" {
		t.Error("a client without that grant got a refresh token")
	}
	// A client that did not authenticate is not told what it may do.
	wrong := web.With(vouchsafetest.Client{"client_secret": "wrong"})
	api.Token(t, wrong, "grant_type", "client_credentials").Want(t, 401, "invalid_client")
}

// d3: every call of Token checks status, type, headers and code of the answer. This test has errors
// that other tests do not cause.
func d3(t *testing.T, s *vouchsafetest.Server) {
	api := s.API(t)
	for _, pairs := range [][]string{
		{"grant_type", "authorization_code"},
		{"grant_type", "authorization_code", "code", ""},
		{"grant_type", "authorization_code", "code", "'; DROP TABLE grants; --", "redirect_uri", "x"},
		{"grant_type", "refresh_token"},
		{"grant_type", "refresh_token", "refresh_token", "\x00\xff"},
		{"grant_type", "refresh_token", "refresh_token", strings.Repeat("a.", 2000)},
		{"grant_type", "refresh_token", "refresh_token", "00000000-0000-7000-8000-000000000000.1.x"},
		{"grant_type", "refresh_token", "refresh_token", "x", "scope", "\"\\\x01"},
	} {
		if reply := api.Token(t, web, pairs...); reply.Status != 400 {
			t.Errorf("%v: got %d %s, want 400", pairs, reply.Status, reply.Raw)
		}
	}
	for _, path := range []string{"/token", "/introspect", "/revoke", "/userinfo"} {
		reply := api.Form(t, path, url.Values{"%": {"%zz"}})
		if reply.Status < 400 || reply.Body == nil && path != "/userinfo" {
			t.Errorf("%s: got %d %q, want an error as JSON", path, reply.Status, reply.Raw)
		}
		raw := api.Do(t, api.Request(t, http.MethodPost, path, "application/x-www-form-urlencoded", "a=%zz;b&&&=%"))
		if raw.Status < 400 || raw.Status > 499 {
			t.Errorf("%s with a broken form: got %d, want 4xx", path, raw.Status)
		}
	}
}

func d10(t *testing.T, s *vouchsafetest.Server) {
	api := s.API(t)
	service := vouchsafetest.Service
	reply := api.Token(t, service, "grant_type", "client_credentials").Want(t, 200, "")
	if reply.Refresh() != "" || reply.ID() != "" {
		t.Errorf("got %s, want an access token alone", reply.Raw)
	}
	claims := api.AccessToken(t, service, reply.Access())
	if claims.String("sub") != service.ID() || claims.Claims["sid"] != nil || claims.Claims["auth_time"] != nil {
		t.Errorf("got %v, want no trace of a person", claims.Claims)
	}
	for _, scope := range []string{"openid", "offline_access", "openid reports:read", "profile"} {
		if reply := api.Token(t, service, "grant_type", "client_credentials", "scope", scope); reply.Status == 200 {
			t.Errorf("scope %s: got %s, want a refusal", scope, reply.Raw)
		}
	}
	// A client may not have the id of a user: the sub of both would be the same.
	sub := api.Verify(t, tokens(t, s, jo(t, s), vouchsafetest.NewRequest(web)).ID()).String("sub")
	wantRefused(t, s, []vouchsafetest.Client{
		service.With(vouchsafetest.Client{"client_id": sub}),
		service.With(vouchsafetest.Client{"client_id": strings.ToUpper(sub)}),
	})
}
