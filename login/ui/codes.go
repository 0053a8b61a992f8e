package ui

import (
	"encoding/base64"
	"html/template"
	"net/http"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

// The form that makes recovery codes is answered with a redirect to the page that shows them: Reload must not make
// others, because those before would stop working unseen. A sealed cookie holds the codes on the way. The page takes
// it, so that no page shows the codes twice.

const codesCookie = "codes"

// SendCodes redirects the browser to a page that shows the user's new recovery codes with ShowCodes.
func (s *Site) SendCodes(w http.ResponseWriter, r *http.Request, page string, u storage.User, codes []string) error {
	if err := sendOnce(w, r, codesCookie, s.codesBox(r), sentOnce{User: u.ID, Codes: codes}); err != nil {
		return err
	}
	return SeeOther(w, r, page)
}

func (s *Site) codesBox(r *http.Request) *secret.Box {
	return s.Secrets.Box(web.TenantOf(r.Context()).ID, secret.ShownCodes)
}

// takeCodes returns the recovery codes that the browser was sent for the user, and has it forget them; nil for none.
func (s *Site) takeCodes(w http.ResponseWriter, r *http.Request, u storage.User) []string {
	return takeOnce(w, r, codesCookie, s.codesBox(r), u)
}

// keyCookie holds a new API key on the way to the page that shows it, as codesCookie holds codes.
const keyCookie = "api-key"

// SendKey redirects the browser to a page that shows the user's new API key, which TakeKey returns there.
func (s *Site) SendKey(w http.ResponseWriter, r *http.Request, page string, u storage.User, key string) error {
	if err := sendOnce(w, r, keyCookie, s.keyBox(r), sentOnce{User: u.ID, Codes: []string{key}}); err != nil {
		return err
	}
	return SeeOther(w, r, page)
}

// TakeKey returns the API key that the browser was sent for the user, and has it forget the key; "" for none.
func (s *Site) TakeKey(w http.ResponseWriter, r *http.Request, u storage.User) string {
	return strings.Join(takeOnce(w, r, keyCookie, s.keyBox(r), u), "")
}

func (s *Site) keyBox(r *http.Request) *secret.Box {
	return s.Secrets.Box(web.TenantOf(r.Context()).ID, secret.ShownAPIKey)
}

// codesView is what the page with new recovery codes shows.
type codesView struct {
	Codes []string
	File  template.URL // the same, to download
	Next  string       // where the user goes on
}

// ShowCodes shows the recovery codes that SendCodes sent the browser for the user, and leads to next. If it sent none,
// or the page has shown them, the page says so and has the links.
func (s *Site) ShowCodes(w http.ResponseWriter, r *http.Request, v *View, u storage.User, next string,
	links ...Link,
) error {
	codes := s.takeCodes(w, r, u)
	if len(codes) == 0 {
		return s.Tell(w, r, http.StatusOK, "factors.codes", "codes.gone", links...)
	}
	text := v.Words.Must("codes.file", v.Brand.Name,
		AccountOfUser(u).Login) + "\r\n\r\n" + strings.Join(codes, "\r\n") + "\r\n"
	v.Page = codesView{
		Codes: codes, Next: next,
		File: template.URL("data:text/plain;charset=utf-8;base64," + base64.StdEncoding.EncodeToString([]byte(text))),
	}
	return s.Show(w, http.StatusOK, "codes", v)
}
