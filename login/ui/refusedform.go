package ui

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/web"
)

// A form that is refused is not answered with a page: the browser's Back and Reload would ask the user
// whether to send the form again, password and all. The answer is a redirect to the page of the form, and a
// cookie that says what was wrong. The page has the status of the refusal, such as 422, because password
// managers offer to save a password unless the page after the form says that it was wrong.

const (
	refusedCookie = "refused"
	// maxRefused bounds the content of the cookie, in bytes. Sealed, it has to fit into the 4096 bytes that
	// browsers keep (RFC 6265bis section 5.6).
	maxRefused = 2800
)

// Refused is what the page of a form says after the form was refused. The cookie holds it, sealed, for one
// page and one browser.
type Refused struct {
	Status int
	Alert  string            `json:",omitempty"` // what the page says above the form
	Faults map[string]string `json:",omitempty"` // what it says beside a field, by the field's name
	Typed  map[string]string `json:",omitempty"` // what the user typed, by the field's name; never a secret
	Wait   time.Duration     `json:",omitempty"` // how long the user has to wait
	Page   string            // identifies the page
	forRedirect
	// Told is a page that only says something, and Problem an error page, in place of the form.
	Told    *toldIDs     `json:",omitempty"`
	Problem *keptProblem `json:",omitempty"`
}

// toldIDs are the parameters of Tell.
type toldIDs struct {
	Title, Lead string
	Links       []Link
}

// keptProblem is what the error page says of a web.Problem.
type keptProblem struct {
	Code, Title, Message string
	Args                 []string
	Developer, Got       string
	Expected             []string
}

// problemOf returns the web.Problem that a form ended with and that its page says, or nil.
func problemOf(refused Refused) error {
	kept := refused.Problem
	if kept == nil {
		return nil
	}
	p := &web.Problem{Status: refused.Status, Code: kept.Code, Title: kept.Title, Message: kept.Message,
		Developer: kept.Developer, Got: kept.Got, Expected: kept.Expected, RetryAfter: refused.Wait}
	for _, arg := range kept.Args {
		p.Args = append(p.Args, arg)
	}
	return p
}

// refuseWithProblem redirects a browser whose form ended with a web.Problem to the page, which shows it. It returns
// every other error, those of programs, and those at which the user may want to send the form again.
func (s *Site) refuseWithProblem(w http.ResponseWriter, r *http.Request, err error) error {
	var p *web.Problem
	if !errors.As(err, &p) || p.Status < 400 || p.Status >= 500 || !takesPage(r) {
		return err
	}
	kept := &keptProblem{Code: p.Code, Title: p.Title, Message: p.Message}
	if s.Development {
		kept.Developer, kept.Got, kept.Expected = p.Developer, p.Got, p.Expected
	}
	for _, arg := range p.Args {
		if d, ok := arg.(time.Duration); ok {
			arg = Words(r).Span(d)
		}
		kept.Args = append(kept.Args, fmt.Sprint(arg))
	}
	refused := Refused{Status: p.Status, Wait: p.RetryAfter, Problem: kept}
	if plain, encoded := json.Marshal(refused); encoded != nil || len(plain) > maxRefused/2 {
		return err
	}
	if p.Developer != "" {
		web.Note(r.Context(), "why", p.Developer)
	}
	return s.refuse(w, r, r.URL.Path, refused, nil)
}

// Refuse sends the browser back to the page of the form that it posted, which says what is wrong by err.
// The page is a path, perhaps with a query; the parameters that identify what the form is about are added.
// Keep names the fields whose values the page shows again: never a password. A code is shown again if only
// another field was wrong. Refuse returns err if the user cannot correct it in the form.
func (s *Site) Refuse(w http.ResponseWriter, r *http.Request, page string, err error, keep ...string) error {
	refused, ok := refusedBy(r, err)
	if !ok {
		return err
	}
	if len(refused.Faults) > 0 && refused.Faults["code"] == "" {
		keep = append(keep, "code") // only something else was wrong: the user need not copy the code again
	}
	return s.refuse(w, r, page, refused, keep)
}

// RefuseWith is Refuse with a status and a text above the form.
func (s *Site) RefuseWith(w http.ResponseWriter, r *http.Request, page string, status int, alert string,
	keep ...string,
) error {
	return s.refuse(w, r, page, Refused{Status: status, Alert: alert}, keep)
}

// RefuseSaying is RefuseWith, with texts beside fields, by the names of the fields.
func (s *Site) RefuseSaying(w http.ResponseWriter, r *http.Request, page string, status int, alert string,
	faults map[string]string, keep ...string,
) error {
	return s.refuse(w, r, page, Refused{Status: status, Alert: alert, Faults: faults}, keep)
}

func (s *Site) refuse(w http.ResponseWriter, r *http.Request, page string, refused Refused, keep []string) error {
	var about []string
	for _, name := range []string{"flow", "token", "invitation", "t"} {
		if v := r.PostForm.Get(name); v != "" {
			about = append(about, name, v)
		}
	}
	target := addressOf(r, page, about...)
	for _, name := range keep {
		if v := r.PostForm.Get(name); v != "" {
			if refused.Typed == nil {
				refused.Typed = map[string]string{}
			}
			refused.Typed[name] = v
		}
	}
	where, err := url.Parse(target)
	if err != nil {
		return err
	}
	refused.Page, refused.forRedirect = nameOfPage(where), redirecting(w, r)
	sealed, err := s.sealRefused(r, refused)
	if err != nil {
		return err
	}
	browser.SetCookie(w, r, refusedCookie, sealed, redirectLife)
	http.Redirect(w, r, web.TenantOf(r.Context()).Path+target, http.StatusSeeOther)
	return nil
}

// sealRefused returns the value of the cookie. If it would be too large, the longest of what was typed is
// left out.
func (s *Site) sealRefused(r *http.Request, refused Refused) (string, error) {
	for {
		plain, err := json.Marshal(refused)
		if err != nil {
			return "", err
		}
		if len(plain) <= maxRefused || len(refused.Typed) == 0 {
			return s.refusedBox(r).SealString(plain), nil
		}
		longest := ""
		for name, value := range refused.Typed {
			if longest == "" || cmp.Or(cmp.Compare(len(value), len(refused.Typed[longest])), cmp.Compare(name, longest)) > 0 {
				longest = name
			}
		}
		delete(refused.Typed, longest)
	}
}

func (s *Site) refusedBox(r *http.Request) *secret.Box {
	return s.Secrets.Box(web.TenantOf(r.Context()).ID, secret.RefusedForm)
}

// nameOfPage returns a hash of a page's path below the tenant, and of its parameters.
func nameOfPage(u *url.URL) string {
	sum := sha256.Sum256([]byte(u.Path + "?" + u.Query().Encode()))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

type refusedKey struct{}

// refusedOf returns what a request's page says because its form was refused, or the zero value.
func refusedOf(r *http.Request) Refused {
	refused, _ := r.Context().Value(refusedKey{}).(Refused)
	return refused
}

// withRefused takes the cookie of a refused form, if it belongs to the page that the browser asks for.
func (s *Site) withRefused(w http.ResponseWriter, r *http.Request) *http.Request {
	sealed := browser.Cookie(r, refusedCookie)
	if sealed == "" || r.Method != http.MethodGet {
		return r
	}
	var refused Refused
	plain, err := s.refusedBox(r).OpenString(sealed)
	if err != nil || json.Unmarshal(plain, &refused) != nil || refused.Page != nameOfPage(r.URL) {
		return r
	}
	browser.SetCookie(w, r, refusedCookie, "", 0)
	if !refused.arrives(r) {
		return r
	}
	return r.WithContext(context.WithValue(r.Context(), refusedKey{}, refused))
}

// WasRefused reports whether the page says why its form was refused.
func WasRefused(r *http.Request) bool { return refusedOf(r).Status != 0 }

// RefusedStatus returns the status of the page that says why its form was refused; 0 for every other page.
func RefusedStatus(r *http.Request) int { return refusedOf(r).Status }
