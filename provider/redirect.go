package provider

import (
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/storage"
)

// responseModes are the ways an authorization answer can travel (OAuth 2.0 Multiple
// Response Types 2.1, OAuth 2.0 Form Post Response Mode).
var responseModes = []fosite.ResponseModeType{fosite.ResponseModeQuery, fosite.ResponseModeFragment, fosite.ResponseModeFormPost}

// allowedRedirect says whether uri is one that the client registered: the very same
// string (RFC 9700 section 2.1), but for a path of "/" that one of them has and the other
// leaves out, or, for native clients, a loopback address that differs in the port only
// (RFC 8252 section 7.3). What is answered, and has to be repeated at the token endpoint,
// is what the client sent.
func allowedRedirect(c *storage.Client, registered []string, uri string) bool {
	if slices.Contains(registered, uri) {
		return true
	}
	uri = withRootPath(uri)
	bare, loopback := "", false
	if c.ApplicationType == "native" {
		bare, loopback = withoutLoopbackPort(uri)
	}
	return slices.ContainsFunc(registered, func(r string) bool {
		r = withRootPath(r)
		if r == uri {
			return true
		}
		have, ok := withoutLoopbackPort(r)
		return loopback && ok && have == bare
	})
}

// withRootPath is an http or https uri with "/" for its path if that is empty: to every
// browser and server the two are one (RFC 3986 section 6.2.3). It works on the string, and
// makes nothing else alike.
func withRootPath(uri string) string {
	_, rest, ok := strings.Cut(uri, "://")
	if !ok || !strings.HasPrefix(uri, "https://") && !strings.HasPrefix(uri, "http://") {
		return uri
	}
	end := strings.IndexAny(rest, "/?#\\")
	switch {
	case end < 0:
		return uri + "/"
	case rest[end] == '?':
		at := len(uri) - len(rest) + end
		return uri[:at] + "/" + uri[at:]
	}
	return uri
}

// withoutLoopbackPort is uri less its port, when uri is http to a loopback IP literal.
// It works on the string, so that no two spellings of anything else are confused.
func withoutLoopbackPort(uri string) (string, bool) {
	rest, ok := strings.CutPrefix(uri, "http://")
	if !ok {
		return "", false
	}
	authority, tail := rest, ""
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		authority, tail = rest[:i], rest[i:]
	}
	if strings.ContainsAny(tail, "\\#") || strings.ContainsFunc(uri, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return "", false
	}
	host := authority
	if h, port, err := net.SplitHostPort(authority); err == nil {
		if port == "" || strings.Trim(port, "0123456789") != "" || len(port) > 5 {
			return "", false
		}
		host = h
		if strings.HasPrefix(authority, "[") {
			host = "[" + h + "]"
		}
	}
	ip, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
	if err != nil || !ip.IsLoopback() || ip.Zone() != "" {
		return "", false
	}
	return "http://" + host + tail, true
}

// answer is a response of the authorization endpoint on its way to the client.
type answer struct {
	redirectURI string
	mode        fosite.ResponseModeType
	params      url.Values
}

// write sends the browser to the client with the answer. Always 303: after a form was
// posted, 307 would post it to the client (RFC 9700 section 4.12).
func (a *answer) write(w http.ResponseWriter, r *http.Request, pages Pages) error {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
	h.Set("Referrer-Policy", "no-referrer")
	switch a.mode {
	case fosite.ResponseModeFormPost:
		return a.writeForm(w, r, pages)
	case fosite.ResponseModeFragment:
		h.Set("Location", a.redirectURI+"#"+a.params.Encode())
	default:
		sep := "?"
		if strings.Contains(a.redirectURI, "?") {
			sep = "&"
		}
		h.Set("Location", a.redirectURI+sep+a.params.Encode())
	}
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// submitScript posts the form at once where scripts run; elsewhere the button does.
const submitScript = `document.forms[0].submit()`

// formPostTexts are what people read whose browser runs no scripts.
var formPostTexts = []string{"Back to the application", "One more step takes you back to the application.", "Continue to the application"}

var (
	submitHash   = sha256.Sum256([]byte(submitScript))
	formPostPage = template.Must(template.New("form_post").Parse(`<!DOCTYPE html>
<html lang="{{.Lang}}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>{{index .Texts 0}}</title></head>
<body>
<form method="post" action="{{.URI}}">
{{range $name, $values := .Params}}{{range $values}}<input type="hidden" name="{{$name}}" value="{{.}}">
{{end}}{{end}}<noscript><main><h1>{{index .Texts 0}}</h1><p>{{index .Texts 1}}</p><button>{{index .Texts 2}}</button></main></noscript>
</form>
<script>` + submitScript + `</script>
</body>
</html>
`))
)

// writeForm is the form_post response mode. The Content-Security-Policy has no
// form-action: browsers would apply it to where the client sends them next.
func (a *answer) writeForm(w http.ResponseWriter, r *http.Request, pages Pages) error {
	lang, texts := "en", formPostTexts
	if pages.Say != nil {
		lang, texts = pages.Say(r, texts...)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'sha256-"+base64.StdEncoding.EncodeToString(submitHash[:])+"'; base-uri 'none'; frame-ancestors 'none'")
	return formPostPage.Execute(w, struct {
		Lang   string
		Texts  []string
		URI    template.URL // registered: ValidateClient refused every scheme that runs code
		Params url.Values
	}{lang, texts, template.URL(a.redirectURI), a.params})
}
