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
