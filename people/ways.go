package people

import (
	"context"

	"github.com/vouchsafe/vouchsafe/storage"
)

// Ways are how a user can sign in.
type Ways struct {
	Password, Passkey bool
	ByEmail, ByPhone  bool     // by a code that is sent there
	Upstreams         []string // the ids of upstream providers
}

// None reports whether there is no way at all.
func (w Ways) None() bool {
	return !w.Password && !w.Passkey && !w.ByEmail && !w.ByPhone && len(w.Upstreams) == 0
}

// TenantWays returns all ways that the tenant offers to its users.
func (s *Service) TenantWays(a Asker) Ways {
	w := Ways{
		Password: a.UsesPasswords(), Passkey: s.OffersPasskeys(a),
		ByEmail: s.OffersCodes(a, storage.MethodEmail), ByPhone: s.OffersCodes(a, storage.MethodPhone),
	}
	for _, u := range s.Upstreams(a.Tenant) {
		w.Upstreams = append(w.Upstreams, u.ID)
	}
	return w
}

// WaysOf returns those of the tenant's ways that the user has set up. A page may show them only to a browser in
// which the user has signed in.
func (s *Service) WaysOf(ctx context.Context, a Asker, u storage.User) (own Ways, err error) {
	creds, err := s.Store.CredentialsOf(ctx, u.TenantID, u.ID)
	if err != nil {
		return own, err
	}
	for _, c := range creds {
		switch c.Kind {
		case storage.PasswordCredential:
			own.Password = a.UsesPasswords()
		case storage.PasskeyCredential:
			if k, ok := s.OpenPasskey(ctx, c); ok && k.SignsIn() {
				own.Passkey = s.OffersPasskeys(a)
			}
		}
	}
	own.ByEmail, err = s.MayProveByCode(ctx, a, storage.MethodEmail, u)
	if err != nil {
		return own, err
	}
	own.ByEmail = own.ByEmail && u.Email != ""
	own.ByPhone = s.OffersCodes(a, storage.MethodPhone) && u.PhoneVerified
	ids, err := s.Store.IdentitiesOf(ctx, u.TenantID, u.ID)
	for _, offered := range s.Upstreams(a.Tenant) {
		for _, i := range ids {
			if i.Provider == offered.ID {
				own.Upstreams = append(own.Upstreams, offered.ID)
				break
			}
		}
	}
	return own, err
}

// WaysFor returns the ways to offer to a browser in which a user has typed the name: all that the tenant has, for
// every name alike, or the user's own if the user has signed in with that browser before. A browser in which no
// user has signed in causes no look-up: neither its page nor the time for it says whether there is such a user.
func (s *Service) WaysFor(ctx context.Context, a Asker, name string) (Ways, error) {
	all := s.TenantWays(a)
	if _, signedIn := s.known(a, anyAccount); !signedIn {
		return all, nil
	}
	user, _, err := s.named(ctx, a, name)
	if err != nil || user.Disabled || !s.KnowsDevice(a, user) {
		return all, err
	}
	own, err := s.WaysOf(ctx, a, user)
	if err != nil || own.None() {
		return all, err
	}
	return own, nil
}
