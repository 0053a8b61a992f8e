package mail

import (
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/net/html"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/tenants/brand"
)

// sealed returns the content of a delivery of a tenant, with a value for every field.
func sealed(t *testing.T, tenant storage.Tenant) []byte {
	t.Helper()
	data, err := json.Marshal(samples)
	if err != nil {
		t.Fatal(err)
	}
	root := &url.URL{Scheme: "https", Host: "id.example"}
	plain, err := json.Marshal(content{Tenant: tenant.Name, Data: data, look: lookOf(issuer.Of(root, tenant))})
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

// rendered returns a mail of a tenant.
func rendered(t *testing.T, name, lang string, tenant storage.Tenant) *Message {
	t.Helper()
	msg, err := standard().render(storage.Delivery{Template: name, Language: lang}, sealed(t, tenant))
	if err != nil {
		t.Fatalf("%s/%s: %v", lang, name, err)
	}
	return msg
}

// node is an element of a mail.
type node struct{ *html.Node }

// attr returns the value of an attribute, or "".
func (n node) attr(name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// text returns the text inside the element.
func (n node) text() string {
	var out strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			out.WriteString(d.Data)
		}
	}
	return strings.TrimSpace(out.String())
}

// elements returns the elements of that name in a mail, in their order.
func elements(t *testing.T, source, name string) []node {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(source))
	if err != nil {
		t.Fatal(err)
	}
	var all []node
	for d := range doc.Descendants() {
		if d.Type == html.ElementNode && d.Data == name {
			all = append(all, node{d})
		}
	}
	return all
}

// classed returns the first element of that name and class.
func classed(t *testing.T, source, name, class string) (node, bool) {
	t.Helper()
	for _, n := range elements(t, source, name) {
		if slices.Contains(strings.Fields(n.attr("class")), class) {
			return n, true
		}
	}
	return node{}, false
}

var (
	acme = storage.Tenant{ID: "acme", Name: "Acme Rockets", LogoURI: "https://acme.example/logo.png",
		Settings: storage.TenantSettings{Branding: storage.Branding{Accent: "#c2410c"}}}
	honey = storage.Tenant{ID: "honey", Name: "Honey", Host: "id.honey.example",
		Settings: storage.TenantSettings{Branding: storage.Branding{Accent: "#ffcc00", AccentDark: "#112233"}}}
)

// TestMailsAreInTheTenantsColours: what one tenant's mails look like does not depend on another's,
// whose mails the same worker sends.
func TestMailsAreInTheTenantsColours(t *testing.T) {
	for _, tenant := range []storage.Tenant{acme, honey, {ID: "plain", Name: "Plain"}, acme} {
		light, dark := brand.Palettes(tenant.Settings.Branding)
		for _, name := range names {
			msg := rendered(t, name, "en", tenant)
			for _, a := range elements(t, msg.HTML, "a") {
				td := node{a.Parent}
				primary := td.attr("class") == "fill"
				if primary && (td.attr("bgcolor") != light.Fill || !strings.Contains(td.attr("style"), "background:"+light.Fill) ||
					!strings.Contains(td.attr("style"), "1px solid "+light.Edge) ||
					!strings.Contains(a.attr("style"), "color:"+light.OnFill)) {
					t.Errorf("%s of %s: the button is %s %s", name, tenant.ID, td.attr("style"), a.attr("style"))
				}
			}
			if !strings.Contains(msg.HTML, ".fill { background: "+dark.Fill+" !important; border-color: "+dark.Edge+
				" !important; color: "+dark.OnFill) {
				t.Errorf("%s of %s: the button is the same in the dark", name, tenant.ID)
			}
			for _, other := range []string{"c2410c", "ffcc00", "acme.example", "honey.example", "Acme", "Honey"} {
				own := strings.Contains(strings.ToLower(tenant.Name+tenant.Host+tenant.LogoURI+
					tenant.Settings.Branding.Accent), strings.ToLower(other))
				if got := strings.Contains(msg.HTML, other); got && !own {
					t.Errorf("%s of %s has %s", name, tenant.ID, other)
				}
			}
		}
	}
}

// longestButton is how many characters of a button fit on a phone in two lines.
const longestButton = 48

// TestButtonsOfMailsAreShort: what there is to explain is said above the button.
func TestButtonsOfMailsAreShort(t *testing.T) {
	for _, lang := range []string{"de", "en", "es", "fr", "pt", "ru"} {
		for _, name := range names {
			for _, a := range elements(t, rendered(t, name, lang, acme).HTML, "a") {
				if label := a.text(); utf8.RuneCountInString(label) > longestButton {
					t.Errorf("%s/%s: the button %q is long", lang, name, label)
				}
			}
		}
	}
}

// TestMailsShowTheTenantsMark: a logo that Gmail and Outlook would not show is no better than none.
func TestMailsShowTheTenantsMark(t *testing.T) {
	for logo, shown := range map[string]bool{
		"https://acme.example/logo.png": true, "https://acme.example/l.JPG?v=2": true,
		"https://acme.example/logo.svg": false, "https://acme.example/logo": false,
		"https://acme.example/logo.svg?x=.png": false,
		"http://acme.example/logo.png":         false, "https://u:p@acme.example/logo.png": false,
		"javascript:alert(1)//.png":  false,
		"data:image/png;base64,AAAA": false, "": false,
	} {
		tenant := acme
		tenant.LogoURI = logo
		msg := rendered(t, "sign-in", "en", tenant)
		pictures := elements(t, msg.HTML, "img")
		initial, ok := classed(t, msg.HTML, "td", "fill")
		if shown {
			if len(pictures) != 1 || pictures[0].attr("src") != logo || pictures[0].attr("height") != "40" {
				t.Fatalf("%s: got %d pictures in %s", logo, len(pictures), msg.HTML)
			}
			// Programs that turn a white ground dark leave the picture, which may be black, alone. They do
			// not change a gradient.
			chip := node{pictures[0].Parent}
			if !strings.Contains(chip.attr("style"), "background-image:linear-gradient(#ffffff,#ffffff)") {
				t.Errorf("the logo is on %s", chip.attr("style"))
			}
		} else if len(pictures) != 0 || !ok || initial.text() != "A" || initial.attr("bgcolor") != "#c2410c" {
			t.Errorf("%s: got %d pictures and the initial %v", logo, len(pictures), ok)
		}
	}
	for name, want := range map[string]string{"אקמה": "א", "例え": "例", `<script>alert(1)</script>`: "S",
		`"><img src=x>`: "I"} {
		msg := rendered(t, "account-deleted", "en", storage.Tenant{ID: "x", Name: name})
		initial, ok := classed(t, msg.HTML, "td", "fill")
		if !ok || initial.text() != want || len(elements(t, msg.HTML, "script"))+len(elements(t, msg.HTML, "img")) != 0 {
			t.Errorf("%s: got %s", name, msg.HTML)
		}
		if title, _ := classed(t, msg.HTML, "td", "name"); title.text() != name {
			t.Errorf("got the name %q, want %q", title.text(), name)
		}
	}
	msg := rendered(t, "account-deleted", "en", storage.Tenant{ID: "x", Name: "…"})
	if _, ok := classed(t, msg.HTML, "td", "fill"); ok {
		t.Error("a name without letters has an initial")
	}
}

// TestMailsAreLaidOutForMailPrograms: Outlook for Windows reads neither the width of a div nor the
// ground and padding of a link; Gmail drops the html element with its language.
func TestMailsAreLaidOutForMailPrograms(t *testing.T) {
	for _, lang := range []string{"en", "de", "es", "fr", "pt", "ru"} {
		for _, name := range names {
			msg := rendered(t, name, lang, honey)
			if n := len(msg.HTML); n > 20_000 {
				t.Errorf("%s/%s: %d bytes; Gmail cuts off long mails", lang, name, n)
			}
			tables := elements(t, msg.HTML, "table")
			if len(tables) < 3 || tables[0].attr("lang") != lang || tables[0].attr("dir") != "ltr" ||
				tables[1].attr("width") != "600" || !strings.Contains(tables[1].attr("style"), "max-width:100%") {
				t.Errorf("%s/%s: got %d tables", lang, name, len(tables))
			}
			for _, table := range tables {
				if table.attr("role") != "presentation" {
					t.Errorf("%s/%s: a table that screen readers read out as one", lang, name)
				}
			}
			primary := 0
			for _, a := range elements(t, msg.HTML, "a") {
				td := node{a.Parent}
				if td.Data != "td" || !strings.Contains(td.attr("style"), "mso-padding-alt:") {
					t.Errorf("%s/%s: a button that is none in Outlook", lang, name)
				}
				if td.attr("bgcolor") != "" {
					primary++
				}
				if !strings.Contains(msg.Text, a.attr("href")) {
					t.Errorf("%s/%s: the text has no link to %s", lang, name, a.attr("href"))
				}
			}
			if links := strings.Count(msg.Text, "https://"); primary != min(links, 1) {
				t.Errorf("%s/%s: %d buttons in the accent of %d links, want one", lang, name, primary, links)
			}
			if metas := regexp.MustCompile(`<meta name="(supported-)?color-schemes?" content="light dark">`).FindAllString(
				msg.HTML, -1); len(metas) != 2 || !strings.Contains(msg.HTML, "@media (prefers-color-scheme: dark)") {
				t.Errorf("%s/%s: mail programs do not learn that it has dark colours", lang, name)
			}
			// Gmail drops an element style with more than 8192 characters, and all of one with a fault.
			for _, style := range elements(t, msg.HTML, "style") {
				if s := style.text(); len(s) > 8192 || strings.Count(s, "{") != strings.Count(s, "}") ||
					strings.Contains(s, "ZgotmplZ") {
					t.Errorf("%s/%s: got style %s", lang, name, s)
				}
			}
		}
	}
}

// TestBothPartsOfAMailSayTheSame: a user whose program shows plain text learns no less, and in the same order.
func TestBothPartsOfAMailSayTheSame(t *testing.T) {
	for _, lang := range []string{"de", "en", "es", "fr", "pt", "ru"} {
		for _, name := range names {
			msg := rendered(t, name, lang, acme)
			body := elements(t, msg.HTML, "body")[0]
			var shown string
			for d := range body.Descendants() {
				if d.Type == html.TextNode {
					shown += " " + d.Data
				}
			}
			shown = strings.Join(strings.Fields(shown), " ")
			for line := range strings.Lines(msg.Text) {
				line = strings.Join(strings.Fields(line), " ")
				if strings.HasPrefix(line, "https://") { // a button
					continue
				}
				_, after, found := strings.Cut(shown, strings.TrimRight(line, ": "))
				if !found {
					t.Errorf("%s/%s: the HTML lacks %q, or has it elsewhere", lang, name, line)
					break
				}
				shown = after
			}
		}
	}
}

// TestMailsAreNotTracked: a mail loads nothing but the logo, whose address is the same for all.
func TestMailsAreNotTracked(t *testing.T) {
	for _, name := range names {
		msg := rendered(t, name, "en", acme)
		for _, loader := range []string{"script", "link", "iframe", "object", "video", "audio", "source", "form", "input"} {
			if len(elements(t, msg.HTML, loader)) > 0 {
				t.Errorf("%s has an element %s", name, loader)
			}
		}
		for _, loader := range []string{"url(", "@import", "background="} {
			if strings.Contains(msg.HTML, loader) {
				t.Errorf("%s loads something by %s", name, loader)
			}
		}
		for _, img := range elements(t, msg.HTML, "img") {
			if img.attr("src") != acme.LogoURI {
				t.Errorf("%s loads %s", name, img.attr("src"))
			}
		}
	}
}

// TestListsOfMailsShowNoCode: lists and lock screens show what a mail begins with.
func TestListsOfMailsShowNoCode(t *testing.T) {
	for _, name := range names {
		msg := rendered(t, name, "en", acme)
		first := elements(t, msg.HTML, "div")[0]
		if !strings.Contains(first.attr("style"), "display:none") || first.PrevSibling.PrevSibling != nil {
			t.Fatalf("%s does not begin with a preheader", name)
		}
		shown := first.text()
		opening, _, _ := strings.Cut(strings.TrimSpace(msg.Text), "\n")
		if !strings.HasPrefix(shown, opening) || strings.Contains(shown, samples["Code"]) {
			t.Errorf("%s: lists show %q, want %q", name, shown, opening)
		}
		if n := len([]rune(shown)); n < 150 {
			t.Errorf("%s: only %d characters stand before the rest", name, n)
		}
	}
}

// TestMailsInOtherScripts: an operator's texts may be in a language that is written from right to left.
func TestMailsInOtherScripts(t *testing.T) {
	for lang, want := range map[string]string{"ar": "rtl", "he": "rtl", "fa": "rtl", "ur": "rtl", "en": "ltr", "ru": "ltr",
		"ja": "ltr", "xx": "ltr", "": "ltr"} {
		if got := direction(lang); got != want {
			t.Errorf("%q: got %s, want %s", lang, got, want)
		}
	}
}
