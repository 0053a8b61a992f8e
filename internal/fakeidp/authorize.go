package fakeidp

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/secret"
)

// people are the persons that the page offers for choice with one click.
var people = []Person{
	{Name: "Jo Doe", Email: "jo@example.com", Verified: "true"},
	{Name: "Robin Roe", Email: "robin@example.com", Verified: "false"},
	{Name: "Sam Poe"},
}

// page is the data of the templates.
type page struct {
	*Server
	Request string // the query of the authorization request, which the form posts back
	People  []Person
	Faults  []Fault
	Hint    string
	Says    bool // whether this kind of provider says if an address is verified
	// Action and Fields are a form that the browser posts to the client, as Apple has it.
	Action string
	Fields map[string]string
}

// authorize shows the page that asks the developer which person to sign in as.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	if text := s.wrong(r.URL.Query()); text != "" {
		http.Error(w, text, http.StatusBadRequest)
		return
	}
	s.show(w, "choose.html", page{Request: r.URL.RawQuery, People: people, Faults: s.faults(),
		Hint: r.URL.Query().Get("login_hint"), Says: s.Kind != Facebook})
}

// wrong returns what is wrong with an authorization request, or "". Any redirect URI is accepted:
// the provider has no users whose code could be stolen.
func (s *Server) wrong(q url.Values) string {
	switch {
	case q.Get("client_id") != s.ClientID:
		return "unknown client_id"
	case q.Get("response_type") != "code":
		return "response_type is not code"
	case q.Get("redirect_uri") == "" || q.Get("state") == "":
		return "redirect_uri or state is missing"
	case q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43:
		return "code_challenge is missing"
	case s.openID() && (q.Get("nonce") == "" || !strings.Contains(" "+q.Get("scope")+" ", " openid ")):
		return "nonce or the scope openid is missing"
	case s.Kind == Apple && q.Get("response_mode") != "form_post":
		return "response_mode is not form_post"
	}
	return ""
}

// choose sends the browser back to the client as the person that was chosen on the page.
func (s *Server) choose(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "the form cannot be read", http.StatusBadRequest)
		return
	}
	q, err := url.ParseQuery(r.PostForm.Get("request"))
	if err != nil {
		http.Error(w, "the request cannot be read", http.StatusBadRequest)
		return
	}
	if text := s.wrong(q); text != "" {
		http.Error(w, text, http.StatusBadRequest)
		return
	}
	get := func(name string) string { return strings.TrimSpace(r.PostForm.Get(name)) }
	who := Person{
		Subject: get("subject"), Name: get("name"), Email: get("email"), Verified: get("verified"),
		Hosted: get("hosted"), Tenant: get("tenant"), Factors: get("factors"), Groups: get("groups"), Fault: get("fault"),
	}
	answer := map[string]string{"state": q.Get("state")}
	switch {
	case r.PostForm.Get("cancel") != "":
		answer["error"] = "access_denied"
	case who.Fault == faultError:
		answer["error"] = "server_error"
	default:
		answer["code"] = s.newCode(authorization{who, q.Get("client_id"), q.Get("redirect_uri"),
			q.Get("code_challenge"), q.Get("nonce")})
	}
	if who.Fault == faultIssParam {
		answer["iss"] = "https://other.example"
	}
	if s.Kind == Apple {
		first, last, _ := strings.Cut(who.Name, " ")
		user, _ := json.Marshal(map[string]any{"name": map[string]string{"firstName": first, "lastName": last}})
		answer["user"] = string(user)
		s.show(w, "post.html", page{Action: q.Get("redirect_uri"), Fields: answer})
		return
	}
	to, err := url.Parse(q.Get("redirect_uri"))
	if err != nil {
		http.Error(w, "redirect_uri is no address", http.StatusBadRequest)
		return
	}
	query := to.Query()
	for name, value := range answer {
		query.Set(name, value)
	}
	to.RawQuery = query.Encode()
	http.Redirect(w, r, to.String(), http.StatusSeeOther)
}

// newCode returns a new code for the authorization.
func (s *Server) newCode(a authorization) string {
	code := secret.Token()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.codes == nil || len(s.codes) >= maxKept {
		s.codes = map[string]authorization{}
	}
	s.codes[code] = a
	return code
}

// show writes a page. Its content security policy has no form-action, because Chromium would apply
// it to all redirects that follow, including that to the client's own address.
func (s *Server) show(w http.ResponseWriter, name string, p page) {
	p.Server = s
	var buf bytes.Buffer
	if err := pages.ExecuteTemplate(&buf, name, p); err != nil {
		http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Security-Policy",
		"default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(buf.Bytes()) // an error means that the browser is gone
}
