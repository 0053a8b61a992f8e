package people

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/login/mail"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/people/typed"
	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	// mailLead is how much older than its mail a change may be: clocks of replicas differ.
	mailLead = time.Minute
	// formerLife is how long what a new authenticator app replaced is kept.
	formerLife = disavowalLife + mailLead
)

// Refusals of links by which a user says "this was not me".
const (
	ErrNoDisavowal   = Refusal("notme.bad")  // the link is none, or an administrator closed the account
	ErrLateDisavowal = Refusal("notme.late") // the link is too old
	ErrDisavowed     = Refusal("notme.done") // the link, or a later one, was used before
	// ErrSecured is ErrDisavowed while the account still waits for the code that opens it.
	ErrSecured = Refusal("notme.again")
	// ErrMovedAway says that the account is closed, and that the address that the mail went to
	// belongs to another account by now.
	ErrMovedAway = Refusal("notme.moved")
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

// disavowed returns the user whom a link is about, and the user's credentials. Its refusals are
// ErrNoDisavowal, ErrDisavowed and ErrSecured.
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

// Disavow does in one change what the link "this was not me" promises, and returns the flow of
// the code that opens the account again. All sessions and grants end, what was added since the
// mail is removed, a change of address is undone, and nobody signs in until the code came back.
// Its refusals are those of OpenDisavowal, and ErrMovedAway.
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
		// The account is closed all the same, but to whom its code would go is not certain.
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

// closing is the change that closes the account and removes what was added since the mail.
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
		Events:      []storage.Event{a.event(storage.Event{Kind: storage.EventAccountSecured, UserID: u.ID})},
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

// reopening is the code that opens a secured account again, and its mail.
func (s *Service) reopening(ctx context.Context, a Asker, u storage.User) (issued, storage.Delivery, error) {
	data := resetting{Login: u.Email, Email: u.EmailKey, beginning: beginningAt(a, ""), Secured: true}
	ids, err := s.Store.IdentitiesOf(ctx, u.TenantID, u.ID)
	if err != nil {
		return issued{}, storage.Delivery{}, err
	}
	_, err = s.Store.Credential(ctx, u.TenantID, u.ID, storage.PasswordCredential, "")
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return issued{}, storage.Delivery{}, err
	}
	data.CodeOnly = !a.UsesPasswords() || err != nil && u.EmailVerified && len(ids) > 0
	code, err := s.newOwnCode(a, data.Asker, storage.CodeReset, "user:"+u.ID, u.ID, data)
	if err != nil {
		return code, storage.Delivery{}, err
	}
	m, err := s.compose(a, recipientOf(u), "account-secured",
		map[string]string{"Code": code.Spoken(), "Link": a.Tenant.URL("/reset?token=" + code.Token)})
	return code, m, err
}

// plainNotice returns a mail that tells of a change and has no link: to an address that the
// account no longer has.
func (s *Service) plainNotice(a Asker, u storage.User, template string) ([]storage.Delivery, error) {
	m, err := s.compose(a, recipientOf(u), template, map[string]string{})
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
	vain, err := s.allowSending(ctx, a, sending{channel: storage.MethodEmail, typed: u.EmailKey, user: u, real: true})
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
	return s.putFlow(ctx, code, m)
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

// formers are the kinds under which an authenticator app that was replaced is kept.
var formers = map[string]string{
	storage.TOTPCredential: storage.FormerTOTPCredential, storage.RecoveryCredential: storage.FormerRecoveryCredential,
}

// keepFormer adds to a change that replaces or removes credentials of the kinds what they were,
// for a while. Of several such changes the first counts: an attacker makes many.
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

// disavowalLife is how long the link "This was not me" of a mail works. The texts say it.
const disavowalLife = 7 * 24 * time.Hour

// disavowal is what that link carries, sealed. Nothing is stored for it: whoever opens it
// reads the mail of the address, or once did. That is enough to close an account and to undo
// what came after the mail, and not enough to get in: for that a new code goes to the address.
type disavowal struct {
	UserID   string `json:"u"`
	At       int64  `json:"t"` // when the mail was written, in microseconds since 1970
	Email    string `json:"e"` // where it went, as it was stored
	Verified bool   `json:"v,omitempty"`
}

// restores is the address that the person gets back, if they have another by now; ok is false
// when that cannot be told.
func (d disavowal) restores(u storage.User) (email address.Claimed, needed, ok bool) {
	if d.Email == u.Email {
		return email, false, true
	}
	email, err := address.Claim(d.Email)
	return email, err != nil || email.Key() != u.EmailKey, err == nil
}

func (d disavowal) at() time.Time { return time.UnixMicro(d.At) }

// notMeLink is the link for a mail to the person as they are now.
func (s *Service) notMeLink(a Asker, u storage.User) string {
	plain, err := json.Marshal(disavowal{u.ID, time.Now().UnixMicro(), u.Email, u.EmailVerified})
	if err != nil {
		panic(err) // strings and a number
	}
	return a.Tenant.URL("/not-me?" +
		url.Values{"t": {s.Secrets.Box(a.Tenant.ID, secret.Disavowal).SealString(plain)}}.Encode())
}

// openDisavowal opens the token of a link. Its refusals are ErrNoDisavowal and
// ErrLateDisavowal.
func (s *Service) openDisavowal(a Asker, token string) (d disavowal, err error) {
	plain, err := s.Secrets.Box(a.Tenant.ID, secret.Disavowal).OpenString(typed.Token(token))
	if err != nil || json.Unmarshal(plain, &d) != nil {
		return d, ErrNoDisavowal
	}
	if !storage.Within(d.at(), time.Now(), disavowalLife) {
		return d, ErrLateDisavowal
	}
	return d, nil
}

// spentLinks is the data of a storage.DisavowedCredential: intervals in which the mails were
// written whose links are spent, from the one that was used to the moment of its use.
//
// Of two links the earlier one wins. Whoever steals an account can move it to an address of
// theirs, and so get mails with links, too; but the mail about that very move went to the
// owner, before all of those. So the owner's link voids the thief's, and not the other way
// round.
type spentLinks []struct {
	From int64 `json:"f"`
	To   int64 `json:"t"`
}

// spentLinksOf are those among a person's credentials.
func spentLinksOf(creds []storage.Credential) (l spentLinks) {
	i := slices.IndexFunc(creds, func(c storage.Credential) bool { return c.Kind == storage.DisavowedCredential })
	if i >= 0 {
		_ = json.Unmarshal(creds[i].Data, &l) // what cannot be read voids nothing
	}
	return l
}

func (l spentLinks) have(d disavowal) bool {
	for _, i := range l {
		if i.From <= d.At && d.At < i.To {
			return true
		}
	}
	return false
}

// with are the intervals once the link is used, without those that are too old to matter.
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

// isClosed reports whether an administrator disabled the account, so that no mail opens it.
func isClosed(u storage.User) bool { return u.Disabled && u.SecuredAt.IsZero() }
