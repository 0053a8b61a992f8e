package login

import (
	"context"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// squat makes the account what a stranger would who waits for its owner: with a password
// that they know, a session, an identity, factors, a consent and a change that waits.
func (s *site) squat(email string) (storage.User, *visitor) {
	s.t.Helper()
	user, now := s.user("default", email, "stranger", right), time.Now()
	v := s.visitor()
	v.signIn(email, right)
	code := s.newCode(storage.CodeEmail, "stranger@example.com", user.ID, nil, time.Hour)
	user.Phone, user.PhoneVerified = "+15550100", true
	cred := func(kind, id string) storage.Credential {
		return storage.Credential{Kind: kind, ID: id, Data: []byte("x"), CreatedAt: now, UpdatedAt: now}
	}
	err := s.store.Apply(s.t.Context(), storage.Change{
		TenantID: "default", UserID: user.ID, Now: now, Update: &user, Codes: []storage.Code{code.Code},
		Credentials: []storage.Credential{cred(storage.TOTPCredential, ""), cred(storage.RecoveryCredential, "1"),
			cred(storage.PasskeyCredential, "a"), cred(storage.PasskeyCredential, "b"), cred("unheard-of", "c")},
		Link: []storage.Identity{{Provider: "google", Subject: "stranger", Email: email, CreatedAt: now}},
	})
	if err == nil {
		err = storagetest.PutConsent(s.t.Context(), s.store,
			storage.Consent{TenantID: "default", UserID: user.ID, ClientID: "app", Scopes: []string{"openid"}, GrantedAt: now})
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return user, v
}

// void says what a stranger still has of an account.
func (s *site) void(user storage.User, v *visitor) {
	s.t.Helper()
	ctx := s.t.Context()
	creds, err := s.store.CredentialsOf(ctx, "default", user.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, c := range creds {
		if c.Kind != storage.PasswordCredential {
			s.t.Errorf("a credential of the kind %s is left", c.Kind)
		}
	}
	if ids, err := s.store.IdentitiesOf(ctx, "default", user.ID); err != nil || len(ids) != 0 {
		s.t.Errorf("identities are left: %v, %v", ids, err)
	}
	if all, err := s.store.ConsentsOf(ctx, "default", user.ID); err != nil || len(all) != 0 {
		s.t.Errorf("consents are left: %v, %v", all, err)
	}
	if p := v.get("/signout"); p.location() != "/signed-out" {
		s.t.Error("the session is left")
	}
	if p := s.visitor().signIn(user.Email, right); p.status != 422 {
		s.t.Errorf("the stranger's password: got %d", p.status)
	}
	now, err := s.store.User(ctx, "default", user.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	if now.Phone != "" || now.PhoneVerified || !now.EmailVerified {
		s.t.Errorf("got %+v", now)
	}
}

// resets gives the owner of the address a new password.
func (s *site) resets(email, password string) {
	s.t.Helper()
	r := s.asked(storage.TenantSettings{})
	asker := s.login.site.Asker(r)
	flow, err := s.login.StartReset(r.Context(), asker, email)
	must(s.t, err)
	_, err = s.login.ConfirmReset(r.Context(), asker,
		people.Proof{Flow: flow, Digits: s.mails.Next(s.t, email).Code}, password)
	must(s.t, err)
}

// lastMoment is a store in which something happens just before the next change of credentials.
type lastMoment struct {
	people.Store
	happens func()
}

func (s *lastMoment) Apply(ctx context.Context, ch storage.Change) error {
	if happens := s.happens; happens != nil && len(ch.Credentials) > 0 {
		s.happens = nil
		happens()
	}
	return s.Store.Apply(ctx, ch)
}

// TestWhatAStrangerSetUpIsVoid is for G7 to G10 of pre-hijacking, whichever way the owner
// comes by.
func TestWhatAStrangerSetUpIsVoid(t *testing.T) {
	t.Parallel()
	store := &lastMoment{}
	s := newSite(t, func(c *Config) {
		store.Store = c.Service.Store
		c.Service.Store = store
	})
	user, stranger := s.squat("jo@example.com")
	store.happens = func() { // the stranger links another at the last moment
		must(t, storagetest.AddIdentity(t.Context(), s.store,
			storage.Identity{TenantID: "default", Provider: "google", Subject: "other", UserID: user.ID, CreatedAt: time.Now()}))
	}
	s.resets("jo@example.com", "purple walrus umbrella")
	s.void(user, stranger)
	if p := s.visitor().signIn("jo@example.com", "purple walrus umbrella"); p.leads() != "/" {
		t.Errorf("the owner: got %d", p.status)
	}
}
