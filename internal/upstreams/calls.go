package upstreams

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/oauth2"

	"github.com/vouchsafe/vouchsafe/people/upstream"
)

// AuthURL returns where to send the browser. Its error is upstream.ErrUnreachable or
// upstream.ErrRefused.
func (c *Caller) AuthURL(ctx context.Context, p *upstream.Provider, r upstream.Request) (string, error) {
	return c.to(p).AuthURL(ctx, r)
}

// Identify redeems what came back for r, and returns whose account it is at the provider. Its
// error is upstream.ErrDenied, upstream.ErrUnreachable or upstream.ErrRefused.
func (c *Caller) Identify(
	ctx context.Context, p *upstream.Provider, r upstream.Request, a upstream.Answer,
) (upstream.Identity, error) {
	return c.to(p).Identify(ctx, r, a)
}

// Vouch returns whose token it is. A token that was made for another app is refused: the app's
// operator could sign in here as any of its users. The caller lets a token serve once. Its error is
// upstream.ErrUnreachable or upstream.ErrRefused.
func (c *Caller) Vouch(ctx context.Context, p *upstream.Provider, t upstream.Token) (upstream.Identity, error) {
	return c.to(p).Vouch(ctx, t)
}

// AuthURL is Caller.AuthURL for the provider. A provider with OpenID Connect gets a nonce, and for a fresh sign-in
// max_age=0, too.
func (p *provider) AuthURL(ctx context.Context, r upstream.Request) (string, error) {
	ctx, done, err := p.begin(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	conf, found, err := p.config(ctx, r)
	if err != nil {
		return "", err
	}
	return p.authURL(conf, found, r), nil
}

// authURL returns the authorization request. found is nil for a provider without OpenID.
func (p *provider) authURL(conf *oauth2.Config, found *discovery, r upstream.Request) string {
	opts := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(r.Verifier)}
	set := func(name, value string) { opts = append(opts, oauth2.SetAuthURLParam(name, value)) }
	if found != nil {
		set("nonce", r.Nonce)
	}
	if p.Kind.FormPost {
		set("response_mode", "form_post")
	}
	if r.LoginHint != "" && found != nil {
		set("login_hint", r.LoginHint)
	}
	if r.Fresh {
		for name, value := range p.Kind.Fresh {
			set(name, value)
		}
		if found != nil { // which obliges it to say when that was (OIDC Core 3.1.2.1)
			set("max_age", "0")
		}
	}
	if p.Kind.Hosted && len(p.Domains) == 1 {
		set("hd", p.Domains[0])
	}
	return conf.AuthCodeURL(r.State, opts...)
}

// Identify is Caller.Identify for the provider. An address counts as verified only if the tenant does not distrust the
// provider.
func (p *provider) Identify(ctx context.Context, r upstream.Request, a upstream.Answer) (upstream.Identity, error) {
	ctx, done, err := p.begin(ctx)
	if err != nil {
		return upstream.Identity{}, err
	}
	defer done()
	conf, found, err := p.config(ctx, r)
	if err != nil {
		return upstream.Identity{}, err
	}
	if err := p.checkIssuer(a.Iss, found); err != nil {
		return upstream.Identity{}, err
	}
	if a.Error != "" {
		if slices.Contains([]string{"access_denied", "user_cancelled_authorize", "user_cancelled_login"}, a.Error) {
			return upstream.Identity{}, upstream.ErrDenied
		}
		return upstream.Identity{}, fmt.Errorf("%w: error %.40q", upstream.ErrUnreachable, a.Error)
	}
	if a.Code == "" {
		return upstream.Identity{}, refused("neither code nor error")
	}
	var opts []oauth2.AuthCodeOption
	if r.Verifier != "" {
		opts = append(opts, oauth2.VerifierOption(r.Verifier))
	}
	token, err := conf.Exchange(ctx, a.Code, opts...)
	if err != nil {
		return upstream.Identity{}, exchangeError(err)
	}
	var id upstream.Identity
	if found != nil {
		id, err = p.openID(ctx, r, found, token)
	} else {
		id, err = apis[p.Preset].identify(ctx, p, token)
	}
	if err != nil {
		return upstream.Identity{}, err
	}
	if p.Preset == "apple" {
		appleUser(&id, a)
	}
	if !usable(id.Subject) {
		return upstream.Identity{}, refused("no usable subject")
	}
	if p.DistrustEmail || id.Email == "" {
		id.EmailVerified = false
	}
	return id, nil
}

// config returns what x/oauth2 needs to know, and what was discovered; nil for a provider without
// OpenID.
func (p *provider) config(ctx context.Context, r upstream.Request) (*oauth2.Config, *discovery, error) {
	if !p.Kind.OpenID {
		conf, err := p.configOf(nil, r)
		return conf, nil, err
	}
	found, err := p.caller.found.get(ctx, p.Issuer, p.Kind.Templated)
	if err != nil {
		return nil, nil, err
	}
	conf, err := p.configOf(found, r)
	return conf, found, err
}

// configOf is config for what was discovered; nil for a provider without OpenID.
func (p *provider) configOf(found *discovery, r upstream.Request) (_ *oauth2.Config, err error) {
	conf := &oauth2.Config{ClientID: p.ClientID, ClientSecret: p.Secret, RedirectURL: r.RedirectURI, Scopes: p.Scopes}
	if found == nil {
		conf.Endpoint = apis[p.Preset].endpoint(p.Issuer)
		return conf, nil
	}
	conf.Endpoint = found.endpoint()
	if p.Kind.SecretIsKey {
		if conf.ClientSecret, err = appleSecret(p, time.Now()); err != nil {
			return nil, err
		}
		conf.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	return conf, nil
}

// checkIssuer refuses an answer whose iss is not the provider that was asked (RFC 9207 section 2.4):
// another provider's answer must not be redeemed here.
func (p *provider) checkIssuer(iss string, found *discovery) error {
	want := p.Kind.AnswersAs
	if found != nil {
		want = found.issuer
		if iss == "" && found.sendsIssuer {
			return refused("the answer names no issuer")
		}
		if found.templated() && iss != "" && found.matches(iss) {
			return nil
		}
	}
	if iss != "" && iss != want {
		return refused("the answer is another issuer's")
	}
	return nil
}
