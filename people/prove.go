package people

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/people/factor"
	"github.com/vouchsafe/vouchsafe/people/passkey"
	"github.com/vouchsafe/vouchsafe/storage"
)

// ProveTOTP takes the digits that a user's authenticator app shows; each works once. Digits that
// are wrong are Faults of the field code.
func (s *Service) ProveTOTP(ctx context.Context, a Asker, user storage.User, digits string) error {
	return s.proveFactor(ctx, a, user, storage.TOTPCredential, func(cred storage.Credential) ([]byte, error) {
		app, err := s.openTOTP(user, cred)
		if err != nil {
			return nil, err
		}
		used, ok := app.Use(digits, time.Now())
		if !ok {
			return nil, ErrWrongFactor
		}
		return s.sealTOTP(user, used), nil
	})
}

// ProveRecovery takes one of a user's recovery codes, once, and tells the user by mail. A code that
// is wrong is a fault of the field code.
func (s *Service) ProveRecovery(ctx context.Context, a Asker, user storage.User, code string) error {
	return s.proveFactor(ctx, a, user, storage.RecoveryCredential, func(cred storage.Credential) ([]byte, error) {
		codes, err := factor.OpenRecovery(s.Secrets.Box(user.TenantID, secret.RecoveryCodes), cred.Data)
		if err != nil {
			return nil, err
		}
		left, ok := codes.Use(user.ID, code)
		if !ok {
			return nil, ErrWrongFactor
		}
		return s.sealRecovery(user, left), nil
	})
}

// sealRecovery is SealRecovery with the master secrets of the Service.
func (s *Service) sealRecovery(user storage.User, codes factor.Recovery) []byte {
	return SealRecovery(s.Secrets, user, codes)
}

// SealRecovery returns the user's recovery codes as they are stored.
func SealRecovery(secrets *secret.Masters, user storage.User, codes factor.Recovery) []byte {
	return codes.Seal(secrets.Box(user.TenantID, secret.RecoveryCodes))
}

// recoveryLeft returns how many recovery codes a user has: none if they cannot be read.
func (s *Service) recoveryLeft(ctx context.Context, cred storage.Credential) int {
	codes, err := factor.OpenRecovery(s.Secrets.Box(cred.TenantID, secret.RecoveryCodes), cred.Data)
	if err != nil {
		s.Note(ctx, "error", "stored recovery codes of "+cred.UserID+" cannot be read")
		return 0
	}
	return codes.Left()
}

// ErrWrongFactor says that a code is none of the user's, or was used before.
var ErrWrongFactor = Invalid("code", "factor.wrong")

// proveFactor counts the attempt, and has use say what stays of the credential when it is
// used: of several uses at once, one succeeds.
func (s *Service) proveFactor(ctx context.Context, a Asker, user storage.User, kind string,
	use func(storage.Credential) ([]byte, error),
) error {
	right, err := s.allowFactor(ctx, a, user)
	if err != nil {
		return err
	}
	err = s.useFactor(ctx, a, user, kind, use)
	if errors.Is(err, storage.ErrStale) { // used elsewhere, or sealed anew: the second look tells
		err = s.useFactor(ctx, a, user, kind, use)
	}
	var wrong Faults
	switch {
	case err == nil:
		right()
		return nil
	case errors.Is(err, storage.ErrStale): // used by another request at this very moment
		err = ErrWrongFactor
	case !errors.As(err, &wrong):
		return err
	}
	s.Observe(ctx, a, storage.Event{Kind: storage.EventFactorFailed, UserID: user.ID, Actor: "anonymous",
		Detail: map[string]string{"factor": kind}})
	return err
}

// useFactor stores what use leaves of the credential. ErrStale: it was changed meanwhile.
func (s *Service) useFactor(ctx context.Context, a Asker, user storage.User, kind string,
	use func(storage.Credential) ([]byte, error),
) error {
	cred, err := s.Store.Credential(ctx, user.TenantID, user.ID, kind, "")
	if errors.Is(err, storage.ErrNotFound) {
		return ErrWrongFactor
	}
	if err != nil {
		return err
	}
	was := cred.Data
	if cred.Data, err = use(cred); errors.Is(err, secret.ErrInvalid) {
		s.Note(ctx, "error", "stored "+kind+" of "+user.ID+" was sealed with a master secret that is gone")
		return ErrWrongFactor
	}
	if err != nil {
		return err
	}
	cred.UpdatedAt = time.Now()
	ch := storage.Change{Swap: []storage.CredentialSwap{{Credential: cred, Was: was}}}
	if kind == storage.RecoveryCredential {
		ch.Events = []storage.Event{a.Event(storage.Event{Kind: storage.EventFactorRecovered, UserID: user.ID})}
		if ch.Deliveries, err = s.ChangeNotice(a, user, "factor.told_recovered"); err != nil {
			return err
		}
	}
	return s.Apply(ctx, user, ch)
}

// openTOTP and sealTOTP read and write the user's secret as it is stored. It is sealed with the
// user's id: copied to another row it opens nothing.
func (s *Service) openTOTP(user storage.User, cred storage.Credential) (factor.TOTP, error) {
	plain, err := s.Secrets.Box(user.TenantID, secret.TOTP).Open(cred.Data)
	if err != nil {
		return factor.TOTP{}, err
	}
	rest, ok := strings.CutPrefix(string(plain), user.ID)
	if !ok {
		return factor.TOTP{}, errors.New("the TOTP secret is another user's")
	}
	return factor.ParseTOTP([]byte(rest))
}

// sealTOTP is SealTOTP with the master secrets of the Service.
func (s *Service) sealTOTP(user storage.User, app factor.TOTP) []byte {
	return SealTOTP(s.Secrets, user, app)
}

// SealTOTP returns the user's authenticator app as it is stored.
func SealTOTP(secrets *secret.Masters, user storage.User, app factor.TOTP) []byte {
	return secrets.Box(user.TenantID, secret.TOTP).Seal(append([]byte(user.ID), app.Bytes()...))
}

const (
	// ErrWrongPasskey is every reason why an answer proves no user: an unknown passkey, a wrong
	// signature, a disabled account, a copied key, a challenge for something else.
	ErrWrongPasskey = Refusal("passkey.wrong")
	// ErrLatePasskey says that the challenge has expired.
	ErrLatePasskey = Refusal("passkey.late")
)

// party returns the tenant as browsers know it. passkey.ErrNoHost says that its issuer has no host
// name that passkeys can belong to.
func (s *Service) party(a Asker) (*passkey.Party, error) {
	name := a.Tenant.Name
	if name == "" {
		name = productName
	}
	return passkey.New(a.Tenant.ID, a.Tenant.Issuer, name, s.Secrets)
}

// OffersPasskeys reports whether users of the tenant may sign in with a passkey.
func (s *Service) OffersPasskeys(a Asker) bool {
	_, err := s.party(a)
	return err == nil && a.offers(storage.MethodPasskey)
}

// passkeysOf returns the passkeys among a user's credentials that can be read.
func (s *Service) passkeysOf(ctx context.Context, creds []storage.Credential) []passkey.Passkey {
	var keys []passkey.Passkey
	for _, c := range creds {
		if c.Kind != storage.PasskeyCredential {
			continue
		}
		if k, ok := s.OpenPasskey(ctx, c); ok {
			keys = append(keys, k)
		}
	}
	return keys
}

// sealPasskey returns the passkey as it is stored, sealed for the tenant.
func (s *Service) sealPasskey(tenant string, k passkey.Passkey) ([]byte, error) {
	plain, err := k.Encode()
	if err != nil {
		return nil, err
	}
	return SealPasskey(s.Secrets, tenant, plain), nil
}

// SealPasskey returns an encoded passkey as it is stored.
func SealPasskey(secrets *secret.Masters, tenant string, encoded []byte) []byte {
	return secrets.Box(tenant, secret.Passkey).Seal(encoded)
}

// personOf returns the user as browsers show the user, with the passkeys.
func (s *Service) personOf(ctx context.Context, u storage.User) (passkey.Person, error) {
	p := passkey.Person{ID: u.ID, Name: u.Email, Display: u.Profile.Name}
	if p.Name == "" {
		p.Name = u.Username
	}
	creds, err := s.Store.CredentialsOf(ctx, u.TenantID, u.ID)
	p.Passkeys = s.passkeysOf(ctx, creds)
	return p, err
}

// StartPasskey asks for a passkey of the user, or of any user if user is nil. bound ties the answer
// to the browser or app that was asked. Its refusal is ErrWrongPasskey: the user has no passkey
// for the purpose.
func (s *Service) StartPasskey(ctx context.Context, a Asker, purpose passkey.Purpose, bound string,
	user *storage.User,
) (passkey.Challenge, error) {
	party, err := s.party(a)
	if err != nil {
		return passkey.Challenge{}, err
	}
	if user == nil {
		return party.Ask(purpose, bound, nil)
	}
	person, err := s.personOf(ctx, *user)
	if err != nil {
		return passkey.Challenge{}, err
	}
	c, err := party.Ask(purpose, bound, &person)
	if errors.Is(err, passkey.ErrWrong) {
		err = ErrWrongPasskey
	}
	return c, err
}

// PasskeyProof is what comes back from a browser or app that was asked for a passkey.
type PasskeyProof struct {
	Bound  []string // one of them is what StartPasskey was given
	State  string   // of the challenge
	Answer string   // AuthenticationResponseJSON
}

// ProvePasskey returns the user that a passkey proves, and the methods of the proof (RFC 8176). If
// user is not nil, the passkey must be that user's. Either the challenge is used up and the
// passkey's counter stored, or nothing is proven. Its refusals are ErrWrongPasskey and
// ErrLatePasskey.
func (s *Service) ProvePasskey(ctx context.Context, a Asker, purpose passkey.Purpose, p PasskeyProof,
	user *storage.User,
) (storage.User, []string, error) {
	party, err := s.party(a)
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
		found, proof, err = s.judge(ctx, a, answer)
	}
	for tries := 1; tries < 5 && errors.Is(err, storage.ErrStale); tries++ {
		// The passkey is in use elsewhere at this very moment, or the answer came before.
		spent, e := s.Store.IsSpent(ctx, answer.Once.TenantID, answer.Once.Purpose, answer.Once.Value)
		if e != nil {
			return storage.User{}, nil, e
		}
		if spent {
			err = passkey.ErrLate
			break
		}
		found, proof, err = s.judge(ctx, a, answer)
	}
	switch {
	case err == nil:
		return found, proof.AMR(), nil
	case errors.Is(err, storage.ErrUnavailable):
		return storage.User{}, nil, err
	case errors.Is(err, passkey.ErrLate):
		return storage.User{}, nil, ErrLatePasskey
	case errors.Is(err, passkey.ErrWrong), errors.Is(err, storage.ErrNotFound), errors.Is(err, storage.ErrStale):
		why := "passkey"
		switch {
		case errors.Is(err, passkey.ErrCloned):
			why = "copied passkey"
		case errors.Is(err, storage.ErrNotFound):
			why = "unknown passkey"
		}
		if err := s.wrongProof(ctx, a); err != nil {
			return storage.User{}, nil, err
		}
		s.ObserveSome(ctx, a, storage.Event{Kind: storage.EventLoginFailed, UserID: found.ID, Actor: "anonymous",
			ClientID: a.ClientID, Detail: map[string]string{"reason": why}})
		return storage.User{}, nil, ErrWrongPasskey
	}
	return storage.User{}, nil, err
}

// judge looks at an answer by what is stored, and stores what follows from it. It returns the user
// with an error, too, once a passkey of the user was named. storage.ErrStale says that the
// passkey, the user or the challenge was used meanwhile.
func (s *Service) judge(ctx context.Context, a Asker, answer *passkey.Answer) (storage.User, passkey.Proof, error) {
	tenant, now := a.Tenant, time.Now()
	// Whether or not there is such a user, one read says no: the ids of users are known to the
	// clients that they use.
	cred, err := s.credentialOf(ctx, tenant.ID, answer)
	if err != nil {
		return storage.User{}, passkey.Proof{}, err
	}
	user, err := s.Store.User(ctx, tenant.ID, cred.UserID)
	if err != nil {
		return storage.User{}, passkey.Proof{}, err
	}
	key, ok := s.OpenPasskey(ctx, cred)
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
		ch.Events = []storage.Event{a.Event(storage.Event{Kind: storage.EventPasskeyCopied, UserID: user.ID,
			Actor: "anonymous", Detail: map[string]string{"passkey": key.ID()}})}
		if ch.Deliveries, err = s.ChangeNotice(a, user, "notice.passkey_copied",
			PasskeyName(s.Words(a.Language), key)); err != nil {
			return user, passkey.Proof{}, err
		}
	}
	if err := s.Apply(ctx, user, ch); err != nil {
		return user, passkey.Proof{}, err
	}
	return user, proof, verdict
}

// credentialOf returns the credential that the answer names. Only the answer of a passkey that another product made
// takes a second read.
func (s *Service) credentialOf(ctx context.Context, tenant string, answer *passkey.Answer) (storage.Credential, error) {
	if answer.UserID != "" {
		return s.Store.Credential(ctx, tenant, answer.UserID, storage.PasskeyCredential, answer.ID)
	}
	all, err := s.Store.PasskeysByID(ctx, tenant, answer.ID)
	if err != nil {
		return storage.Credential{}, err
	}
	for _, cred := range all {
		if k, ok := s.OpenPasskey(ctx, cred); ok && answer.IsOf(k) {
			answer.UserID = cred.UserID
			return cred, nil
		}
	}
	return storage.Credential{}, storage.ErrNotFound
}

// OpenPasskey reads the record of a passkey. A record that was sealed with a master secret that is
// gone proves nothing, and must not keep its user from signing in another way.
func (s *Service) OpenPasskey(ctx context.Context, c storage.Credential) (k passkey.Passkey, ok bool) {
	plain, err := s.Secrets.Box(c.TenantID, secret.Passkey).Open(c.Data)
	if err == nil {
		k, err = passkey.Parse(plain)
	}
	if err != nil {
		s.Note(ctx, "error", "stored passkey of "+c.UserID+" cannot be read")
	}
	return k, err == nil
}

// PasskeyName returns what a passkey is called: by its owner, else by the product that keeps it.
func PasskeyName(w Words, k passkey.Passkey) string {
	if k.Name != "" {
		return k.Name
	}
	if maker := k.Maker(); maker != "" {
		return maker
	}
	return w.Must("passkeys.unnamed")
}
