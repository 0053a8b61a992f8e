package logout

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/sessions"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

// logoutLetter is a request to sign out that waits for the user's answer. Like an
// authorization request it is sealed, travels with the browser and is bound to it.
type logoutLetter struct {
	Started  int64    `json:"t"` // µs
	Browser  []byte   `json:"b"` // see browser.BindingHash
	Client   string   `json:"c,omitempty"`
	Target   string   `json:"u,omitempty"`
	State    string   `json:"s,omitempty"`
	Sessions []string `json:"i"` // that the browser had, the current one first
}

func (l *logoutRequest) seal(s *Server, w http.ResponseWriter, r *http.Request, accounts []sessions.Account) string {
	bound := browser.BindingHash(browser.Binding(w, r))
	letter := logoutLetter{Started: time.Now().UnixMicro(), Browser: bound[:], Target: l.target, State: l.state}
	if l.client != nil {
		letter.Client = l.client.ClientID
	}
	for _, a := range accounts {
		letter.Sessions = append(letter.Sessions, a.ID)
	}
	plain, err := json.Marshal(letter)
	if err != nil {
		panic(err) // strings and numbers can always be written
	}
	return s.Secrets.Box(web.TenantOf(r.Context()).ID, secret.LogoutRequest).SealString(plain)
}

// openLogout opens the l parameter, for the browser alone that it was given to, as long as
// an authorization request can be begun anew.
func (s *Server) openLogout(r *http.Request, sealed string) (*logoutLetter, error) {
	plain, err := s.Secrets.Box(web.TenantOf(r.Context()).ID, secret.LogoutRequest).OpenString(sealed)
	l := &logoutLetter{}
	if err == nil {
		err = json.Unmarshal(plain, l)
	}
	switch {
	case err != nil:
		return nil, errors.New("does not open")
	case !storage.Within(time.UnixMicro(l.Started), time.Now(), s.LetterLifetime):
		return nil, errors.New("too old")
	case !browser.BeganHere(r, l.Browser):
		return nil, errors.New("of another browser")
	}
	return l, nil
}

// logoutConfirmed goes on when the page has asked and ended the session. A letter says
// only what was wanted: that the session has ended is seen, not believed.
func (s *Server) logoutConfirmed(w http.ResponseWriter, r *http.Request, l *logoutLetter, sealed string) error {
	ctx, t := r.Context(), web.TenantOf(r.Context())
	accounts, err := s.Sessions.ActingAndAll(r)
	if err != nil {
		return err
	}
	has := func(id string) bool {
		return slices.ContainsFunc(accounts, func(a sessions.Account) bool { return a.ID == id })
	}
	if len(l.Sessions) > 0 && has(l.Sessions[0]) {
		return s.askToSignOut(w, r, sealed)
	}
	req := &logoutRequest{state: l.State}
	if l.Client != "" {
		c, err := s.Clients.Enabled(ctx, t.ID, l.Client)
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return err
		}
		if err == nil {
			req.client = c
		}
	}
	if l.Target != "" && postLogoutFault(req.client, l.Target) == "" { // it may have been taken back
		req.target = l.Target
	}
	if err := s.revokeSessions(ctx, req.client, slices.DeleteFunc(l.Sessions, has)...); err != nil {
		return err
	}
	return s.signedOut(w, r, req)
}
