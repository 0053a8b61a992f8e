package logout

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/jws"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/sessions"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Logout ends a session because a client asks for it (RP-Initiated Logout 1.0). A hint that only
// the session's own client can have ends it at once. For every other request, such as a link on the
// page of another site, the user is asked: the request is sealed and goes to the page that asks,
// which ends the session and brings it back.
//
// A user who wants to sign out can, whatever the request says. A hint that cannot be verified
// counts as none, and a request that cannot be read leads to the page that asks. The browser is
// sent to a post_logout_redirect_uri only if it is the client's own; otherwise it stays here.
func (s *Server) Logout(w http.ResponseWriter, r *http.Request) error {
	if r.Method == http.MethodPost {
		return s.logoutPost(w, r)
	}
	w.Header().Set("Cache-Control", "no-store")
	form, err := s.logoutForm(r)
	if err != nil {
		return err
	}
	if sealed := form.Get("l"); sealed != "" {
		l, err := s.openLogout(r, sealed)
		if err == nil {
			return s.logoutConfirmed(w, r, l, sealed)
		}
		// A parameter of a client's that has the same name, or a letter that is of no use any
		// more: either way it says nothing.
		web.Note(r.Context(), "letter", err.Error())
	}
	req, err := s.parseLogout(r.Context(), form)
	if err != nil {
		return err
	}
	accounts, err := s.Sessions.ActingAndAll(r)
	if err != nil {
		return err
	}
	if len(accounts) == 0 {
		return s.signedOut(w, r, req)
	}
	meant := req.meant(accounts, time.Now())
	if meant == nil {
		return s.askToSignOut(w, r, req.seal(s, w, r, accounts))
	}
	if meant.Act != nil {
		by := func(e storage.Event) storage.Event {
			if req.client != nil {
				e.ClientID = req.client.ClientID
			}
			return oauth.Event(r.Context(), e)
		}
		if err := s.Sessions.EndActing(w, r, *meant, "signed out by an app", by); err != nil {
			return err
		}
		return s.signedOut(w, r, req)
	}
	also := func(a sessions.Account, ch *storage.Change) {
		e := storage.Event{TenantID: a.TenantID, Kind: storage.EventSessionEnded, UserID: a.UserID,
			Detail: map[string]string{"session": a.ID}}
		if req.client != nil {
			e.Actor, e.ClientID = req.client.ClientID, req.client.ClientID
			ch.Revoke = signedOutBy(req.client, a.ID)
		}
		ch.Events = []storage.Event{oauth.Event(r.Context(), e)}
	}
	if err := s.Sessions.End(w, r, also, meant.ID); err != nil {
		return err
	}
	return s.signedOut(w, r, req)
}

// logoutPost reads the request from a form and turns it into a GET. The browser sends no session
// cookie with a form that another site posts, but it does with the redirect that follows. The hint
// says much about a user, so that the parameters are sealed: they reveal nothing that their sender
// did not know.
func (s *Server) logoutPost(w http.ResponseWriter, r *http.Request) error {
	if !oauth.IsForm(r) {
		return &web.Problem{Status: http.StatusUnsupportedMediaType, Code: "invalid_request", Message: "problem.unreadable",
			Developer: "POST /logout only accepts application/x-www-form-urlencoded (RP-Initiated Logout 1.0 section 2)."}
	}
	r.Body = http.MaxBytesReader(w, r.Body, oauth.MaxRequest)
	if err := r.ParseForm(); err != nil {
		var tooBig *http.MaxBytesError
		if errors.As(err, &tooBig) {
			return logoutTooLong()
		}
		return &web.Problem{Status: http.StatusBadRequest, Code: "invalid_request", Message: "problem.unreadable", Err: err}
	}
	t := web.TenantOf(r.Context())
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", t.Path+"/logout?r="+s.Secrets.Box(t.ID,
		secret.LogoutPosted).SealString([]byte(r.PostForm.Encode())))
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// logoutForm returns the parameters of the request: those of the URL, or those that were
// posted before. Those that cannot be read are none.
func (s *Server) logoutForm(r *http.Request) (url.Values, error) {
	if len(r.URL.RawQuery) > 2*oauth.MaxRequest {
		return nil, logoutTooLong()
	}
	form, err := url.ParseQuery(r.URL.RawQuery)
	if sealed := form.Get("r"); sealed != "" {
		// What does not open is a parameter of a client's that has the same name.
		if plain, unsealed := s.Secrets.Box(web.TenantOf(r.Context()).ID,
			secret.LogoutPosted).OpenString(sealed); unsealed == nil {
			form, err = url.ParseQuery(string(plain))
			form.Del("l") // letters come by GET only
		}
	}
	oauth.DropEmpty(form)
	if err == nil {
		err = readable(form)
	}
	if err != nil {
		web.Note(r.Context(), "why", err.Error())
		return url.Values{}, nil
	}
	return form, nil
}

// readable says whether each parameter is there once, as text.
func readable(form url.Values) error {
	for name, values := range form {
		if len(values) > 1 {
			return fmt.Errorf("the parameter %.40q came more than once", name)
		}
		if !storage.WellFormed(values[0]) {
			return fmt.Errorf("the parameter %.40q is not UTF-8 text", name)
		}
	}
	return nil
}

func logoutTooLong() error {
	return &web.Problem{Status: http.StatusRequestURITooLong, Code: "invalid_request", Title: "problem.bad_request.title",
		Message:   "problem.bad_logout",
		Developer: "A logout request can have at most " + fmt.Sprint(oauth.MaxRequest) + " bytes."}
}

// logoutRequest is a request to sign out, checked.
type logoutRequest struct {
	client *storage.Client // nil: none that is known
	target string          // a post_logout_redirect_uri of the client, or ""
	state  string
	hint   *tokens.IDTokenHint // nil: none that can be believed
}

// parseLogout checks a request. What it returns may be acted upon; what was wrong with the
// rest is in the log.
func (s *Server) parseLogout(ctx context.Context, form url.Values) (*logoutRequest, error) {
	t := web.TenantOf(ctx)
	req := &logoutRequest{state: form.Get("state")}
	id, hint := form.Get("client_id"), form.Get("id_token_hint")
	if hint != "" {
		var err error
		req.hint, err = s.Tokens.OpenIDTokenHint(ctx, t, hint)
		switch {
		case errors.Is(err, jws.ErrInvalid):
			web.Note(ctx, "why", err.Error())
			req.hint = nil
		case err != nil:
			return nil, fmt.Errorf("open hint: %w", err)
		case id == "":
			id = req.hint.Audience[0]
		case !slices.Contains(req.hint.Audience, id):
			// One of them is a lie, and nothing says which.
			web.Note(ctx, "why", "id_token_hint is an ID token of another client than client_id")
			return &logoutRequest{}, nil
		}
	}
	if id != "" {
		c, err := s.Clients.Enabled(ctx, t.ID, id)
		switch {
		case err == nil:
			req.client = c
			web.Note(ctx, "client", c.ClientID)
		case !errors.Is(err, storage.ErrNotFound):
			return nil, fmt.Errorf("client: %w", err)
		}
	}
	if uri := form.Get("post_logout_redirect_uri"); uri != "" {
		if fault := postLogoutFault(req.client, uri); fault != "" {
			web.Note(ctx, "why", fault)
		} else {
			req.target = uri
		}
	}
	return req, nil
}

// postLogoutFault says why the browser is not sent to an address, or "": only to one that
// the client registered (RP-Initiated Logout 1.0 section 3).
func postLogoutFault(c *storage.Client, uri string) string {
	switch {
	case c == nil:
		return "post_logout_redirect_uri needs an id_token_hint that was issued here, or the client_id of an enabled client"
	case !clients.AllowsRedirect(c, c.PostLogoutRedirectURIs, uri):
		return "This post_logout_redirect_uri isn't registered for the client. It must match exactly. Only " +
			"native clients may change the port of http://127.0.0.1 and http://[::1]"
	}
	return ""
}

// meant returns the browser's account that the hint is about, or nil. One that has expired
// must be of this very session: of an older one, it may have been lying about.
func (l *logoutRequest) meant(accounts []sessions.Account, now time.Time) *sessions.Account {
	if l.hint == nil {
		return nil
	}
	for i := range accounts {
		if l.hint.SID == accounts[i].ID && l.hint.Subject == accounts[i].UserID {
			return &accounts[i]
		}
	}
	for i := range accounts {
		if l.hint.Subject == accounts[i].UserID && now.Unix() < l.hint.ExpiresAt &&
			!storage.Ahead(time.Unix(l.hint.IssuedAt, 0), now) {
			return &accounts[i]
		}
	}
	return nil
}

// revokeSessions revokes what the client was given in sessions that have ended.
func (s *Server) revokeSessions(ctx context.Context, c *storage.Client, sessions ...string) error {
	if c == nil || len(sessions) == 0 {
		return nil
	}
	err := s.Store.Apply(ctx, storage.Change{TenantID: c.TenantID, Now: time.Now(), Revoke: signedOutBy(c, sessions...)})
	if err != nil {
		return fmt.Errorf("revoke grants: %w", err)
	}
	return nil
}

// signedOutBy names what the client was granted in the sessions, with or without offline_access: the
// client itself asked for an end.
func signedOutBy(c *storage.Client, sessions ...string) (all []storage.Revocation) {
	for _, id := range sessions {
		which := storage.GrantFilter{ClientID: c.ClientID, SessionID: id}
		all = append(all, storage.Revocation{GrantFilter: which, Why: "signed out by the client"})
	}
	return all
}

// askToSignOut sends the browser to the page that asks.
func (s *Server) askToSignOut(w http.ResponseWriter, r *http.Request, sealed string) error {
	http.Redirect(w, r, web.TenantOf(r.Context()).Path+s.SignOut+"?l="+sealed, http.StatusSeeOther)
	return nil
}

// signedOut sends the browser back to the client, with its state as it came, or to the
// page that says that it is done.
func (s *Server) signedOut(w http.ResponseWriter, r *http.Request, req *logoutRequest) error {
	to := web.TenantOf(r.Context()).Path + s.SignedOut
	if req.target != "" {
		to = req.target
		if req.state != "" {
			sep := "?"
			if strings.Contains(to, "?") {
				sep = "&"
			}
			to += sep + "state=" + url.QueryEscape(req.state)
		}
	}
	h := w.Header()
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Location", to) // as it is: http.Redirect would clean the path of an address that must be exact
	w.WriteHeader(http.StatusSeeOther)
	return nil
}
