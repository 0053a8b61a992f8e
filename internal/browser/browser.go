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
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

// maxSessions bounds the accounts that one browser can be signed in to at a tenant.
const maxSessions = 5

// Store keeps the sessions; changes end them.
type Store interface {
	storage.Sessions
	storage.Changes
}

// Sessions reads and writes the sessions of a browser. A browser may be signed in
// to several accounts of a tenant; the first in its cookie is the current one.
type Sessions struct {
	Store Store
	// Idle ends a session that was not used for so long.
	Idle time.Duration
	// Lifetime ends a session however much it is used.
	Lifetime time.Duration
}

// Account is a session with its person.
type Account struct {
	storage.Session
	User storage.User
	// Chosen is when the person last made this the browser's current account, by
	// signing in to it or by picking it. It settles prompt=select_account (OIDC Core
	// 3.1.2.1) for requests that are older. The browser says it, unproven: somebody who
	// forges it spares nobody but themselves a question.
	Chosen time.Time
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
	if now.Sub(sess.SeenAt) > s.Idle/20 || storage.Ahead(sess.SeenAt, now) {
		if err := s.Store.SeenSession(ctx, tenant, sess.ID, now); err != nil {
			return Account{}, fmt.Errorf("note session: %w", err)
		}
		sess.SeenAt = now
	}
	return Account{sess, user, tok.chosen}, nil
}

// Start signs the browser in as user, who has just proven it by amr (RFC 8176), and
// makes it the current account. The browser gets a new secret whatever it brought, so
// that nobody who planted or saw the old one is signed in with it. When the browser was
// signed in to the same account already, that session is renewed and keeps its id:
// ending it would sign the person out of every client that did not ask for the new proof.
func (s *Sessions) Start(w http.ResponseWriter, r *http.Request, user storage.User, acr string, amr ...string) (storage.Session, error) {
	return s.start(w, r, user, time.Now(), acr, amr)
}

// StartSince is Start for a person whose proof is from before: they came from elsewhere, where
// they had given it then. A younger proof that the browser's session holds stays.
func (s *Sessions) StartSince(w http.ResponseWriter, r *http.Request, user storage.User, proven time.Time, acr string, amr ...string) (storage.Session, error) {
	return s.start(w, r, user, proven, acr, amr)
}

// Restart is Start for a person whose session a new password has ended: acr and the time of
// the sign-in stay. To know a password is not to have given again all that opened a session.
func (s *Sessions) Restart(w http.ResponseWriter, r *http.Request, user storage.User, was storage.Session, amr ...string) (storage.Session, error) {
	return s.start(w, r, user, was.AuthTime, was.ACR, amr)
}

func (s *Sessions) start(w http.ResponseWriter, r *http.Request, user storage.User, signedIn time.Time, acr string, amr []string) (storage.Session, error) {
	ctx, tenant, now := r.Context(), web.TenantOf(r.Context()), time.Now()
	tok := token{"", secret.Token(), now}
	sess := s.fresh(r, tok.secret, user, now, acr, amr)
	sess.AuthTime = signedIn
	var kept []token
	for _, old := range s.tokens(r) {
		a, err := s.account(ctx, tenant.ID, old)
		switch {
		case errors.Is(err, storage.ErrNotFound):
			continue
		case err != nil:
			return storage.Session{}, err
		case a.UserID != user.ID:
			kept = append(kept, old)
			continue
		case tok.id != "":
			continue
		}
		renewed := sess
		renewed.ID, renewed.CreatedAt = a.ID, a.CreatedAt
		if renewed.AuthTime.Before(a.AuthTime) {
			renewed.AuthTime = a.AuthTime
		}
		err = s.Store.RenewSession(ctx, renewed, a.SecretHash)
		switch {
		case err == nil:
			sess, tok.id = renewed, renewed.ID
		case !errors.Is(err, storage.ErrStale): // stale: signed in again in another tab, or ended
			return storage.Session{}, fmt.Errorf("renew session: %w", err)
		}
	}
	if tok.id == "" {
		id, err := uuid.NewV7()
		if err != nil {
			return storage.Session{}, err
		}
		tok.id, sess.ID = id.String(), id.String()
		if err := s.Store.AddSession(ctx, sess); err != nil {
			return storage.Session{}, fmt.Errorf("add session: %w", err)
		}
	}
	tokens := append([]token{tok}, kept...)
	for len(tokens) > maxSessions { // nobody could use or end it any more
		oldest := tokens[len(tokens)-1]
		err := s.Store.Apply(ctx, storage.Change{TenantID: tenant.ID, Now: now, EndSessions: &storage.SessionFilter{IDs: []string{oldest.id}}})
		if err != nil {
			return storage.Session{}, fmt.Errorf("end session: %w", err)
		}
		tokens = tokens[:len(tokens)-1]
	}
	s.write(w, r, tokens)
	renewBinding(w, r)
	return sess, nil
}

// fresh is a session that begins now, without an id.
func (s *Sessions) fresh(r *http.Request, value string, user storage.User, now time.Time, acr string, amr []string) storage.Session {
	hash := sha256.Sum256([]byte(value))
	return storage.Session{
		TenantID: web.TenantOf(r.Context()).ID, SecretHash: hash[:],
		UserID: user.ID, CredentialVersion: user.CredentialVersion,
		AuthTime: now, AMR: amr, ACR: acr,
		UserAgent: cut(r.UserAgent(), 256), IP: web.RequestOf(r.Context()).IP,
		CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(s.Lifetime),
	}
}

// Open starts a session that no browser holds, for an app with screens of its own: what
// the app has of it are its tokens, which die with it. Nobody knows its secret.
func (s *Sessions) Open(r *http.Request, user storage.User, acr string, amr ...string) (storage.Session, error) {
	return s.open(r, user, time.Now(), acr, amr)
}

// OpenSince is to Open what StartSince is to Start.
func (s *Sessions) OpenSince(r *http.Request, user storage.User, proven time.Time, acr string, amr ...string) (storage.Session, error) {
	return s.open(r, user, proven, acr, amr)
}

// Reopen is to Open what Restart is to Start.
func (s *Sessions) Reopen(r *http.Request, user storage.User, signedIn time.Time, acr string, amr ...string) (storage.Session, error) {
	return s.open(r, user, signedIn, acr, amr)
}

func (s *Sessions) open(r *http.Request, user storage.User, signedIn time.Time, acr string, amr []string) (storage.Session, error) {
	sess := s.fresh(r, secret.Token(), user, time.Now(), acr, amr)
	sess.AuthTime = signedIn
	id, err := uuid.NewV7()
	if err != nil {
		return storage.Session{}, err
	}
	sess.ID = id.String()
	if err := s.Store.AddSession(r.Context(), sess); err != nil {
		return storage.Session{}, fmt.Errorf("add session: %w", err)
	}
	return sess, nil
}

// Raise notes that the account's person, having opened the session before, has given more
// proof: acr and amr are what it all comes to. The time of the sign-in stays, since not
// all of it is new; the secret does not, as in Start. ErrStale: the session was renewed
// elsewhere, or ended.
func (s *Sessions) Raise(w http.ResponseWriter, r *http.Request, a Account, acr string, amr ...string) error {
	tokens := s.tokens(r)
	i := slices.IndexFunc(tokens, func(t token) bool { return t.id == a.ID })
	if i < 0 {
		return storage.ErrStale
	}
	tok := token{a.ID, secret.Token(), tokens[i].chosen}
	hash := sha256.Sum256([]byte(tok.secret))
	raised := a.Session
	raised.SecretHash, raised.ACR, raised.AMR, raised.SeenAt = hash[:], acr, amr, time.Now()
	if err := s.Store.RenewSession(r.Context(), raised, a.SecretHash); err != nil {
		return fmt.Errorf("raise session: %w", err)
	}
	tokens[i] = tok
	s.write(w, r, tokens)
	renewBinding(w, r)
	return nil
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
	chosen.chosen = time.Now()
	s.write(w, r, append([]token{chosen}, slices.Delete(tokens, i, i+1)...))
	return nil
}

// Prefer makes the session the current one, though nobody chose it: what comes next is about
// it. Nothing happens when the browser does not have it.
func (s *Sessions) Prefer(w http.ResponseWriter, r *http.Request, id string) {
	tokens := s.tokens(r)
	if i := slices.IndexFunc(tokens, func(t token) bool { return t.id == id }); i > 0 {
		preferred := tokens[i]
		s.write(w, r, append([]token{preferred}, slices.Delete(tokens, i, i+1)...))
	}
}

// End ends the sessions, at the server and in the cookie. Only such that the browser has
// the secret of; no error for others. Each ends by a change, to which also (unless it is nil) adds
// what happens with it, such as its event.
func (s *Sessions) End(w http.ResponseWriter, r *http.Request, also func(Account, *storage.Change), ids ...string) error {
	ctx, tenant := r.Context(), web.TenantOf(r.Context()).ID
	var kept []token
	ended := false
	for _, tok := range s.tokens(r) {
		a, err := s.account(ctx, tenant, tok)
		switch {
		case errors.Is(err, storage.ErrNotFound):
		case err != nil:
			return err
		case slices.Contains(ids, a.ID):
			ch := storage.Change{TenantID: tenant, UserID: a.UserID, Now: time.Now(), EndSessions: &storage.SessionFilter{IDs: []string{a.ID}}}
			if also != nil {
				also(a, &ch)
			}
			if err := s.Store.Apply(ctx, ch); err != nil {
				return fmt.Errorf("end session: %w", err)
			}
			ended = true
		default:
			kept = append(kept, tok)
		}
	}
	s.write(w, r, kept)
	if ended {
		renewBinding(w, r)
	}
	return nil
}

// token is what the browser holds of a session: "id.secret.chosen", the last in
// microseconds.
type token struct {
	id, secret string
	chosen     time.Time
}

func (t token) String() string {
	return t.id + "." + t.secret + "." + strconv.FormatInt(t.chosen.UnixMicro(), 36)
}

func parseToken(s string) (token, bool) {
	parts := strings.Split(s, ".")
	if len(parts) != 3 || len(parts[0]) != 36 || len(parts[1]) != 43 {
		return token{}, false
	}
	micro, err := strconv.ParseInt(parts[2], 36, 64)
	return token{parts[0], parts[1], time.UnixMicro(micro)}, err == nil
}

// tokens reads the cookie, which holds tokens joined by "~".
func (s *Sessions) tokens(r *http.Request) []token {
	c, err := r.Cookie(cookieName(web.TenantOf(r.Context()), "session"))
	if err != nil {
		return nil
	}
	var out []token
	for part := range strings.SplitSeq(c.Value, "~") {
		if tok, ok := parseToken(part); ok && len(out) < maxSessions {
			out = append(out, tok)
		}
	}
	return out
}

func (s *Sessions) write(w http.ResponseWriter, r *http.Request, tokens []token) {
	var parts []string
	for _, t := range tokens {
		parts = append(parts, t.String())
	}
	age := int(s.Lifetime / time.Second)
	if len(parts) == 0 {
		age = -1
	}
	setCookie(w, web.TenantOf(r.Context()), "session", strings.Join(parts, "~"), age)
}

// Cookie is the value of a cookie that SetCookie set, or "".
func Cookie(r *http.Request, name string) string {
	c, err := r.Cookie(cookieName(web.TenantOf(r.Context()), name))
	if err != nil {
		return ""
	}
	return c.Value
}

// SetCookie gives the browser a cookie of ours, for so long; it is deleted when age is
// not above zero.
func SetCookie(w http.ResponseWriter, r *http.Request, name, value string, age time.Duration) {
	seconds := int(age / time.Second)
	if seconds <= 0 {
		value, seconds = "", -1
	}
	setCookie(w, web.TenantOf(r.Context()), name, value, seconds)
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
