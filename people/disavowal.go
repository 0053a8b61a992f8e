package people

import (
	"encoding/json"
	"net/url"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/secret"
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

// disavowalLife is how long the link "This wasn't me" of a mail works. The texts say it.
const disavowalLife = 7 * 24 * time.Hour

// disavowal is what that link carries, sealed. Nothing is stored for it: a user who opens it reads
// the mail of the address, or once did. That is enough to close an account and to undo what came
// after the mail. It is not enough to sign in: that takes a new code, which goes to the address.
type disavowal struct {
	UserID   string `json:"u"`
	At       int64  `json:"t"` // when the mail was written, in microseconds since 1970
	Email    string `json:"e"` // where it went, as it was stored
	Verified bool   `json:"v,omitempty"`
}

// at returns when the email was written, which was at the change that its link undoes.
func (d disavowal) at() time.Time { return time.UnixMicro(d.At) }

// restores returns the address that the user gets back, if they have another by now; ok is false
// when that cannot be told.
func (d disavowal) restores(u storage.User) (email address.Claimed, needed, ok bool) {
	if d.Email == u.Email {
		return email, false, true
	}
	email, err := address.Claim(d.Email)
	return email, err != nil || email.Key() != u.EmailKey, err == nil
}

// notMeLink returns the link for a mail to the user as they are now.
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

// isClosed reports whether an administrator disabled the account, so that no mail opens it.
func isClosed(u storage.User) bool { return u.Disabled && u.SecuredAt.IsZero() }

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
