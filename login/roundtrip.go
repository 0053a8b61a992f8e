package login

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/gorilla/mux"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people/federation"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
)

// goUpstream sends the browser to a provider. It starts on a page of ours: another site must not have
// a user come back as the user is known at the provider.
func (s *Server) goUpstream(w http.ResponseWriter, r *http.Request) error {
	in, err := s.interaction(r)
	if err != nil {
		return err
	}
	p, err := s.providerOf(r)
	if err != nil {
		return err
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" || site == "same-site" {
		return seeOther(w, r, "/login")
	}
	return s.depart(w, r, in, federation.Departure{
		Provider: p, Letter: r.FormValue("i"), Next: r.FormValue("next"), Locales: r.FormValue("ui_locales"),
	})
}

// providerOf returns the provider that the path names.
func (s *Server) providerOf(r *http.Request) (*upstream.Provider, error) {
	p, err := s.Federation.Provider(s.askerOf(r), mux.Vars(r)["upstream"])
	if errors.Is(err, storage.ErrNotFound) {
		return nil, &web.Problem{Status: http.StatusNotFound, Message: "problem.no_page",
			Developer: "No upstream in the tenant's settings has this id."}
	}
	return p, err
}

// depart completes the departure by what the browser and the client's request say, and sends the
// browser on its way.
func (s *Server) depart(w http.ResponseWriter, r *http.Request, in *storage.Interaction, d federation.Departure) error {
	if len(d.Next) > 200 || len(d.Locales) > texts.LongestWish {
		d.Next, d.Locales = "", ""
	}
	current, err := s.Sessions.Current(r)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	d.SignedIn = err == nil
	if d.SignedIn && r.FormValue("confirm") != "" {
		d.Confirms = current.UserID
	}
	if in != nil {
		d.Fresh, d.LoginHint = in.Fresh, in.LoginHint
	}
	to, err := s.Federation.Depart(r.Context(), s.site.BoundAsker(w, r), d)
	if err != nil {
		return s.turnAway(w, r, err)
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// postBack takes an answer that the provider's page posts, and sends it round once more, by GET.
func (s *Server) postBack(w http.ResponseWriter, r *http.Request) error {
	p, err := s.providerOf(r)
	if err != nil {
		return err
	}
	if !p.Kind.FormPost {
		return &web.Problem{Status: http.StatusMethodNotAllowed, Message: "problem.page_method"}
	}
	answer := url.Values{}
	for _, name := range []string{"code", "state", "error", "iss", "user"} {
		if v := r.PostForm.Get(name); v != "" && (name != "user" || len(v) <= 1024) {
			answer.Set(name, v)
		}
	}
	a := s.askerOf(r)
	sealed, err := s.Federation.SealAnswer(a, p, answer)
	if err != nil {
		return err
	}
	if s.Federation.BeganForClient(a, answer.Get("state")) {
		ui.KeepOpener(w) // it may be on the way to a client
	}
	q := url.Values{"posted": {sealed}}
	http.Redirect(w, r, web.TenantOf(r.Context()).Path+"/upstream/"+p.ID+"/callback?"+q.Encode(), http.StatusSeeOther)
	return nil
}

// comeBack takes an answer: the user comes from the provider that this browser was sent to, for the
// first time.
func (s *Server) comeBack(w http.ResponseWriter, r *http.Request) error {
	p, err := s.providerOf(r)
	if err != nil {
		return err
	}
	answer, err := s.answerOf(r, p)
	if err != nil {
		return err
	}
	tr, err := s.Federation.OpenTrip(s.askerOf(r), p, answer.Get("state"))
	if err != nil {
		return err
	}
	if _, ok := tr.TrialOf(); ok {
		return s.toTrial(w, r, p, answer)
	}
	r.Form = url.Values{"i": {tr.Letter}, "next": {tr.Next}, "ui_locales": {tr.Locales}}
	if tr.Letter == "" {
		r.Form.Del("i")
	}
	in, err := s.opened(r) // it may have become late meanwhile
	if err != nil {
		return err
	}
	if in != nil {
		ui.KeepOpener(w)
	}
	id, err := s.Federation.Return(r.Context(), s.askerOf(r), p, tr, upstream.Answer{
		Code: answer.Get("code"), Error: answer.Get("error"), Iss: answer.Get("iss"), User: answer.Get("user"),
	})
	if err != nil {
		return s.turnAway(w, r, err)
	}
	if tr.Session != "" {
		return s.linkHere(w, r, tr, p, id)
	}
	return s.arrive(w, r, in, p, tr, id)
}

// toTrial hands the answer to the page of the console where an administrator tries the provider. It is sealed, and read
// there as it would be here; nothing of it is used before.
func (s *Server) toTrial(w http.ResponseWriter, r *http.Request, p *upstream.Provider, answer url.Values) error {
	if s.site.Console == "" {
		return federation.Lost("the console is turned off")
	}
	given := url.Values{}
	for _, name := range []string{"code", "state", "error", "iss", "user"} {
		if v := answer.Get(name); v != "" {
			given.Set(name, v)
		}
	}
	sealed, err := s.Federation.SealAnswer(s.askerOf(r), p, given)
	if err != nil {
		return err
	}
	http.Redirect(w, r, web.TenantOf(r.Context()).Path+s.site.Console+"/sign-in/upstream/"+url.PathEscape(p.ID)+"/tried?"+
		url.Values{"answer": {sealed}}.Encode(), http.StatusSeeOther)
	return nil
}

// answerOf returns the parameters of the provider's answer, each of which came once.
func (s *Server) answerOf(r *http.Request, p *upstream.Provider) (url.Values, error) {
	answer := r.Form
	if sealed := r.FormValue("posted"); sealed != "" {
		var err error
		if answer, err = s.Federation.OpenAnswer(s.askerOf(r), p, sealed); err != nil {
			return nil, err
		}
	}
	for _, name := range []string{"code", "state", "error", "iss"} {
		if len(answer[name]) > 1 {
			return nil, federation.Lost("a parameter came more than once: " + name)
		}
	}
	return answer, nil
}

// turnAway sends a browser that did not arrive back to where the trip began. That page says why; it
// can be loaded again, and its address has nothing of the answer. Other errors are returned.
func (s *Server) turnAway(w http.ResponseWriter, r *http.Request, err error) error {
	var vain *federation.NotArrived
	if !errors.As(err, &vain) {
		return err
	}
	tr, page := vain.Trip, "/login"
	if tr.Session != "" {
		page = "/account/identities"
	}
	q := url.Values{"from": {tr.Upstream}, "why": {vain.Why}}
	for name, value := range map[string]string{"i": tr.Letter, "next": tr.Next, "ui_locales": tr.Locales} {
		if value != "" {
			q.Set(name, value)
		}
	}
	http.Redirect(w, r, web.TenantOf(r.Context()).Path+page+"?"+q.Encode(), http.StatusSeeOther)
	return nil
}
