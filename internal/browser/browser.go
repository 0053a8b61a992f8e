// Package browser reads and writes the cookies that Vouchsafe gives to browsers: the sessions that
// a browser is signed in to, and the binding that ties an authorization request to it. Package
// sessions says what the first of them holds.
//
// A cookie never holds more than random values and MACs, or what is sealed; what a session means
// stands in storage.
package browser

import (
	"errors"
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/sessions"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Sessions is a sessions.Keeper for requests: a cookie has what the browser holds of its sessions.
type Sessions sessions.Keeper

func (s *Sessions) keeper() *sessions.Keeper { return (*sessions.Keeper)(s) }

// Current returns the account that the browser is signed in to. It returns storage.ErrNotFound if
// there is none, or if its session has ended.
func (s *Sessions) Current(r *http.Request) (sessions.Account, error) {
	return s.keeper().Current(r.Context(), web.TenantOf(r.Context()).ID, Held(r))
}

// All returns the accounts that the browser is signed in to, the current one first.
func (s *Sessions) All(r *http.Request) ([]sessions.Account, error) {
	return s.keeper().All(r.Context(), web.TenantOf(r.Context()).ID, Held(r))
}

// Acting returns the account that an administrator uses in the browser in the place of its user. It returns
// storage.ErrNotFound if there is none: without a read if the browser holds none, or if the tenant does not let its
// administrators do that. Current and All never return such an account.
func (s *Sessions) Acting(r *http.Request) (sessions.Account, error) {
	t := web.TenantOf(r.Context())
	acting := Cookie(r, actingCookie)
	if acting == "" || !t.Settings.SignInAs.Enabled {
		return sessions.Account{}, storage.ErrNotFound
	}
	return s.keeper().Acting(r.Context(), t.ID, Held(r), acting)
}

// ActingOrCurrent is Acting, and Current without such an account.
func (s *Sessions) ActingOrCurrent(r *http.Request) (sessions.Account, error) {
	a, err := s.Acting(r)
	if errors.Is(err, storage.ErrNotFound) {
		return s.Current(r)
	}
	return a, err
}

// ActingAndAll is All, with the account that Acting returns before it.
func (s *Sessions) ActingAndAll(r *http.Request) ([]sessions.Account, error) {
	all, err := s.All(r)
	if err != nil {
		return nil, err
	}
	a, err := s.Acting(r)
	if errors.Is(err, storage.ErrNotFound) {
		return all, nil
	}
	return append([]sessions.Account{a}, all...), err
}

// HoldsActing reports whether the browser holds what may be a session of Acting.
func HoldsActing(r *http.Request) bool { return Cookie(r, actingCookie) != "" }

// HoldActing gives the browser the value of a session that BeginActing began, for as long as the session lasts, and a
// new binding.
func (s *Sessions) HoldActing(w http.ResponseWriter, r *http.Request, value string, until time.Time) {
	SetCookie(w, r, actingCookie, value, time.Until(until))
	renewBinding(w, r)
}

// ForgetActing takes the value from a browser whose session of that kind lives no longer.
func (s *Sessions) ForgetActing(w http.ResponseWriter, r *http.Request) {
	SetCookie(w, r, actingCookie, "", 0)
}

// EndActing ends the session of an account that Acting returned. See sessions.Keeper.EndActing.
func (s *Sessions) EndActing(
	w http.ResponseWriter, r *http.Request, a sessions.Account, why string, event audit.By,
) error {
	if err := s.keeper().EndActing(r.Context(), a.Session, why, event); err != nil {
		return err
	}
	s.ForgetActing(w, r)
	renewBinding(w, r)
	return nil
}

// Choose makes the session the current one, as the user's choice. It returns storage.ErrNotFound if
// the browser does not have the session.
func (s *Sessions) Choose(w http.ResponseWriter, r *http.Request, id string) error {
	held, err := s.keeper().Choose(r.Context(), web.TenantOf(r.Context()).ID, Held(r), id)
	if err == nil {
		s.write(w, r, held)
	}
	return err
}

// Prefer makes the session the current one without recording a choice by the user, because what
// follows concerns that session. It does nothing if the browser does not have the session.
func (s *Sessions) Prefer(w http.ResponseWriter, r *http.Request, id string) {
	was := Held(r)
	if held := s.keeper().Prefer(was, id); held != was {
		s.write(w, r, held)
	}
}

// End ends sessions in storage and takes them out of the cookie. See sessions.Keeper.End.
func (s *Sessions) End(w http.ResponseWriter, r *http.Request,
	also func(sessions.Account, *storage.Change), ids ...string,
) error {
	left, ended, err := s.keeper().End(r.Context(), web.TenantOf(r.Context()).ID, Held(r), also, ids...)
	if err != nil {
		return err
	}
	s.write(w, r, left)
	if ended {
		renewBinding(w, r)
	}
	return nil
}

// Held returns what the request's browser holds of its sessions; see package sessions.
func Held(r *http.Request) string { return Cookie(r, sessionCookie) }

// Hold gives the browser what it must hold of its sessions after a proof, and a new binding.
func (s *Sessions) Hold(w http.ResponseWriter, r *http.Request, held string) {
	s.write(w, r, held)
	renewBinding(w, r)
}

const (
	sessionCookie = "session"
	actingCookie  = "acting"
)

func (s *Sessions) write(w http.ResponseWriter, r *http.Request, held string) {
	age := int(s.Lifetime / time.Second)
	if held == "" {
		age = -1
	}
	setCookie(w, web.TenantOf(r.Context()), sessionCookie, held, age)
}

// Cookie returns the value of a cookie that SetCookie set, or "" if there is none.
func Cookie(r *http.Request, name string) string {
	c, err := r.Cookie(cookieName(web.TenantOf(r.Context()), name))
	if err != nil {
		return ""
	}
	return c.Value
}

// SetCookie sets a cookie of Vouchsafe's that lasts for age. It deletes the cookie if age is zero
// or less.
func SetCookie(w http.ResponseWriter, r *http.Request, name, value string, age time.Duration) {
	seconds := int(age / time.Second)
	if seconds <= 0 {
		value, seconds = "", -1
	}
	setCookie(w, web.TenantOf(r.Context()), name, value, seconds)
}

// cookieName returns the name of a cookie at the tenant: __Host-vouchsafe-NAME on https. Tenants
// whose issuers differ only in their path share a host, and __Host- demands Path=/, so that the
// name of the cookie contains the tenant's id.
func cookieName(t *issuer.Tenant, name string) string {
	name = "vouchsafe-" + name
	if t.Path != "" {
		name += "-" + t.ID
	}
	if t.Secure {
		name = "__Host-" + name
	}
	return name
}

// setCookie sets a cookie that scripts cannot read, and that browsers do not send with forms on
// other sites. maxAge is in seconds: 0 keeps the cookie until the browser is closed, below 0
// deletes it.
func setCookie(w http.ResponseWriter, t *issuer.Tenant, name, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: cookieName(t, name), Value: value, Path: "/", MaxAge: maxAge,
		Secure: t.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}
