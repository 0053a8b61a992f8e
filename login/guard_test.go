package login

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"os"
	"path"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/storage"
)

func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"http", "https"} {
		s := start(t, scheme, nil)
		s.user("default", "jo@example.com", "", right)
		host := strings.TrimPrefix(s.url, scheme+"://")
		other := map[string]string{"http": "https", "https": "http"}[scheme]
		for name, test := range map[string]struct {
			headers [][2]string
			want    string
		}{
			"own origin":                     {[][2]string{{"Origin", s.url}}, "/"},
			"own site, says the browser":     {[][2]string{{"Sec-Fetch-Site", "same-origin"}}, "/"},
			"no site, reloaded":              {[][2]string{{"Sec-Fetch-Site", "none"}}, "/"},
			"own referer, from old browsers": {[][2]string{{"Referer", s.url + "/login"}}, "/"},
			"nothing":                        {nil, "403"},
			"null origin":                    {[][2]string{{"Origin", "null"}}, "403"},
			"null origin, own referer":       {[][2]string{{"Origin", "null"}, {"Referer", s.url + "/login"}}, "403"},
			"another origin":                 {[][2]string{{"Origin", "https://evil.example"}}, "403"},
			"another origin, own referer": {[][2]string{{"Origin", "https://evil.example"}, {"Referer", s.url + "/"}},
				"403"},
			"another scheme":                 {[][2]string{{"Origin", other + "://" + host}}, "403"},
			"another scheme's referer":       {[][2]string{{"Referer", other + "://" + host + "/login"}}, "403"},
			"another site's referer":         {[][2]string{{"Referer", "https://evil.example/" + s.url}}, "403"},
			"prefix of the origin":           {[][2]string{{"Origin", s.url + ".evil.example"}}, "403"},
			"cross-site, says the browser":   {[][2]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", s.url}}, "403"},
			"sibling site, says the browser": {[][2]string{{"Sec-Fetch-Site", "same-site"}, {"Origin", s.url}}, "403"},
			"nonsense, says the browser":     {[][2]string{{"Sec-Fetch-Site", "x"}, {"Origin", s.url}}, "403"},
			"cross-site without an origin":   {[][2]string{{"Sec-Fetch-Site", "cross-site"}}, "403"},
			"another origin, own host header": {[][2]string{{"Origin", "https://evil.example"},
				{"X-Forwarded-Host", "evil.example"}}, "403"},
		} {
			v := s.visitor()
			v.get("/login")
			req := v.request("/login", "login", "jo@example.com", "password", right)
			req.Header.Del("Origin")
			for _, h := range test.headers {
				req.Header.Set(h[0], h[1])
			}
			if p := v.do(req); p.outcome() != test.want {
				t.Errorf("%s, %s: got %s, want %s", scheme, name, p.outcome(), test.want)
			}
			if signedIn := v.cookie("session") != ""; signedIn != (test.want == "/") {
				t.Errorf("%s, %s: signed in: %v", scheme, name, signedIn)
			}
		}
	}
}

func TestFormsAreTiedToTheBrowser(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.user("default", "jo@example.com", "", right)
	attacker := s.visitor()
	attacker.get("/login")
	for name, change := range map[string]func(v *visitor){
		"no token":           func(v *visitor) { v.form = "" },
		"another browser's":  func(v *visitor) { v.form = attacker.form },
		"cut":                func(v *visitor) { v.form = v.form[:42] },
		"no cookie":          func(v *visitor) { *v = *s.visitor(); v.form = attacker.form },
		"the cookie's value": func(v *visitor) { v.form = v.cookie("browser") },
		"a cookie of no length": func(v *visitor) {
			v.plant(&http.Cookie{Name: "vouchsafe-browser", Value: "x"})
			v.form = ui.FormToken("x")
		},
	} {
		for _, path := range []string{"/login", "/select", "/consent", "/signout", "/setup", "/signup",
			"/signup/confirm", "/forgot", "/reset"} {
			v := s.visitor()
			v.get("/login")
			change(v)
			if p := v.post(path, "login", "jo@example.com", "password", right, "token",
				"setup-default"); p.status != http.StatusForbidden {
				t.Errorf("%s, %s: got %d, want 403", path, name, p.status)
			}
		}
	}
}

func TestOnlyFormsAreTaken(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.user("default", "jo@example.com", "", right)
	for name, test := range map[string]struct {
		kind, body string
		want       string
	}{
		"form":         {"application/x-www-form-urlencoded; charset=utf-8", "FORM", "/"},
		"text":         {"text/plain", "FORM", "415"},
		"JSON":         {"application/json", `{"login":"jo@example.com"}`, "415"},
		"JSON as text": {"text/plain", `{"login":"jo@example.com"}`, "415"},
		"multipart": {"multipart/form-data; boundary=x",
			"--x\r\nContent-Disposition: form-data; name=\"login\"\r\n\r\njo@example.com\r\n--x--\r\n", "415"},
		"no type":         {"", "FORM", "415"},
		"broken type":     {"application/x-www-form-urlencoded;;;=", "FORM", "415"},
		"twice":           {"application/x-www-form-urlencoded", "FORM&login=mo@example.com", "400"},
		"token twice":     {"application/x-www-form-urlencoded", "FORM&form=x", "400"},
		"broken escape":   {"application/x-www-form-urlencoded", "FORM&x=%zz", "400"},
		"semicolons":      {"application/x-www-form-urlencoded", "FORM;x=1", "400"},
		"NUL and not UTF": {"application/x-www-form-urlencoded", "FORM%00%ff", "422"},
	} {
		v := s.visitor()
		v.get("/login")
		form := "form=" + v.form + "&password=" + strings.ReplaceAll(right, " ", "+") + "&login=jo@example.com"
		req, err := http.NewRequest(http.MethodPost, s.url+"/login",
			strings.NewReader(strings.ReplaceAll(test.body, "FORM", form)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Origin", s.url)
		if test.kind != "" {
			req.Header.Set("Content-Type", test.kind)
		}
		if p := v.do(req); p.outcome() != test.want {
			t.Errorf("%s: got %s, want %s", name, p.outcome(), test.want)
		}
	}
	for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodPatch, "TRACE"} {
		req, err := http.NewRequest(method, s.url+"/login", nil)
		if err != nil {
			t.Fatal(err)
		}
		if p := s.visitor().do(req); p.status != http.StatusMethodNotAllowed {
			t.Errorf("%s: got %d, want 405", method, p.status)
		}
	}
}

func TestHeadersOfEveryPage(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"http", "https"} {
		s := start(t, scheme, nil)
		s.user("default", "jo@example.com", "", right)
		web := s.ask("", storage.Interaction{RedirectURI: "https://app.example/cb"})
		local := s.ask("", storage.Interaction{RedirectURI: "http://localhost:3000/cb"})
		native := s.ask("", storage.Interaction{Client: storage.Client{ApplicationType: "native"},
			RedirectURI: "com.example.app:/cb"})
		v := s.visitor()
		v.signIn("jo@example.com", right)
		s.begin(web, local, native)
		const common = "default-src 'none'; style-src 'self'; img-src 'self' https:; base-uri 'none'; frame-ancestors 'none'"
		const withMenu = "an error page with the language menu"
		for path, policy := range map[string]string{
			"/": common + "; form-action 'self'", "/login?other=1": common + "; form-action 'self'",
			"/signed-out": common + "; form-action 'self'",
			"/signout":    common + "; form-action 'self'", "/signout?l=x": common,
			"/setup?token=setup-default": common + "; form-action 'self'; script-src 'self'; connect-src 'self'",
			"/signup":                    common + "; form-action 'self'; script-src 'self'; connect-src 'self'",
			"/forgot":                    common + "; form-action 'self'", "/signup/confirm?token=x": "", "/reset?flow=x": "",
			"/signup?" + web: common + "; script-src 'self'; connect-src 'self'", "/forgot?" + web: common,
			"/select": common + "; form-action 'self'", "/login": common + "; form-action 'self'",
			"/login?" + web: common, "/select?" + web: common, "/consent?" + web: common,
			"/login?" + local: common, "/login?" + native: common, "/consent": withMenu,
			"/login?i=nonsense": "", "/setup?token=x": "",
			// What only looks like a client's request changes nothing.
			"/login?l=x": common + "; form-action 'self'", "/?l=x": common + "; form-action 'self'",
			"/?i=junk": common + "; form-action 'self'", "/login?i=": common + "; form-action 'self'",
			"/select?l=x": common + "; form-action 'self'", "/select?i=junk": "",
			"/signed-out?i=junk": common + "; form-action 'self'",
		} {
			h := v.get(path).header
			csp := h.Get("Content-Security-Policy")
			if own, requests := strings.CutSuffix(policy, "; script-src 'self'; connect-src 'self'"); requests {
				policy = own + "; script-src 'self'; connect-src 'self'"
			} else if policy != "" && policy != withMenu {
				policy += "; script-src 'self'"
			} else { // an error page
				forms := "'none'"
				if policy == withMenu {
					forms = "'self'"
				}
				policy = "default-src 'none'; style-src " + styleSource(t) +
					"; img-src data: 'self' https:; base-uri 'none'; frame-ancestors 'none'; form-action " + forms
			}
			if csp != policy || strings.Contains(csp, "unsafe") {
				t.Errorf("%s: got policy\n%s, want\n%s", path, csp, policy)
			}
			for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
				"Referrer-Policy": "same-origin", "Cache-Control": "no-store"} {
				if got := h.Get(name); got != want {
					t.Errorf("%s: got %s %q, want %q", path, name, got, want)
				}
			}
			if got := h.Get("Strict-Transport-Security"); (got != "") != (scheme == "https") {
				t.Errorf("%s, %s: got Strict-Transport-Security %q", scheme, path, got)
			}
			want := "same-origin"
			if strings.Contains(path, "i=letter") || strings.HasPrefix(path, "/sign") && strings.Contains(path, "out") {
				want = "unsafe-none"
			}
			if got := h.Get("Cross-Origin-Opener-Policy"); got != want {
				t.Errorf("%s: got Cross-Origin-Opener-Policy %q, want %q", path, got, want)
			}
		}
	}
}

// TestPartsOfOtherPagesAreNotServed: another site cannot have our pages fetched by those who
// look at it, which would cost them something.
func TestPartsOfOtherPagesAreNotServed(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for _, c := range []struct {
		site, mode, dest string
		want             int
	}{
		{"cross-site", "no-cors", "image", 403}, {"cross-site", "cors", "empty", 403},
		{"same-site", "no-cors", "script", 403},
		{"cross-site", "navigate", "document", 200}, {"same-origin", "cors", "empty", 200},
		{"none", "navigate", "document", 200}, {"", "", "", 200},
	} {
		for _, path := range []string{"/login", "/signup", "/forgot"} {
			v := s.visitor()
			req, err := http.NewRequest(http.MethodGet, s.url+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			for name, value := range map[string]string{"Site": c.site, "Mode": c.mode, "Dest": c.dest} {
				if value != "" {
					req.Header.Set("Sec-Fetch-"+name, value)
				}
			}
			p := v.do(req)
			if p.status != c.want || c.want == 403 && len(p.header.Values("Set-Cookie")) > 0 {
				t.Errorf("%s %+v: got %d, cookies %v", path, c, p.status, p.header.Values("Set-Cookie"))
			}
		}
	}
}

func TestCookiesOfAPage(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"http", "https"} {
		s := start(t, scheme, nil)
		s.user("default", "jo@example.com", "", right)
		v := s.visitor()
		cookies := append(v.get("/login").header.Values("Set-Cookie"),
			v.signIn("jo@example.com", right).header.Values("Set-Cookie")...)
		if len(cookies) != 5 {
			t.Errorf("got cookies %q, want browser, session, the same browser anew, and device", cookies)
		}
		for _, c := range cookies {
			prefix, secure := "vouchsafe-", false
			if scheme == "https" {
				prefix, secure = "__Host-vouchsafe-", true
			}
			if !strings.HasPrefix(c, prefix) || strings.Contains(c, "; Secure") != secure || !strings.Contains(c, "; Path=/;") ||
				!strings.Contains(c, "; HttpOnly") || !strings.Contains(c, "; SameSite=Lax") || strings.Contains(c, "Domain") {
				t.Errorf("%s: got %s", scheme, c)
			}
		}
	}
}

// styleSource is what the policy of a page has to name that has the stylesheet within itself.
func styleSource(t *testing.T) string {
	t.Helper()
	style, err := os.ReadFile("ui/static/style.css")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(style)
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

func TestStaticFilesAreKeptForEver(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	v := s.visitor()
	files, err := os.ReadDir("ui/static")
	if err != nil || len(files) < 2 {
		t.Fatalf("got %d static files: %v", len(files), err)
	}
	page := v.get("/login").body
	for _, file := range files {
		name := file.Name()
		hashed, err := s.pages.Asset(name)
		if err != nil {
			t.Fatal(err)
		}
		// scripts, and the marks of upstream providers, are on the pages that need them
		onAll := name == "mark.svg" || path.Ext(name) == ".css"
		if onAll && !strings.Contains(page, `"/static/`+hashed+`"`) {
			t.Errorf("the page does not link to %s", name)
		}
		p := v.get("/static/" + hashed)
		if p.status != http.StatusOK || !strings.Contains(p.header.Get("Cache-Control"), "immutable") ||
			p.header.Get("X-Content-Type-Options") != "nosniff" || p.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: got %d, %v", name, p.status, p.header)
		}
		if want := map[string]string{".css": "text/css; charset=utf-8", ".svg": "image/svg+xml",
			".js": "text/javascript; charset=utf-8"}[path.Ext(name)]; p.header.Get("Content-Type") != want {
			t.Errorf("%s: got type %q, want %q", name, p.header.Get("Content-Type"), want)
		}
		req, err := http.NewRequest(http.MethodGet, s.url+"/static/"+hashed, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept-Encoding", "identity")
		if q := v.do(req); q.header.Get("Content-Encoding") != "" || q.body != p.body { // the client unpacks the first
			t.Errorf("%s: differs when it is not packed", name)
		}
	}
	for _, name := range []string{"style.css", "nothing.css", ""} {
		if p := v.get("/static/" + name); p.status != http.StatusNotFound {
			t.Errorf("%q: got %d, want 404", name, p.status)
		}
	}
	if style, err := os.Stat("ui/static/style.css"); err != nil || style.Size() > 14<<10 {
		t.Errorf("the stylesheet has %d bytes, want at most 14 KiB: %v", style.Size(), err)
	}
}
