package people

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/people/passkey"
	"github.com/vouchsafe/vouchsafe/storage"
)

// MaxPasskeys is how many passkeys one user can have.
const MaxPasskeys = 20

// OwnPasskey is a passkey as the user sees it who has it.
type OwnPasskey struct {
	ID    string
	Name  string
	Added time.Time
	// Key is the zero Passkey if Broken.
	Key passkey.Passkey
	// Broken says that the record cannot be read: the passkey proves nothing.
	Broken bool
}

// Passkeys returns the user's passkeys. known is what tells password managers which of theirs still
// work: JSON, or "" where the tenant has no passkeys.
func (s *Service) Passkeys(ctx context.Context, a Asker, u storage.User) (all []OwnPasskey, known string, err error) {
	creds, err := s.Store.CredentialsOf(ctx, u.TenantID, u.ID)
	if err != nil {
		return nil, "", err
	}
	person := passkey.Person{ID: u.ID}
	for _, c := range creds {
		if c.Kind != storage.PasskeyCredential {
			continue
		}
		k, ok := s.OpenPasskey(ctx, c)
		all = append(all, OwnPasskey{ID: c.ID, Name: PasskeyName(s.Words(a.Language), k), Added: c.CreatedAt, Key: k,
			Broken: !ok})
		if ok {
			person.Passkeys = append(person.Passkeys, k)
		}
	}
	if party, err := s.party(a); err == nil {
		known, err = party.Known(person)
		return all, known, err
	}
	return all, "", nil
}

// StartAddingPasskey asks for a new passkey of the user. bound ties the answer to the browser that was
// asked. Its refusal is ErrNotOffered: the issuer has no host name.
func (s *Service) StartAddingPasskey(ctx context.Context, a Asker, o Owner, bound string) (passkey.Challenge, error) {
	party, err := s.party(a)
	if err != nil {
		return passkey.Challenge{}, ErrNotOffered
	}
	person, err := s.personOf(ctx, o.user)
	if err != nil {
		return passkey.Challenge{}, err
	}
	return party.Create(bound, person)
}

// AddPasskey stores a new passkey of the user, and tells the user by mail. The challenge shows that the
// sign-in was fresh when the browser asked for it. Its refusals are ErrNotOffered, ErrWrongPasskey and
// ErrLatePasskey.
func (s *Service) AddPasskey(ctx context.Context, a Asker, u storage.User, p PasskeyProof, name string) error {
	key, once, err := s.madePasskey(ctx, a, u, p)
	if err != nil {
		return err
	}
	key.Name, _ = passkeyName(name) // the passkey exists already: better a name cut short than no passkey
	data, err := s.sealPasskey(u.TenantID, key)
	if err != nil {
		return err
	}
	now := time.Now()
	ch := storage.Change{
		Spend: []storage.Spent{once},
		Credentials: []storage.Credential{{Kind: storage.PasskeyCredential, ID: key.ID(), Data: data,
			CreatedAt: now, UpdatedAt: now}},
		Events: []storage.Event{a.passkeyEvent(storage.EventPasskeyAdded, u, key.ID())},
	}
	if ch.Deliveries, err = s.ChangeNotice(a, u, "notice.passkey_added",
		PasskeyName(s.Words(a.Language), key)); err != nil {
		return err
	}
	err = s.Apply(ctx, u, ch)
	if errors.Is(err, storage.ErrStale) { // answered before, or the credentials changed
		err = ErrLatePasskey
	}
	return err
}

// madePasskey opens the answer to StartAddingPasskey. once has to be spent by the change that stores
// the passkey.
func (s *Service) madePasskey(ctx context.Context, a Asker, u storage.User, p PasskeyProof) (key passkey.Passkey,
	once storage.Spent, err error) {
	party, err := s.party(a)
	if err != nil {
		return key, once, ErrNotOffered
	}
	person, err := s.personOf(ctx, u)
	if err != nil {
		return key, once, err
	}
	if len(person.Passkeys) >= MaxPasskeys {
		return key, once, Invalid("passkey", "passkeys.many", MaxPasskeys)
	}
	key, once, err = party.Created(party.MadeFor(p.State, p.Bound), p.State, []byte(p.Answer), person)
	exists := func(k passkey.Passkey) bool { return k.ID() == key.ID() }
	switch {
	case errors.Is(err, passkey.ErrLate):
		err = ErrLatePasskey
	case errors.Is(err, passkey.ErrWrong), err == nil && slices.ContainsFunc(person.Passkeys, exists):
		err = ErrWrongPasskey
	}
	return key, once, err
}

// passkeyEvent returns an event about one of the user's passkeys.
func (a Asker) passkeyEvent(kind string, u storage.User, id string) storage.Event {
	return a.Event(storage.Event{Kind: kind, UserID: u.ID, Detail: map[string]string{"passkey": id}})
}

// passkeyName returns a name as it is stored, and whether nothing had to be cut.
func passkeyName(name string) (string, bool) {
	name = strings.TrimSpace(strings.Map(func(c rune) rune {
		if storage.Misleading(c) {
			return -1
		}
		return c
	}, strings.ToValidUTF8(name, "")))
	if runes := []rune(name); len(runes) > passkey.MaxName {
		return strings.TrimSpace(string(runes[:passkey.MaxName])), false
	}
	return name, true
}

// RenamePasskey gives one of the user's passkeys a name; "" is the name of the product that keeps it.
// storage.ErrNotFound: it is none of the user's.
func (s *Service) RenamePasskey(ctx context.Context, u storage.User, id, name string) error {
	name, whole := passkeyName(name)
	if !whole {
		return Invalid("name", "passkeys.name_long", passkey.MaxName)
	}
	cred, err := s.Store.Credential(ctx, u.TenantID, u.ID, storage.PasskeyCredential, id)
	if err != nil {
		return err
	}
	key, ok := s.OpenPasskey(ctx, cred)
	if !ok {
		return storage.ErrNotFound
	}
	was := cred.Data
	key.Name = name
	if cred.Data, err = s.sealPasskey(u.TenantID, key); err != nil {
		return err
	}
	cred.UpdatedAt = time.Now()
	return s.Apply(ctx, u, storage.Change{Swap: []storage.CredentialSwap{{Credential: cred, Was: was}}})
}

// RemovePasskey deletes one of the user's passkeys, and tells the user by mail. If it was the user's
// last second factor, the recovery codes and remembered devices go with it. Its refusal is
// ErrLastWayIn. storage.ErrNotFound: it is none of the user's.
func (s *Service) RemovePasskey(ctx context.Context, a Asker, o Owner, id string) error {
	u := o.user
	cred, err := s.Store.Credential(ctx, u.TenantID, u.ID, storage.PasskeyCredential, id)
	if err != nil {
		return err
	}
	key, _ := s.OpenPasskey(ctx, cred)
	ch := storage.Change{
		RemoveCredentials: []storage.CredentialKey{{Kind: cred.Kind, ID: cred.ID}},
		Events:            []storage.Event{a.passkeyEvent(storage.EventPasskeyRemoved, u, id)},
	}
	creds, err := s.Store.CredentialsOf(ctx, u.TenantID, u.ID)
	if err != nil {
		return err
	}
	left := credentialsAfter(slices.Clone(creds), ch)
	if storage.HasSecondFactor(creds) && !storage.HasSecondFactor(left) { // as when it is switched off
		ch.RemoveCredentials = append(ch.RemoveCredentials,
			storage.CredentialKey{Kind: storage.RecoveryCredential, ID: storage.AllIDs},
			storage.CredentialKey{Kind: storage.DeviceCredential, ID: storage.AllIDs})
		keepFormer(&ch, creds, storage.RecoveryCredential)
		ch.Events = append(ch.Events, a.Event(storage.Event{Kind: storage.EventFactorOff, UserID: u.ID}))
	}
	if ch.Deliveries, err = s.ChangeNotice(a, u, "notice.passkey_removed",
		PasskeyName(s.Words(a.Language), key)); err != nil {
		return err
	}
	return s.leavingAWayIn(ctx, a, u, ch)
}

// StartEnrolPasskey asks a claimant for a new passkey as the second factor. bound ties the answer to the browser that
// was asked. Its refusals are ErrNotOffered, ErrSignInFirst and ErrFactorFirst.
func (s *Service) StartEnrolPasskey(ctx context.Context, a Asker, c Claimant, bound string) (passkey.Challenge, error) {
	if err := c.mayChangeFactors(); err != nil {
		return passkey.Challenge{}, err
	}
	party, err := s.party(a)
	if err != nil {
		return passkey.Challenge{}, ErrNotOffered
	}
	person, err := s.personOf(ctx, c.User)
	if err != nil {
		return passkey.Challenge{}, err
	}
	return party.Create(bound, person)
}

// EnrolPasskey gives the claimant a new passkey as the second factor, and returns new recovery codes. The user is told
// by mail. All sessions but the claimant's end. Its refusals are those of StartEnrolPasskey, ErrWrongPasskey,
// ErrLatePasskey and ErrChangedMeanwhile.
func (s *Service) EnrolPasskey(ctx context.Context, a Asker, c Claimant, p PasskeyProof) (codes []string, err error) {
	if err := c.mayChangeFactors(); err != nil {
		return nil, err
	}
	key, once, err := s.madePasskey(ctx, a, c.User, p)
	if err != nil {
		return nil, err
	}
	data, err := s.sealPasskey(c.User.TenantID, key)
	if err != nil {
		return nil, err
	}
	kind := storage.EventFactorOn
	if storage.HasSecondFactor(c.Creds) {
		kind = storage.EventFactorCodes
	}
	ch, codes, err := s.newRecoveryCodes(a, c, kind)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	ch.Spend = []storage.Spent{once}
	ch.Credentials = append(ch.Credentials, storage.Credential{Kind: storage.PasskeyCredential, ID: key.ID(), Data: data,
		CreatedAt: now, UpdatedAt: now})
	ch.Events = append(ch.Events, a.passkeyEvent(storage.EventPasskeyAdded, c.User, key.ID()))
	if err = s.changeFactor(ctx, c, kind, ch); errors.Is(err, storage.ErrStale) { // answered before
		err = ErrLatePasskey
	}
	return codes, err
}
