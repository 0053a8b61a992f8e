package login

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

// authSessionLife is as long as browsers keep a cookie, in whose place it stands.
const authSessionLife = 400 * 24 * time.Hour

// authSession is what an app keeps in place of cookies, sealed, and sends with its next
// request (draft-ietf-oauth-first-party-apps-04 section 5.3.1): from which its owner's
// guesses are told from strangers', and how far a sign-in has come. It proves no more
// than those cookies do, and only for the client that it was given to.
type authSession struct {
	ClientID string            `json:"c"`
	IssuedAt int64             `json:"t"` // Unix time
	ID       string            `json:"i"` // random: what is asked of its holder is asked of nobody else
	Cookies  map[string]string `json:"k,omitempty"`
	// Pending is a first proof that waits for a second.
	Pending *pendingProof `json:"p,omitempty"`
	// Request and Flow are of the authorization challenge endpoint: what is asked for, and
	// the code that was sent.
	Request url.Values `json:"r,omitempty"`
	Flow    string     `json:"f,omitempty"`
}

// pendingProof is what pending is for browsers.
type pendingProof struct {
	ID      string   `json:"i"`
	UserID  string   `json:"u"`
	Version int64    `json:"v"` // of the person's credentials
	AMR     []string `json:"m"`
	At      int64    `json:"t"` // Unix time
}

func badSession(detail string) error {
	return &jsonapi.Problem{Status: wrongSession.Status, Code: wrongSession.Code, Detail: detail}
}

// openAuthSession opens what the app kept; a new one when it kept nothing.
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

var errBadSession = badSession("auth_session is not one that this client was given, or it is too old.")

func (s *Server) readAuthSession(r *http.Request, sealed string) (*authSession, error) {
	plain, err := s.Secrets.Box(web.TenantOf(r.Context()).ID, secret.AuthSession).OpenString(sealed)
	kept := &authSession{}
	if err != nil || json.Unmarshal(plain, kept) != nil || !storage.Within(time.Unix(kept.IssuedAt, 0), time.Now(), authSessionLife) {
		return nil, errBadSession
	}
	return kept, nil
}

// seal is the session as the app keeps it.
func (k *authSession) seal(s *Server, r *http.Request) (string, error) {
	k.IssuedAt = time.Now().Unix()
	plain, err := json.Marshal(k)
	if err != nil {
		return "", fmt.Errorf("auth session: %w", err)
	}
	return s.Secrets.Box(web.TenantOf(r.Context()).ID, secret.AuthSession).SealString(plain), nil
}

// in is the request with the cookies that are kept in place of its own.
func (k *authSession) in(r *http.Request) *http.Request {
	r = r.Clone(r.Context())
	r.Header.Del("Cookie")
	for name, value := range k.Cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	return r
}

// keep takes the cookies that do sets.
func (k *authSession) keep(do func(w http.ResponseWriter)) {
	w := cookieJar{}
	do(w)
	for _, c := range (&http.Response{Header: http.Header(w)}).Cookies() {
		if k.Cookies == nil {
			k.Cookies = map[string]string{}
		}
		if k.Cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(k.Cookies, c.Name)
		}
	}
}

// cookieJar is an answer of which the headers alone matter.
type cookieJar http.Header

func (j cookieJar) Header() http.Header         { return http.Header(j) }
func (j cookieJar) Write(b []byte) (int, error) { return len(b), nil }
func (j cookieJar) WriteHeader(int)             {}
