package apikeys

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Bounds of what an owner may have.
const (
	MaxKeys     = 50          // of one owner
	maxName     = 100         // characters
	shortest    = time.Minute // the life of a key
	DefaultLife = 90 * 24 * time.Hour
	// Overlap is how long a replaced key lives on by default: long enough to bring the new one to its programs.
	Overlap    = 24 * time.Hour
	maxOverlap = 30 * 24 * time.Hour
)

// Service has the use cases of owners and administrators. Both fields are required.
type Service struct {
	*people.Service
	Keys storage.APIKeys
}

// New is what is said about a new key.
type New struct {
	Name   string
	Life   time.Duration // 0 for DefaultLife, or the longest that the tenant allows
	Scopes []string      // at least one, none of them wider than the owner's
}

// Added is a new key. Secret is the key itself, which cannot be shown again.
type Added struct {
	storage.APIKey
	Secret string
}

const (
	// ErrOff says that users of the tenant have no API keys.
	ErrOff = people.Refusal("apikeys.off")
	// ErrReplaced says that another key replaces the key already.
	ErrReplaced = people.Refusal("apikeys.replaced")
)

// OfUsers reports whether users of the tenant may have keys.
func OfUsers(t *issuer.Tenant) bool { return t.Settings.APIKeys.Users }

// LongestLife returns how long a new key of the tenant lives at most.
func LongestLife(t *issuer.Tenant) time.Duration {
	return t.Settings.APIKeys.LongestLife.Or(365 * 24 * time.Hour)
}

// Of returns the keys of the owner, newest first.
func (s *Service) Of(ctx context.Context, a people.Asker, o storage.APIKeyOwner) ([]storage.APIKey, error) {
	return s.Keys.APIKeysOf(ctx, a.Tenant.ID, userID(o), clientID(o))
}

// AddOfUser adds a key of a user who has just proven to own the account, and tells the user by mail. Its refusals are
// people.Faults and ErrOff.
func (s *Service) AddOfUser(ctx context.Context, a people.Asker, owner people.Owner, n New) (Added, error) {
	if !OfUsers(a.Tenant) {
		return Added{}, ErrOff
	}
	u := owner.User()
	return s.add(ctx, a, storage.APIKeyOwner{User: &u}, n)
}

// AddOfClient adds a key of a client. The caller may do what the client may do: see administration.BeyondClient. Its
// refusals are people.Faults.
func (s *Service) AddOfClient(ctx context.Context, a people.Asker, c storage.Client, n New) (Added, error) {
	return s.add(ctx, a, storage.APIKeyOwner{Client: &c}, n)
}

// add adds a key of the owner.
func (s *Service) add(ctx context.Context, a people.Asker, o storage.APIKeyOwner, n New) (Added, error) {
	all, err := s.Of(ctx, a, o)
	if err != nil {
		return Added{}, err
	}
	if living(all) >= MaxKeys {
		return Added{}, people.Invalid("name", "apikeys.many", MaxKeys)
	}
	if err := n.check(a.Tenant, o); err != nil {
		return Added{}, err
	}
	added := made(a, o, n)
	e := event(a, storage.EventAPIKeyAdded, added.APIKey)
	ch := storage.Change{AddAPIKey: &added.APIKey, Events: []storage.Event{e}}
	return added, s.apply(ctx, a, o, ch, "notice.api_key_added", added.Name)
}

// check returns Faults unless a key of the owner may be like this. It puts the defaults in the place of zero fields.
func (n *New) check(t *issuer.Tenant, o storage.APIKeyOwner) error {
	n.Name = strings.TrimSpace(n.Name)
	if n.Name == "" || utf8.RuneCountInString(n.Name) > maxName || strings.ContainsFunc(n.Name, storage.Misleading) {
		return people.Invalid("name", "apikeys.bad_name", maxName)
	}
	longest := LongestLife(t)
	if n.Life == 0 {
		n.Life = min(DefaultLife, longest)
	}
	if n.Life < shortest || n.Life > longest {
		return people.Invalid("expires", "apikeys.bad_life", int64(longest/(24*time.Hour)))
	}
	may := scopesOf(t, o)
	for _, scope := range n.Scopes {
		if !slices.Contains(may, scope) {
			return people.Invalid("scopes", "apikeys.bad_scope", scope)
		}
	}
	if len(n.Scopes) == 0 {
		return people.Invalid("scopes", "apikeys.no_scope")
	}
	n.Scopes = slices.Compact(slices.Sorted(slices.Values(n.Scopes)))
	return nil
}

// made returns a new key, which is not yet stored.
func made(a people.Asker, o storage.APIKeyOwner, n New) Added {
	secret, now := NewSecret(o.Client != nil), time.Now().UTC().Truncate(time.Microsecond)
	return Added{Secret: secret, APIKey: storage.APIKey{
		TenantID: a.Tenant.ID, ID: uuid.Must(uuid.NewV7()).String(), Hash: hashOf(secret), Start: startOf(secret),
		Name: n.Name, UserID: userID(o), ClientID: clientID(o), Scopes: n.Scopes, CreatedAt: now, ExpiresAt: now.Add(n.Life),
	}}
}

// RotateOfUser is RotateOfClient for a user who has just proven to own the account.
func (s *Service) RotateOfUser(
	ctx context.Context, a people.Asker, owner people.Owner, id string, overlap time.Duration,
) (Added, error) {
	if !OfUsers(a.Tenant) {
		return Added{}, ErrOff
	}
	u := owner.User()
	return s.rotate(ctx, a, storage.APIKeyOwner{User: &u}, id, overlap)
}

// RotateOfClient gives a client a key that replaces the one with the id, with the same name, scopes and life. The
// replaced one lives on for overlap (Overlap if it is negative, at most 30 days), and no longer than before; with 0 it
// is dead at once. storage.ErrNotFound: there is no such key. Its refusals are ErrReplaced and people.Faults.
func (s *Service) RotateOfClient(ctx context.Context, a people.Asker, c storage.Client, id string,
	overlap time.Duration,
) (Added, error) {
	return s.rotate(ctx, a, storage.APIKeyOwner{Client: &c}, id, overlap)
}

// rotate gives the owner a key that replaces the one with the id.
func (s *Service) rotate(ctx context.Context, a people.Asker, o storage.APIKeyOwner, id string, overlap time.Duration,
) (Added, error) {
	all, err := s.Of(ctx, a, o)
	if err != nil {
		return Added{}, err
	}
	old, err := one(all, id)
	if err != nil {
		return Added{}, err
	}
	if overlap != 0 && living(all) >= MaxKeys {
		return Added{}, people.Invalid("name", "apikeys.many", MaxKeys)
	}
	if old.ReplacedBy != "" {
		return Added{}, ErrReplaced
	}
	if overlap < 0 {
		overlap = Overlap
	}
	n := New{Name: old.Name, Life: min(old.ExpiresAt.Sub(old.CreatedAt), LongestLife(a.Tenant)), Scopes: old.Scopes}
	may := scopesOf(a.Tenant, o)
	n.Scopes = slices.DeleteFunc(n.Scopes, func(scope string) bool { return !slices.Contains(may, scope) })
	if len(n.Scopes) == 0 {
		return Added{}, people.Invalid("scopes", "apikeys.no_scope")
	}
	added := made(a, o, n)
	until := added.CreatedAt.Add(min(overlap, maxOverlap))
	rotated := event(a, storage.EventAPIKeyRotated, old)
	rotated.Detail["by"], rotated.Detail["works_until"] = added.ID, until.Format(time.RFC3339)
	err = s.apply(ctx, a, o, storage.Change{
		AddAPIKey: &added.APIKey,
		ReplaceAPIKey: &storage.APIKeyReplacement{
			APIKeyName: storage.APIKeyName{ID: id, ClientID: clientID(o)}, By: added.ID, ExpiresAt: until,
		},
		Events: []storage.Event{rotated},
	}, "notice.api_key_rotated", added.Name)
	if errors.Is(err, storage.ErrStale) && o.User == nil { // replaced at this moment
		err = ErrReplaced
	}
	return added, err
}

// Remove revokes a key of the owner, and tells a user by mail. storage.ErrNotFound: the owner has no such key.
func (s *Service) Remove(ctx context.Context, a people.Asker, o storage.APIKeyOwner, id string) error {
	all, err := s.Of(ctx, a, o)
	if err != nil {
		return err
	}
	k, err := one(all, id)
	if err != nil {
		return err
	}
	return s.apply(ctx, a, o, removal(o, k, event(a, storage.EventAPIKeyRemoved, k)), "notice.api_key_removed", k.Name)
}

// removal returns the change that revokes the key.
func removal(o storage.APIKeyOwner, k storage.APIKey, e storage.Event) storage.Change {
	name := storage.APIKeyName{ID: k.ID, ClientID: clientID(o)}
	return storage.Change{RemoveAPIKey: &name, Events: []storage.Event{e}}
}

// living returns how many of the keys have not expired.
func living(all []storage.APIKey) (n int) {
	for _, k := range all {
		if k.ExpiresAt.After(time.Now()) {
			n++
		}
	}
	return n
}

// one returns the key with the id, or storage.ErrNotFound.
func one(all []storage.APIKey, id string) (storage.APIKey, error) {
	i := slices.IndexFunc(all, func(k storage.APIKey) bool { return k.ID == id })
	if i < 0 {
		return storage.APIKey{}, storage.ErrNotFound
	}
	return all[i], nil
}

// apply makes a change to the owner's keys. A user is told by mail what changed: the text, about the key's name.
func (s *Service) apply(
	ctx context.Context, a people.Asker, o storage.APIKeyOwner, ch storage.Change, text, name string,
) error {
	if o.User == nil {
		ch.TenantID, ch.Now = a.Tenant.ID, time.Now()
		return s.Store.Apply(ctx, ch)
	}
	var err error
	if ch.Deliveries, err = s.ChangeNotice(a, *o.User, text, name); err != nil {
		return err
	}
	return s.Apply(ctx, *o.User, ch)
}

// event returns an event about a key.
func event(a people.Asker, kind string, k storage.APIKey) storage.Event {
	return a.Event(storage.Event{Kind: kind, UserID: k.UserID, ClientID: k.ClientID, Detail: map[string]string{
		"key": k.ID, "name": k.Name, "start": k.Start, "scopes": strings.Join(k.Scopes, " "),
		"expires": k.ExpiresAt.Format(time.RFC3339),
	}})
}

func userID(o storage.APIKeyOwner) string {
	if o.User == nil {
		return ""
	}
	return o.User.ID
}

func clientID(o storage.APIKeyOwner) string {
	if o.Client == nil {
		return ""
	}
	return o.Client.ClientID
}
