package people

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// Freshness is how long a proof allows what only the account's owner may do. A stranger who finds a
// browser signed in has its session, but not what opened it.
const Freshness = 5 * time.Minute

// IsFresh reports whether the proof of that time is no older than Freshness.
func IsFresh(proven time.Time) bool { return storage.Within(proven, time.Now(), Freshness) }

const (
	// ErrSignInFirst says that the user has to sign in again: the last proof is older than Freshness.
	ErrSignInFirst = Refusal("signin.again")
	// ErrFactorFirst says that the user has to give the second factor, without which the sign-in was done.
	ErrFactorFirst = Refusal("factor.title")
)

// Owner is a user who has just proven to own the account. A use case that takes one needs a fresh
// sign-in, and no door can forget to ask for it: only Service.Owner makes one.
type Owner struct{ user storage.User }

// User returns the user.
func (o Owner) User() storage.User { return o.user }

// Owner returns the user as owner of the account, by a sign-in of that time and strength (ACR). If the
// user has a second factor, the sign-in has to have included it: a remembered device is not enough,
// because a stranger who knows the password could change everything else from it. Its refusals are
// ErrSignInFirst and ErrFactorFirst.
func (s *Service) Owner(ctx context.Context, u storage.User, proven time.Time, acr string) (Owner, error) {
	if !IsFresh(proven) {
		return Owner{}, ErrSignInFirst
	}
	missing, err := s.OwnerACR(ctx, u, acr)
	if err == nil && missing != "" {
		err = ErrFactorFirst
	}
	if err != nil {
		return Owner{}, err
	}
	return Owner{u}, nil
}

// OwnerACR returns the strength that a fresh sign-in of the user must have to make an Owner; "" if acr is
// enough.
func (s *Service) OwnerACR(ctx context.Context, u storage.User, acr string) (string, error) {
	if storage.ReachesACR(acr, storage.ACRMultiFactor) {
		return "", nil
	}
	creds, err := s.Store.CredentialsOf(ctx, u.TenantID, u.ID)
	if err == nil && storage.HasSecondFactor(creds) {
		return storage.ACRMultiFactor, nil
	}
	return "", err
}

// ErrLastOwner says that a change would leave the tenant without an owner.
const ErrLastOwner = Refusal("delete.last_owner")

// ErrLastWayIn says that a change would leave the user no way to sign in.
const ErrLastWayIn = Refusal("identity.last")

// waysIn names all that the user could sign in with alone, as far as the tenant lets its users use it.
func (s *Service) waysIn(ctx context.Context, a Asker, u storage.User, creds []storage.Credential,
	ids []storage.Identity,
) []string {
	var ways []string
	for _, c := range creds {
		switch {
		case c.Kind == storage.PasswordCredential && a.offers(storage.MethodPassword):
		case c.Kind == storage.PasskeyCredential && s.OffersPasskeys(a):
			if k, ok := s.OpenPasskey(ctx, c); !ok || !k.SignsIn() {
				continue
			}
		default:
			continue
		}
		ways = append(ways, fmt.Sprintf("%s %s %d", c.Kind, c.ID, c.CreatedAt.UnixMicro()))
	}
	if u.EmailVerified && a.offers(storage.MethodEmail) {
		ways = append(ways, "email "+u.EmailKey)
	}
	if u.PhoneVerified && a.offers(storage.MethodPhone) {
		ways = append(ways, "phone "+u.Phone)
	}
	for _, i := range ids {
		if _, offered := s.UpstreamName(a.Tenant, i.Provider); offered {
			ways = append(ways, fmt.Sprintf("%s\x00%s %d", i.Provider, i.Subject, i.CreatedAt.UnixMicro()))
		}
	}
	return ways
}

// leavingAWayIn makes a change that takes credentials, identities or a phone number from a user, who
// must be able to sign in afterwards if that was possible before. Its refusal is ErrLastWayIn.
func (s *Service) leavingAWayIn(ctx context.Context, a Asker, u storage.User, ch storage.Change) error {
	for again := range 3 {
		creds, err := s.Store.CredentialsOf(ctx, u.TenantID, u.ID)
		if err != nil {
			return err
		}
		ids, err := s.Store.IdentitiesOf(ctx, u.TenantID, u.ID)
		if err != nil {
			return err
		}
		before := s.waysIn(ctx, a, u, creds, ids)
		after := s.waysIn(ctx, a, userAfter(u, ch), credentialsAfter(creds, ch), identitiesAfter(ids, ch))
		if len(before) > 0 && len(after) == 0 {
			return ErrLastWayIn
		}
		guarded := ch
		if len(after) < len(before) {
			// Of two simultaneous changes, each of which leaves the way in that the other takes,
			// one has to look again: they saw the same ways in.
			guarded.Spend = append(slices.Clone(ch.Spend), storage.Spent{
				TenantID: u.TenantID, Purpose: "ways-in", Value: u.ID + "." + fingerprint(before),
				ExpiresAt: time.Now().Add(time.Minute),
			})
		}
		if err = s.Apply(ctx, u, guarded); again == 2 || !errors.Is(err, storage.ErrStale) {
			return err
		}
	}
	return ErrChangedMeanwhile
}

// userAfter returns the user as the change leaves it.
func userAfter(u storage.User, ch storage.Change) storage.User {
	if ch.Update != nil {
		return *ch.Update
	}
	return u
}

// credentialsAfter returns the credentials that the change leaves. It does not look at those that the change stores.
func credentialsAfter(creds []storage.Credential, ch storage.Change) []storage.Credential {
	return slices.DeleteFunc(creds, func(c storage.Credential) bool {
		return slices.Contains(ch.RemoveCredentials, storage.CredentialKey{Kind: c.Kind, ID: c.ID})
	})
}

// identitiesAfter returns the identities that the change leaves. It does not look at those that the change links.
func identitiesAfter(ids []storage.Identity, ch storage.Change) []storage.Identity {
	return slices.DeleteFunc(ids, func(i storage.Identity) bool {
		return slices.ContainsFunc(ch.Unlink, func(gone storage.Identity) bool {
			return gone.Provider == i.Provider && gone.Subject == i.Subject
		})
	})
}

// fingerprint returns a value that is the same for the same ways in, and differs for others.
func fingerprint(ways []string) string {
	sum := sha256.Sum256([]byte(strings.Join(ways, "\n")))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
