package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// authSessionLife is how long an auth_session is valid: as long as browsers keep a cookie.
const authSessionLife = 400 * 24 * time.Hour

// authSession is what an app keeps in place of cookies, sealed, and sends with its next request
// (draft-ietf-oauth-first-party-apps-04 section 5.3.1). It tells guesses at this copy of the app from those of
// strangers, and records the steps of a sign-in that are done. It proves no more than those cookies do, and is
// valid only for the client that it was issued to.
type authSession struct {
	ClientID string `json:"c"`
	IssuedAt int64  `json:"t"` // Unix time
	ID       string `json:"i"` // random: attempts are counted by it, so that other users' attempts do not count here
	people.Kept
	// Cookies are what former releases stored in the place of Kept, by name. They are read until the
	// last such session is older than authSessionLife.
	Cookies map[string]string `json:"k,omitempty"`
	// Request and Flow belong to the authorization challenge endpoint: the parameters of the request,
	// and the flow of the code that was sent to the user.
	Request url.Values `json:"r,omitempty"`
	Flow    string     `json:"f,omitempty"`
}

// badSession returns the problem wrongSession with a detail.
func badSession(detail string) error {
	return &jsonapi.Problem{Status: wrongSession.Status, Code: wrongSession.Code, Detail: detail}
}

// openAuthSession opens the auth_session that the app sent, or returns a new one if sealed is "". It returns
// errBadSession if it was issued to another client or is too old.
func (s *Server) openAuthSession(r *http.Request, app storage.Client, sealed string) (*authSession, error) {
	if sealed == "" {
		return &authSession{ClientID: app.ClientID, ID: secret.Token()}, nil
	}
	kept, err := s.readAuthSession(r, sealed)
	if err == nil && kept.ClientID != app.ClientID {
		err = errBadSession
	}
	return kept, err
}

var errBadSession = badSession("auth_session has expired, or wasn't issued to this client.")

// readAuthSession is openAuthSession for an auth_session of any client.
func (s *Server) readAuthSession(r *http.Request, sealed string) (*authSession, error) {
	plain, err := s.Secrets.Box(web.TenantOf(r.Context()).ID, secret.AuthSession).OpenString(sealed)
	kept := &authSession{}
	if err != nil || json.Unmarshal(plain, kept) != nil ||
		!storage.Within(time.Unix(kept.IssuedAt, 0), time.Now(), authSessionLife) {
		return nil, errBadSession
	}
	kept.takeCookies()
	return kept, nil
}

// takeCookies moves what a former release stored to Kept.
func (k *authSession) takeCookies() {
	for name, value := range k.Cookies {
		switch name := strings.TrimPrefix(name, "__Host-"); {
		case strings.HasPrefix(name, "vouchsafe-device"):
			k.Known = value
		case strings.HasPrefix(name, "vouchsafe-remembered"):
			k.Remembered = value
		}
	}
	k.Cookies = nil
}

// seal returns the session as the app keeps it.
func (k *authSession) seal(s *Server, r *http.Request) (string, error) {
	k.IssuedAt = time.Now().Unix()
	plain, err := json.Marshal(k)
	if err != nil {
		return "", fmt.Errorf("auth session: %w", err)
	}
	return s.Secrets.Box(web.TenantOf(r.Context()).ID, secret.AuthSession).SealString(plain), nil
}

// authSessionField is part of the input of calls that count wrong guesses at a user's secrets.
type authSessionField struct {
	AuthSession string `json:"auth_session" secret:"true" max:"8192" doc:"The auth_session of the last response. It identifies this copy of the app, so that strangers' guesses cannot lock its user out."`
}

// session returns the auth_session of the input.
func (f authSessionField) session() string { return f.AuthSession }
