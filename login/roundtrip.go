package login

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/gorilla/mux"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	// tripLife is how long somebody may stay at a provider.
	tripLife = 15 * time.Minute
	// hopLife is how long an answer that was posted may take to come back by GET.
	hopLife = time.Minute
)

// trip is a round trip to a provider. Sealed it is the state that the provider gives back:
// nothing is kept here, and nobody else can make one. It works once, for the browser that
// began it, at the callback of the provider that it was begun for.
type trip struct {
	ID       string    `json:"i"` // 256 random bits: nonce and verifier are made of it
	Upstream string    `json:"u"`
	Browser  []byte    `json:"b"` // of its binding
	Until    time.Time `json:"x"`
	Fresh    bool      `json:"f,omitempty"` // the person was to prove themselves anew
	Letter   string    `json:"l,omitempty"` // the client's request
	Next     string    `json:"n,omitempty"` // where to go on without one
	Locales  string    `json:"w,omitempty"`
	// Session is that of somebody signed in who links an account of theirs, and who it is.
	Session string `json:"s,omitempty"`
	UserID  string `json:"p,omitempty"`
}

// spentTrip is the purpose of storage.Spent for trips that came back.
const spentTrip = "upstream-trip"

// request is what the provider is asked for.
func (s *Server) request(t *issuer.Tenant, tr *trip) upstream.Request {
	box := s.Secrets.Box(t.ID, secret.UpstreamTrip)
	made := func(what string) string {
		return base64.RawURLEncoding.EncodeToString(box.MAC([]byte(what + "\x00" + tr.ID)))
	}
	return upstream.Request{
		RedirectURI: t.URL("/upstream/" + tr.Upstream + "/callback"), Nonce: made("nonce"), Verifier: made("verifier"),
		Fresh: tr.Fresh, Begun: tr.Until.Add(-tripLife),
	}
}

// goUpstream sends the browser to a provider. It starts on a page of ours: another site
// must not have somebody come back as whoever they are at the provider.
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
	tr := &trip{Upstream: p.ID, Letter: r.FormValue("i"), Next: r.FormValue("next"), Locales: r.FormValue("ui_locales")}
	return s.depart(w, r, in, p, tr)
}

// providerOf is the provider that the address names.
func (s *Server) providerOf(r *http.Request) (*upstream.Provider, error) {
	p, err := s.upstream(web.TenantOf(r.Context()), mux.Vars(r)["upstream"])
	if errors.Is(err, storage.ErrNotFound) {
		return nil, &web.Problem{Status: http.StatusNotFound, Message: "problem.no_page",
			Developer: "No upstream of the tenant's settings has this id."}
	}
	return p, err
}

// depart completes the trip and sends the browser on it. A person who is signed in, or has to
// prove themselves anew, is asked to do so there, too.
func (s *Server) depart(w http.ResponseWriter, r *http.Request, in *storage.Interaction, p *upstream.Provider, tr *trip) error {
	t := web.TenantOf(r.Context())
	if len(tr.Next) > 200 || len(tr.Locales) > texts.LongestWish {
		tr.Next, tr.Locales = "", ""
	}
	_, err := s.Sessions.Current(r)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	tr.ID, tr.Until, tr.Browser = secret.Token(), time.Now().Add(tripLife), bindingHash(browser.Binding(w, r))
	tr.Fresh = err == nil || tr.Next != "" || in != nil && in.Fresh
	plain, err := json.Marshal(tr)
	if err != nil {
		return err
	}
	ask := s.request(t, tr)
	ask.State = s.Secrets.Box(t.ID, secret.UpstreamTrip).SealString(plain)
	if in != nil {
		ask.LoginHint = in.LoginHint
	}
	to, err := s.Upstreams.AuthURL(r.Context(), p, ask)
	if err != nil {
		return s.notArrived(w, r, tr, err)
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

func bindingHash(binding string) []byte {
	sum := sha256.Sum256([]byte("upstream\x00" + binding))
	return sum[:16]
}

// beganTrip says whether the hash is that of a binding of the request's browser.
func beganTrip(r *http.Request, hash []byte) bool {
	return browser.Began(r, func(binding string) bool {
		return subtle.ConstantTimeCompare(bindingHash(binding), hash) == 1
	})
}

// posted is an answer that came as a form. The browser sends none of its cookies with what
// another site's page posts (SameSite=Lax), so that it is sealed and sent round once more,
// by GET; neither the code nor what else is in it stands in the address in clear.
type posted struct {
	Upstream string    `json:"u"`
	Until    time.Time `json:"x"`
	Answer   url.Values
}

// postBack takes an answer that the provider's page posts.
func (s *Server) postBack(w http.ResponseWriter, r *http.Request) error {
	p, err := s.providerOf(r)
	if err != nil {
		return err
	}
	if !p.Kind.FormPost {
		return &web.Problem{Status: http.StatusMethodNotAllowed, Message: "problem.page_method"}
	}
	a := posted{Upstream: p.ID, Until: time.Now().Add(hopLife), Answer: url.Values{}}
	for _, name := range []string{"code", "state", "error", "iss", "user"} {
		if v := r.PostForm.Get(name); v != "" && (name != "user" || len(v) <= 1024) {
			a.Answer.Set(name, v)
		}
	}
	plain, err := json.Marshal(a)
	if err != nil {
		return err
	}
	t := web.TenantOf(r.Context())
	q := url.Values{"posted": {s.Secrets.Box(t.ID, secret.UpstreamPosted).SealString(plain)}}
	if s.begun(t, a.Answer.Get("state")) {
		ui.KeepOpener(w) // it may be on the way to a client
	}
	http.Redirect(w, r, t.Path+"/upstream/"+p.ID+"/callback?"+q.Encode(), http.StatusSeeOther)
	return nil
}

// begun says whether the state is that of a trip that began with a client's request, in
// whichever browser.
func (s *Server) begun(t *issuer.Tenant, state string) bool {
	var tr trip
	plain, err := s.Secrets.Box(t.ID, secret.UpstreamTrip).OpenString(state)
	return err == nil && json.Unmarshal(plain, &tr) == nil && tr.Letter != ""
}

// comeBack takes an answer: whoever brings it comes from the provider that they were sent
// to, in the browser that was sent, for the first time.
func (s *Server) comeBack(w http.ResponseWriter, r *http.Request) error {
	p, err := s.providerOf(r)
	if err != nil {
		return err
	}
	answer := r.Form
	if sealed := r.FormValue("posted"); sealed != "" {
		if answer, err = s.openPosted(r, p, sealed); err != nil {
			return err
		}
	}
	for _, name := range []string{"code", "state", "error", "iss"} {
		if len(answer[name]) > 1 {
			return s.errTrip(r, "a parameter came more than once: "+name)
		}
	}
	tr, err := s.openTrip(r, p, answer.Get("state"))
	if err != nil {
		return err
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
	right, err := s.allowTrip(r)
	if err != nil {
		return err
	}
	once := storage.Spent{TenantID: web.TenantOf(r.Context()).ID, Purpose: spentTrip, Value: tr.ID, ExpiresAt: tr.Until}
	if err := s.Store.Spend(r.Context(), once); errors.Is(err, storage.ErrExists) {
		return s.errTrip(r, "this state has come back before")
	} else if err != nil {
		return err
	}
	who, err := s.Upstreams.Identify(r.Context(), p, s.request(web.TenantOf(r.Context()), tr), upstream.Answer{
		Code: answer.Get("code"), Error: answer.Get("error"), Iss: answer.Get("iss"), User: answer.Get("user"),
	})
	if err != nil {
		return s.notArrived(w, r, tr, err)
	}
	right(p.ID + "\x00" + who.Subject)
	if tr.Session != "" {
		return s.linkHere(w, r, tr, p, who)
	}
	return s.arrive(w, r, in, p, tr, who)
}

func (s *Server) openPosted(r *http.Request, p *upstream.Provider, sealed string) (url.Values, error) {
	var a posted
	plain, err := s.Secrets.Box(web.TenantOf(r.Context()).ID, secret.UpstreamPosted).OpenString(sealed)
	if err == nil {
		err = json.Unmarshal(plain, &a)
	}
	if err != nil || a.Upstream != p.ID || !storage.Within(a.Until.Add(-hopLife), time.Now(), hopLife) {
		return nil, s.errTrip(r, "the answer that was posted is not for this callback, or is too old")
	}
	return a.Answer, nil
}

// openTrip opens the state. Whatever is wrong with it, nothing of the answer is used.
func (s *Server) openTrip(r *http.Request, p *upstream.Provider, state string) (*trip, error) {
	var tr trip
	plain, err := s.Secrets.Box(web.TenantOf(r.Context()).ID, secret.UpstreamTrip).OpenString(state)
	if err == nil {
		err = json.Unmarshal(plain, &tr)
	}
	switch {
	case err != nil:
		return nil, s.errTrip(r, "the state is missing, damaged or not ours")
	case tr.Upstream != p.ID:
		return nil, s.errTrip(r, "the state is that of another upstream: the answer came to the wrong callback")
	case !storage.Within(tr.Until.Add(-tripLife), time.Now(), tripLife):
		return nil, s.errTrip(r, "the state is too old")
	case !beganTrip(r, tr.Browser):
		return nil, s.errTrip(r, "the sign-in was begun in another browser, or its cookie did not come back")
	}
	return &tr, nil
}

// errTrip is the one answer to what does not belong to a round trip of this browser.
func (s *Server) errTrip(r *http.Request, developer string) error {
	return &web.Problem{Status: http.StatusBadRequest, Title: "federated.lost_title", Message: "federated.lost", Developer: developer}
}

// notArrived sends the browser back to where the trip began, which says why: a page that
// can be loaded again, with nothing of the answer in its address.
func (s *Server) notArrived(w http.ResponseWriter, r *http.Request, tr *trip, err error) error {
	why := ""
	switch {
	case errors.Is(err, upstream.ErrDenied):
		why = "denied"
	case errors.Is(err, upstream.ErrRefused):
		why = "refused"
	case errors.Is(err, upstream.ErrUnreachable):
		why = "unreachable"
	default:
		return err
	}
	if why != "denied" {
		web.Note(r.Context(), "upstream", tr.Upstream+": "+err.Error())
	}
	event := storage.Event{Kind: storage.EventUpstreamFailed, Actor: "anonymous", UserID: tr.UserID, Detail: map[string]string{"upstream": tr.Upstream, "reason": why}}
	s.observeSome(r, event)
	q := url.Values{"from": {tr.Upstream}, "why": {why}}
	page := "/login"
	if tr.Session != "" {
		page = "/account/identities"
	}
	for name, value := range map[string]string{"i": tr.Letter, "next": tr.Next, "ui_locales": tr.Locales} {
		if value != "" {
			q.Set(name, value)
		}
	}
	http.Redirect(w, r, web.TenantOf(r.Context()).Path+page+"?"+q.Encode(), http.StatusSeeOther)
	return nil
}
