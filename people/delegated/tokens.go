package delegated

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/mail"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Hooks of an app: storage.Delivery.Template.
const (
	HookReset   = "delegated-reset"
	HookSignIn  = "delegated-sign-in"
	HookChanged = "delegated-changed"
)

// Announcement is what a hook tells the app. It is the sealed data of a delivery.
type Announcement struct {
	Account int64  `json:"a"`
	Token   string `json:"t,omitempty"` // "" for HookChanged
}

// announcedFor is how long it is tried to tell an app of a new password.
const announcedFor = 24 * time.Hour

// handed is what a token says. Nothing of it is stored.
type handed struct {
	ID      string `json:"i"`
	User    string `json:"u"`
	Made    int64  `json:"m"` // Unix time in microseconds
	Version int64  `json:"v"` // of the user's credentials
	// Password is when the password was last changed, in microseconds: a token to reset it dies with it.
	Password int64 `json:"p"`
}

// StartReset has the app deliver a token to the user of the name, by which the user resets the password. A name without
// a user, of an administrator or of a locked account causes a decoy, and nothing else differs.
func (s *Service) StartReset(ctx context.Context, a people.Asker, name string) error {
	return s.hand(ctx, a, name, HookReset, s.Secrets.Box(a.Tenant.ID, secret.DelegatedReset), s.ResetLife)
}

// StartSignIn is StartReset for a token by which the user signs in.
func (s *Service) StartSignIn(ctx context.Context, a people.Asker, name string) error {
	return s.hand(ctx, a, name, HookSignIn, s.Secrets.Box(a.Tenant.ID, secret.DelegatedSignIn), s.SignInLife)
}

// maxName is the length of the longest name that is looked for, in bytes.
const maxName = 512

// hand stores what gives the app a token for the user of the name.
func (s *Service) hand(
	ctx context.Context, a people.Asker, name, hook string, box *secret.Box, life time.Duration,
) error {
	defer people.Evenly(ctx, time.Now())
	if len(name) > maxName {
		name = ""
	}
	u, cred, key, err := s.UserPassword(ctx, a, name)
	if err != nil {
		return err
	}
	real := u.ID != "" && !u.Disabled && u.AdminRole == ""
	vain, err := s.AllowSending(ctx, a,
		people.Sending{Channel: storage.MethodEmail, Typed: key, User: u, Real: real})
	if err != nil {
		return err
	}
	var told Announcement
	if real && !vain {
		n, err := s.Numbers.NumberOf(ctx, a.Tenant.ID, u.ID, time.Now())
		if err != nil {
			return err
		}
		told.Account = n.Number
	}
	plain, err := json.Marshal(handed{
		ID: secret.Token(), User: u.ID, Made: time.Now().UnixMicro(), Version: u.CredentialVersion,
		Password: changedAt(cred),
	})
	if err != nil {
		return err
	}
	told.Token = box.SealString(plain)
	d, err := s.Mail.ComposeHook(a.Tenant.ID, hook, told, life)
	if err != nil {
		return err
	}
	if !real || vain {
		d = people.Dropped(d)
	}
	err = s.Store.Apply(ctx, storage.Change{TenantID: a.Tenant.ID, Now: d.CreatedAt, Deliveries: []storage.Delivery{d}})
	if err == nil {
		s.Mail.Stored()
	}
	return err
}

// changedAt returns when a password was last changed, in microseconds; 0 for a user without one.
func changedAt(c storage.Credential) int64 {
	if c.Data == nil {
		return 0
	}
	return c.UpdatedAt.UnixMicro()
}

// OpenAnnouncement returns what a delivery tells the app.
func OpenAnnouncement(secrets *secret.Masters, d storage.Delivery) (told Announcement, err error) {
	plain, err := mail.OpenData(secrets, d)
	if err == nil {
		err = json.Unmarshal(plain, &told)
	}
	return told, err
}

// TellChanged returns what tells the app that a user has a new password. It is Service.PasswordChanged of people.
func (s *Service) TellChanged(ctx context.Context, u storage.User) ([]storage.Delivery, error) {
	if u.TenantID != s.Tenant || !s.Announces {
		return nil, nil
	}
	n, err := s.Numbers.NumberOf(ctx, u.TenantID, u.ID, time.Now())
	if err != nil {
		return nil, err
	}
	d, err := s.Mail.ComposeHook(u.TenantID, HookChanged, Announcement{Account: n.Number}, announcedFor)
	return []storage.Delivery{d}, err
}

// open returns the user of a token, and the password. Its refusals are ErrToken, ErrGone and ErrLocked.
func (s *Service) open(
	ctx context.Context, a people.Asker, box *secret.Box, token string, life time.Duration,
) (h handed, u storage.User, cred storage.Credential, err error) {
	plain, err := box.OpenString(token)
	if err != nil || json.Unmarshal(plain, &h) != nil ||
		!storage.Within(time.UnixMicro(h.Made), time.Now(), life) {
		return h, u, cred, ErrToken
	}
	u, err = s.Store.User(ctx, a.Tenant.ID, h.User)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return h, u, cred, ErrGone
	case err != nil:
		return h, u, cred, err
	case u.AdminRole != "": // has become an administrator meanwhile
		return h, u, cred, ErrToken
	case u.Disabled:
		return h, u, cred, ErrLocked
	}
	cred, err = s.Store.Credential(ctx, u.TenantID, u.ID, storage.PasswordCredential, "")
	if errors.Is(err, storage.ErrNotFound) {
		err = nil
	}
	return h, u, cred, err
}

// Reset gives the user of a token a new password, and signs the user in. All other sessions end. A user with a second
// factor has to give it. What is wrong with the password is Faults. Its refusals are ErrToken, ErrGone, ErrLocked,
// ErrFactorMissing and ErrFactorWrong.
func (s *Service) Reset(ctx context.Context, a people.Asker, token, secretText, otp string) (SignedIn, error) {
	if err := s.AllowForm(ctx, a); err != nil {
		return SignedIn{}, err
	}
	h, u, cred, err := s.open(ctx, a, s.Secrets.Box(a.Tenant.ID, secret.DelegatedReset), token, s.ResetLife)
	if err != nil {
		return SignedIn{}, err
	}
	if changedAt(cred) != h.Password {
		return SignedIn{}, ErrToken
	}
	ch, err := s.PasswordChange(ctx, a, u, "password", secretText)
	if found, ok := errors.AsType[people.Faults](err); ok {
		return SignedIn{}, passwordFaults(found, secretText)
	} else if err != nil {
		return SignedIn{}, err
	}
	proven, err := s.proveMissing(ctx, a, u, otp, []string{"pwd"}, "otp", "mfa")
	if err != nil {
		return SignedIn{}, err
	}
	ch.Events = append(ch.Events, a.Event(storage.Event{Kind: storage.EventPasswordReset, UserID: u.ID}))
	if err := s.Apply(ctx, u, ch); errors.Is(err, storage.ErrStale) {
		return SignedIn{}, ErrToken // of two simultaneous uses, one succeeds
	} else if err != nil {
		return SignedIn{}, err
	}
	u.CredentialVersion++
	return s.Complete(ctx, a, u, time.Now(), "", proven...)
}

// spentSignIn is the purpose of storage.Spent for tokens that signed a user in.
const spentSignIn = "delegated-sign-in"

// SignInByToken signs the user of a token in, who has to give a second factor if the account has one. Its refusals are
// ErrToken, also if the user has signed in since the token was made, ErrGone, ErrLocked, people.ErrNewPassword,
// ErrFactorMissing and ErrFactorWrong.
func (s *Service) SignInByToken(ctx context.Context, a people.Asker, token, otp string) (SignedIn, error) {
	if err := s.AllowForm(ctx, a); err != nil {
		return SignedIn{}, err
	}
	h, u, _, err := s.open(ctx, a, s.Secrets.Box(a.Tenant.ID, secret.DelegatedSignIn), token, s.SignInLife)
	if err != nil {
		return SignedIn{}, err
	}
	standings, err := s.Standings.Standings(ctx, u.TenantID, []string{u.ID})
	if err != nil {
		return SignedIn{}, err
	}
	made := time.UnixMicro(h.Made)
	if u.CredentialVersion != h.Version || standings[u.ID].LastSignIn.After(made) {
		return SignedIn{}, ErrToken
	}
	proven, err := s.proveMissing(ctx, a, u, otp, []string{"otp"}, "mfa")
	if err != nil {
		return SignedIn{}, err
	}
	err = s.Store.Spend(ctx, storage.Spent{
		TenantID: u.TenantID, Purpose: spentSignIn, Value: h.ID, ExpiresAt: made.Add(s.SignInLife),
	})
	if errors.Is(err, storage.ErrExists) {
		return SignedIn{}, ErrToken
	} else if err != nil {
		return SignedIn{}, err
	}
	return s.Complete(ctx, a, u, time.Now(), "", proven...)
}
