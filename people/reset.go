package people

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/people/mail"
	"github.com/vouchsafe/vouchsafe/people/typed"
	"github.com/vouchsafe/vouchsafe/storage"
)

// resetting is what the code of a forgotten password sets in motion.
type resetting struct {
	Login string // as it was typed
	Email string // the key of the address that the code goes to
	beginning
	// Secured says that the account waits for the code, and its owner knows.
	Secured bool
	// CodeOnly says that the account has no password and gets none: it was secured, and the
	// code opens it again.
	CodeOnly bool
}

// OffersReset reports whether users of the tenant can reset a password: they have some, and
// the server sends mail.
func (s *Service) OffersReset(a Asker) bool { return a.UsesPasswords() && s.Mail.Sends() }

// StartReset sends a code to the address of the account that has the e-mail address or user
// name, and returns the flow that the code belongs to. If no account can be sent one, it stores
// a decoy, and nothing else differs.
func (s *Service) StartReset(ctx context.Context, a Asker, login string) (flow string, err error) {
	login = strings.TrimSpace(login)
	if login == "" || len(login) > maxEmail {
		return "", Invalid("login", "signin.missing_login")
	}
	return s.sendReset(ctx, a, resetting{Login: login, beginning: beginningAt(a, "")})
}

// Errors of SendReset.
var (
	ErrNoReset   = errors.New("users of the tenant don't use passwords, or the server sends no email")
	ErrNoAddress = errors.New("the user has no address, or is disabled")
)

// SendReset sends a user the email with which they set a new password, for an administrator: ErrNoReset or
// ErrNoAddress if none can be sent. storage.ErrStale: see Asker.Judged.
func (s *Service) SendReset(ctx context.Context, a Asker, u storage.User) error {
	switch {
	case !s.OffersReset(a):
		return ErrNoReset
	case u.Email == "", u.Disabled && u.SecuredAt.IsZero():
		return ErrNoAddress
	}
	_, err := s.StartReset(ctx, a, u.Email)
	return err
}

// ResendReset sends the code of a reset once more, and returns the next flow; the code before is void.
// Its refusal is ErrWrongCode.
func (s *Service) ResendReset(ctx context.Context, a Asker, flow string) (next string, err error) {
	var data resetting
	code, err := s.openFlow(ctx, a, storage.CodeReset, Proof{Flow: flow}, &data)
	if err == nil {
		err = s.MayResend(a, code)
	}
	if err != nil {
		return "", err
	}
	return s.sendReset(ctx, a, data)
}

// sendReset stores a code for the typed name and its message, and returns the flow. A name without an account gets a
// decoy: the same reads, the same writes, the same time.
func (s *Service) sendReset(ctx context.Context, a Asker, data resetting) (flow string, err error) {
	defer Evenly(ctx, time.Now())
	user, cred, key, err := s.UserPassword(ctx, a, data.Login)
	if err != nil {
		return "", err
	}
	vain, err := s.AllowSending(ctx, a, Sending{
		Channel: storage.MethodEmail, Typed: key, User: user, Real: user.Email != "" && !isClosed(user),
	})
	if err != nil {
		return "", err
	}
	// Read without a user, too, so that the time is the same.
	ids, err := s.Store.IdentitiesOf(ctx, a.Tenant.ID, user.ID)
	if err != nil {
		return "", err
	}
	target := "name:" + key
	if user.ID != "" {
		target, data.Email = "user:"+user.ID, user.EmailKey
	}
	byOthers := user.EmailVerified && cred.Data == nil && len(ids) > 0
	data.CodeOnly = !user.SecuredAt.IsZero() && (byOthers || !a.UsesPasswords())
	code, err := s.newOwnCode(a, data.Asker, storage.CodeReset, target, user.ID, data)
	if err != nil {
		return "", err
	}
	m, err := s.resetMail(a, user, code, byOthers, vain)
	if err != nil {
		return "", err
	}
	return s.putFlow(ctx, a, code, m)
}

// UserPassword returns the user who has the e-mail address or user name, without an id for
// none, the password, and the key of the name. It reads the same for any name.
func (s *Service) UserPassword(ctx context.Context, a Asker, name string) (
	user storage.User, cred storage.Credential, key string, err error,
) {
	key, ok := NormalName(name)
	if !ok {
		return user, cred, name, nil
	}
	user, cred, err = s.Store.UserPassword(ctx, a.Tenant.ID, key)
	if errors.Is(err, storage.ErrNotFound) {
		err = nil
	}
	return user, cred, key, err
}

// resetMail carries the code of a reset. byOthers says that the user signs in by way of
// upstream providers alone, vain that the mailbox has had its messages.
func (s *Service) resetMail(a Asker, user storage.User, code Issued, byOthers, vain bool) (storage.Delivery, error) {
	content := map[string]string{"Code": code.Spoken(), "Link": a.Tenant.URL("/reset?token=" + code.Token)}
	m, err := s.Compose(a, RecipientOf(user), "reset-password", content)
	switch {
	case user.ID == "" || isClosed(user) || vain || errors.Is(err, mail.ErrAddress):
		return s.decoy(a, "nobody@example.com", content)
	case byOthers && user.SecuredAt.IsZero():
		// The user's employer may count on the upstream provider: a password would be a second
		// door, which the employer cannot close.
		return s.Compose(a, RecipientOf(user), "no-password", map[string]string{"Link": a.Tenant.URL("/login")})
	}
	return m, err
}

// answersAfter is how long a response without a hash takes, at least: what the database does
// for an account takes some ten microseconds more than for none, and this is far more.
const answersAfter = 30 * time.Millisecond

// Evenly waits until that time has passed since start.
func Evenly(ctx context.Context, start time.Time) {
	select {
	case <-ctx.Done():
	case <-time.After(time.Until(start.Add(answersAfter))):
	}
}

// Reset is a reset that waits for its code.
type Reset struct {
	// Login is what was typed in the browser where the reset began, else the address.
	Login string
	// Secured says that the account is closed until the code comes back.
	Secured bool
	// CodeOnly says that the code opens the account, and that no password is set.
	CodeOnly bool
	ResendAt time.Time // see Service.ResendAt
}

// OpenReset returns the reset that waits for the code of a link, by p.Token, or for the digits
// of a flow that began in this browser. It spends nothing. Its refusal is ErrWrongCode.
func (s *Service) OpenReset(ctx context.Context, a Asker, p Proof) (Reset, error) {
	var data resetting
	code, err := s.openFlow(ctx, a, storage.CodeReset, p, &data)
	out := Reset{Login: data.Email, Secured: data.Secured, CodeOnly: data.CodeOnly, ResendAt: s.ResendAt(code)}
	if p.Token == "" { // a user who has only asked for a code learns nothing of the account by it
		out.Login, out.CodeOnly = data.Login, data.CodeOnly && data.Secured
	}
	return out, err
}

// ResetDone is what came of a reset.
type ResetDone struct {
	User storage.User
	// Opened says that the account was closed, and that the code opened it without a new password.
	Opened bool
	// Kept makes the device known: its user signs in there next, whatever strangers guess meanwhile.
	Kept Kept
}

// ConfirmReset gives the owner of an account's address a new password. It ends all sessions and
// grants, keeps the second factor, opens no session, and tells the owner by mail. Its refusal is
// ErrWrongCode.
func (s *Service) ConfirmReset(ctx context.Context, a Asker, p Proof, newPassword string) (done ResetDone, err error) {
	if err := s.AllowForm(ctx, a); err != nil {
		return done, err
	}
	// A password that is refused in any case costs no try of the code.
	if err := s.fit(ctx, a, "password", newPassword); err != nil && !s.needsNoPassword(ctx, a, p) {
		return done, err
	}
	user, data, code, err := s.proveReset(ctx, a, p)
	if err != nil {
		return done, err
	}
	change, err := s.resetChange(ctx, a, &user, data, newPassword)
	if err != nil {
		return done, err
	}
	change.Code = code.ID
	change.Events = append(change.Events, a.Event(storage.Event{Kind: storage.EventPasswordReset, UserID: user.ID}))
	_, err = s.ApplyProven(ctx, a, change)
	if errors.Is(err, storage.ErrStale) || errors.Is(err, storage.ErrNotFound) {
		return done, ErrWrongCode // used, disabled or removed at this very moment
	}
	if err != nil {
		return done, err
	}
	s.Mail.Stored()
	user.CredentialVersion++
	return ResetDone{user, data.CodeOnly, s.MarkDevice(a, user, storage.ACRPassword)}, nil
}

// proveReset returns the user whose reset the code proves. Its refusal is ErrWrongCode.
func (s *Service) proveReset(ctx context.Context, a Asker, p Proof) (
	user storage.User, data resetting, code storage.Code, err error,
) {
	if code, err = s.proveFlow(ctx, a, storage.CodeReset, p, &data); err != nil {
		return user, data, code, err
	}
	user, err = s.Store.User(ctx, code.TenantID, code.UserID)
	if errors.Is(err, storage.ErrNotFound) || err == nil && (isClosed(user) || user.EmailKey != data.Email) {
		err = ErrWrongCode
	}
	return user, data, code, err
}

// resetChange returns the change that a reset is, and makes user what the change makes of it.
func (s *Service) resetChange(
	ctx context.Context, a Asker, user *storage.User, data resetting, secret string,
) (storage.Change, error) {
	secured := !user.SecuredAt.IsZero()
	if secured {
		user.Disabled, user.SecuredAt, user.UpdatedAt = false, time.Time{}, time.Now()
	}
	ch, err := s.newPasswordChange(ctx, a, user, data, secret)
	if secured {
		ch.Secured, ch.Update = true, user
		ch.Events = append(ch.Events, a.Event(storage.Event{Kind: storage.EventAccountOpened, UserID: user.ID}))
	}
	return ch, err
}

// newPasswordChange returns the change that sets the password. For an address that was never proven it also takes the
// account back (TakeBack).
func (s *Service) newPasswordChange(
	ctx context.Context, a Asker, user *storage.User, data resetting, secret string,
) (storage.Change, error) {
	switch {
	case data.CodeOnly && user.EmailVerified:
		return storage.Change{
			TenantID: user.TenantID, UserID: user.ID, Now: time.Now(), Version: &user.CredentialVersion, Raise: true,
		}, nil
	case user.EmailVerified:
		return s.PasswordChange(ctx, a, *user, "password", secret)
	}
	if err := s.fit(ctx, a, "password", secret, user.Email, user.EmailKey); err != nil {
		return storage.Change{}, err
	}
	change, err := s.settingPassword(ctx, a, *user, secret)
	if err != nil {
		return change, err
	}
	return change, s.TakeBack(ctx, user, &change)
}

// needsNoPassword reports whether the proof is for a reset that sets no password.
func (s *Service) needsNoPassword(ctx context.Context, a Asker, p Proof) bool {
	flow := p.Flow
	if p.Token != "" {
		flow, _, _ = strings.Cut(typed.Token(p.Token), ".")
	}
	var data resetting
	code, err := s.waitingCode(ctx, a.Tenant.ID, storage.CodeReset, flow)
	return err == nil && s.OpenCode(code, &data) == nil && data.CodeOnly
}

// TakeBack adds to the change what the owner of an account's address is owed when the owner
// proves the address for the first time. The account may have been made by an attacker who
// waited for the owner (Sudhodanan and Paverd, Pre-hijacked Accounts, USENIX Security 2022), so
// that everything by which an attacker could come back ends: every credential but those that
// the change sets, every identity but those that it links, the phone number, sessions, grants,
// consents, and changes that wait for a code. u becomes the user as the change leaves it.
func (s *Service) TakeBack(ctx context.Context, u *storage.User, ch *storage.Change) error {

	creds, err := s.Store.CredentialsOf(ctx, u.TenantID, u.ID)
	if err != nil {
		return err
	}
	kinds := []string{storage.PasswordCredential, storage.OldPasswordCredential, storage.TOTPCredential,
		storage.RecoveryCredential, storage.PasskeyCredential}
	for _, c := range creds {
		if !slices.Contains(kinds, c.Kind) {
			kinds = append(kinds, c.Kind)
		}
	}
	for _, kind := range kinds {
		ch.RemoveCredentials = append(ch.RemoveCredentials, storage.CredentialKey{Kind: kind, ID: storage.AllIDs})
	}
	// All, and not those that exist now: an attacker may be linking one at this very moment.
	ch.Unlink = append(ch.Unlink, storage.Identity{Provider: storage.AllIDs})
	ch.Withdraw = storage.AllIDs // what was allowed to an attacker's client would be allowed to it again
	u.EmailVerified, u.Phone, u.PhoneVerified, u.UpdatedAt = true, "", false, ch.Now
	ch.Raise, ch.Update = true, u
	return nil
}
