package keratin

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// FuzzReadFields reads bodies of any type: what comes out is texts, or a refusal with a status of its own.
func FuzzReadFields(f *testing.F) {
	for _, typ := range []string{
		"", "application/json", "application/x-www-form-urlencoded", "text/plain", ";", "a/b;c=",
	} {
		for _, body := range []string{
			"", "a=b&a=c", "%zz", `{"a":"b","c":1,"d":true,"e":null}`, `{"a":{}}`, "[]", "{}{}", "\x00",
		} {
			f.Add(typ, body)
		}
	}
	f.Fuzz(func(t *testing.T, typ, body string) {
		r := httptest.NewRequest(http.MethodPost, "/session?otp=1", strings.NewReader(body))
		r.Header.Set("Content-Type", typ)
		got, err := readFields(r)
		if err == nil {
			if typ != "application/json" && got["otp"] != "" && !strings.Contains(body, "otp") {
				t.Error("a parameter of the URL counts")
			}
			return
		}
		if bad, ok := err.(*refused); !ok || bad.status != 400 && bad.status != 415 || bad.sentence == "" {
			t.Errorf("got %v, want a refusal", err)
		}
	})
}

// FuzzAudienceOf reads origins: only those of the domains have an audience, which names no other host.
func FuzzAudienceOf(f *testing.F) {
	d := &Door{domains: []domain{parseDomain("app.example.com"), parseDomain("*.shops.example.com:443"),
		parseDomain("[::1]:3000")}}
	for _, origin := range []string{"https://app.example.com", "https://a.shops.example.com", "null", "https://[::1]:3000",
		"https://app.example.com@evil.example", "https://evil.example#.shops.example.com",
		"http://a.shops.example.com", "//"} {
		f.Add(origin)
	}
	f.Fuzz(func(t *testing.T, origin string) {
		audience, ok := d.audienceOf(origin)
		if !ok {
			return
		}
		u, err := url.Parse(origin)
		if err != nil {
			t.Fatalf("%q has the audience %s, and is no URL", origin, audience)
		}
		host := strings.ToLower(u.Hostname())
		if host != "app.example.com" && host != "::1" && !strings.HasSuffix(host, ".shops.example.com") {
			t.Errorf("%q has the audience %s", origin, audience)
		}
		if !strings.Contains(audience, host) {
			t.Errorf("%q has the audience %s, which is another host", origin, audience)
		}
	})
}

// FuzzNumber reads numbers of accounts in paths: digits alone, from 1 on.
func FuzzNumber(f *testing.F) {
	for _, id := range []string{"1", "0", "-1", "+1", "1e3", "９", "9223372036854775808", " 1"} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.SetPathValue("id", id)
		n, err := (&asking{Request: r}).number()
		if err == nil && (n < 1 || strings.Trim(id, "0123456789") != "") {
			t.Errorf("%q is read as %d", id, n)
		}
	})
}
