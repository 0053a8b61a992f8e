package provider

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/storage"
)

// programErrors are those that programs may be told (RFC 6749 section 5.2, RFC 6750
// section 3.1, RFC 7009 section 2.2.1).
var programErrors = append([]string{"invalid_token", "insufficient_scope", "unsupported_token_type"},
	registeredErrors...)

// FuzzPrograms sends any form with any credentials to the endpoints that programs call.
// Nothing breaks them, nothing that was not issued works, and whatever they answer is an
// error with a registered code, or what stands for nothing (D1, D2, E1, G1).
func FuzzPrograms(f *testing.F) {
	s := startTokens(f)
	s.client(func(c *storage.Client) { c.ClientID = "web" })
	s.service("svc")
	paths := []string{"/token", "/revoke", "/introspect", "/userinfo", "/par"}
	const form = "application/x-www-form-urlencoded"
	for _, c := range []struct{ typ, header, body string }{
		{form, "Basic c3ZjOng=", "grant_type=client_credentials"},
		{form, "basic  c3Zj", "grant_type=client_credentials&grant_type=client_credentials"},
		{form, "", "grant_type=authorization_code&code=AAAA&client_id=web&code_verifier=" + strings.Repeat("a", 43)},
		{form, "", "grant_type=refresh_token&refresh_token=vrt_0190.1.AAAA&client_id=web"},
		{form, "", "grant_type=password&username=jo&password=x&client_id=web"},
		{form, "", "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&" +
			"client_assertion=e30.e30.&grant_type=client_credentials"},
		{form, "Bearer vat_AAAA", "access_token=x"},
		{form, "Bearer eyJhbGciOiJub25lIn0.e30.", ""},
		{form + "; charset=utf-7", "", "client_id=%00&token=%ff&%zz"},
		{"application/json", "Digest x", `{"grant_type":"client_credentials"}`},
		{"multipart/form-data; boundary=x", "", "--x\r\nContent-Disposition: form-data; name=token\r\n\r\ny\r\n--x--"},
		{form, "", "client_id=svc%3B&client_secret=%0d%0aX:y&token=a;b"},
	} {
		for i := range paths {
			f.Add(uint8(i), c.typ, c.header, "", c.body)
		}
	}
	f.Add(uint8(3), form, "", "access_token=x", "")
	asker := 0
	f.Fuzz(func(t *testing.T, path uint8, typ, header, query, body string) {
		r := httptest.NewRequest(http.MethodPost, testIssuer+paths[int(path)%len(paths)], strings.NewReader(body))
		r.URL.RawQuery = query
		r.Header.Set("Content-Type", typ)
		if header != "" {
			r.Header.Set("Authorization", header)
		}
		asker++ // failures are counted by who asks
		r.RemoteAddr = fmt.Sprintf("10.%d.%d.%d:1", asker>>16&255, asker>>8&255, asker&255)
		w := httptest.NewRecorder()
		s.handler.ServeHTTP(w, r)
		if w.Code >= 500 || w.Body.Len() > 4<<10 {
			t.Fatalf("got %d, %.200s", w.Code, w.Body)
		}
		if w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%d may be cached", w.Code)
		}
		if typ, _, _ := mime.ParseMediaType(w.Header().Get("Content-Type")); w.Body.Len() > 0 && typ != "application/json" {
			t.Fatalf("got %d of type %q: %.200s", w.Code, typ, w.Body)
		}
		var said map[string]any
		if w.Body.Len() > 0 {
			if err := json.Unmarshal(w.Body.Bytes(), &said); err != nil {
				t.Fatal(err)
			}
		}
		if w.Code >= 400 && w.Body.Len() > 0 {
			code, _ := said["error"].(string)
			if !slices.Contains(programErrors, code) {
				t.Errorf("got %d with error %q", w.Code, code)
			}
			if text, _ := said["error_description"].(string); text != oauth.Legible(text) {
				t.Errorf("error_description %q holds more than RFC 6749 allows", text)
			}
		}
		if w.Code < 300 && (len(said) > 1 || len(said) == 1 && said["active"] != false) {
			t.Errorf("got %d %s for what was never issued", w.Code, w.Body)
		}
	})
}

// FuzzPostForm: a form is refused, or has one meaning, which survives being written and
// read again.
func FuzzPostForm(f *testing.F) {
	for _, body := range []string{"a=b&c=d", "a=b&a=c", "a=&b", "a=%00", "a=%ff", "a=%zz", "a;b=c", "=x", "a=b+c%2B",
		strings.Repeat("a=b&", 2000), "a%00=b"} {
		f.Add("application/x-www-form-urlencoded", body)
	}
	f.Add("application/x-www-form-urlencoded; charset=utf-16", "a=b")
	f.Add("text/plain", "a=b")
	f.Fuzz(func(t *testing.T, typ, body string) {
		read := func(typ, body string) (url.Values, error) {
			r := httptest.NewRequest(http.MethodPost, "/token", strings.NewReader(body))
			r.Header.Set("Content-Type", typ)
			return oauth.PostForm(httptest.NewRecorder(), r)
		}
		form, err := read(typ, body)
		if err != nil {
			if e := oauth.AsError(err); e.ErrorField != "invalid_request" || e.CodeField >= 500 {
				t.Errorf("got %v", err)
			}
			return
		}
		if len(body) > oauth.MaxForm {
			t.Errorf("%d bytes were read", len(body))
		}
		for name, values := range form {
			if len(values) != 1 || values[0] == "" || !storage.WellFormed(name+values[0]) {
				t.Errorf("%q has %q", name, values)
			}
		}
		written := form.Encode()
		if again, err := read("application/x-www-form-urlencoded", written); len(written) <= oauth.MaxForm &&
			(err != nil || again.Encode() != written) {
			t.Errorf("%q is written as %q and read as %q, %v", body, written, again, err)
		}
	})
}
