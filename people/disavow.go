package people

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/people/mail"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Disavowal is what the link "this was not me" of a mail promises.
type Disavowal struct {
	// Address is the one that the account gets back, as users read it; "" when it has it.
	Address string
}

// OpenDisavowal returns what the link of a mail promises, and changes nothing: mail scanners
// open every link. Its refusals are those above.
func (s *Service) OpenDisavowal(ctx context.Context, a Asker, token string) (Disavowal, error) {
	d, err := s.openDisavowal(a, token)
	if err != nil {
		return Disavowal{}, err
	}
	u, _, err := s.disavowed(ctx, a, d)
	if err != nil {
		return Disavowal{}, err
	}
	if _, needed, _ := d.restores(u); needed {
		return Disavowal{Address: address.Shown(d.Email)}, nil
	}
	return Disavowal{}, nil
}

// disavowed returns the user that a link is about, and the user's credentials. It fails with
// ErrNoDisavowal, ErrDisavowed or ErrSecured.
func (s *Service) disavowed(ctx context.Context, a Asker, d disavowal) (storage.User, []storage.Credential, error) {
	u, err := s.Store.User(ctx, a.Tenant.ID, d.UserID)
	if errors.Is(err, storage.ErrNotFound) || err == nil && isClosed(u) {
		return u, nil, ErrNoDisavowal
	}
	if err != nil {
		return u, nil, err
	}
	creds, err := s.Store.CredentialsOf(ctx, u.TenantID, u.ID)
	switch {
	case err != nil || !spentLinksOf(creds).have(d):
		return u, creds, err
	case !u.SecuredAt.IsZero():
		return u, creds, ErrSecured
	}
	return u, creds, ErrDisavowed
}

// Disavow does in one change what the link "this was not me" promises, and returns the flow of the
// code that opens the account again. All sessions and grants end, everything that was added since
// the mail is removed, a change of address is undone, and no sign-in to the account succeeds until
// the code has come back. It fails with the errors of OpenDisavowal, or with ErrMovedAway.
func (s *Service) Disavow(ctx context.Context, a Asker, token string) (flow string, err error) {
	d, err := s.openDisavowal(a, token)
	if err != nil {
		return "", err
	}
	for range 5 {
		u, creds, err := s.disavowed(ctx, a, d)
		if err != nil {
			return "", err
		}
		flow, err := s.applyDisavowal(ctx, a, d, u, creds)
		if !errors.Is(err, storage.ErrStale) { // else the account was changed at this very moment
			return flow, err
		}
	}
	return "", ErrChangedMeanwhile
}

// applyDisavowal closes the account and, if the former address can be given back, does both in one change and returns
// the flow of the code that was sent there. It returns ErrMovedAway if the account is closed, but no address may
// get the code.
func (s *Service) applyDisavowal(ctx context.Context, a Asker, d disavowal, u storage.User,
	creds []storage.Credential,
) (flow string, err error) {
	ch, err := s.closing(ctx, a, d, u, creds)
	if err != nil {
		return "", err
	}
	email, needed, ok := d.restores(u)
	if ok {
		whole := ch
		if flow, err = s.returning(ctx, a, d, u, &whole, email, needed); err != nil {
			return "", err
		}
		err = s.Store.Apply(ctx, whole)
	}
	if !ok || needed && errors.Is(err, storage.ErrExists) {
		// The account is closed all the same, but it is not certain which address may get the code.
		if err = s.Store.Apply(ctx, ch); err == nil {
			err = ErrMovedAway
		}
		return "", err
	}
	if err == nil {
		s.Mail.Stored()
	}
	return flow, err
}

// closing returns the change that closes the account and removes what was added since the mail.
func (s *Service) closing(ctx context.Context, a Asker, d disavowal, u storage.User,
	creds []storage.Credential,
) (ch storage.Change, err error) {
	now, since := time.Now(), d.at().Add(-mailLead)
	next := u
	next.Disabled, next.SecuredAt, next.UpdatedAt = true, now, now
	moved, err := s.phoneChanged(ctx, u, since)
	if err != nil {
		return ch, err
	}
	if moved {
		next.Phone, next.PhoneVerified = "", false
	}
	ch = storage.Change{
		TenantID: u.TenantID, UserID: u.ID, Now: now, Version: &u.CredentialVersion, Secured: true,
		Raise: true, Update: &next,
		RemoveAdded: &storage.Added{Since: since,
			Kinds: []string{storage.TOTPCredential, storage.RecoveryCredential, storage.PasskeyCredential,
				storage.DeviceCredential}},
		Credentials: formerFactor(creds, since, now),
		Events:      []storage.Event{a.Event(storage.Event{Kind: storage.EventAccountSecured, UserID: u.ID})},
	}
	spent, err := spentLinksOf(creds).with(d, now)
	ch.Credentials = append(ch.Credentials, spent)
	return ch, err
}

// returning adds to that change what gives the account back: the address that it had, and a
// code that goes there.
func (s *Service) returning(ctx context.Context, a Asker, d disavowal, u storage.User, ch *storage.Change,
	email address.Claimed, needed bool,
) (flow string, err error) {
	next := *ch.Update
	if needed {
		email.Give(&next)
		next.EmailVerified = d.Verified
		if ch.Deliveries, err = s.plainNotice(a, u, "email-restored"); err != nil {
			return "", err
		}
	}
	code, m, err := s.reopening(ctx, a, next)
	ch.Update, ch.Codes, ch.Deliveries = &next, []storage.Code{code.Code}, append(ch.Deliveries, m)
	return code.ID, err
}

// reopening returns the code that opens a secured account again, and its mail.
func (s *Service) reopening(ctx context.Context, a Asker, u storage.User) (Issued, storage.Delivery, error) {
	data := resetting{Login: u.Email, Email: u.EmailKey, beginning: beginningAt(a, ""), Secured: true}
	ids, err := s.Store.IdentitiesOf(ctx, u.TenantID, u.ID)
	if err != nil {
		return Issued{}, storage.Delivery{}, err
	}
	_, err = s.Store.Credential(ctx, u.TenantID, u.ID, storage.PasswordCredential, "")
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return Issued{}, storage.Delivery{}, err
	}
	data.CodeOnly = !a.UsesPasswords() || err != nil && u.EmailVerified && len(ids) > 0
	code, err := s.newOwnCode(a, data.Asker, storage.CodeReset, "user:"+u.ID, u.ID, data)
	if err != nil {
		return code, storage.Delivery{}, err
	}
	m, err := s.Compose(a, RecipientOf(u), "account-secured",
		map[string]string{"Code": code.Spoken(), "Link": a.Tenant.URL("/reset?token=" + code.Token)})
	return code, m, err
}

// plainNotice returns a mail that tells of a change and has no link: to an address that the
// account no longer has.
func (s *Service) plainNotice(a Asker, u storage.User, template string) ([]storage.Delivery, error) {
	m, err := s.Compose(a, RecipientOf(u), template, map[string]string{})
	if errors.Is(err, mail.ErrAddress) {
		return nil, nil
	}
	return []storage.Delivery{m}, err
}

// SendReopening sends the code of a secured account once more, for the link that secured it,
// and returns the flow of the code. Its refusals are those of OpenDisavowal but ErrSecured.
func (s *Service) SendReopening(ctx context.Context, a Asker, token string) (flow string, err error) {
	d, err := s.openDisavowal(a, token)
	if err != nil {
		return "", err
	}
	u, _, err := s.disavowed(ctx, a, d)
	if err == nil {
		err = ErrNoDisavowal // the link was not used: there is no code to send once more
	}
	if !errors.Is(err, ErrSecured) {
		return "", err
	}
	vain, err := s.AllowSending(ctx, a, Sending{Channel: storage.MethodEmail, Typed: u.EmailKey, User: u, Real: true})
	if err == nil && vain { // the bearer of the link reads that mailbox: there is nothing to hide
		err = &Limited{Wait: time.Hour}
	}
	if err != nil {
		return "", err
	}
	code, m, err := s.reopening(ctx, a, u)
	if err != nil {
		return "", err
	}
	return s.putFlow(ctx, a, code, m)
}

// phoneChanged reports whether the user's number was changed since.
func (s *Service) phoneChanged(ctx context.Context, u storage.User, since time.Time) (bool, error) {
	const page = 200
	for before := ""; ; {
		events, err := s.Store.EventsOf(ctx, u.TenantID, u.ID, before, page)
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

// formerFactor returns what the user's authenticator app is to be if an attacker replaced it:
// without it the mailbox alone would open an account that had a second factor before.
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

// spentLinks is the data of a storage.DisavowedCredential: intervals in which the mails were
// written whose links are spent, from the one that was used to the moment of its use.
//
// Of two links the earlier one wins. An attacker who takes over an account can move it to an
// address of their own, and then gets mails with links, too; but the mail about that very move
// went to the owner, before all of those. So the owner's link voids the attacker's, and not the
// other way round.
type spentLinks []struct {
	From int64 `json:"f"`
	To   int64 `json:"t"`
}

// spentLinksOf are those among a user's credentials.
func spentLinksOf(creds []storage.Credential) (l spentLinks) {
	i := slices.IndexFunc(creds, func(c storage.Credential) bool { return c.Kind == storage.DisavowedCredential })
	if i >= 0 {
		_ = json.Unmarshal(creds[i].Data, &l) // what cannot be read voids nothing
	}
	return l
}

// have reports whether the link of the disavowal was used up by a later one.
func (l spentLinks) have(d disavowal) bool {
	for _, i := range l {
		if i.From <= d.At && d.At < i.To {
			return true
		}
	}
	return false
}

// with returns the intervals once the link is used, without those that are too old to matter.
func (l spentLinks) with(d disavowal, now time.Time) (storage.Credential, error) {
	var kept spentLinks
	for _, i := range l {
		if now.Sub(time.UnixMicro(i.To)) < disavowalLife {
			kept = append(kept, i)
		}
	}
	kept = append(kept, spentLinks{{d.At, now.UnixMicro()}}...)
	data, err := json.Marshal(kept)
	return storage.Credential{Kind: storage.DisavowedCredential, Data: data, CreatedAt: now, UpdatedAt: now}, err
}
