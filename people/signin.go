package people

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/argon2id"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/sessions"
	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	// ErrWrongPassword is every reason why a name and a password sign no user in.
	ErrWrongPassword = Refusal("signin.wrong")
	// ErrAccountSecured is ErrWrongPassword with the right password of an account that waits for
	// its owner's code.
	ErrAccountSecured = Refusal("signin.secured")
)

// ErrAccountDisabled is ErrWrongPassword with the right password of a disabled account, for a Service that
// TellDisabled.
var ErrAccountDisabled = errors.New("the account is disabled")

// WrongPassword is ErrWrongPassword with the number of guesses that are left at the name as it was typed, before
// the browser has to wait. It is the same whether or not there is such an account.
type WrongPassword struct{ Left int64 }

// Error implements error.
func (*WrongPassword) Error() string { return ErrWrongPassword.Error() }

// Unwrap returns ErrWrongPassword.
func (*WrongPassword) Unwrap() error { return ErrWrongPassword }

// ProvePassword returns the user who is proven by a name and a password. Neither its error nor
// the time it takes reveals whether there is such an account: the attempt is counted before the
// password is hashed, and a hash is computed in either case. It fails with a
// *WrongPassword or ErrAccountSecured.
func (s *Service) ProvePassword(ctx context.Context, a Asker, name, secret string) (storage.User, error) {
	why := ""
	user, cred, key, err := s.UserPassword(ctx, a, name)
	if err != nil {
		return storage.User{}, err
	}
	guess, err := s.allowGuess(ctx, a, user, key)
	if err != nil {
		return storage.User{}, err
	}
	switch {
	case user.ID == "":
		why = "unknown"
	case user.Disabled:
		why = "disabled"
	case !a.UsesPasswords():
		why = "not a method"
	case cred.Data == nil:
		why = "no password"
	case guess.vain:
		why = "limited"
	}
	closed := why == "disabled" && a.UsesPasswords() && !guess.vain
	secured, told := closed && !user.SecuredAt.IsZero(), closed && s.TellDisabled
	stored := cred.Data
	if why != "" && !secured && !told {
		stored = nil // the same work, in vain
	}
	ok, outdated, err := s.passwordsFor(guess).Verify(ctx, stored, secret)
	switch {
	case errors.Is(err, argon2id.ErrMalformed):
		s.Note(ctx, "error", "stored password of "+user.ID+" cannot be read")
		why = "unreadable"
	case err != nil:
		guess.unseen(ctx)
		return storage.User{}, err
	case !ok && why == "":
		why = "password"
	}
	if why != "" {
		// Not the name: users type their password into its field.
		s.Observe(ctx, a, storage.Event{
			Kind: storage.EventLoginFailed, UserID: user.ID, Actor: "anonymous", ClientID: a.ClientID,
			Detail: map[string]string{"reason": why},
		})
		switch {
		case ok && secured:
			return storage.User{}, ErrAccountSecured
		case ok && told:
			return storage.User{}, ErrAccountDisabled
		}
		return storage.User{}, &WrongPassword{Left: guess.left}
	}
	guess.right(ctx)
	if outdated {
		s.rehash(ctx, cred, secret)
	}
	return user, nil
}

// rehash stores the password's hash anew, with the parameters of today. It may fail: the next
// sign-in tries again.
func (s *Service) rehash(ctx context.Context, cred storage.Credential, secret string) {
	fresh, err := s.Passwords.Hash(ctx, secret)
	if err == nil {
		was := cred.Data
		cred.Data = fresh // the password stays, and so does the time of its last change
		err = s.Store.PutCredential(ctx, cred, was)
	}
	if err != nil && !errors.Is(err, storage.ErrStale) { // stale: changed meanwhile
		s.Log.WarnContext(ctx, "password not hashed anew", "user", cred.UserID, "error", err)
	}
}

// PendingLife is how long a first proof waits for the second.
const PendingLife = 10 * time.Minute

// ErrNoClaimant says that the asker has proven nothing, or too long ago.
var ErrNoClaimant = errors.New("no sign-in waits here")

// pending is a first proof that waits for the second, sealed. The asker holds it; nothing is
// stored, and no session exists: whatever the browser asks for next, no user is signed in.
type pending struct {
	ID      string   `json:"i,omitempty"` // of an app's: it is finished once
	UserID  string   `json:"u"`
	Version int64    `json:"v"` // of the user's credentials
	AMR     []string `json:"m"`
	At      int64    `json:"t"` // Unix time
	// Asker is a hash of the browser and of the client's request.
	Asker string `json:"b"`
}

// spentPending is the purpose of storage.Spent for sign-ins of apps that waited.
const spentPending = "app-sign-in"

// Prove returns the claimant who has proven themselves by amr, since then.
func (s *Service) Prove(ctx context.Context, a Asker, u storage.User, since time.Time,
	amr ...string,
) (Claimant, error) {
	creds, err := s.Store.CredentialsOf(ctx, u.TenantID, u.ID)
	c := Claimant{User: u, Creds: creds, Since: since, AMR: amr, ACR: storage.ACROf(amr)}
	if err == nil && c.ACR == storage.ACRPassword && isRemembered(a, u, creds) {
		c.ACR = storage.ACRRemembered
	}
	return c, err
}

// Claimant returns the user who has to prove more: the one whose sign-in for the letter of a client's
// request ("" for none) is not complete, else the one who is signed in. It fails with ErrNoClaimant if
// there is neither.
func (s *Service) Claimant(ctx context.Context, a Asker, letter string) (Claimant, error) {
	if p, ok := s.openPending(a, letter); ok {
		c, err := s.waiting(ctx, a, p)
		c.letter = letter
		return c, err
	}
	current, err := s.Keeper.Current(ctx, a.Tenant.ID, a.Kept.Sessions)
	if errors.Is(err, storage.ErrNotFound) {
		return Claimant{}, ErrNoClaimant
	}
	if err != nil {
		return Claimant{}, err
	}
	return s.SignedInClaimant(ctx, current.Session, current.User)
}

// SignedInClaimant returns the claimant who has the session.
func (s *Service) SignedInClaimant(ctx context.Context, sess storage.Session, u storage.User) (Claimant, error) {
	creds, err := s.Store.CredentialsOf(ctx, u.TenantID, u.ID)
	return Claimant{User: u, Creds: creds, Since: sess.AuthTime, AMR: sess.AMR, ACR: sess.ACR, Session: sess}, err
}

// waiting returns the claimant whose sign-in waits. ErrNoClaimant.
func (s *Service) waiting(ctx context.Context, a Asker, p pending) (Claimant, error) {
	u, err := s.Store.User(ctx, a.Tenant.ID, p.UserID)
	if errors.Is(err, storage.ErrNotFound) || err == nil && (u.Disabled || u.CredentialVersion != p.Version) {
		return Claimant{}, ErrNoClaimant
	}
	if err != nil {
		return Claimant{}, err
	}
	creds, err := s.Store.CredentialsOf(ctx, a.Tenant.ID, u.ID)
	return Claimant{User: u, Creds: creds, Since: time.Now(), AMR: p.AMR, ACR: storage.ACROf(p.AMR), waits: p.ID}, err
}

// openPending opens what Await sealed for the asker and the client's request.
func (s *Service) openPending(a Asker, letter string) (p pending, ok bool) {
	plain, err := s.Secrets.Box(a.Tenant.ID, secret.PendingSignIn).OpenString(a.Kept.Pending)
	if err != nil || json.Unmarshal(plain, &p) != nil || !storage.Within(time.Unix(p.At, 0), time.Now(), PendingLife) {
		return p, false
	}
	return p, slices.ContainsFunc(append([]string{a.Browser}, a.Formerly...), func(browser string) bool {
		return p.Asker == pendingAsker(browser, letter)
	})
}

// pendingAsker ties a proof to the browser that gave it and to the request that it was given for:
// what was proven for one client's request does not answer another's.
func pendingAsker(browser, letter string) string {
	sum := sha256.Sum256([]byte("pending\x00" + browser + "\x00" + letter))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// SignedIn is what came of a proof.
type SignedIn struct {
	// Session has an ID unless a second factor or a new password is missing: then the proof waits for it.
	Session     storage.Session
	Missing     Missing
	NewPassword bool // see ErrNewPassword
	Kept        Kept // what the asker is to keep from now on
}

// SignIn ends every way of signing in: it opens a session or, if the proof is too little for the
// rules and the wish, lets it wait for a second factor. ErrNoClaimant: it was finished before.
func (s *Service) SignIn(ctx context.Context, a Asker, c Claimant, wish FactorWish) (in SignedIn, err error) {
	if in.Missing = s.MissingFactor(ctx, a, c, wish); in.Missing.ACR != "" {
		in.Kept = s.await(ctx, a, c, wish.Letter)
		return in, nil
	}
	if in.NewPassword = c.MustChangePassword(); in.NewPassword {
		in.Kept = s.await(ctx, a, c, wish.Letter)
		return in, nil
	}
	in.Session, in.Kept, err = s.openSession(ctx, a, c)
	return in, err
}

// await lets the proof wait for a second factor, unless it does.
func (s *Service) await(ctx context.Context, a Asker, c Claimant, letter string) Kept {
	if c.waits != "" {
		return a.Kept
	}
	s.Observe(ctx, a, storage.Event{Kind: storage.EventLoginPending, UserID: c.User.ID, ClientID: a.ClientID})
	return s.hold(a, c, letter)
}

// hold seals what the claimant has proven, for the asker to keep. What an app keeps works once.
func (s *Service) hold(a Asker, c Claimant, letter string) Kept {
	if a.Browser == "" && c.waits == "" {
		c.waits = secret.Token()
	}
	plain, err := json.Marshal(pending{
		ID: c.waits, UserID: c.User.ID, Version: c.User.CredentialVersion, AMR: c.AMR, At: time.Now().Unix(),
		Asker: pendingAsker(a.Browser, letter),
	})
	if err != nil {
		panic(err) // strings and numbers
	}
	kept := a.Kept
	kept.Pending = s.Secrets.Box(a.Tenant.ID, secret.PendingSignIn).SealString(plain)
	return kept
}

// Raise ends the step of the second factor: the claimant has given what amr says besides. A sign-in
// that waited becomes a session, and the device is remembered if remember is true; a session
// becomes as strong. ErrNoClaimant: the session ended meanwhile, or the sign-in was finished before. ErrNewPassword:
// the password has to be changed first; the asker is to keep what is returned.
func (s *Service) Raise(ctx context.Context, a Asker, c Claimant, remember bool,
	amr ...string,
) (storage.Session, Kept, error) {
	c.AMR = union(c.AMR, append(slices.Clone(amr), "mfa"))
	c.ACR = storage.ACROf(c.AMR)
	if c.MustChangePassword() {
		return storage.Session{}, s.hold(a, c, c.letter), ErrNewPassword
	}
	sess, kept, err := s.raise(ctx, a, c, remember)
	if errors.Is(err, storage.ErrStale) {
		err = ErrNoClaimant
	}
	return sess, kept, err
}

// raise gives the session of a claimant who is signed in a higher ACR, or opens one for a claimant whose sign-in
// waited for the second factor. remember makes the device one that is not asked again.
func (s *Service) raise(ctx context.Context, a Asker, c Claimant,
	remember bool,
) (sess storage.Session, kept Kept, err error) {
	if c.IsSignedIn() {
		held, err := s.Keeper.Raise(ctx, a.Kept.Sessions, c.Session, a.tellOf(storage.EventLoginRaised), c.ACR, c.AMR...)
		if err != nil {
			return c.Session, a.Kept, err
		}
		kept = s.MarkDevice(a, c.User, c.ACR)
		kept.Sessions = held
		return c.Session, kept, nil
	}
	if remember && a.RememberedFor() > 0 {
		held, ch, err := newRemembered(a, c.User, c.Creds)
		if err == nil {
			err = s.Apply(ctx, c.User, ch)
		}
		if err != nil {
			return sess, a.Kept, err
		}
		a.Kept.Remembered = held
	}
	c.Since = time.Now()
	return s.openSession(ctx, a, c)
}

// openSession opens the session of a claimant who lacks nothing. A browser holds its secret. An app
// has its tokens only, and the secret is known to no party. ErrNoClaimant: the sign-in that waited was
// finished before, the credentials have changed since, or the user was removed at this moment.
func (s *Service) openSession(ctx context.Context, a Asker, c Claimant) (storage.Session, Kept, error) {
	tell := a.tellOf(storage.EventLoginSucceeded)
	sess, kept, err := s.begin(ctx, a, c, func(n storage.Session, ch *storage.Change) {
		tell(n, ch)
		c.spendWait(ch)
	})
	if c.waits != "" && errors.Is(err, storage.ErrStale) || errors.Is(err, storage.ErrNotFound) {
		err = ErrNoClaimant
	}
	if err != nil {
		return sess, a.Kept, err
	}
	kept.Pending = "" // this user's, or that of another user who gave up
	return sess, kept, nil
}

// spendWait uses up the sign-in that waited at an app, if it did, in the change that opens its session: a
// session that cannot be stored leaves the sign-in waiting.
func (c Claimant) spendWait(ch *storage.Change) {
	if c.waits == "" {
		return
	}
	ch.Version = &c.User.CredentialVersion
	ch.Spend = append(ch.Spend, storage.Spent{
		TenantID: c.User.TenantID, Purpose: spentPending, Value: c.waits, ExpiresAt: ch.Now.Add(PendingLife),
	})
}

// begin stores a session of the claimant, and returns it with what the browser keeps. also adds to the change that
// stores it.
func (s *Service) begin(
	ctx context.Context, a Asker, c Claimant, also sessions.Also,
) (storage.Session, Kept, error) {
	sess, held, err := s.Keeper.Begin(ctx, a.Kept.Sessions, storage.Session{
		TenantID: a.Tenant.ID, UserID: c.User.ID, CredentialVersion: c.User.CredentialVersion,
		AuthTime: c.Since, AMR: c.AMR, ACR: c.ACR, UserAgent: a.UserAgent, IP: a.IP,
	}, also)
	if err != nil {
		return sess, a.Kept, err
	}
	kept := s.MarkDevice(a, c.User, c.ACR)
	if a.Browser != "" {
		kept.Sessions = held
	}
	return sess, kept, nil
}

// Reopen opens a session again for a user whose sessions a new password has ended, with the time and
// the strength of one of those: to know a password is not to have given again all that opened it.
func (s *Service) Reopen(ctx context.Context, a Asker, u storage.User,
	was storage.Session,
) (storage.Session, Kept, error) {
	return s.begin(ctx, a, Claimant{User: u, Since: was.AuthTime, AMR: was.AMR, ACR: was.ACR}, nil)
}

// tellOf returns what adds the event of a sign-in, of a kind, to the change of its session.
func (a Asker) tellOf(kind string) sessions.Also {
	return func(n storage.Session, ch *storage.Change) {
		ch.Events = append(ch.Events, a.Event(storage.Event{
			Kind: kind, UserID: n.UserID, ClientID: a.ClientID,
			Detail: map[string]string{"session": n.ID, "amr": strings.Join(n.AMR, " ")},
		}))
	}
}

// union returns a with those of b that it lacks.
func union(a, b []string) []string {
	out := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
