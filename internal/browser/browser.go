// Package browser keeps what a browser carries for Vouchsafe: the cookie of its
// sessions, and the cookie that binds an authorization request to it. Pages start
// and end sessions here; the protocol reads them.
package browser

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

// maxSessions bounds the accounts that one browser can be signed in to at a tenant.
const maxSessions = 5

// Sessions reads and writes the sessions of a browser. A browser may be signed in
// to several accounts of a tenant; the first in its cookie is the current one.
type Sessions struct {
	Store storage.Sessions
	// Idle ends a session that was not used for so long.
	Idle time.Duration
	// Lifetime ends a session however much it is used.
	Lifetime time.Duration
}

// Account is a session with its person.
type Account struct {
	storage.Session
	User storage.User
}

// Current is the account the browser is signed in to; storage.ErrNotFound when it is
// signed in to none, or no longer. One read; a write now and then, to keep it alive.
func (s *Sessions) Current(r *http.Request) (Account, error) {
	tokens := s.tokens(r)
	if len(tokens) == 0 {
		return Account{}, storage.ErrNotFound
	}
	return s.account(r.Context(), web.TenantOf(r.Context()).ID, tokens[0])
}

// All are the accounts the browser is signed in to, the current one first.
func (s *Sessions) All(r *http.Request) ([]Account, error) {
	var all []Account
	for _, tok := range s.tokens(r) {
		a, err := s.account(r.Context(), web.TenantOf(r.Context()).ID, tok)
		if errors.Is(err, storage.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

func (s *Sessions) account(ctx context.Context, tenant string, tok token) (Account, error) {
	now := time.Now()
	sess, user, err := s.Store.Session(ctx, tenant, tok.id, now)
	if err != nil {
		return Account{}, err
	}
	hash := sha256.Sum256([]byte(tok.secret))
	if subtle.ConstantTimeCompare(hash[:], sess.SecretHash) != 1 || now.Sub(sess.SeenAt) > s.Idle {
		return Account{}, storage.ErrNotFound
	}
	// Noting every visit would make every read a write.
	if now.Sub(sess.SeenAt) > s.Idle/20 {
		if err := s.Store.SeenSession(ctx, tenant, sess.ID, now); err != nil {
			return Account{}, fmt.Errorf("note session: %w", err)
		}
		sess.SeenAt = now
	}
	return Account{sess, user}, nil
}

// Start signs the browser in as user, who has just proven it by amr (RFC 8176), and
// makes it the current account. The session is new, with an id of its own, whatever
// the browser brought; an older one of the same person at this browser ends.
func (s *Sessions) Start(w http.ResponseWriter, r *http.Request, user storage.User, acr string, amr ...string) (storage.Session, error) {
	ctx, tenant, now := r.Context(), web.TenantOf(r.Context()), time.Now()
	kept, err := s.without(r, func(a Account) bool { return a.UserID == user.ID })
	if err != nil {
		return storage.Session{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return storage.Session{}, err
	}
	tok := token{id.String(), secret.Token()}
	hash := sha256.Sum256([]byte(tok.secret))
	sess := storage.Session{
		TenantID: tenant.ID, ID: tok.id, SecretHash: hash[:],
		UserID: user.ID, CredentialVersion: user.CredentialVersion,
		AuthTime: now, AMR: amr, ACR: acr,
		UserAgent: cut(r.UserAgent(), 256), IP: web.RequestOf(ctx).IP,
		CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(s.Lifetime),
	}
	if err := s.Store.AddSession(ctx, sess); err != nil {
		return storage.Session{}, fmt.Errorf("add session: %w", err)
	}
	s.write(w, r, append([]token{tok}, kept...))
	return sess, nil
}

// Choose makes the session the current one. ErrNotFound when the browser does not have it.
func (s *Sessions) Choose(w http.ResponseWriter, r *http.Request, id string) error {
	tokens := s.tokens(r)
	i := slices.IndexFunc(tokens, func(t token) bool { return t.id == id })
	if i < 0 {
		return storage.ErrNotFound
	}
	if _, err := s.account(r.Context(), web.TenantOf(r.Context()).ID, tokens[i]); err != nil {
		return err
	}
	chosen := tokens[i]
	s.write(w, r, append([]token{chosen}, slices.Delete(tokens, i, i+1)...))
	return nil
}

// End ends the session, at the server and in the cookie. Only one that the browser
// has the secret of; no error when it has none such.
func (s *Sessions) End(w http.ResponseWriter, r *http.Request, id string) error {
	kept, err := s.without(r, func(a Account) bool { return a.ID == id })
	if err != nil {
		return err
	}
	s.write(w, r, kept)
	return nil
}

// without ends the sessions that match and gives the tokens of the others that live.
func (s *Sessions) without(r *http.Request, match func(Account) bool) ([]token, error) {
	ctx, tenant := r.Context(), web.TenantOf(r.Context()).ID
	var kept []token
	for _, tok := range s.tokens(r) {
		a, err := s.account(ctx, tenant, tok)
		switch {
		case errors.Is(err, storage.ErrNotFound):
		case err != nil:
			return nil, err
		case match(a):
			if err := s.Store.EndSession(ctx, tenant, a.ID, time.Now()); err != nil {
				return nil, fmt.Errorf("end session: %w", err)
			}
		default:
			kept = append(kept, tok)
		}
	}
	return kept, nil
}

// token is what the browser holds of a session: "id.secret".
type token struct{ id, secret string }

// tokens reads the cookie, which holds tokens joined by "~".
func (s *Sessions) tokens(r *http.Request) []token {
	c, err := r.Cookie(cookieName(web.TenantOf(r.Context()), "session"))
	if err != nil {
		return nil
	}
	var out []token
	for part := range strings.SplitSeq(c.Value, "~") {
		id, sec, ok := strings.Cut(part, ".")
		if ok && len(id) == 36 && len(sec) == 43 && len(out) < maxSessions {
			out = append(out, token{id, sec})
		}
	}
	return out
}

func (s *Sessions) write(w http.ResponseWriter, r *http.Request, tokens []token) {
	var parts []string
	for _, t := range tokens[:min(len(tokens), maxSessions)] {
		parts = append(parts, t.id+"."+t.secret)
	}
	age := int(s.Lifetime / time.Second)
	if len(parts) == 0 {
		age = -1
	}
	setCookie(w, web.TenantOf(r.Context()), "session", strings.Join(parts, "~"), age)
}

// Binding is the value that ties an authorization request to this browser; it is
// made when the browser has none yet.
func Binding(w http.ResponseWriter, r *http.Request) string {
	if b := Bound(r); b != "" {
		return b
	}
	b := secret.Token()
	setCookie(w, web.TenantOf(r.Context()), "browser", b, 0)
	return b
}

// Bound is the browser's Binding, or "" when it has none.
func Bound(r *http.Request) string {
	c, err := r.Cookie(cookieName(web.TenantOf(r.Context()), "browser"))
	if err != nil || len(c.Value) != 43 {
		return ""
	}
	return c.Value
}

// cookieName is __Host-vouchsafe-NAME on https. Tenants below a path share a host,
// and __Host- asks for Path=/, so that the tenant is part of the name.
func cookieName(t *web.Tenant, name string) string {
	name = "vouchsafe-" + name
	if t.Path != "" {
		name += "-" + t.ID
	}
	if t.Secure {
		name = "__Host-" + name
	}
	return name
}

// setCookie sets a cookie that scripts cannot read and that other sites' forms do
// not send. maxAge is in seconds; 0 keeps it while the browser runs, below deletes it.
func setCookie(w http.ResponseWriter, t *web.Tenant, name, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: cookieName(t, name), Value: value, Path: "/", MaxAge: maxAge,
		Secure: t.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

func cut(s string, n int) string {
	return strings.ToValidUTF8(s[:min(len(s), n)], "")
}
