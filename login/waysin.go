package login

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// errLastWayIn says that somebody could not sign in any more.
var errLastWayIn = errors.New("the last way in")

// waysIn names all that the person could sign in with alone: what they have, where the
// tenant lets people use it.
func (s *Server) waysIn(r *http.Request, u storage.User, creds []storage.Credential, ids []storage.Identity) []string {
	var ways []string
	for _, c := range creds {
		switch {
		case c.Kind == storage.PasswordCredential && offers(r, storage.MethodPassword):
		case c.Kind == storage.PasskeyCredential && s.offersPasskeys(r):
			if k, ok := s.openPasskey(r, c); !ok || !k.SignsIn() {
				continue
			}
		default:
			continue
		}
		ways = append(ways, fmt.Sprintf("%s %s %d", c.Kind, c.ID, c.CreatedAt.UnixMicro()))
	}
	if u.EmailVerified && offers(r, storage.MethodEmail) {
		ways = append(ways, "email "+u.EmailKey)
	}
	if u.PhoneVerified && offers(r, storage.MethodPhone) {
		ways = append(ways, "phone "+u.Phone)
	}
	for _, i := range ids {
		if _, offered := s.upstreamName(r, i.Provider); offered {
			ways = append(ways, fmt.Sprintf("%s\x00%s %d", i.Provider, i.Subject, i.CreatedAt.UnixMicro()))
		}
	}
	return ways
}

// leavingAWayIn makes a change that takes credentials, identities or a number away, unless
// it took the person's last way in: errLastWayIn.
func (s *Server) leavingAWayIn(r *http.Request, u storage.User, ch storage.Change) error {
	for again := range 3 {
		creds, err := s.Store.CredentialsOf(r.Context(), u.TenantID, u.ID)
		if err != nil {
			return err
		}
		ids, err := s.Store.IdentitiesOf(r.Context(), u.TenantID, u.ID)
		if err != nil {
			return err
		}
		then := u
		if ch.Update != nil {
			then = *ch.Update
		}
		before := s.waysIn(r, u, creds, ids)
		after := s.waysIn(r, then, slices.DeleteFunc(creds, func(c storage.Credential) bool {
			return slices.Contains(ch.RemoveCredentials, storage.CredentialKey{Kind: c.Kind, ID: c.ID})
		}), slices.DeleteFunc(ids, func(i storage.Identity) bool {
			return slices.ContainsFunc(ch.Unlink, func(gone storage.Identity) bool { return gone.Provider == i.Provider && gone.Subject == i.Subject })
		}))
		if len(before) > 0 && len(after) == 0 {
			return errLastWayIn
		}
		guarded := ch
		if len(after) < len(before) {
			// Of two that take away at the same moment what the other leaves, one has to look
			// again: they saw the same ways in.
			guarded.Spend = append(slices.Clone(ch.Spend), storage.Spent{TenantID: u.TenantID, Purpose: "ways-in", Value: u.ID + "." + fingerprint(before), ExpiresAt: time.Now().Add(time.Minute)})
		}
		if err = s.apply(r, u, guarded); again == 2 || !errors.Is(err, storage.ErrStale) {
			return err
		}
	}
	return storage.ErrStale
}

func fingerprint(ways []string) string {
	sum := sha256.Sum256([]byte(strings.Join(ways, "\n")))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
