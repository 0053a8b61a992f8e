package threats

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

func redirectRows() []row {
	return []row{
		{"B1 mutants of a registered URI", b1},
		{"B2 loopback", b2},
		{"B3 none sent", b3},
		{"B4 evil registrations", b4},
		{"B5 another one at the token endpoint", b5},
		{"B6 the provider as an open redirector", b6},
		{"B7 return parameters", b7},
	}
}

// mutants are URIs that are not https://rp.example/callback, however similar.
var mutants = []string{
	"https://rp.example/Callback", "https://rp.example/CALLBACK", "https://RP.example/callback",
	"HTTPS://rp.example/callback",
	"https://rp.example/callback/", "https://rp.example/callback//", "https://rp.example//callback",
	"https://rp.example/./callback",
	"https://rp.example/callback/.", "https://rp.example/callback/..", "https://rp.example/x/../callback",
	"https://rp.example/callback/../evil",
	"https://rp.example/callback/..;/evil", "https://rp.example/callback;x", "https://rp.example/callback%2e",
	"https://rp.example/%63allback",
	"https://rp.example/callback%2f", "https://rp.example/callback%252f..%252fevil", "https://rp.example/callback%00",
	"https://rp.example/callback%0d%0aX: y",
	"https://rp.example/callback?", "https://rp.example/callback?x=1", "https://rp.example/callback?code=stolen",
	"https://rp.example/callback#", "https://rp.example/callback#frag",
	"https://rp.example:443/callback", "https://rp.example:8443/callback", "https://rp.example:/callback",
	"http://rp.example/callback",
	"https://evil.rp.example/callback", "https://rp.example.evil.example/callback", "https://rp.example./callback",
	"https://rpXexample/callback", "https://rp-example/callback",
	"https://user@rp.example/callback", "https://rp.example@evil.example/callback",
	"https://rp.example:pw@evil.example/callback", "https://evil.example#@rp.example/callback",
	"https://evil.example\\@rp.example/callback", "https://evil.example\\.rp.example/callback",
	"https:\\\\rp.example\\callback", "https:/rp.example/callback", "https:///rp.example/callback",
	"https:rp.example/callback", "//rp.example/callback", "/callback", "callback", "rp.example/callback",
	"https://rp.example", "https://rp.example/",
	"https://rp.example/callback\t", "https://rp.example/call\tback", " https://rp.example/callback",
	"https://rp.example/callback ", "https://rp.example/callback\n",
	"https://xn--rp-example-abc/callback", "https://rp。example/callback", "https://ｒp.example/callback",
	"https://rp.example／callback", "https://rp.example/ca\u200bllback",
	"https://[rp.example]/callback", "https://1.2.3.4/callback", "javascript:alert(1)//https://rp.example/callback",
	"data:text/html,https://rp.example/callback",
	"https://rp.example/callback,https://evil.example/", "https://rp.example/callback https://evil.example/",
	"https://rp.example/callback\x00.evil.example", "",
}

func b1(t *testing.T, s *vouchsafetest.Server) {
	b := jo(t, s)
	tokens(t, s, b, vouchsafetest.NewRequest(web)) // signed in: a wrong redirect would happen at once
	for _, uri := range mutants {
		for _, more := range [][]string{nil, {"prompt", "none"}, {"response_type", "bogus"}, {"response_mode", "form_post"}} {
			a := b.Authorize(t, vouchsafetest.NewRequest(web, append([]string{"redirect_uri", uri}, more...)...))
			if a.Params != nil || a.Page.Left != nil || a.Page.Status != 400 {
				t.Errorf("%q with %v: got %d, %v, want 400 and no redirect", uri, more, a.Page.Status, a.Page.Left)
			}
		}
	}
	// A registered query may be neither changed nor reordered.
	c := vouchsafetest.Several
	for _, uri := range []string{
		"https://rp.example/two", "https://rp.example/two?keep=this", "https://rp.example/two?and=that&keep=this",
		"https://rp.example/two?keep=this&and=that&more=1", "https://rp.example/two?keep=this&and=THAT",
		"https://rp.example/two?keep=this&amp;and=that",
		"https://rp.example/one?keep=this&and=that",
	} {
		wantPage(t, b.Authorize(t, vouchsafetest.NewRequest(c, "redirect_uri", uri)), 400)
	}
	a := b.Authorize(t, vouchsafetest.NewRequest(c, "redirect_uri", "https://rp.example/two?keep=this&and=that"))
	if a.Code() == "" || a.Page.Left.Query().Get("keep") != "this" || a.Page.Left.Query().Get("and") != "that" {
		t.Errorf("got %v, want a code beside the registered query", a.Page.Left)
	}
}

func b2(t *testing.T, s *vouchsafetest.Server) {
	b := jo(t, s)
	native := vouchsafetest.Native
	for _, uri := range []string{"http://127.0.0.1/callback", "http://127.0.0.1:1/callback",
		"http://127.0.0.1:49152/callback", "http://[::1]:8765/callback", "com.example.app:/callback"} {
		if a := b.Authorize(t, vouchsafetest.NewRequest(native, "redirect_uri", uri)); a.Code() == "" {
			t.Errorf("native app with %s: got %v at %s, want a code", uri, a.Params, a.Page.Text(t))
		}
	}
	for _, uri := range []string{
		"http://localhost/callback", "http://localhost:8080/callback", "https://127.0.0.1:8080/callback",
		"http://127.0.0.1:8080/other", "http://127.0.0.1:8080/callback/",
		"http://evil@127.0.0.1:8080/callback", "http://127.0.0.1:pw@evil.example/callback", "http://127.0.0.2:8080/callback",
		"http://127.1:8080/callback", "http://0x7f000001:80/callback",
		"http://2130706433/callback", "http://[::ffff:127.0.0.1]:80/callback", "http://[::1%25lo]:80/callback",
		"http://127.0.0.1:8080/callback?x=1", "http://127.0.0.1:8080/callback#x",
		"http://127.0.0.1:99999999/callback", "http://127.0.0.1:/callback", "http://127.0.0.1:-1/callback",
		"http://127.0.0.1.evil.example/callback", "http://0.0.0.0:80/callback",
		"http://[0:0:0:0:0:0:0:1]:80/callback", "http://[::1]:80:80/callback", "com.example.app:/other",
		"com.example.app://callback", "com.example.appx:/callback",
	} {
		wantPage(t, b.Authorize(t, vouchsafetest.NewRequest(native, "redirect_uri", uri)), 400)
	}
	// The port may differ for native apps only.
	wantPage(t, b.Authorize(t, vouchsafetest.NewRequest(vouchsafetest.LocalWeb, "redirect_uri",
		"http://127.0.0.1:9999/callback")), 400)
}

func b3(t *testing.T, s *vouchsafetest.Server) {
	b := jo(t, s)
	for _, c := range []vouchsafetest.Client{web, vouchsafetest.Several, vouchsafetest.Native} {
		for _, v := range []string{"-", ""} {
			wantPage(t, b.Authorize(t, vouchsafetest.NewRequest(c, "redirect_uri", v)), 400)
		}
	}
}

func b4(t *testing.T, s *vouchsafetest.Server) {
	var evil []vouchsafetest.Client
	for i, uri := range []string{
		"javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd",
		"blob:https://rp.example/x", "about:blank",
		"http://rp.example/callback", "https://*.rp.example/callback", "https://rp.example/*",
		"https://rp.example/callback#fragment", "https://rp.example/callback#",
		"https://user:pw@rp.example/callback", "https:///callback", "//rp.example/callback", "/callback", "callback",
		"myapp:/callback", "https://rp.example/ca llback",
		"https://rp.example/\r\nX: y", "https://rp.example\\callback", "ftp://rp.example/", "",
	} {
		for _, kind := range []string{"web", "native"} {
			evil = append(evil, web.With(vouchsafetest.Client{"client_id": fmt.Sprintf("evil-%s-%02d", kind, i),
				"application_type": kind, "redirect_uris": []string{uri}}))
		}
	}
	for _, field := range []string{"post_logout_redirect_uris", "allowed_cors_origins"} {
		for i, uri := range []string{"javascript:alert(1)", "*", "null", "https://rp.example/#x"} {
			evil = append(evil, web.With(vouchsafetest.Client{"client_id": fmt.Sprintf("evil-%s-%02d", field, i),
				field: []string{uri}}))
		}
	}
	wantRefused(t, s, evil)
}

// wantRefused fails the test unless every one of the clients is refused.
func wantRefused(t *testing.T, s *vouchsafetest.Server, clients []vouchsafetest.Client) {
	t.Helper()
	faults := s.Faults(t, clients...)
	for _, c := range clients {
		if len(faults[c.ID()]) == 0 {
			t.Errorf("client %s was not refused", c.ID())
		}
	}
}

func b5(t *testing.T, s *vouchsafetest.Server) {
	b, api := jo(t, s), s.API(t)
	for _, uri := range []string{"", "https://rp.example/", "https://rp.example/callback/", "https://rp.example/one"} {
		r := vouchsafetest.NewRequest(vouchsafetest.Several, "redirect_uri", "https://rp.example/two?keep=this&and=that")
		code := b.Code(t, r)
		pairs := []string{"grant_type", "authorization_code", "code", code, "code_verifier", r.Verifier}
		if uri != "" {
			pairs = append(pairs, "redirect_uri", uri)
		}
		api.Token(t, r.Client, pairs...).Want(t, 400, "invalid_grant")
	}
}

func b6(t *testing.T, s *vouchsafetest.Server) {
	b := jo(t, s)
	for _, r := range []*vouchsafetest.Request{
		vouchsafetest.NewRequest(web, "client_id", "unknown"),
		vouchsafetest.NewRequest(web, "client_id", "-"),
		vouchsafetest.NewRequest(web, "client_id", "other"), // whose URI it is not
		vouchsafetest.NewRequest(web, "redirect_uri", "https://evil.example/", "prompt", "none"),
		vouchsafetest.NewRequest(web, "redirect_uri", "https://evil.example/", "scope", "bogus"),
		vouchsafetest.NewRequest(web, "redirect_uri", "https://evil.example/", "request", "x"),
		vouchsafetest.NewRequest(web, "redirect_uri", "https://evil.example/", "response_type", "-"),
	} {
		wantPage(t, b.Authorize(t, r), 400)
	}
}

func b7(t *testing.T, s *vouchsafetest.Server) {
	targets := []string{
		"//evil.example", "/\\evil.example", "https:evil.example", "https://evil.example/", "/%09/evil.example",
		"/\t/evil.example", "@evil.example",
		"javascript:alert(1)", ".evil.example", "///evil.example", "/../..//evil.example",
		"\\\\evil.example", "%2f%2fevil.example",
	}
	b := jo(t, s)
	signedIn := jo(t, s)
	tokens(t, s, signedIn, vouchsafetest.NewRequest(web))
	for _, target := range targets {
		all := url.Values{}
		for _, name := range []string{"return_to", "next", "continue", "redirect", "redirect_uri", "url",
			"post_logout_redirect_uri", "target"} {
			all.Set(name, target)
		}
		for _, query := range []url.Values{all, {"i": {target}}, {"l": {target}}} {
			for _, path := range []string{"/", "/login", "/select", "/consent", "/signout", "/signed-out", "/logout", "/setup"} {
				for _, who := range []*vouchsafetest.Browser{b, signedIn} {
					if page := who.Get(t, path+"?"+query.Encode()); page.Left != nil {
						t.Errorf("%s with %v sent the browser to %s", path, query, page.Left)
					}
				}
			}
		}
	}
	// Signing in without a request ends at a page of the issuer.
	page := b.Get(t, "/login?return_to=//evil.example")
	if slices.ContainsFunc(page.Forms(t), func(f vouchsafetest.Form) bool { return strings.Contains(f.Action, "evil") }) {
		t.Error("the sign-in form posts to what the parameter named")
	}
}
