package login

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/mail"
	"github.com/vouchsafe/vouchsafe/storage"
)

// resetting is what the code of a forgotten password sets in motion.
type resetting struct {
	Login   string // as it was typed
	Email   string // the key of the address that the code goes to
	Browser string // where it began
	Asker   string // see askerOf
	// Secured says that the account waits for the code, and its owner knows.
	Secured bool
	// CodeOnly says that the account has no password and gets none: it was secured, and the
	// code opens it again.
	CodeOnly bool
}

// startReset sends a code to the address of whoever the e-mail or user name means, and
// gives the flow that it belongs to. When there is nobody who could be sent one, a decoy is
// stored, and nothing else differs.
func (s *Server) startReset(r *http.Request, login string) (flow string, err error) {
	login = strings.TrimSpace(login)
	if login == "" || len(login) > maxEmail {
		return "", invalidf("login", "signin.missing_login")
	}
	return s.sendReset(r, resetting{Login: login, Browser: browserOf(r), Asker: askerOf(r)})
}

func (s *Server) sendReset(r *http.Request, data resetting) (flow string, err error) {
	ctx := r.Context()
	defer evenly(ctx, time.Now())
	tenant := web.TenantOf(ctx)
	key, ok := normalName(data.Login)
	var user storage.User
	var cred storage.Credential
	if ok {
		user, cred, err = s.Store.UserPassword(ctx, tenant.ID, key)
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return "", err
		}
	} else {
		key = data.Login
	}
	vain, err := s.allowSending(r, sending{channel: storage.MethodEmail, typed: key, user: user, real: user.Email != "" && !isClosed(user)})
	if err != nil {
		return "", err
	}
	// Asked for nobody, too, so that the time is the same.
	ids, err := s.Store.IdentitiesOf(ctx, tenant.ID, user.ID)
	if err != nil {
		return "", err
	}
	target := "name:" + key
	if user.ID != "" {
		target, data.Email = "user:"+user.ID, user.EmailKey
	}
	byOthers := user.EmailVerified && cred.Data == nil && len(ids) > 0
	data.CodeOnly = !user.SecuredAt.IsZero() && (byOthers || !usesPasswords(r))
	code, err := s.newCodeFor(r, data.Asker, storage.CodeReset, target, user.ID, data, codeLife)
	if err != nil {
		return "", err
	}
	content := map[string]string{"Code": code.Spoken(), "Link": tenant.URL("/reset?token=" + code.Token)}
	m, err := s.compose(r, recipientOf(user), "reset-password", content)
	switch {
	case user.ID == "" || isClosed(user) || vain || errors.Is(err, mail.ErrAddress):
		m, err = s.decoy(r, "nobody@example.com", content)
	case byOthers && user.SecuredAt.IsZero():
		// They come by way of somebody else, and their employer may count on that: a
		// password would be a second door, which nobody there can close.
		m, err = s.compose(r, recipientOf(user), "no-password", map[string]string{"Link": tenant.URL("/login")})
	}
	if err != nil {
		return "", err
	}
	if err := s.Store.PutCode(ctx, code.Code, m); err != nil {
		return "", err
	}
	s.Mail.Stored()
	return code.ID, nil
}

// answersAfter is how long an answer takes, at least, that needs no hash: what the database
// does for somebody takes some ten microseconds more than for nobody, and these are some ten
// milliseconds.
const answersAfter = 30 * time.Millisecond

// evenly waits until that is over.
func evenly(ctx context.Context, start time.Time) {
	select {
	case <-ctx.Done():
	case <-time.After(time.Until(start.Add(answersAfter))):
	}
}

// confirmReset gives whoever proves the address of an account a new password. It ends all
// sessions and grants, keeps the second factor, starts nothing, and tells the owner.
func (s *Server) confirmReset(r *http.Request, p proof, newPassword string) (storage.User, error) {
	ctx := r.Context()
	if err := s.allowForm(r); err != nil {
		return storage.User{}, err
	}
	var data resetting
	// What is wrong with it anyhow costs no try.
	if err := s.fit(r, "password", newPassword); err != nil && !s.codeOnly(r, p) {
		return storage.User{}, err
	}
	code, err := s.tryCode(r, storage.CodeReset, p, &data)
	if err != nil {
		return storage.User{}, err
	}
	user, err := s.Store.User(ctx, code.TenantID, code.UserID)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return user, errWrongCode
	case err != nil:
		return user, err
	case isClosed(user), user.EmailKey != data.Email, p.Token == "" && !isBrowser(r, data.Browser):
		return user, errWrongCode
	}
	change, err := s.resetOf(r, &user, data, newPassword)
	if err != nil {
		return user, err
	}
	change.Code = code.ID
	change.Events = append(change.Events, s.event(r, storage.Event{Kind: storage.EventPasswordReset, UserID: user.ID}))
	err = s.Store.Apply(ctx, change)
	if errors.Is(err, storage.ErrStale) || errors.Is(err, storage.ErrNotFound) {
		return user, errWrongCode // used, disabled or removed this very moment
	}
	if err != nil {
		return user, err
	}
	s.Mail.Stored()
	user.CredentialVersion++
	return user, nil
}

// resetOf is the change that a reset is, and of user what it makes them.
func (s *Server) resetOf(r *http.Request, user *storage.User, data resetting, secret string) (storage.Change, error) {
	secured := !user.SecuredAt.IsZero()
	if secured {
		user.Disabled, user.SecuredAt, user.UpdatedAt = false, time.Time{}, time.Now()
	}
	ch, err := s.resettingOf(r, user, data, secret)
	if secured {
		ch.Secured, ch.Update = true, user
		ch.Events = append(ch.Events, s.event(r, storage.Event{Kind: storage.EventAccountOpened, UserID: user.ID}))
	}
	return ch, err
}

func (s *Server) resettingOf(r *http.Request, user *storage.User, data resetting, secret string) (storage.Change, error) {
	switch {
	case data.CodeOnly && user.EmailVerified:
		return storage.Change{TenantID: user.TenantID, UserID: user.ID, Now: time.Now(), Version: &user.CredentialVersion, Raise: true}, nil
	case user.EmailVerified:
		return s.passwordChange(r, *user, "password", secret)
	}
	if err := s.fit(r, "password", secret, user.Email, user.EmailKey); err != nil {
		return storage.Change{}, err
	}
	change, err := s.settingPassword(r, *user, secret)
	if err != nil {
		return change, err
	}
	return change, s.takeBack(r, user, &change)
}

// codeOnly says whether the proof is for a reset that sets no password.
func (s *Server) codeOnly(r *http.Request, p proof) bool {
	flow := p.Flow
	if p.Token != "" {
		flow, _, _ = strings.Cut(p.Token, ".")
	}
	var data resetting
	return s.flow(r, storage.CodeReset, flow, &data) == nil && data.CodeOnly
}

// resend sends the code of a flow anew: the one before does not count any more.
func (s *Server) resend(r *http.Request, flow string) (next string, err error) {
	ctx := r.Context()
	code, err := s.Store.Code(ctx, web.TenantOf(ctx).ID, flow, time.Now())
	if errors.Is(err, storage.ErrNotFound) {
		return "", errWrongCode
	}
	if err != nil {
		return "", err
	}
	switch code.Purpose {
	case storage.CodeSignUp:
		var reg registration
		if err := s.openCode(code, &reg); err != nil {
			return "", err
		}
		if !isBrowser(r, reg.Browser) {
			return "", errWrongCode
		}
		email, err := provenBy(code, reg.Email)
		if err != nil {
			return "", err
		}
		return s.sendSignUp(r, email, reg)
	case storage.CodeReset:
		var data resetting
		if err := s.openCode(code, &data); err != nil {
			return "", err
		}
		if !isBrowser(r, data.Browser) {
			return "", errWrongCode
		}
		return s.sendReset(r, data)
	case storage.CodeSignIn:
		var data signingIn
		if err := s.openCode(code, &data); err != nil {
			return "", err
		}
		if !isBrowser(r, data.Browser) {
			return "", errWrongCode
		}
		if ok, err := s.mayCodeFor(r, data.Channel, data.Login); !ok || err != nil {
			return "", errors.Join(err, errWrongCode)
		}
		return s.sendSignIn(r, data)
	}
	return "", errWrongCode
}
