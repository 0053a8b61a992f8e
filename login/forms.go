package login

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/argon2id"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/texts"
)

// formFaults is what is wrong with the fields of a form.
type formFaults struct {
	words  texts.Words
	faults invalid
}

// Fault says what is wrong with a field, or "".
func (f formFaults) Fault(field string) string { return f.faults.of(f.words, field) }

// faultsOf are those that err has.
func (s *Server) faultsOf(r *http.Request, err error) formFaults {
	f := formFaults{words: s.words(r)}
	errors.As(err, &f.faults) // or none
	return f
}

// again is how a form is shown once more after an error that whoever filled it in can do
// something about: the status, and what stands above the form. What stands beside fields is
// faultsOf. Status 0 is for any other error.
func (s *Server) again(w http.ResponseWriter, r *http.Request, err error) (status int, alert string) {
	say := s.words(r)
	var faults invalid
	var early *limited
	switch {
	case err == nil:
		return http.StatusOK, ""
	case errors.As(err, &faults):
		return http.StatusUnprocessableEntity, ""
	case errors.Is(err, errWrongCode):
		return http.StatusUnprocessableEntity, say.Must("confirm.wrong")
	case errors.As(err, &early):
		web.Note(r.Context(), "login", "limited")
		w.Header().Set("Retry-After", web.RetryAfter(early.wait))
		return http.StatusTooManyRequests, say.Must("signin.limited", say.Span(early.wait))
	case errors.Is(err, argon2id.ErrBusy):
		w.Header().Set("Retry-After", web.RetryAfter(time.Second))
		return http.StatusServiceUnavailable, say.Must("signin.busy")
	}
	return 0, ""
}

// seeOther sends the browser to a page of ours, with the client's request that it came with.
func seeOther(w http.ResponseWriter, r *http.Request, page string, query ...string) error {
	q := url.Values{}
	for _, carried := range []string{"i", "ui_locales", "next"} {
		if v := r.FormValue(carried); v != "" {
			q.Set(carried, v)
		}
	}
	for i := 0; i+1 < len(query); i += 2 {
		q.Set(query[i], query[i+1])
	}
	target := web.TenantOf(r.Context()).Path + page
	if len(q) > 0 {
		target += "?" + q.Encode()
	}
	http.Redirect(w, r, target, http.StatusSeeOther)
	return nil
}

// told is what a page shows that only says something, and where to go from there.
type told struct {
	Lead string
	// Links are pages of ours, the first as a button, with the texts that name them.
	Links []toldLink
}

type toldLink struct{ Page, Text string }

// say shows such a page; title, lead and the texts of links are ids.
func (s *Server) say(w http.ResponseWriter, r *http.Request, status int, title, lead string, links ...toldLink) error {
	in, err := s.interaction(r)
	if err != nil {
		return err
	}
	v := s.view(w, r, title, in)
	page := told{Lead: v.words.Must(lead)}
	for _, l := range links {
		page.Links = append(page.Links, toldLink{l.Page, v.words.Must(l.Text)})
	}
	v.Page = page
	return s.show(w, status, "told", v)
}

// allowScript lets the page load our own scripts, and have them ask us.
func allowScript(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Security-Policy", h.Get("Content-Security-Policy")+"; script-src 'self'; connect-src 'self'")
}
