package ui

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/people/typed"
	"github.com/vouchsafe/vouchsafe/storage"
)

// PlaygroundOf returns the path of the page where developers try a sign-in at the request's tenant, or "".
func (s *Site) PlaygroundOf(r *http.Request) string {
	t := web.TenantOf(r.Context())
	if s.Playground == "" || t.Host != "" && t.ID != storage.DefaultTenant {
		return "" // the developer page is below the host of the default tenant only
	}
	return t.Path + s.Playground
}

// Handler serves a page or a form.
type Handler = func(w http.ResponseWriter, r *http.Request) error

// Page serves a page to look at. It is refused while an administrator uses the browser as another user.
func (s *Site) Page(h Handler) http.Handler {
	return s.ActingPage(func(w http.ResponseWriter, r *http.Request) error {
		if err := RefuseActing(r); err != nil {
			return err
		}
		return h(w, r)
	})
}

// ActingPage is Page for one that ActingOf is asked by: it is there for administrators, too, who use the browser as
// another user.
func (s *Site) ActingPage(h Handler) http.Handler {
	return web.Handler(s.ErrorPage, func(w http.ResponseWriter, r *http.Request) error {
		SetHeaders(w, web.TenantOf(r.Context()))
		if isPart(r) {
			http.Error(w, "This page can’t be shown inside another page.", http.StatusForbidden)
			return nil
		}
		if strings.Contains(r.URL.RawQuery, ";") {
			u := *r.URL
			u.RawQuery = typed.Query(u.RawQuery)
			r.URL, r.Form = &u, nil
		}
		if err := r.ParseForm(); err != nil { // of the query: FormValue alone would read a multipart body too
			return &web.Problem{Status: http.StatusBadRequest, Message: "problem.unreadable_address", Err: err}
		}
		r, err := s.withActing(w, r)
		if err != nil {
			return err
		}
		r = s.withRefused(w, s.withLetter(w, r))
		s.speakChosen(r)
		if err := problemOf(refusedOf(r)); err != nil {
			return err
		}
		if refused := refusedOf(r); refused.Told != nil {
			return s.Tell(w, r, refused.Status, refused.Told.Title, refused.Told.Lead, refused.Told.Links...)
		}
		return follow(w, r, RefusalProblem(h(w, r)))
	})
}

// Form serves what a page's form is posted to, and refuses forms that another site made up. It is refused while an
// administrator uses the browser as another user.
func (s *Site) Form(h Handler) http.Handler {
	return s.ActingForm(func(w http.ResponseWriter, r *http.Request) error {
		if err := RefuseActing(r); err != nil {
			return err
		}
		return h(w, r)
	})
}

// ActingForm is Form for the forms of an ActingPage.
func (s *Site) ActingForm(h Handler) http.Handler {
	return s.posted(h, func(w http.ResponseWriter, r *http.Request) (*http.Request, error) {
		return r, parseForm(w, r)
	})
}

// Upload is Form for one that may have a file of at most so many bytes. What stands before the file is the form; FileOf
// returns the file, of which nothing has been read.
func (s *Site) Upload(most int64, h Handler) http.Handler {
	return s.posted(func(w http.ResponseWriter, r *http.Request) error {
		if err := RefuseActing(r); err != nil {
			return err
		}
		return h(w, r)
	}, func(w http.ResponseWriter, r *http.Request) (*http.Request, error) { return parseUpload(w, r, most) })
}

// posted serves what is posted, as parse reads it.
func (s *Site) posted(h Handler, parse func(http.ResponseWriter, *http.Request) (*http.Request, error)) http.Handler {
	return web.Handler(s.ErrorPage, func(w http.ResponseWriter, r *http.Request) error {
		SetHeaders(w, web.TenantOf(r.Context()))
		if err := SameSite(r); err != nil {
			return err
		}
		r, err := parse(w, r)
		if err != nil {
			return err
		}
		r, err = s.withActing(w, r)
		if err != nil {
			return err
		}
		// Before the token is checked, so that the error is in the language of the page.
		r = s.withLetter(w, r)
		s.speakChosen(r)
		if err := checkToken(r); err != nil {
			return err
		}
		return s.refuseWithProblem(w, r, follow(w, r, RefusalProblem(h(w, r))))
	})
}

// Foreign serves a form that another site posts here on purpose, such as an upstream provider. The
// browser sends no cookie of ours with it, and the handler must not change anything because of it.
func (s *Site) Foreign(h Handler) http.Handler {
	return web.Handler(s.ErrorPage, func(w http.ResponseWriter, r *http.Request) error {
		SetHeaders(w, web.TenantOf(r.Context()))
		if err := parseForm(w, r); err != nil {
			return err
		}
		return h(w, r)
	})
}

// Interaction returns the client's request that the browser came with, or nil. A page of a request
// that has waited for too long is not shown: a Detour sends the browser to where the request begins
// anew. A form of such a page is accepted, because the user has just proven or decided something, and if
// it is refused, the page says so first.
func (s *Site) Interaction(r *http.Request) (*storage.Interaction, error) {
	in, err := s.Opened(r)
	if err == nil && in != nil && in.Late && refusedOf(r).Status == 0 &&
		(r.Method == http.MethodGet || r.Method == http.MethodHead) {
		return nil, &Detour{in.ContinueURL}
	}
	return in, err
}

// NeedInteraction is Interaction for pages that make no sense without a request.
func (s *Site) NeedInteraction(r *http.Request) (*storage.Interaction, error) {
	in, err := s.Interaction(r)
	if err == nil && in == nil {
		return nil, &web.Problem{Status: http.StatusBadRequest, Title: "problem.only_apps.title",
			Message:   "problem.only_apps",
			Developer: "The parameter i is missing. Browsers are sent here by /authorize, never by clients."}
	}
	return in, err
}

// Opened is Interaction for requests that may be late.
func (s *Site) Opened(r *http.Request) (*storage.Interaction, error) {
	letter := r.FormValue("i")
	if letter == "" {
		return nil, nil
	}
	kept, _ := r.Context().Value(openedKey{}).(*openedLetter)
	if kept != nil && kept.letter == letter {
		return kept.in, kept.err
	}
	in, err := s.Open(r)
	if err != nil {
		return nil, err
	}
	return &in, nil
}

// openedLetter is the result of opening a request's letter. Handlers need it several times, and it
// is opened once.
type openedLetter struct {
	letter string
	in     *storage.Interaction
	err    error
}

type openedKey struct{}

// withLetter opens the letter of a request, if it came with one. If it opens, the window stays tied
// to the client's page that opened it, on redirects too: the client's callback tells that page how
// it went. A letter that does not open changes no header.
func (s *Site) withLetter(w http.ResponseWriter, r *http.Request) *http.Request {
	letter := r.FormValue("i")
	if letter == "" {
		return r
	}
	in, err := s.Opened(r)
	if err == nil {
		KeepOpener(w)
	}
	return r.WithContext(context.WithValue(r.Context(), openedKey{}, &openedLetter{letter, in, err}))
}

// GoOn sends the browser on when its step is settled: to the request that it came with, else to the
// page of the account that it wanted, else to the start page. The status is always 303, so that the
// browser does not post its form again.
func (s *Site) GoOn(w http.ResponseWriter, r *http.Request, in *storage.Interaction) error {
	target := web.TenantOf(r.Context()).Path + cmp.Or(s.NextOf(r), "/")
	if in != nil {
		target = in.ContinueURL
	}
	http.Redirect(w, r, target, http.StatusSeeOther)
	return nil
}

// NextOf returns the page of the account that the browser goes on to after a sign-in without a
// client's request; "" for the start page. The parameter next can name nothing else.
func (s *Site) NextOf(r *http.Request) string {
	if next := r.FormValue("next"); s.IsAccountPage(next) {
		return next
	}
	return ""
}

// IsConsolePage reports whether the path is that of a page of the console.
func (s *Site) IsConsolePage(path string) bool {
	path, _, _ = strings.Cut(path, "?")
	return s.Console != "" && (path == s.Console || strings.HasPrefix(path, s.Console+"/"))
}

// SeeOther sends the browser to one of our pages, with what it carries along and the parameters in
// query, names and values in turn.
func SeeOther(w http.ResponseWriter, r *http.Request, page string, query ...string) error {
	http.Redirect(w, r, web.TenantOf(r.Context()).Path+addressOf(r, page, query...), http.StatusSeeOther)
	return nil
}

// addressOf returns the address of one of our pages below the tenant, with what the browser carries along
// and the parameters in query, names and values in turn. The page is a path, perhaps with a query.
func addressOf(r *http.Request, page string, query ...string) string {
	page, own, _ := strings.Cut(page, "?")
	q, _ := url.ParseQuery(own) // written by us
	for _, carried := range []string{"i", "ui_locales", "next"} {
		if v := r.FormValue(carried); v != "" {
			q.Set(carried, v)
		}
	}
	for i := 0; i+1 < len(query); i += 2 {
		q.Set(query[i], query[i+1])
	}
	if len(q) == 0 {
		return page
	}
	return page + "?" + q.Encode()
}

// ViewIn returns what a page begins with that may not carry the request of a client, with texts of its own.
func (s *Site) ViewIn(w http.ResponseWriter, r *http.Request, words texts.Words, title string) *View {
	t := web.TenantOf(r.Context())
	v := &View{Words: words, pages: s.Pages, Path: t.Path}
	v.offerLanguages(w, r)
	v.Brand, v.Acting = BrandOf(t, v.Words), v.bannerOf(r)
	v.Title = v.Words.Must(title)
	v.refused = refusedOf(r)
	v.Alert = v.refused.Alert
	return v
}

// View returns what a page for this request begins with. The title is the id of a text, and in the
// client's request that the browser came with, or nil.
func (s *Site) View(w http.ResponseWriter, r *http.Request, title string, in *storage.Interaction) *View {
	t := web.TenantOf(r.Context())
	v := s.ViewIn(w, r, Words(r), title)
	if r.FormValue("sent") != "" && !v.Refused() {
		v.Done = v.Words.Must("confirm.sent")
	}
	if t.Path != "" || t.ID == storage.DefaultTenant {
		v.Mailbox = s.Mailbox
	}
	if in != nil {
		v.Letter, v.Cancel = in.Letter, in.CancelURL
		v.Client = ClientOf(&in.Client, v.Words)
		v.Late = r.Method == http.MethodGet && r.Form.Get("late") != ""
		AllowFormsAnywhere(w)
	} else {
		v.Next = s.NextOf(r)
		if wish := UILocales(r); len(wish) <= texts.LongestWish {
			v.Locales = wish
		}
	}
	return v
}
