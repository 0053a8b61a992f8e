package people

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/storage"
)

// ReviewLife is how long the browser of a reset may look over the account.
const ReviewLife = 15 * time.Minute

// ErrNothingChosen says that nothing was chosen to be taken away.
const ErrNothingChosen = Refusal("review.nothing")

// review lets the browser in which a password was reset see what else opens the account, and take it
// away. It is no session.
type review struct {
	UserID  string `json:"u"`
	Version int64  `json:"v"` // of the user's credentials, after the reset
	At      int64  `json:"t"` // Unix time
	Browser string `json:"b"` // Asker.Browser
}

// StartReview returns what the asker's browser keeps, sealed, to look over the account of the user who has
// reset the password there.
func (s *Service) StartReview(a Asker, u storage.User) string {
	plain, err := json.Marshal(review{u.ID, u.CredentialVersion, time.Now().Unix(), a.Browser})
	if err != nil {
		panic(err) // strings and numbers
	}
	return s.Secrets.Box(u.TenantID, secret.ResetReview).SealString(plain)
}

// ReviewedUser returns the user whose account the asker's browser may look over, by what StartReview
// returned. storage.ErrNotFound: there is none, or the credentials have changed since.
func (s *Service) ReviewedUser(ctx context.Context, a Asker, sealed string) (u storage.User, err error) {
	var rv review
	plain, err := s.Secrets.Box(a.Tenant.ID, secret.ResetReview).OpenString(sealed)
	if err != nil || json.Unmarshal(plain, &rv) != nil || rv.Browser != a.Browser || a.Browser == "" ||
		!storage.Within(time.Unix(rv.At, 0), time.Now(), ReviewLife) {
		return u, storage.ErrNotFound
	}
	u, err = s.Store.User(ctx, a.Tenant.ID, rv.UserID)
	if err == nil && (u.Disabled || u.CredentialVersion != rv.Version) {
		err = storage.ErrNotFound
	}
	return u, err
}

// Opener is something beside the password that opens an account, or is asked for in addition.
type Opener struct {
	Text  string    // the id of the text that names it
	Args  []any     // of that text
	Email string    // of an identity; may be ""
	Since time.Time // zero for a phone number
	// Key names it for RemoveOpeners; "" if the mailbox alone must not take it away.
	Key string
	// Asked says that it is asked for in addition when the user signs in.
	Asked bool

	remove func(ch *storage.Change)
}

// Openers returns all that opens the user's account. What is asked for as a second factor stays: an attacker
// who reads the mailbox does not have it, and must not get around it.
func (s *Service) Openers(ctx context.Context, a Asker, u storage.User) (all []Opener, err error) {
	creds, err := s.Store.CredentialsOf(ctx, u.TenantID, u.ID)
	if err != nil {
		return nil, err
	}
	ids, err := s.Store.IdentitiesOf(ctx, u.TenantID, u.ID)
	if err != nil {
		return nil, err
	}
	for _, c := range creds {
		switch c.Kind {
		case storage.PasskeyCredential:
			all = append(all, s.passkeyOpener(ctx, a, c, onlyFactor(creds)))
		case storage.TOTPCredential:
			all = append(all, Opener{Text: "review.app", Since: c.CreatedAt, Asked: true})
		}
	}
	for _, i := range ids {
		name, _ := s.UpstreamName(a.Tenant, i.Provider)
		all = append(all, Opener{
			Text: "review.identity", Args: []any{name}, Email: i.Email, Since: i.CreatedAt,
			Key:    "identity " + i.Provider + " " + i.Subject,
			remove: func(ch *storage.Change) { ch.Unlink = append(ch.Unlink, i) },
		})
	}
	if u.PhoneVerified && a.offers(storage.MethodPhone) {
		all = append(all, Opener{Text: "review.phone", Args: []any{u.Phone}, Key: "phone", remove: func(ch *storage.Change) {
			without := u
			without.Phone, without.PhoneVerified, without.UpdatedAt = "", false, time.Now()
			ch.Update = &without
		}})
	}
	return all, nil
}

// passkeyOpener returns a passkey as an Opener. asked says that it is asked for as a second factor, and so stays.
func (s *Service) passkeyOpener(ctx context.Context, a Asker, c storage.Credential, asked bool) Opener {
	k, _ := s.OpenPasskey(ctx, c)
	o := Opener{Text: "review.passkey", Args: []any{PasskeyName(s.Words(a.Language), k)}, Since: c.CreatedAt, Asked: asked}
	if !asked {
		o.Key, o.remove = "passkey "+c.ID, func(ch *storage.Change) {
			ch.RemoveCredentials = append(ch.RemoveCredentials, storage.CredentialKey{Kind: c.Kind, ID: c.ID})
		}
	}
	return o
}

// onlyFactor reports whether passkeys are all that is asked for as a second factor.
func onlyFactor(creds []storage.Credential) bool {
	isApp := func(c storage.Credential) bool { return c.Kind == storage.TOTPCredential }
	return storage.HasSecondFactor(creds) && !slices.ContainsFunc(creds, isApp)
}

// RemoveOpeners takes away what the user has chosen of Openers, and tells the user by mail. Its refusals are
// ErrNothingChosen and ErrLastWayIn.
func (s *Service) RemoveOpeners(ctx context.Context, a Asker, u storage.User, chosen func(key string) bool) error {
	openers, err := s.Openers(ctx, a, u)
	if err != nil {
		return err
	}
	ch := storage.Change{Events: []storage.Event{a.Event(storage.Event{Kind: storage.EventAccountReviewed, UserID: u.ID})}}
	var names []string
	for _, o := range openers {
		if o.Key != "" && chosen(o.Key) {
			o.remove(&ch)
			names = append(names, s.Words(a.Language).Must(o.Text, o.Args...))
		}
	}
	if len(names) == 0 {
		return ErrNothingChosen
	}
	if ch.Deliveries, err = s.ChangeNotice(a, u, "review.told", strings.Join(names, ", ")); err != nil {
		return err
	}
	return s.leavingAWayIn(ctx, a, u, ch)
}
