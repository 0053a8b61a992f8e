package upstreams

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/oauth2"

	"github.com/vouchsafe/vouchsafe/people/upstream"
)

const (
	// patience bounds all calls of one half of a round trip together.
	patience = 8 * time.Second
	// maxCalls bounds the users that wait for providers at one time.
	maxCalls = 128
	// maxTrials bounds the trials at one time. They take no place of the users that sign in.
	maxTrials = 4
)

// Caller calls the upstream providers of all tenants.
type Caller struct {
	http   *http.Client
	found  discoveries
	slots  chan struct{}
	trials chan struct{}
}

// New returns a Caller that uses the given client, one of internal/outbound.
func New(c *http.Client) *Caller {
	return &Caller{http: c, found: discoveries{http: c},
		slots: make(chan struct{}, maxCalls), trials: make(chan struct{}, maxTrials)}
}

// provider is a provider with what calls it.
type provider struct {
	*upstream.Provider
	caller *Caller
}

// to returns the provider with the clients and caches by which it is asked.
func (c *Caller) to(p *upstream.Provider) *provider { return &provider{p, c} }

// begin bounds what follows in time and number.
func (p *provider) begin(ctx context.Context) (context.Context, func(), error) {
	ctx, cancel := context.WithTimeout(context.WithValue(ctx, oauth2.HTTPClient, p.caller.http), patience)
	select {
	case p.caller.slots <- struct{}{}:
		return ctx, func() { <-p.caller.slots; cancel() }, nil
	default:
		cancel()
		return nil, nil, fmt.Errorf("%w: too many wait for providers", upstream.ErrUnreachable)
	}
}

// usable reports whether the subject can be told from every other: what JSON or a database cannot
// hold is replaced by one and the same character.
func usable(subject string) bool {
	return subject != "" && len(subject) <= 255 && !strings.ContainsFunc(subject, func(r rune) bool {
		return unicode.IsControl(r) || r == utf8.RuneError
	})
}
