package authorize

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/internal/sessions"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Authorize serves the authorization endpoint. It is the dispatcher: the only place that knows what comes
// next. It parses the request, and either sends the browser to the page that settles the first unmet
// check, or to the client with a code.
func (s *Server) Authorize(w http.ResponseWriter, r *http.Request) error {
	if r.Method == http.MethodPost {
		return redirectPost(w, r)
	}
	w.Header().Set("Cache-Control", "no-store")
	v, form, err := s.readVisit(r)
	if err != nil {
		return err
	}
	a, err := s.parse(r, form, v.request)
	a.late, a.allowed = v.late, v.allowed
	if a.signed != v.signed {
		v.query = a.marked()
	}
	if err == nil && v.cancelled && a.device != nil {
		return s.settleDevice(w, r, a, false)
	}
	if err == nil && v.cancelled {
		err = fosite.ErrAccessDenied.WithDescription("The user denied access.")
	}
	if err == nil {
		err = s.decide(w, r, a, v)
	}
	if no := oauth.Refusal(err); no != nil && a.answerable {
		web.Note(r.Context(), "error", no.ErrorField)
		params := url.Values{"error": {no.ErrorField}, "error_description": {oauth.Legible(oauth.Description(no))}}
		return s.send(w, r, a, params)
	}
	return pageError(err)
}

// visit is what a browser brings: a client's request, or the letter of one that waited for the user.
type visit struct {
	request
	query     string // the request, as it came from the client
	cancelled bool   // the user declined
	late      bool   // the request was begun before, too long ago
	allowed   bool   // the user allowed the device of this very request
}

// readVisit returns what the browser brings, and the request in it.
func (s *Server) readVisit(r *http.Request) (v visit, form url.Values, err error) {
	v.query = r.URL.RawQuery
	form, err = url.ParseQuery(v.query)
	foreign := false // another browser was given the letter
	ours := err == nil && (isLetter(form) || isPushed(form))
	switch {
	case ours && isLetter(form):
		if v.letter, err = s.openLetter(r, form.Get("i")); err != nil {
			return v, nil, err
		}
		v.allowed = s.isAllowed(web.TenantOf(r.Context()), v.letter, form.Get("allow"))
		v.query, v.cancelled = v.letter.query, form.Get("cancel") == "1" && !v.letter.foreign
		if v.late, foreign = s.late(v.letter), v.letter.foreign; v.late {
			v.letter = nil // the same request, as if it had just come: all is asked for and proven again
		}
	case ours:
		if v.query, err = s.openPushed(r.Context(), form); err != nil {
			return v, nil, err
		}
	}
	if len(v.query) > oauth.MaxRequest {
		return v, nil, tooLong()
	}
	if ours {
		form, err = url.ParseQuery(v.query)
		v.readMarks(form)
		if v.late && (v.signed != "" || v.pushed != "" && (foreign || isDevice(v.pushed))) {
			return v, nil, expired() // what its client vouched for has expired, or its device asks no more
		}
	}
	if err != nil {
		err = &web.Problem{Status: http.StatusBadRequest, Code: "invalid_request", Message: "problem.damaged_address",
			Developer: "The query isn't application/x-www-form-urlencoded: a % must be followed by two hexadecimal " +
				"digits, and parameters are separated by &.", Err: err}
	}
	return v, form, err
}

// isLetter reports whether the query is one that our pages send the browser back with. A client's request
// always names the client: what else it calls i is a parameter that is not understood, and passed over
// (RFC 6749 section 3.1).
func isLetter(query url.Values) bool { return query.Get("i") != "" && query.Get("client_id") == "" }

// redirectPost takes the request from a form and makes it a GET: a form that another site posts does not
// bring the session's cookie, the redirect that follows does.
func redirectPost(w http.ResponseWriter, r *http.Request) error {
	if !oauth.IsForm(r) {
		return &web.Problem{Status: http.StatusUnsupportedMediaType, Code: "invalid_request", Message: "problem.unreadable",
			Developer: "POST /authorize only accepts application/x-www-form-urlencoded (OIDC Core 3.1.2.1)."}
	}
	r.Body = http.MaxBytesReader(w, r.Body, oauth.MaxRequest)
	if err := r.ParseForm(); err != nil {
		var tooBig *http.MaxBytesError
		if errors.As(err, &tooBig) {
			return tooLong()
		}
		return &web.Problem{Status: http.StatusBadRequest, Code: "invalid_request", Message: "problem.unreadable", Err: err}
	}
	r.PostForm.Del("i") // letters come by GET only
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", web.TenantOf(r.Context()).Path+"/authorize?"+r.PostForm.Encode())
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// tooLong returns the problem of a request that would not fit into the address of a page, where it travels.
func tooLong() error {
	return &web.Problem{Status: http.StatusRequestURITooLong, Code: "invalid_request", Message: "problem.too_long",
		Developer: "An authorization request can have at most " + strconv.Itoa(oauth.MaxRequest) + " bytes. " +
			"Keep large state in the app, and send a reference to it."}
}

// decide sends the browser to the page that comes next, or to the client.
func (s *Server) decide(w http.ResponseWriter, r *http.Request, a *authorization, v visit) error {
	if err := s.findAccount(r, a); err != nil {
		return err
	}
	unmet, err := firstUnmet(r.Context(), s.Store, a)
	if err != nil {
		return err
	}
	if unmet == nil {
		return s.finish(w, r, a, v.letter)
	}
	if a.broughtURI(v.letter) && s.isFinished(r.Context(), a.tenant, a.pushed) {
		return usedRequestURI() // before the user is asked for a password
	}
	if slices.Contains(a.prompts, "none") {
		return unmet.reason.WithDescription("The user has to see a page, which prompt=none doesn't allow.")
	}
	if v.letter == nil {
		v.letter = newLetter(w, r, v.query, a.started)
	}
	if a.aside { // pages are about the current account
		s.Sessions.Prefer(w, r, a.account.ID)
	}
	to := a.tenant.Path + unmet.page(s.Pages) + "?i=" + s.seal(v.letter, a.tenant)
	if a.late {
		to += "&late=1"
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// findAccount finds the account that answers: the browser's current one, or that which an administrator uses in its
// place, unless the request is about another user who is signed in there. The user who was chosen or signed in since
// the request began is the answer to its question, right or wrong.
func (s *Server) findAccount(r *http.Request, a *authorization) error {
	current, err := s.Sessions.ActingOrCurrent(r)
	switch {
	case err == nil:
		a.account = &current
	case !errors.Is(err, storage.ErrNotFound):
		return err
	}
	if a.subjects() != nil && (a.account == nil || !a.meant(current.UserID) && !since(current.Chosen, a.started)) {
		all, err := s.Sessions.All(r)
		if err != nil {
			return err
		}
		if i := slices.IndexFunc(all, func(other sessions.Account) bool { return a.meant(other.UserID) }); i >= 0 {
			a.account, a.aside = &all[i], true
		}
	}
	if a.account != nil {
		web.Note(r.Context(), "user", a.account.UserID)
	}
	return nil
}

// finish sends the browser to the client with a code. A request that a user settled gives one code: going
// back and through its end again shortly after gives the same, later none.
func (s *Server) finish(w http.ResponseWriter, r *http.Request, a *authorization, l *letter) error {
	if a.device != nil {
		return s.settleDevice(w, r, a, true)
	}
	resp, err := s.Engine.NewAuthorizeResponse(r.Context(), a.request, a)
	if err != nil {
		return err
	}
	params := url.Values(resp.GetParameters())
	if id := cmp.Or(a.pushed, a.signed, l.name()); id != "" {
		first, err := s.once(r.Context(), a, id, params.Get("code"))
		if a.broughtURI(l) && first != params.Get("code") {
			return usedRequestURI()
		}
		if err != nil {
			return err
		}
		params.Set("code", first)
	}
	return s.send(w, r, a, params)
}

// broughtURI reports whether the browser has just brought a request URI, and not the letter of a request that waited
// for its user.
func (a *authorization) broughtURI(l *letter) bool {
	return l == nil && a.pushed != "" && !isDevice(a.pushed)
}

// pageError returns err for a user at a browser: a refusal that cannot be sent to the client becomes a
// page.
func pageError(err error) error {
	if no := oauth.Refusal(err); no != nil {
		prob := badRequest(oauth.Description(no))
		prob.Code = no.ErrorField
		return prob
	}
	return err
}
