package login

import (
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
		}
		if got := chromiumtest.Run(t, c.ctx,
			chromedp.Evaluate[string](`getComputedStyle(document.querySelector("main")).borderRadius`)); got != "3px" {
			t.Errorf("%s: the tenant's own CSS does nothing: %s", path, got)
		}
	}
}
