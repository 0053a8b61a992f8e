package relay

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// Tokens gets access tokens for a mail server by the client credentials grant (RFC 6749 section
// 4.4), and uses each until it expires.
type Tokens struct {
	conf   clientcredentials.Config
	client *http.Client

	mu  sync.Mutex
	now *oauth2.Token
}

// NewTokens returns Tokens that come from the token endpoint at url, for the client with that id
// and secret.
func NewTokens(client *http.Client, url, id, secret string, scopes ...string) *Tokens {
	return &Tokens{conf: clientcredentials.Config{ClientID: id, ClientSecret: secret, TokenURL: url, Scopes: scopes},
		client: client}
}

// get returns an access token that has not expired.
func (t *Tokens) get(ctx context.Context) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.now.Valid() {
		fresh, err := t.conf.Token(context.WithValue(ctx, oauth2.HTTPClient, t.client))
		if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
			return "", fmt.Errorf("the access token for the mail server: %s, %q", refused.Response.Status, refused.ErrorCode)
		}
		if err != nil {
			return "", fmt.Errorf("the access token for the mail server: %w", err)
		}
		t.now = fresh
	}
	return t.now.AccessToken, nil
}

// forget drops the access token after the server has refused it. get requests another one.
func (t *Tokens) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now = nil
}
