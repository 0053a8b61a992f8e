package authorize

import (
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/ory/fosite"
)

// answer is a response of the authorization endpoint on its way to the client.
type answer struct {
	redirectURI string
	mode        fosite.ResponseModeType
	params      url.Values
}

// sayer returns the texts with the given ids in the language of the request, and the language.
type sayer = func(r *http.Request, ids ...string) (lang string, in []string)

// write sends the browser to the client with the answer. Always 303: after a form was posted, 307 would
// post it to the client (RFC 9700 section 4.12).
func (a *answer) write(w http.ResponseWriter, r *http.Request, say sayer) error {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
	h.Set("Referrer-Policy", "no-referrer")
	switch a.mode {
	case fosite.ResponseModeFormPost:
		return a.writeForm(w, r, say)
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

// formPostTexts are the ids of the title, the sentence and the button that users read whose browser
// runs no scripts.
var formPostTexts = []string{"form_post.title", "form_post.lead", "form_post.button"}

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
func (a *answer) writeForm(w http.ResponseWriter, r *http.Request, say sayer) error {
	lang, texts := "en", formPostTexts
	if say != nil {
		lang, texts = say(r, texts...)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	script := "'sha256-" + base64.StdEncoding.EncodeToString(submitHash[:]) + "'"
	h.Set("Content-Security-Policy",
		"default-src 'none'; script-src "+script+"; base-uri 'none'; frame-ancestors 'none'")
	return formPostPage.Execute(w, struct {
		Lang   string
		Texts  []string
		URI    template.URL // registered: clients.Validate refused every scheme that runs code
		Params url.Values
	}{lang, texts, template.URL(a.redirectURI), a.params})
}
