package signin

import (
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"net/http"
	"strings"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/tenants"
	"github.com/vouchsafe/vouchsafe/tenants/brand"
)

// brandFields are the fields of the looks, section by section.
func brandFields(t storage.Tenant) []console.Field {
	b := t.Settings.Branding
	css := console.Field{Name: "css", Label: "sign-in.css", Hint: "sign-in.css_hint", Kind: "textarea", Value: b.CSS,
		Keeps: true}
	fields := []console.Field{
		text("name", t.Name), text("logo_uri", t.LogoURI),
		text("accent", b.Accent), text("accent_dark", b.AccentDark), text("background", b.Background),
		text("background_dark", b.BackgroundDark),
		text("privacy_uri", b.PrivacyURI), text("terms_uri", b.TermsURI), text("help_uri", b.HelpURI),
		text("imprint_uri", b.ImprintURI), css,
	}
	for i, f := range fields[:10] {
		if f.Name != "logo_uri" && f.Name != "accent" && f.Name != "accent_dark" && f.Name != "help_uri" {
			fields[i].Hint = ""
		}
	}
	return fields
}

// brandSections are the titles of the form's sections, with the number of their fields.
var brandSections, brandNumbers = []string{"sign-in.brand", "sign-in.colours", "sign-in.links", "sign-in.own_css"},
	[]int{2, 4, 4, 1}

// brandPaths are the names of the form's fields by the paths of faults.
var brandPaths = map[string]string{
	"name": "name", "logo_uri": "logo_uri", "branding.accent": "accent", "branding.accent_dark": "accent_dark",
	"branding.background": "background", "branding.background_dark": "background_dark",
	"branding.privacy_uri": "privacy_uri", "branding.terms_uri": "terms_uri", "branding.help_uri": "help_uri",
	"branding.imprint_uri": "imprint_uri", "branding.css": "css",
}

// brandOf returns the looks that a form says.
func brandOf(c *console.Call) (name, logo string, b storage.Branding) {
	return c.Value("name"), c.Value("logo_uri"), storage.Branding{
		Accent: c.Value("accent"), AccentDark: c.Value("accent_dark"), Background: c.Value("background"),
		BackgroundDark: c.Value("background_dark"), PrivacyURI: c.Value("privacy_uri"), TermsURI: c.Value("terms_uri"),
		HelpURI: c.Value("help_uri"), ImprintURI: c.Value("imprint_uri"),
		CSS: strings.ReplaceAll(c.Value("css"), "\r\n", "\n"),
	}
}

// brandingPage is the form of the looks.
func (p place) brandingPage(c *console.Call) error {
	t, err := p.own(c)
	if err != nil {
		return err
	}
	page := formPage{Action: c.Link(root + "/branding"), Preview: c.Link(root + "/branding/preview"),
		Form: c.Form(brandFields(t)...), Declared: p.Declared}
	page.Sections = divide(c, page.Form, brandSections, brandNumbers)
	return c.ShowView("form", c.View("sign-in.at.branding").BackTo("place.sign-in", root), page)
}

// branding stores the looks, unless another administrator has changed the same since the form was shown.
func (p place) branding(c *console.Call) error {
	was, err := p.own(c)
	if err != nil {
		return err
	}
	fields := brandFields(was)
	c.PostForm.Set("css", strings.ReplaceAll(c.PostForm.Get("css"), "\r\n", "\n"))
	c.PostForm.Set("was.css", strings.ReplaceAll(c.PostForm.Get("was.css"), "\r\n", "\n"))
	stored := valuesOf(fields)
	stored["css"] = strings.TrimSpace(stored["css"])
	c.PostForm.Set("was.css", strings.TrimSpace(c.PostForm.Get("was.css")))
	if changed := c.ChangedFields(stored); len(changed) > 0 {
		return c.Refuse(changed, namesOf(fields)...)
	}
	name, logo, b := brandOf(c)
	err = p.save(c, was, func(d *tenants.Declared) { d.Name, d.LogoURI, d.Settings.Branding = &name, &logo, b }, "")
	if err != nil {
		return refuse(c, err, brandPaths, namesOf(fields)...)
	}
	return p.told(c, was, c.To(root+"/branding"))
}

// previewPage is the sign-in page as it would look.
type previewPage struct {
	Name, Logo, Letter string
	Ours               bool
	Links              []console.Anchor
	Style              template.HTML
	Faults             []string
}

// preview shows what a sign-in page would look like with what is typed, and stores nothing. Its stylesheet stands in
// the page, and the policy names its hash: nothing else that is typed can become a style or a script.
func (p place) preview(c *console.Call) error {
	name, logo, b := brandOf(c)
	page := previewPage{Name: name}
	if tenants.ValidLogo(logo) {
		page.Logo = logo
	}
	if page.Name == "" {
		page.Name = c.T("brand.name")
	}
	mark := brand.MarkOf(name, b)
	page.Ours, page.Letter = mark.Ours, mark.Letter
	for _, f := range brand.Check(b) {
		page.Faults = append(page.Faults, c.T("sign-in."+f.Field)+": "+f.Message)
	}
	for _, l := range []struct{ url, text string }{{b.PrivacyURI, "brand.privacy"}, {b.TermsURI, "brand.terms"},
		{b.HelpURI, "brand.help"}, {b.ImprintURI, "brand.imprint"}} {
		if to := brand.Link(l.url, l.text == "brand.help"); to != "" {
			page.Links = append(page.Links, console.Anchor{URL: to, Text: c.T(l.text)})
		}
	}
	if sheet := brand.Sheet(b); sheet != "" { // brand.Check allows no "<"
		page.Style = template.HTML("<style>" + sheet + "</style>")
		sum := sha256.Sum256([]byte(sheet))
		allow(c.W, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
	}
	return c.Show("preview", "sign-in.preview", page)
}

// allow adds a source of styles to the policy of the page.
func allow(w http.ResponseWriter, source string) {
	const header = "Content-Security-Policy"
	w.Header().Set(header, strings.Replace(w.Header().Get(header), "style-src ", "style-src "+source+" ", 1))
}
