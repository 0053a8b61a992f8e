package login

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/internal/jws"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
)

// upstreamFields are how an app brings along who somebody is at another provider.
type upstreamFields struct {
	ProviderType string `json:"providerType" max:"64" doc:"local, which is the default, or the id of the upstream provider at which the user signed in, such as google or facebook." example:"local"`
	IDToken      string `json:"id_token" secret:"true" max:"16384" doc:"The upstream provider's ID token, from the provider's SDK: for one of the client ids in tenants.yaml, and at most ten minutes old. It works once."`
	AccessToken  string `json:"access_token" secret:"true" max:"4096" doc:"With Facebook, instead of id_token."`
	Nonce        string `json:"nonce" secret:"true" max:"255" doc:"The nonce with which the app requested id_token, if it sent one."`
}

func (f upstreamFields) elsewhere() bool { return f.ProviderType != "" && f.ProviderType != "local" }

var (
	upstreamRefused  = jsonapi.Outcome{Status: http.StatusUnprocessableEntity, Code: "upstream_refused", When: "the token is not the provider's, was made for another app, is too old, or was used before."}
	emailUnconfirmed = jsonapi.Outcome{Status: http.StatusConflict, Code: "email_unconfirmed", When: "the provider does not vouch for the address: call /auth/sign-up with a new token and the address, then /auth/confirm-email."}
	notAdmitted      = jsonapi.Outcome{Status: http.StatusForbidden, Code: "not_admitted", When: "the user has no linked account here, and may not get one."}
)

// fromUpstream finds or makes the account of whom the token is about. With once the token
// does not serve again.
func (s *Server) fromUpstream(a *asking, f upstreamFields, once bool) (*stranger, storage.User, error) {
	ctx, t := a.Context(), web.TenantOf(a.Context())
	p, err := s.upstream(t, f.ProviderType)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, storage.User{}, offered(false)
	}
	if err != nil {
		return nil, storage.User{}, err
	}
	if f.IDToken == "" && f.AccessToken == "" {
		return nil, storage.User{}, invalidf("id_token", "federated.token_missing")
	}
	right, err := s.AllowTrip(ctx, a.asker)
	if err != nil {
		return nil, storage.User{}, err
	}
	id, err := p.Vouch(ctx, upstream.Token{IDToken: f.IDToken, AccessToken: f.AccessToken, Nonce: f.Nonce})
	if err != nil {
		web.Note(ctx, "upstream", p.ID+": "+err.Error())
		return nil, storage.User{}, err
	}
	right(p.ID + "\x00" + id.Subject)
	if once && f.IDToken != "" { // Facebook's kit gives the same access token for weeks
		signed, err := jws.Signed(f.IDToken)
		if err != nil {
			return nil, storage.User{}, upstream.ErrRefused
		}
		sum := sha256.Sum256([]byte(signed))
		value := p.ID + "." + base64.RawURLEncoding.EncodeToString(sum[:])
		err = s.Store.Spend(ctx, storage.Spent{TenantID: t.ID, Purpose: "upstream-token", Value: value, ExpiresAt: time.Now().Add(time.Hour)})
		if errors.Is(err, storage.ErrExists) {
			return nil, storage.User{}, upstream.ErrRefused
		}
		if err != nil {
			return nil, storage.User{}, err
		}
	}
	who := &stranger{ID: secret.Token()[:22], Upstream: p.ID, Subject: id.Subject, Email: id.Email, AMR: id.AMR, Profile: id.Profile, Born: time.Now(), ProvenAt: id.ProvenAt}
	user, err := s.identify(a.Request, p, who, id)
	return who, user, err
}

// signUpFromUpstream makes an account, or sends the code that its address has to be
// confirmed by first.
func (s *Server) signUpFromUpstream(a *asking, in signUpCall) (flow string, err error) {
	who, _, err := s.fromUpstream(a, in.upstreamFields, false)
	if errors.Is(err, errProveEmail) {
		return s.sendStranger(a.Request, who, strings.TrimSpace(cmp.Or(in.Email, who.Email)))
	}
	return "", err
}

// confirmFromUpstream takes the code of somebody whom an app brought from a provider; nil
// when it is another code. What stands in a link is not taken: there is none in such mails.
func (s *Server) confirmFromUpstream(r *http.Request, pr proof) (*stranger, storage.User, error) {
	code, err := s.Store.Code(r.Context(), web.TenantOf(r.Context()).ID, pr.Flow, time.Now())
	if errors.Is(err, storage.ErrNotFound) || err == nil && code.Purpose != codeStranger {
		return nil, storage.User{}, nil
	}
	if err != nil {
		return nil, storage.User{}, err
	}
	var claim strangerClaim
	code, err = s.tryCode(r, codeStranger, proof{Flow: pr.Flow, Digits: pr.Digits}, &claim)
	if err != nil {
		return nil, storage.User{}, err
	}
	if len(claim.Stranger.Browser) > 0 { // it began at a page, and ends there
		return nil, storage.User{}, errWrongCode
	}
	user, err := s.confirmed(r, &claim.Stranger, claim, code)
	return &claim.Stranger, user, err
}

// strangerProblem gives what may come of a stranger its name.
func (s *Server) strangerProblem(r *http.Request, err error) error {
	say := s.words(r)
	name := func(o jsonapi.Outcome, text string) error {
		return &jsonapi.Problem{Status: o.Status, Code: o.Code, Detail: text}
	}
	switch {
	case errors.Is(err, upstream.ErrRefused):
		return name(upstreamRefused, say.Must("federated.refused_token"))
	case errors.Is(err, upstream.ErrUnreachable):
		return &web.Problem{Status: http.StatusServiceUnavailable, Message: "federated.unreachable_token", RetryAfter: 5 * time.Second}
	case errors.Is(err, errProveEmail):
		return name(emailUnconfirmed, say.Must("federated.email_title"))
	case errors.Is(err, errProveAccount):
		return name(accountExists, say.Must("federated.account_title"))
	case errors.Is(err, errNotAdmitted):
		return name(notAdmitted, say.Must("federated.closed_title"))
	}
	return err
}
