package token

import (
	"context"
	"crypto/rand"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/provider/mtls"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

// The token types of RFC 8693 section 3.
const (
	accessTokenType = "urn:ietf:params:oauth:token-type:access_token"
	jwtType         = "urn:ietf:params:oauth:token-type:jwt"
)

// maxActors bounds how many clients act for each other in one token: each makes it longer, and costs its check.
const maxActors = 4

// exchangeGrant gives a client an access token for another one (RFC 8693), with which the client acts for the same
// subject. It is always delegation: the claim act says who acts. The new token carries no more than the old one, and
// works no longer than all that it rests on.
type exchangeGrant struct {
	signer
	living  func(ctx context.Context, value string) (*tokens.Living, error)
	limits  *limit.Limiter
	observe func(ctx context.Context, e storage.Event)
}

// exchanged is the answer of the exchange (RFC 8693 section 2.2.1).
type exchanged struct {
	AccessToken     string `json:"access_token"`
	IssuedTokenType string `json:"issued_token_type"`
	TokenType       string `json:"token_type"`
	ExpiresIn       int64  `json:"expires_in"`
	Scope           string `json:"scope,omitempty"`
}

// exchangedOf returns an answer as the client reads it.
func exchangedOf(answer fosite.AccessResponder) exchanged {
	t := tokensOf(answer)
	issued, _ := answer.GetExtra("issued_token_type").(string)
	return exchanged{t.AccessToken, issued, t.TokenType, t.ExpiresIn, t.Scope}
}

// checkExchange refuses what no exchange does.
func checkExchange(form url.Values) error {
	wrong := func(description string) error { return fosite.ErrInvalidRequest.WithDescription(description) }
	isAccess := func(typ string) bool { return typ == accessTokenType || typ == jwtType }
	requested := form.Get("requested_token_type")
	switch {
	case !form.Has("subject_token") || !form.Has("subject_token_type"):
		return wrong("subject_token or subject_token_type is missing.")
	case !isAccess(form.Get("subject_token_type")) && form.Get("subject_token_type") != APIKeyType:
		return wrong("subject_token_type has to be " + accessTokenType + " or " + APIKeyType + ".")
	case oauth.IsAPIKey(form.Get("subject_token")) && form.Get("subject_token_type") != APIKeyType:
		return wrong("subject_token is an API key: send subject_token_type=" + APIKeyType + ".")
	case form.Has("actor_token") != form.Has("actor_token_type"):
		return wrong("Send actor_token and actor_token_type, or neither.")
	case form.Has("actor_token_type") && !isAccess(form.Get("actor_token_type")):
		return wrong("actor_token_type has to be " + accessTokenType + ".")
	case requested != "" && !isAccess(requested):
		return wrong("requested_token_type has to be " + accessTokenType + ".")
	}
	return nil
}

// check refuses an exchange that would give more than the subject's token has, or a token to a client for which that
// one was not meant. It spends nothing.
func (eg *exchangeGrant) check(ctx context.Context, q *tokenRequest) error {
	if q.client.Public() {
		return fosite.ErrUnauthorizedClient.WithDescription("A public client can't use this grant type. It needs a " +
			"client that authenticates.")
	}
	if err := checkExchange(q.form); err != nil {
		return err
	}
	subject, err := eg.present(ctx, q, "subject_token")
	if err != nil {
		return err
	}
	q.exchange = &exchange{subject: subject, actor: q.client.ClientID, origin: subject.Rests(), issued: accessTokenType,
		ends: subject.ExpiresAt}
	if !mayExchange(q.client, subject) {
		return unmeant(ctx, q.client.ClientID)
	}
	if err := eg.checkActor(ctx, q); err != nil {
		return err
	}
	if subject.Act.Depth() >= maxActors {
		return fosite.ErrInvalidRequest.WithDescription("Too many clients act for each other in subject_token.")
	}
	if err := narrowTo(q, subject); err != nil {
		return err
	}
	if q.form.Get("requested_token_type") == jwtType {
		if tokens.IsOpaque(q.tenant, q.client, q.scopes, q.audience) {
			return fosite.ErrInvalidRequest.WithDescription("Access tokens for this API are opaque: no JWT can be asked for.")
		}
		q.exchange.issued = jwtType
	}
	return eg.admit(ctx, q, subject.User)
}

// present returns the token of a parameter, if it works and its holder sends the request: one that is bound to a key
// needs a proof by that key. Otherwise a service that gets bound tokens could make tokens of them that are not.
func (eg *exchangeGrant) present(ctx context.Context, q *tokenRequest, parameter string) (*tokens.Living, error) {
	found, err := eg.living(ctx, q.form.Get(parameter))
	if errors.Is(err, fosite.ErrInactiveToken) {
		web.Note(ctx, "why", parameter+": "+errors.Unwrap(err).Error())
		return nil, fosite.ErrInvalidRequest.WithDescription(parameter + " doesn't work: it is unknown, expired or " +
			"revoked, or what it rests on has ended.")
	}
	if err != nil {
		return nil, err
	}
	switch key, certificate := found.Confirmation.Key(), found.Confirmation.Certificate(); {
	case certificate != "" && !mtls.Same(certificate, q.presented):
		return nil, fosite.ErrInvalidRequest.WithDescription(parameter + " is bound to a certificate that the request " +
			"doesn't present.")
	case key == "" || key == q.proof.JKT:
		if certificate != "" {
			q.x5t = certificate // the new token is bound to it, too
		}
		return found, nil
	case !q.proof.Given():
		return nil, oauth.ErrInvalidDPoPProof.WithDescription(parameter + " is bound to a key: send a DPoP proof by it.")
	}
	return nil, fosite.ErrInvalidRequest.WithDescription(parameter + " is bound to another key than that of the proof.")
}

// mayExchange reports whether the client may exchange the token: it is the client's own, is meant for it, or the client
// that got it says so (RFC 8693 section 4.4). API keys are shown to every service that takes them, and are exchanged
// without a client, too.
func mayExchange(c *storage.Client, subject *tokens.Living) bool {
	switch {
	case subject.IsKey || subject.ClientID == c.ClientID || slices.Contains(subject.Audience, c.ClientID):
		return true
	case subject.MayAct != nil && subject.MayAct.Subject != c.ClientID:
		return false
	}
	return slices.Contains(subject.Client.MayAct, c.ClientID)
}

// unmeant refuses a token that a client may not act with.
func unmeant(ctx context.Context, id string) error {
	web.Note(ctx, "why", "subject_token isn't meant for "+id)
	return fosite.ErrInvalidRequest.WithDescription("subject_token isn't meant for this client: it has to be in the aud " +
		"of the token, or in may_act of the client that got it.")
}

// checkActor reads actor_token, if there is one: the token that another client got for itself, which then is the one
// that acts.
func (eg *exchangeGrant) checkActor(ctx context.Context, q *tokenRequest) error {
	if !q.form.Has("actor_token") {
		return nil
	}
	actor, err := eg.present(ctx, q, "actor_token")
	if err != nil {
		return err
	}
	if actor.Act != nil || actor.IsKey || actor.KeyID != "" || !actor.OfClient() {
		return fosite.ErrInvalidRequest.WithDescription("actor_token has to be a token that a client got for itself, by " +
			"its own credentials.")
	}
	if !mayExchange(actor.Client, q.exchange.subject) {
		return unmeant(ctx, actor.ClientID)
	}
	if !mayExchange(q.client, actor) { // an API that was called by it may not say that it acted
		web.Note(ctx, "why", "actor_token isn't meant for "+q.client.ClientID)
		return fosite.ErrInvalidRequest.WithDescription("actor_token isn't meant for this client: it has to be in the aud " +
			"of the token, or in may_act of the client that got it.")
	}
	q.exchange.ends = min(q.exchange.ends, actor.ExpiresAt)
	q.exchange.actor, q.exchange.origin = actor.ClientID, q.exchange.origin.And(actor)
	return nil
}

// narrowTo settles the audience and the scopes: what the subject's token has, and the client may ask for there.
func narrowTo(q *tokenRequest, subject *tokens.Living) (err error) {
	t, c := q.tenant, q.client
	has, may := strings.Fields(subject.Scope), c.Scopes()
	scopes := slices.DeleteFunc(slices.Clone(has), func(s string) bool {
		return s == "offline_access" || !slices.Contains(may, s) || !t.Settings.AdmitsScope(c, s)
	})
	asked := strings.Fields(q.form.Get("scope"))
	for _, s := range asked {
		if !slices.Contains(scopes, s) {
			return fosite.ErrInvalidScope.WithDescription("A scope was asked for that subject_token doesn't have, or that " +
				"this client may not ask for.")
		}
	}
	if len(asked) > 0 {
		scopes = slices.Compact(slices.Sorted(slices.Values(asked)))
	}
	if q.audience, err = tokens.Resources(t, c, slices.Concat(q.form["resource"], q.form["audience"])); err != nil {
		return err
	}
	if len(q.audience) > 0 {
		scopes = tokens.ScopesAt(t, q.audience, scopes)
	}
	q.audience, q.scopes = tokens.Audience(t, c, q.audience), scopes
	for i := range t.Settings.APIs {
		// A token without a scope of the API would carry the subject to a place for which its own was not good.
		if a := &t.Settings.APIs[i]; slices.Contains(q.audience, a.Identifier) && len(a.Scopes) > 0 &&
			!slices.ContainsFunc(a.Scopes, func(s storage.APIScope) bool { return slices.Contains(scopes, s.Name) }) {
			return fosite.ErrInvalidScope.WithDescription("subject_token and this client have no scope of the API in common.")
		}
	}
	return nil
}

// refusedOften bounds how often it is put on record that a user may not use a client.
var refusedOften = limit.Rule{Name: "exchange-refused", Max: 1, Window: 15 * time.Minute}

// admit refuses a token for a user who may not use the client. What the user gave to other clients goes on.
func (eg *exchangeGrant) admit(ctx context.Context, q *tokenRequest, u *storage.User) error {
	if u == nil {
		return nil
	}
	if q.ask() != nil {
		var err error
		if *q.belonging, err = eg.tokens.Store.Belonging(ctx, q.tenant.ID, u.ID); err != nil {
			return err
		}
	}
	var groups []string
	if q.belonging != nil {
		groups = q.belonging.Groups
	}
	why := q.client.Allow.Refusal(u, groups)
	if why == "" {
		return nil
	}
	if _, ok := eg.limits.Allow(ctx, q.tenant.ID, web.RequestOf(ctx).IP, refusedOften, q.client.ClientID+u.ID); ok {
		e := storage.Event{
			TenantID: q.tenant.ID, Kind: storage.EventAccessRefused, Actor: q.client.ClientID, UserID: u.ID,
			ClientID: q.client.ClientID, Detail: map[string]string{"reason": why},
		}
		e.NameActor(q.exchange.subject.Grant.ActorID)
		eg.observe(ctx, e)
	}
	web.Note(ctx, "why", "the user may not use the client: "+why)
	return fosite.ErrInvalidRequest.WithDescription("The user of subject_token may not use this client.")
}

// issue signs the token. Nothing is stored but the use of the proof.
func (eg *exchangeGrant) issue(ctx context.Context, q *tokenRequest, answer fosite.AccessResponder) error {
	t, c, x := q.tenant, q.client, q.exchange
	keys, err := eg.fetchKeys(ctx, q, false)
	if err != nil {
		return err
	}
	subject, err := eg.subject(ctx, q)
	if err != nil {
		return err
	}
	subject.Names = keys.names
	all := &tokens.AccessClaims{
		Issuer: t.Issuer, Subject: x.subject.Subject, Audience: q.audience, ClientID: c.ClientID, JTI: rand.Text(),
		Scope: strings.Join(q.scopes, " "), IssuedAt: q.now.Unix(), Origin: x.origin,
		SID:      keys.names.Session(x.subject.Grant.SessionID),
		AuthTime: x.subject.AuthTime, ACR: x.subject.ACR, AMR: x.subject.AMR,
		Confirmation: q.bound(), MayAct: tokens.MayActOf(c),
	}
	if u := x.subject.User; u != nil {
		all.Subject = keys.names.User(u.ID)
	}
	life := eg.tokens.AccessTokenLifetime(t, c, q.scopes, q.audience)
	if x.subject.KeyID != "" {
		life = min(life, exchangedLife)
	}
	all.ExpiresAt = min(q.now.Add(life).Unix(), x.ends)
	before, err := x.subject.Act.Renamed(func(name string) (string, error) {
		id, err := eg.tokens.IDOf(ctx, t, name)
		return keys.names.User(id), err
	})
	if err != nil {
		return err
	}
	all.Act = tokens.ClientActor(x.actor, before)
	all.Given = subject.Give(claims.Ask{In: claims.InAccessToken, Scopes: q.scopes, Audience: q.audience})
	tokens.NoteTooLarge(ctx, subject)
	if err := eg.proofs.Spend(ctx, q.proof); err != nil {
		return err
	}
	access, err := eg.tokens.AccessToken(t, c, keys.access, all)
	if err != nil {
		return err
	}
	writeAccess(answer, access, all, q.scopes)
	answer.SetExtra("issued_token_type", x.issued)
	return nil
}

// subject returns what rules about claims read of the subject.
func (eg *exchangeGrant) subject(ctx context.Context, q *tokenRequest) (*claims.Subject, error) {
	s := &claims.Subject{Tenant: &q.tenant.Tenant, Client: q.client, User: q.exchange.subject.User}
	if s.User == nil {
		return s, eg.tokens.ReadClientRoles(ctx, s, q.exchange.subject.Subject)
	}
	s.Belonging = q.belonging
	return s, eg.tokens.ReadIdentities(ctx, s, s.User.ID)
}
