package login

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/mail"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	// mailLead is how much older than its mail a change may be: clocks of replicas differ.
	mailLead = time.Minute
	// formerLife is how long what a new authenticator app replaced is kept.
	formerLife = disavowalLife + mailLead
)

// errMovedAway says that the address which a mail went to belongs to another account by now.
var errMovedAway = errors.New("the address is another account's")

// disavowed is the person whom a link is about, and what they have. errNoDisavowal: there is
// none, or operators closed the account. errDisavowed: the link is spent.
func (s *Server) disavowed(r *http.Request, d disavowal) (storage.User, []storage.Credential, error) {
	ctx, tenant := r.Context(), web.TenantOf(r.Context()).ID
	u, err := s.Store.User(ctx, tenant, d.UserID)
	if errors.Is(err, storage.ErrNotFound) || err == nil && isClosed(u) {
		return u, nil, errNoDisavowal
	}
	if err != nil {
		return u, nil, err
	}
	creds, err := s.Store.CredentialsOf(ctx, tenant, u.ID)
	if err == nil && spentLinksOf(creds).have(d) {
		err = errDisavowed
	}
	return u, creds, err
}

// isClosed says that operators disabled the account: no mail opens it.
func isClosed(u storage.User) bool { return u.Disabled && u.SecuredAt.IsZero() }

// disavow does in one change what "This was not me" promises, and gives the flow of the code
// that opens the account again: all sessions and grants end, what was added since the mail is
// removed, a change of address is undone, and nobody signs in until the code came back.
func (s *Server) disavow(r *http.Request, d disavowal) (flow string, err error) {
	for range 5 {
		u, creds, err := s.disavowed(r, d)
		if err != nil {
			return "", err
		}
		flow, err := s.applyDisavowal(r, d, u, creds)
		if !errors.Is(err, storage.ErrStale) { // else the account was changed at this very moment
			return flow, err
		}
	}
	return "", storage.ErrStale
}

func (s *Server) applyDisavowal(r *http.Request, d disavowal, u storage.User, creds []storage.Credential) (flow string, err error) {
	ch, err := s.closing(r, d, u, creds)
	if err != nil {
		return "", err
	}
	email, needed, ok := d.restores(u)
	if ok {
		whole := ch
		if flow, err = s.returning(r, d, u, &whole, email, needed); err != nil {
			return "", err
		}
		err = s.Store.Apply(r.Context(), whole)
	}
	if !ok || needed && errors.Is(err, storage.ErrExists) {
		// The account is closed all the same, but to whom its code would go is not certain.
		if err = s.Store.Apply(r.Context(), ch); err == nil {
			err = errMovedAway
		}
		return "", err
	}
	if err == nil {
		s.Mail.Stored()
	}
	return flow, err
}

// closing is the change that closes the account and removes what was added since the mail.
func (s *Server) closing(r *http.Request, d disavowal, u storage.User, creds []storage.Credential) (ch storage.Change, err error) {
	now, since := time.Now(), d.at().Add(-mailLead)
	next := u
	next.Disabled, next.SecuredAt, next.UpdatedAt = true, now, now
	moved, err := s.phoneChanged(r, u, since)
	if err != nil {
		return ch, err
	}
	if moved {
		next.Phone, next.PhoneVerified = "", false
	}
	ch = storage.Change{
		TenantID: u.TenantID, UserID: u.ID, Now: now, Version: &u.CredentialVersion, Secured: true, Raise: true, Update: &next,
		RemoveAdded: &storage.Added{Since: since, Kinds: []string{storage.TOTPCredential, storage.RecoveryCredential, storage.PasskeyCredential, storage.DeviceCredential}},
		Credentials: formerFactor(creds, since, now),
		Events:      []storage.Event{s.event(r, storage.Event{Kind: storage.EventAccountSecured, UserID: u.ID})},
	}
	spent, err := spentLinksOf(creds).with(d, now)
	ch.Credentials = append(ch.Credentials, spent)
	return ch, err
}

// returning adds to that change what gives the account back: the address that it had, and a
// code that goes there.
func (s *Server) returning(r *http.Request, d disavowal, u storage.User, ch *storage.Change, email address.Claimed, needed bool) (flow string, err error) {
	next := *ch.Update
	if needed {
		email.Give(&next)
		next.EmailVerified = d.Verified
		if ch.Mails, err = s.plainNotice(r, u, "email-restored"); err != nil {
			return "", err
		}
	}
	code, m, err := s.reopening(r, next)
	ch.Update, ch.Codes, ch.Mails = &next, []storage.Code{code.Code}, append(ch.Mails, m)
	return code.ID, err
}

// reopening is the code that opens a secured account again, and its mail.
func (s *Server) reopening(r *http.Request, u storage.User) (issued, storage.Mail, error) {
	data := resetting{Login: u.Email, Email: u.EmailKey, Browser: browserOf(r), Asker: askerOf(r), Secured: true}
	ids, err := s.Store.IdentitiesOf(r.Context(), u.TenantID, u.ID)
	if err != nil {
		return issued{}, storage.Mail{}, err
	}
	_, err = s.Store.Credential(r.Context(), u.TenantID, u.ID, storage.PasswordCredential, "")
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return issued{}, storage.Mail{}, err
	}
	data.CodeOnly = !usesPasswords(r) || err != nil && u.EmailVerified && len(ids) > 0
	code, err := s.newCodeFor(r, data.Asker, storage.CodeReset, "user:"+u.ID, u.ID, data, codeLife)
	if err != nil {
		return code, storage.Mail{}, err
	}
	m, err := s.compose(r, recipientOf(u), "account-secured", map[string]string{"Code": code.Spoken(), "Link": web.TenantOf(r.Context()).URL("/reset?token=" + code.Token)})
	return code, m, err
}

// plainNotice is a mail that tells of a change and has no link: to an address that the account
// no longer has.
func (s *Server) plainNotice(r *http.Request, u storage.User, template string) ([]storage.Mail, error) {
	m, err := s.compose(r, recipientOf(u), template, map[string]string{})
	if errors.Is(err, mail.ErrAddress) {
		return nil, nil
	}
	return []storage.Mail{m}, err
}

// sendReopening sends the code of a secured account once more.
func (s *Server) sendReopening(r *http.Request, u storage.User) (flow string, err error) {
	vain, err := s.allowSending(r, sending{channel: storage.MethodEmail, typed: u.EmailKey, user: u, real: true})
	if err == nil && vain { // whoever has the link reads that mailbox: there is nothing to hide
		err = &limited{time.Hour}
	}
	if err != nil {
		return "", err
	}
	code, m, err := s.reopening(r, u)
	if err != nil {
		return "", err
	}
	if err := s.Store.PutCode(r.Context(), code.Code, m); err != nil {
		return "", err
	}
	s.Mail.Stored()
	return code.ID, nil
}

// phoneChanged says whether the person's number was changed since.
func (s *Server) phoneChanged(r *http.Request, u storage.User, since time.Time) (bool, error) {
	const page = 200
	for before := ""; ; {
		events, err := s.Store.EventsOf(r.Context(), u.TenantID, u.ID, before, page)
		if err != nil {
			return false, err
		}
		for _, e := range events {
			if e.At.Before(since) {
				return false, nil
			}
			if e.Kind == storage.EventPhoneChanged || e.Kind == storage.EventPhoneRemoved {
				return true, nil
			}
			before = e.ID
		}
		if len(events) < page {
			return false, nil
		}
	}
}

// formerFactor is what a person's authenticator app is to be, if a thief replaced it: without
// it the mailbox alone would open an account that had a second factor before.
func formerFactor(creds []storage.Credential, since, now time.Time) (back []storage.Credential) {
	left := slices.DeleteFunc(slices.Clone(creds), func(c storage.Credential) bool { return !c.CreatedAt.Before(since) })
	if storage.HasSecondFactor(left) {
		return nil
	}
	for _, c := range creds {
		if now.Sub(c.CreatedAt) > formerLife {
			continue
		}
		switch c.Kind {
		case storage.FormerTOTPCredential:
			c.Kind = storage.TOTPCredential
		case storage.FormerRecoveryCredential:
			c.Kind = storage.RecoveryCredential
		default:
			continue
		}
		c.CreatedAt, c.UpdatedAt = now, now
		back = append(back, c)
	}
	return back
}

// formers are the kinds under which it is kept.
var formers = map[string]string{
	storage.TOTPCredential: storage.FormerTOTPCredential, storage.RecoveryCredential: storage.FormerRecoveryCredential,
}

// keepFormer adds to a change that replaces or removes credentials of the kinds what they
// were, for a while. Of several such changes the first counts: a thief makes many.
func keepFormer(ch *storage.Change, creds []storage.Credential, kinds ...string) {
	now := time.Now()
	for _, kind := range kinds {
		kept := func(c storage.Credential) bool { return c.Kind == formers[kind] && now.Sub(c.CreatedAt) <= formerLife }
		if slices.ContainsFunc(creds, kept) {
			continue
		}
		ch.RemoveCredentials = append(ch.RemoveCredentials, storage.CredentialKey{Kind: formers[kind]})
		for _, c := range creds {
			if c.Kind == kind {
				c.Kind, c.CreatedAt, c.UpdatedAt = formers[kind], now, now
				ch.Credentials = append(ch.Credentials, c)
			}
		}
	}
}
