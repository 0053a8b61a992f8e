package login

import (
	"errors"
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people/passkey"
	"github.com/vouchsafe/vouchsafe/storage"
)

// errWrongPasskey is every reason why an answer proves nobody: an unknown passkey, a
// wrong signature, a disabled account, a copied key, a challenge for something else.
var errWrongPasskey = errors.New("wrong passkey")

// errLatePasskey says that the challenge has lapsed.
var errLatePasskey = errors.New("passkey asked for too long ago")

// party is the tenant as browsers know it. passkey.ErrNoHost.
func (s *Server) party(r *http.Request) (*passkey.Party, error) {
	t := web.TenantOf(r.Context())
	return passkey.New(t.ID, t.Issuer, ui.BrandOf(t, s.words(r)).Name, s.Secrets)
}

// offersPasskeys says whether people may sign in with a passkey here.
func (s *Server) offersPasskeys(r *http.Request) bool {
	_, err := s.party(r)
	return err == nil && offers(r, storage.MethodPasskey)
}

// passkeysOf are the passkeys among a person's credentials that can be read.
func (s *Server) passkeysOf(r *http.Request, creds []storage.Credential) []passkey.Passkey {
	var keys []passkey.Passkey
	for _, c := range creds {
		if c.Kind != storage.PasskeyCredential {
			continue
		}
		if k, ok := s.openPasskey(r, c); ok {
			keys = append(keys, k)
		}
	}
	return keys
}

func (s *Server) openPasskey(r *http.Request, c storage.Credential) (k passkey.Passkey, ok bool) {
	return s.OpenPasskey(r.Context(), c)
}

func (s *Server) sealPasskey(tenant string, k passkey.Passkey) ([]byte, error) {
	plain, err := k.Encode()
	if err != nil {
		return nil, err
	}
	return s.Secrets.Box(tenant, secret.Passkey).Seal(plain), nil
}

// personOf is the person as browsers show them, with their passkeys.
func (s *Server) personOf(r *http.Request, u storage.User) (passkey.Person, error) {
	p := passkey.Person{ID: u.ID, Name: u.Email, Display: u.Profile.Name}
	if p.Name == "" {
		p.Name = u.Username
	}
	creds, err := s.Store.CredentialsOf(r.Context(), u.TenantID, u.ID)
	p.Passkeys = s.passkeysOf(r, creds)
	return p, err
}

// startPasskey asks for a passkey of the user, or without one of whoever signs in. bound
// is what ties the answer to who was asked: the browser's binding. errWrongPasskey: the
// user has none for the purpose.
func (s *Server) startPasskey(r *http.Request, purpose passkey.Purpose, bound string, user *storage.User) (passkey.Challenge, error) {
	party, err := s.party(r)
	if err != nil {
		return passkey.Challenge{}, err
	}
	if user == nil {
		return party.Ask(purpose, bound, nil)
	}
	person, err := s.personOf(r, *user)
	if err != nil {
		return passkey.Challenge{}, err
	}
	c, err := party.Ask(purpose, bound, &person)
	if errors.Is(err, passkey.ErrWrong) {
		err = errWrongPasskey
	}
	return c, err
}

// passkeyProof is what comes back from who was asked for a passkey.
type passkeyProof struct {
	Bound  []string // one of them as startPasskey was given it
	State  string   // of the challenge
	Answer string   // AuthenticationResponseJSON
}

// provePasskey finds whom a passkey proves, and by which methods (RFC 8176). user, when
// not nil, is who was asked. The challenge is used up and the passkey's counter kept, or
// nothing is proven. errWrongPasskey, errLatePasskey.
func (s *Server) provePasskey(r *http.Request, in *storage.Interaction, purpose passkey.Purpose, p passkeyProof, user *storage.User) (storage.User, []string, error) {
	party, err := s.party(r)
	if err != nil {
		return storage.User{}, nil, err
	}
	answer, err := party.Open(purpose, party.MadeFor(p.State, p.Bound), p.State, []byte(p.Answer))
	if err == nil && user != nil && user.ID != answer.UserID {
		err = passkey.ErrWrong
	}
	var found storage.User
	var proof passkey.Proof
	if err == nil {
		found, proof, err = s.judge(r, answer)
	}
	for tries := 1; tries < 5 && errors.Is(err, storage.ErrStale); tries++ {
		// The passkey is in use elsewhere at this very moment, or the answer came before.
		spent, e := s.Store.IsSpent(r.Context(), answer.Once.TenantID, answer.Once.Purpose, answer.Once.Value)
		if e != nil {
			return storage.User{}, nil, e
		}
		if spent {
			err = passkey.ErrLate
			break
		}
		found, proof, err = s.judge(r, answer)
	}
	switch {
	case err == nil:
		return found, proof.AMR(), nil
	case errors.Is(err, storage.ErrUnavailable):
		return storage.User{}, nil, err
	case errors.Is(err, passkey.ErrLate):
		return storage.User{}, nil, errLatePasskey
	case errors.Is(err, passkey.ErrWrong), errors.Is(err, storage.ErrNotFound), errors.Is(err, storage.ErrStale):
		why := "passkey"
		switch {
		case errors.Is(err, passkey.ErrCloned):
			why = "copied passkey"
		case errors.Is(err, storage.ErrNotFound):
			why = "unknown passkey"
		}
		if err := s.wrongProof(r); err != nil {
			return storage.User{}, nil, err
		}
		s.observeSome(r, storage.Event{Kind: storage.EventLoginFailed, UserID: found.ID, Actor: "anonymous", ClientID: clientID(in), Detail: map[string]string{"reason": why}})
		return storage.User{}, nil, errWrongPasskey
	}
	return storage.User{}, nil, err
}

// judge looks at an answer by what is stored, and stores what follows from it. The user
// is also given with an error, once a passkey of theirs was named. ErrStale: the passkey,
// its person or the challenge was used meanwhile.
func (s *Server) judge(r *http.Request, answer *passkey.Answer) (storage.User, passkey.Proof, error) {
	ctx, tenant, now := r.Context(), web.TenantOf(r.Context()), time.Now()
	// Whether or not there is such a person, one read says no: their ids are known to
	// the clients that they use.
	cred, err := s.Store.Credential(ctx, tenant.ID, answer.UserID, storage.PasskeyCredential, answer.ID)
	if err != nil {
		return storage.User{}, passkey.Proof{}, err
	}
	user, err := s.Store.User(ctx, tenant.ID, cred.UserID)
	if err != nil {
		return storage.User{}, passkey.Proof{}, err
	}
	key, ok := s.openPasskey(r, cred)
	if !ok {
		return user, passkey.Proof{}, passkey.ErrWrong
	}
	was := cred.Data
	key, proof, verdict := answer.Verify(user.ID, key, now)
	if verdict != nil && !errors.Is(verdict, passkey.ErrCloned) {
		return user, proof, verdict
	}
	if cred.Data, err = s.sealPasskey(tenant.ID, key); err != nil {
		return user, passkey.Proof{}, err
	}
	cred.UpdatedAt = now
	ch := storage.Change{Spend: []storage.Spent{answer.Once}, Swap: []storage.CredentialSwap{{Credential: cred, Was: was}}}
	if verdict != nil {
		ch.Events = []storage.Event{s.event(r, storage.Event{Kind: storage.EventPasskeyCopied, UserID: user.ID, Actor: "anonymous", Detail: map[string]string{"passkey": key.ID()}})}
		if ch.Deliveries, err = s.told(r, user, "notice.passkey_copied", nameOf(s.words(r), key)); err != nil {
			return user, passkey.Proof{}, err
		}
	}
	if err := s.apply(r, user, ch); err != nil {
		return user, passkey.Proof{}, err
	}
	return user, proof, verdict
}
