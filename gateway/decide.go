package gateway

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/gateway/rules"
	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

// decide finds the rule and the caller. It returns nil if the request may pass.
func (x *exchange) decide() (*refusal, error) {
	if x.asked.Host != issuerHost(x.t) { // no app may share a host with the sessions of users
		x.rule = x.s.Rules.Match(x.asked)
	}
	switch {
	case x.rule == nil:
		return &refusal{status: http.StatusForbidden, message: "gateway.no_rule",
			program: "No rule lets the request pass."}, nil
	case x.isForged():
		return &refusal{status: http.StatusForbidden, message: "gateway.ambiguous",
			program: "The request has a header that only the gateway may write."}, nil
	case x.overridesMethod():
		return &refusal{status: http.StatusForbidden, message: "gateway.ambiguous",
			program: "The request names a second method in a header. The gateway can't tell which one the app takes."}, nil
	}
	web.Note(x.r.Context(), "rule", x.rule.Name)
	if x.rule.Public {
		return nil, nil
	}
	v, err := x.identify()
	if v != nil || err != nil {
		return v, err
	}
	if v := x.demands(); v != nil {
		return v, nil
	}
	return x.throttle(), nil
}

// identify finds out who asks: by an access token or an API key if the rule takes any and one is there, or else by the
// cookie.
func (x *exchange) identify() (*refusal, error) {
	if x.rule.TakesBearers() && x.bringsBearer() {
		return x.identifyBearer()
	}
	who, err := x.session()
	if errors.Is(err, storage.ErrNotFound) {
		v := &refusal{status: http.StatusUnauthorized, message: "gateway.sign_in", signIn: true,
			program: "Sign in first."}
		v.secondFactor, v.maxAge = x.rule.SecondFactor, time.Duration(x.rule.MaxAge)
		if x.rule.TakesBearers() {
			v.challenge = "none"
		}
		return v, nil
	}
	x.who = who
	return nil, err
}

// bringsBearer reports whether the request brings an access token or an API key. Other schemes are the app's own, and a
// browser that sends one has its cookie beside it.
func (x *exchange) bringsBearer() bool {
	return slices.ContainsFunc(x.r.Header["Authorization"], func(v string) bool {
		scheme, _, _ := strings.Cut(v, " ")
		return strings.EqualFold(scheme, "Bearer") || strings.EqualFold(scheme, "DPoP")
	})
}

// byProof reports whether the request brings an access token that is bound to a key, with a proof of possession.
func (x *exchange) byProof() bool {
	return slices.ContainsFunc(x.r.Header["Authorization"], func(v string) bool {
		scheme, _, _ := strings.Cut(v, " ")
		return strings.EqualFold(scheme, "DPoP")
	})
}

// identifyBearer finds out who asks by an access token or an API key. Tokens that are bound to a key are refused: a
// check doesn't see the whole request that the proof is about, and a token without its proof may be stolen.
func (x *exchange) identifyBearer() (*refusal, error) {
	refused := func(program string) (*refusal, error) {
		return &refusal{status: http.StatusUnauthorized, message: "gateway.sign_in", challenge: "invalid_token",
			program: program}, nil
	}
	if x.byProof() {
		return refused("Access tokens that are bound to a key (DPoP) aren't accepted here. Get one without a proof.")
	}
	b, err := x.s.Protocol.Bearer(x.r)
	var p *web.Problem
	switch {
	case errors.As(err, &p) && p.Status < 500 && p.Status != http.StatusTooManyRequests:
		return refused(p.Program)
	case err != nil:
		return nil, err
	case b.Key != nil && !x.rule.APIKeys:
		return refused("No API key is accepted here. Get an access token for it.")
	case b.Key == nil && (x.rule.Audience == "" || !slices.Contains(b.Audience, x.rule.Audience)):
		return refused("The access token is for another API.")
	}
	x.who, err = x.s.bearerOf(x.r.Context(), x.t.ID, b, x.rule)
	return nil, err
}

// demands compares the caller with what the rule demands.
func (x *exchange) demands() *refusal {
	who, rule := x.who, x.rule
	forbidden := func(program string) *refusal {
		return &refusal{status: http.StatusForbidden, message: "gateway.no_access", program: program}
	}
	if who.token {
		for _, scope := range rule.Scopes {
			if !slices.Contains(who.scopes, scope) {
				v := forbidden("The access token doesn't have the scope " + scope + ".")
				v.challenge = "insufficient_scope"
				return v
			}
		}
	}
	if len(rule.Groups) > 0 && !slices.ContainsFunc(who.belonging.Groups, func(g string) bool {
		return slices.Contains(rule.Groups, g)
	}) {
		return forbidden("The user is in none of the groups.")
	}
	if len(rule.Roles) > 0 && !slices.ContainsFunc(who.belonging.Roles, func(have storage.RoleName) bool {
		return slices.Contains(rule.Roles, rules.Role{Client: have.Client, API: have.API, Role: have.Name})
	}) {
		return forbidden("The user has none of the roles.")
	}
	// A stronger or younger sign-in comes last: it would be in vain for a user who may not pass anyway.
	old := rule.MaxAge > 0 && time.Since(who.authTime) > time.Duration(rule.MaxAge)
	weak := rule.SecondFactor && !storage.ReachesACR(who.acr, storage.ACRMultiFactor)
	if !old && !weak {
		return nil
	}
	v := &refusal{status: http.StatusUnauthorized, message: "gateway.sign_in_again", signIn: !who.token,
		secondFactor: rule.SecondFactor, maxAge: time.Duration(rule.MaxAge),
		program: "The user must sign in again, as the rule of the gateway demands."}
	if who.token {
		v.challenge = "insufficient_user_authentication" // RFC 9470 section 3
	}
	return v
}

// throttle counts the request, if the rule bounds how many one user sends.
func (x *exchange) throttle() *refusal {
	if x.rule.Limit.Max == 0 {
		return nil
	}
	most, window := x.rule.Limit.Max, x.rule.Limit.Window
	pass, wait, ok := x.s.Limits.Admit(x.r.Context(), x.t.ID, "", limit.By{
		Rule:    limit.Rule{Name: "gateway", Max: most, Window: window},
		Subject: x.rule.Name + "\x00" + x.who.key, Look: x.page,
	})
	left := int64(0)
	if ok {
		left = max(0, most-pass.Count(0))
	}
	h := x.w.Header()
	// draft-ietf-httpapi-ratelimit-headers-10
	h["Ratelimit-Policy"] = []string{`"user";q=` + strconv.FormatInt(most, 10) + ";w=" +
		strconv.Itoa(int(window.Seconds()))}
	state := `"user";r=` + strconv.FormatInt(left, 10)
	if !ok {
		state += ";t=" + web.RetryAfter(wait)
	}
	h["Ratelimit"] = []string{state}
	if ok {
		return nil
	}
	return &refusal{status: http.StatusTooManyRequests, message: "gateway.too_many", wait: wait,
		program: "The user has sent too many requests."}
}

// refuse answers a request that does not pass.
func (x *exchange) refuse(v *refusal) error {
	ctx := x.r.Context()
	if v.signIn && !x.bare && x.navigates() {
		return x.depart(v)
	}
	if x.who != nil && x.who.user != nil {
		web.Note(ctx, "user", x.who.user.ID)
		if v.status == http.StatusForbidden {
			x.record()
		}
	}
	if v.challenge != "" {
		x.challenge(v)
	}
	p := &web.Problem{Status: v.status, Elsewhere: true, Message: v.message, Program: v.program, RetryAfter: v.wait,
		Code: map[int]string{http.StatusForbidden: "access_denied", http.StatusUnauthorized: "login_required"}[v.status]}
	if x.who != nil && x.who.user != nil && !x.who.token && v.status == http.StatusForbidden {
		p.OtherAccount = otherPath
		if len(x.target) <= maxBack {
			p.OtherAccount += "?" + url.Values{"back": {x.target}}.Encode()
		}
	}
	return p
}

// challenge sets the header that tells a program how to authenticate (RFC 6750 section 3).
func (x *exchange) challenge(v *refusal) {
	line := `Bearer realm="` + x.t.Issuer + `"`
	if v.challenge != "none" {
		line += `, error="` + v.challenge + `"`
	}
	if v.challenge == "insufficient_scope" {
		line += `, scope="` + strings.Join(x.rule.Scopes, " ") + `"`
	}
	if v.challenge == "insufficient_user_authentication" {
		if v.secondFactor {
			line += `, acr_values="` + storage.ACRMultiFactor + `"`
		}
		if v.maxAge > 0 {
			line += `, max_age="` + strconv.Itoa(int(v.maxAge.Seconds())) + `"`
		}
	}
	x.w.Header()["Www-Authenticate"] = []string{line}
}
