// Package browser reads and writes the cookies that Vouchsafe gives to browsers: the sessions that
// a browser is signed in to, the binding that ties an authorization request to it, and the mark of
// a browser that has signed in before.
//
// Pages start and end sessions here, and the protocol reads them. A cookie never holds more than
// random values and MACs; what a session means stands in storage.
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

// maxSessions bounds how many accounts of a tenant one browser can be signed in to.
const maxSessions = 5

// Store is the storage that sessions need. Sessions end through a storage.Change.
type Store interface {
	storage.Sessions
	storage.Changes
}

// Sessions reads and writes the sessions of a browser. A browser may be signed in to several
// accounts of a tenant. The first session in its cookie is the current one.
type Sessions struct {
	Store Store
	// Idle is how long a session may go unused before it ends.
	Idle time.Duration
	// Lifetime is how long a session lasts at most, however much it is used.
	Lifetime time.Duration
}

// Account is a session together with its user.
type Account struct {
	storage.Session
	User storage.User
	// Chosen is when the user last made this the browser's current account, by signing in to it or
	// by picking it from the list. It settles prompt=select_account (OpenID Connect Core section
	// 3.1.2.1) for authorization requests that are older. The value comes from the cookie and is
	// not authenticated: a user who forges it only skips the question for themselves.
	Chosen time.Time
}

// Current returns the account that the browser is signed in to. It returns storage.ErrNotFound if
// there is none, or if its session has ended. It costs one read, and now and then one write that
// records the use.
func (s *Sessions) Current(r *http.Request) (Account, error) {
	tokens := s.tokens(r)
	if len(tokens) == 0 {
		return Account{}, storage.ErrNotFound
	}
	return s.account(r.Context(), web.TenantOf(r.Context()).ID, tokens[0])
}

// All returns the accounts that the browser is signed in to, the current one first.
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

// account returns the session that tok stands for, with its user. It returns storage.ErrNotFound if
// the session has ended, was idle for too long, or has another secret than tok.
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
	// A write for every use would double the cost of reading a session.
	if now.Sub(sess.SeenAt) > s.Idle/20 || storage.Ahead(sess.SeenAt, now) {
		if err := s.Store.SeenSession(ctx, tenant, sess.ID, now); err != nil {
			return Account{}, fmt.Errorf("note session: %w", err)
		}
		sess.SeenAt = now
	}
	return Account{sess, user, tok.chosen}, nil
}

// Start signs the browser in as user, who has just proven to be that user by amr (RFC 8176), and
// makes the session the current one.
//
// The browser always gets a new secret. An attacker who planted or saw the old one is therefore not
// signed in. If the browser was already signed in to the same account, that session is renewed and
// keeps its id: a new session would sign the user out of every client that did not ask for the new
// proof.
func (s *Sessions) Start(w http.ResponseWriter, r *http.Request, user storage.User, acr string,
	amr ...string,
) (storage.Session, error) {
	return s.start(w, r, user, time.Now(), acr, amr)
}

// StartSince is Start for a proof that the user gave earlier and elsewhere, at the time proven. If
// the browser already has a session of the account with a later proof, the later time stays.
func (s *Sessions) StartSince(w http.ResponseWriter, r *http.Request, user storage.User, proven time.Time, acr string,
	amr ...string,
) (storage.Session, error) {
	return s.start(w, r, user, proven, acr, amr)
}

// Restart is Start for a user whose session a change of password has ended. The acr and the time of
// sign-in are those of the session was: a password alone does not prove again all that the session
// had proven.
func (s *Sessions) Restart(w http.ResponseWriter, r *http.Request, user storage.User, was storage.Session,
	amr ...string,
) (storage.Session, error) {
	return s.start(w, r, user, was.AuthTime, was.ACR, amr)
}

// start is Start, StartSince and Restart: signedIn becomes the time of sign-in unless the browser
// has a session of the account with a later one.
func (s *Sessions) start(w http.ResponseWriter, r *http.Request, user storage.User, signedIn time.Time, acr string,
	amr []string,
) (storage.Session, error) {
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
		case !errors.Is(err, storage.ErrStale): // ErrStale: the session was renewed in another tab, or has ended
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
	// the cookie no longer holds its secret, so that neither user nor browser could end it
	for len(tokens) > maxSessions {
		oldest := tokens[len(tokens)-1]
		err := s.Store.Apply(ctx, storage.Change{TenantID: tenant.ID, Now: now,
			EndSessions: &storage.SessionFilter{IDs: []string{oldest.id}}})
		if err != nil {
			return storage.Session{}, fmt.Errorf("end session: %w", err)
		}
		tokens = tokens[:len(tokens)-1]
	}
	s.write(w, r, tokens)
	renewBinding(w, r)
	return sess, nil
}

// fresh returns a session that begins now and has no id yet.
func (s *Sessions) fresh(r *http.Request, value string, user storage.User, now time.Time, acr string,
	amr []string,
) storage.Session {
	hash := sha256.Sum256([]byte(value))
	return storage.Session{
		TenantID: web.TenantOf(r.Context()).ID, SecretHash: hash[:],
		UserID: user.ID, CredentialVersion: user.CredentialVersion,
		AuthTime: now, AMR: amr, ACR: acr,
		UserAgent: cut(r.UserAgent(), 256), IP: web.RequestOf(r.Context()).IP,
		CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(s.Lifetime),
	}
}

// Open starts a session that no browser holds, for an app with screens of its own. The app gets
// tokens that end with the session. The session's secret is discarded, so that no cookie can stand
// for it.
func (s *Sessions) Open(r *http.Request, user storage.User, acr string, amr ...string) (storage.Session, error) {
	return s.open(r, user, time.Now(), acr, amr)
}

// OpenSince is Open for a proof that the user gave at the time proven. See StartSince.
func (s *Sessions) OpenSince(r *http.Request, user storage.User, proven time.Time, acr string,
	amr ...string,
) (storage.Session, error) {
	return s.open(r, user, proven, acr, amr)
}

// Reopen is Open with the time of an earlier sign-in. See Restart.
func (s *Sessions) Reopen(r *http.Request, user storage.User, signedIn time.Time, acr string,
	amr ...string,
) (storage.Session, error) {
	return s.open(r, user, signedIn, acr, amr)
}

// open is Open, OpenSince and Reopen.
func (s *Sessions) open(r *http.Request, user storage.User, signedIn time.Time, acr string,
	amr []string,
) (storage.Session, error) {
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

// Raise records that the user of an open session has given further proof: acr and amr describe all
// proof together. The time of sign-in stays, because not all of the proof is new. The secret is
// replaced, as in Start. Raise returns storage.ErrStale if the session was renewed elsewhere or has
// ended.
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

// Choose makes the session the current one, as the user's choice. It returns storage.ErrNotFound if
// the browser does not have the session.
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

// Prefer makes the session the current one without recording a choice by the user, because what
// follows concerns that session. It does nothing if the browser does not have the session.
func (s *Sessions) Prefer(w http.ResponseWriter, r *http.Request, id string) {
	tokens := s.tokens(r)
	if i := slices.IndexFunc(tokens, func(t token) bool { return t.id == id }); i > 0 {
		preferred := tokens[i]
		s.write(w, r, append([]token{preferred}, slices.Delete(tokens, i, i+1)...))
	}
}

// End ends sessions in storage and takes them out of the cookie. It ignores ids of sessions whose
// secret the browser does not have. Each session ends by a change of its own, to which the function
// also (unless nil) adds what belongs to it, such as its event.
func (s *Sessions) End(w http.ResponseWriter, r *http.Request,
	also func(Account, *storage.Change), ids ...string,
) error {
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
			ch := storage.Change{TenantID: tenant, UserID: a.UserID, Now: time.Now(),
				EndSessions: &storage.SessionFilter{IDs: []string{a.ID}}}
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

// token is what a browser holds of one session. Its text is "ID.SECRET.CHOSEN", where CHOSEN is a
// time in Unix microseconds, base 36.
type token struct {
	id, secret string
	chosen     time.Time
}

func (t token) String() string {
	return t.id + "." + t.secret + "." + strconv.FormatInt(t.chosen.UnixMicro(), 36)
}

// parseToken reads the text of a token. It reports false for a text of another form.
func parseToken(s string) (token, bool) {
	parts := strings.Split(s, ".")
	if len(parts) != 3 || len(parts[0]) != 36 || len(parts[1]) != 43 {
		return token{}, false
	}
	micro, err := strconv.ParseInt(parts[2], 36, 64)
	return token{parts[0], parts[1], time.UnixMicro(micro)}, err == nil
}

// tokens reads the cookie, which holds the texts of tokens joined by "~". Texts that are no tokens
// are skipped.
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

// write sets the cookie to the tokens, or deletes it if there are none.
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

// setCookie sets a cookie that scripts cannot read, and that browsers do not send with forms on
// other sites. maxAge is in seconds: 0 keeps the cookie until the browser is closed, below 0
// deletes it.
func setCookie(w http.ResponseWriter, t *web.Tenant, name, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: cookieName(t, name), Value: value, Path: "/", MaxAge: maxAge,
		Secure: t.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// cut returns at most the first n bytes of s, as valid UTF-8.
func cut(s string, n int) string {
	return strings.ToValidUTF8(s[:min(len(s), n)], "")
}
