// Package sessions keeps the sessions of browsers, without HTTP. A browser holds the secrets of its
// sessions as one value: every function takes the value that came with a request, and returns
// the one that the browser is to hold from then on. Package browser has it in a cookie.
package sessions

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/storage"
)

// maxSessions bounds how many accounts of a tenant one browser can be signed in to.
const maxSessions = 5

// Store is the storage that sessions need. Sessions end through a storage.Change.
type Store interface {
	storage.Sessions
	storage.Changes
}

// Keeper reads and writes the sessions of browsers. A browser may be signed in to several
// accounts of a tenant; the first that it holds is the current one.
type Keeper struct {
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
	// 3.1.2.1) for authorization requests that are older. The browser says so, unauthenticated: a
	// user who forges it only skips the question for themselves.
	Chosen time.Time
}

// Current returns the account that the browser is signed in to. It returns storage.ErrNotFound if
// there is none, or if its session has ended. It costs one read, and now and then one write that
// records the use.
func (k *Keeper) Current(ctx context.Context, tenant, held string) (Account, error) {
	tokens := parse(held)
	if len(tokens) == 0 {
		return Account{}, storage.ErrNotFound
	}
	return k.account(ctx, tenant, tokens[0])
}

// All returns the accounts that the browser is signed in to, the current one first.
func (k *Keeper) All(ctx context.Context, tenant, held string) ([]Account, error) {
	var all []Account
	for _, tok := range parse(held) {
		a, err := k.account(ctx, tenant, tok)
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
func (k *Keeper) account(ctx context.Context, tenant string, tok token) (Account, error) {
	now := time.Now()
	sess, user, err := k.Store.Session(ctx, tenant, tok.id, now)
	if err != nil {
		return Account{}, err
	}
	hash := sha256.Sum256([]byte(tok.secret))
	if subtle.ConstantTimeCompare(hash[:], sess.SecretHash) != 1 || now.Sub(sess.SeenAt) > k.Idle {
		return Account{}, storage.ErrNotFound
	}
	// A write for every use would double the cost of reading a session. Administrators see the use to the hour.
	if now.Sub(sess.SeenAt) > min(k.Idle/20, time.Hour) || storage.Ahead(sess.SeenAt, now) {
		if err := k.Store.SeenSession(ctx, tenant, sess.ID, now); err != nil {
			return Account{}, fmt.Errorf("note session: %w", err)
		}
		sess.SeenAt = now
	}
	return Account{sess, user, tok.chosen}, nil
}

// Begin opens a session of a user who has just proven the account, and makes it the browser's
// current one. held is "" for a browser without sessions and for an app. sess says who the user is,
// since when and by what proof; Begin completes it.
//
// The browser always gets a new secret, so that an attacker who planted or saw the old one is not
// signed in. If the browser was already signed in to the account, that session is renewed and keeps
// its id: a new session would sign the user out of every client that did not ask for the new proof.
// If the session has a later proof, the later time stays. Begin returns storage.ErrStale only if the change does
// not apply because of what also has added.
func (k *Keeper) Begin(
	ctx context.Context, held string, sess storage.Session, also Also,
) (storage.Session, string, error) {
	now := time.Now()
	tok := token{"", secret.Token(), now}
	hash := sha256.Sum256([]byte(tok.secret))
	sess.SecretHash, sess.UserAgent = hash[:], cut(sess.UserAgent, 256)
	sess.CreatedAt, sess.SeenAt, sess.ExpiresAt = now, now, now.Add(k.Lifetime)
	var kept []token
	for _, old := range parse(held) {
		a, err := k.account(ctx, sess.TenantID, old)
		switch {
		case errors.Is(err, storage.ErrNotFound):
			continue
		case err != nil:
			return storage.Session{}, held, err
		case a.UserID != sess.UserID:
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
		err = k.renew(ctx, renewed, a.SecretHash, also)
		switch {
		case err == nil:
			sess, tok.id = renewed, renewed.ID
		case !errors.Is(err, storage.ErrStale): // ErrStale: the session was renewed in another tab, or has ended
			return storage.Session{}, held, err
		}
	}
	if tok.id == "" {
		id, err := uuid.NewV7()
		if err != nil {
			return storage.Session{}, held, err
		}
		tok.id, sess.ID = id.String(), id.String()
		if err := k.Store.Apply(ctx, also.in(sess, storage.Change{AddSession: &sess})); err != nil {
			return storage.Session{}, held, fmt.Errorf("add session: %w", err)
		}
	}
	tokens, err := k.endOldest(ctx, sess.TenantID, append([]token{tok}, kept...))
	return sess, join(tokens), err
}

// Also adds to the change of a session what belongs to it, such as its event: all of it is stored, or nothing.
// nil adds nothing.
type Also func(storage.Session, *storage.Change)

// in returns the change of a session, completed.
func (also Also) in(n storage.Session, ch storage.Change) storage.Change {
	ch.TenantID, ch.UserID, ch.Now = n.TenantID, n.UserID, n.SeenAt
	if also != nil {
		also(n, &ch)
	}
	return ch
}

// renew stores what is new of a session whose SecretHash is still was.
func (k *Keeper) renew(ctx context.Context, n storage.Session, was []byte, also Also) error {
	err := k.Store.Apply(ctx, also.in(n, storage.Change{RenewSession: &storage.SessionRenewal{Session: n, Was: was}}))
	if err != nil {
		return fmt.Errorf("renew session: %w", err)
	}
	return nil
}

// endOldest ends the sessions beyond maxSessions: the browser no longer holds their secrets, so that
// neither user nor browser could end them.
func (k *Keeper) endOldest(ctx context.Context, tenant string, tokens []token) ([]token, error) {
	for len(tokens) > maxSessions {
		oldest := tokens[len(tokens)-1]
		err := k.Store.Apply(ctx, storage.Change{
			TenantID: tenant, Now: time.Now(), EndSessions: &storage.SessionFilter{IDs: []string{oldest.id}},
		})
		if err != nil {
			return tokens, fmt.Errorf("end session: %w", err)
		}
		tokens = tokens[:len(tokens)-1]
	}
	return tokens, nil
}

// Raise records that the user of an open session has given further proof: acr and amr describe all
// proof together. The time of sign-in stays, because not all of the proof is new. The secret is
// replaced, as in Begin. Raise returns storage.ErrStale if the session was renewed elsewhere or has
// ended.
func (k *Keeper) Raise(
	ctx context.Context, held string, sess storage.Session, also Also, acr string, amr ...string,
) (string, error) {
	tokens := parse(held)
	i := find(tokens, sess.ID)
	if i < 0 {
		return held, storage.ErrStale
	}
	tok := token{sess.ID, secret.Token(), tokens[i].chosen}
	hash := sha256.Sum256([]byte(tok.secret))
	raised := sess
	raised.SecretHash, raised.ACR, raised.AMR, raised.SeenAt = hash[:], acr, amr, time.Now()
	if err := k.renew(ctx, raised, sess.SecretHash, also); err != nil {
		return held, err
	}
	tokens[i] = tok
	return join(tokens), nil
}

// Extend has a session last for Lifetime from now on. It writes now and then only. A session that has ended meanwhile
// stays ended: storage.ErrStale.
func (k *Keeper) Extend(ctx context.Context, a Account) error {
	now := time.Now()
	if a.ExpiresAt.Sub(now) > k.Lifetime-k.Idle/20 {
		return nil
	}
	later := a.Session
	later.SeenAt, later.ExpiresAt = now, now.Add(k.Lifetime)
	return k.renew(ctx, later, a.SecretHash, nil)
}

// Choose makes the session the current one, as the user's choice. It returns storage.ErrNotFound if
// the browser does not have the session.
func (k *Keeper) Choose(ctx context.Context, tenant, held, id string) (string, error) {
	tokens := parse(held)
	i := find(tokens, id)
	if i < 0 {
		return held, storage.ErrNotFound
	}
	if _, err := k.account(ctx, tenant, tokens[i]); err != nil {
		return held, err
	}
	chosen := tokens[i]
	chosen.chosen = time.Now()
	return join(append([]token{chosen}, slices.Delete(tokens, i, i+1)...)), nil
}

// Prefer makes the session the current one without recording a choice by the user, because what
// follows concerns that session. It changes nothing if the browser does not have the session.
func (k *Keeper) Prefer(held, id string) string {
	tokens := parse(held)
	i := find(tokens, id)
	if i <= 0 {
		return held
	}
	preferred := tokens[i]
	return join(append([]token{preferred}, slices.Delete(tokens, i, i+1)...))
}

// End ends sessions in storage and takes them out of the value. It ignores ids of sessions whose
// secret the browser does not have. Each session ends by a change of its own, to which the function
// also (unless nil) adds what belongs to it, such as its event. ended reports whether there was one.
func (k *Keeper) End(
	ctx context.Context, tenant, held string, also func(Account, *storage.Change), ids ...string,
) (left string, ended bool, err error) {
	var kept []token
	for _, tok := range parse(held) {
		a, err := k.account(ctx, tenant, tok)
		switch {
		case errors.Is(err, storage.ErrNotFound):
		case err != nil:
			return held, ended, err
		case slices.Contains(ids, a.ID):
			ch := storage.Change{TenantID: tenant, UserID: a.UserID, Now: time.Now(),
				EndSessions: &storage.SessionFilter{IDs: []string{a.ID}}}
			if also != nil {
				also(a, &ch)
			}
			if err := k.Store.Apply(ctx, ch); err != nil {
				return held, ended, fmt.Errorf("end session: %w", err)
			}
			ended = true
		default:
			kept = append(kept, tok)
		}
	}
	return join(kept), ended, nil
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

// parse reads what a browser holds: the texts of tokens joined by "~". Texts that are no tokens are
// skipped.
func parse(held string) []token {
	var out []token
	for part := range strings.SplitSeq(held, "~") {
		if tok, ok := parseToken(part); ok && len(out) < maxSessions {
			out = append(out, tok)
		}
	}
	return out
}

func join(tokens []token) string {
	var parts []string
	for _, t := range tokens {
		parts = append(parts, t.String())
	}
	return strings.Join(parts, "~")
}

// find returns the index of the session's token, or -1.
func find(tokens []token, id string) int {
	return slices.IndexFunc(tokens, func(t token) bool { return t.id == id })
}

// cut returns at most the first n bytes of s, as valid UTF-8.
func cut(s string, n int) string {
	return strings.ToValidUTF8(s[:min(len(s), n)], "")
}
