package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Credentials say whose doing the commands are: Token, or ClientID with ClientSecret.
type Credentials struct {
	// Token is an access token for the management API.
	Token string
	// ClientID and ClientSecret are those of a client that acts for itself.
	ClientID, ClientSecret string
}

// maxAnswer bounds an answer, in bytes.
const maxAnswer = 32 << 20

// renewBefore is how long before its end a token is not used any more.
const renewBefore = 10 * time.Second

// credentialError says that there is no token to be had.
type credentialError struct{ text string }

// Error implements error.
func (e *credentialError) Error() string { return e.text }

// noToken returns a credentialError.
func noToken(format string, args ...any) error { return &credentialError{fmt.Sprintf(format, args...)} }

// tokens has the access token of a client of the API.
type tokens struct {
	Credentials
	issuer, agent string
	http          *http.Client

	mu    sync.Mutex
	now   string
	until time.Time
}

// check returns an error unless there is one way to get a token.
func (t *tokens) check() error {
	switch {
	case t.Token != "" && t.ClientID != "":
		return errors.New("VOUCHSAFE_TOKEN and VOUCHSAFE_CLIENT_ID are both set: unset one")
	case t.Token == "" && t.ClientID == "":
		return errors.New("whose doing is it? Set VOUCHSAFE_CLIENT_ID and VOUCHSAFE_CLIENT_SECRET_FILE to those of a " +
			"service client, or VOUCHSAFE_TOKEN_FILE to a file with an access token of an administrator")
	case t.Token == "" && t.ClientSecret == "":
		return fmt.Errorf("the secret of client %s is missing: set VOUCHSAFE_CLIENT_SECRET_FILE to a file that has it, or "+
			"VOUCHSAFE_CLIENT_SECRET", t.ClientID)
	}
	return nil
}

// get returns an access token.
func (t *tokens) get(ctx context.Context) (string, error) {
	if t.Token != "" {
		return t.Token, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.now == "" || time.Until(t.until) < renewBefore {
		if err := t.fetch(ctx); err != nil {
			return "", err
		}
	}
	return t.now, nil
}

// renew forgets a token that the server refuses. It reports whether another one can be had.
func (t *tokens) renew() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now = ""
	return t.Token == ""
}

// fetch gets a token by the client's secret (RFC 6749 section 4.4).
func (t *tokens) fetch(ctx context.Context) error {
	endpoint, err := t.endpoint(ctx)
	if err != nil {
		return err
	}
	form := url.Values{"grant_type": {"client_credentials"}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(url.QueryEscape(t.ClientID), url.QueryEscape(t.ClientSecret)) // RFC 6749 section 2.3.1
	var answer struct {
		Token   string `json:"access_token"`
		Expires int64  `json:"expires_in"`
		Error   string `json:"error"`
		Why     string `json:"error_description"`
	}
	status, err := t.getJSON(r, &answer)
	switch {
	case err != nil:
		return err
	case answer.Error == "invalid_client":
		return noToken("%s doesn't know client %s with this secret: look at VOUCHSAFE_CLIENT_ID and "+
			"VOUCHSAFE_CLIENT_SECRET_FILE", t.issuer, t.ClientID)
	case answer.Error != "":
		return noToken("%s gives client %s no token: %s %s", t.issuer, t.ClientID, answer.Error, answer.Why)
	case status != http.StatusOK || answer.Token == "":
		return noToken("%s: the token endpoint answers %d, without a token", t.issuer, status)
	}
	t.now, t.until = answer.Token, time.Now().Add(time.Duration(answer.Expires)*time.Second)
	return nil
}

// endpoint returns the token endpoint of the issuer.
func (t *tokens) endpoint(ctx context.Context) (string, error) {
	issuer := t.issuer
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, issuer+"/.well-known/openid-configuration", nil)
	if err != nil {
		return "", err
	}
	var found struct {
		Issuer string `json:"issuer"`
		Token  string `json:"token_endpoint"`
	}
	status, err := t.getJSON(r, &found)
	switch {
	case err != nil:
		return "", err
	case status != http.StatusOK:
		return "", noToken("%s answers %d to discovery: is this the issuer?", issuer, status)
	case found.Issuer != issuer:
		return "", noToken("%s calls itself %q: write that after --server", issuer, found.Issuer)
	}
	// The secret goes where the issuer is.
	own, err1 := url.Parse(issuer)
	to, err2 := url.Parse(found.Token)
	if err := errors.Join(err1, err2); err != nil || to.Scheme != own.Scheme || to.Host != own.Host {
		return "", noToken("%s: its token endpoint is elsewhere, at %q", issuer, found.Token)
	}
	return found.Token, nil
}

// getJSON sends a request, and reads the answer into out.
func (t *tokens) getJSON(r *http.Request, out any) (status int, err error) {
	r.Header.Set("User-Agent", t.agent)
	resp, err := t.http.Do(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if location := resp.Header.Get("Location"); location != "" {
		return 0, noToken("%s leads elsewhere, to %.200q: write the issuer itself after --server", t.issuer, location)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(out); err != nil {
		return 0, noToken("%s answers %d, and not as a Vouchsafe server does: is this the issuer?", t.issuer,
			resp.StatusCode)
	}
	return resp.StatusCode, nil
}
