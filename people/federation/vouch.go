package federation

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/jws"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
)

// spentToken is the purpose of storage.Spent for ID tokens that apps brought.
const spentToken = "upstream-token"

// SignInByToken signs in the user whose token an app brings from the provider with the id. It works
// once. Its refusals are those of Arrive, people.ErrNotOffered and ErrTokenRefused; it may also
// return upstream.ErrUnreachable.
func (s *Service) SignInByToken(
	ctx context.Context, a people.Asker, provider string, t upstream.Token,
) (Arrival, error) {
	return s.vouch(ctx, a, provider, t, true)
}

// SignUpByToken makes the account of the user whose token an app brings, or sends a code to the address
// that has to be confirmed first, and returns the flow that the code belongs to; "" for none. email
// is what the user entered; "" stands for the address that the provider says. Its errors are those of
// SignInByToken, but for ErrProveEmail.
func (s *Service) SignUpByToken(
	ctx context.Context, a people.Asker, provider string, t upstream.Token, email string,
) (flow string, err error) {
	ar, err := s.vouch(ctx, a, provider, t, false)
	if errors.Is(err, ErrProveEmail) {
		return s.SendCode(ctx, a, ar.Stranger, strings.TrimSpace(cmp.Or(email, ar.Stranger.Email)), "")
	}
	return "", err
}

// vouch finds or makes the account of the user that the token is about. With once, the token does not
// work again.
func (s *Service) vouch(
	ctx context.Context, a people.Asker, provider string, t upstream.Token, once bool,
) (Arrival, error) {
	begun := time.Now()
	p, err := s.Provider(a, provider)
	if errors.Is(err, storage.ErrNotFound) {
		return Arrival{}, people.ErrNotOffered
	}
	if err != nil {
		return Arrival{}, err
	}
	if t.IDToken == "" && t.AccessToken == "" {
		return Arrival{}, people.Invalid("id_token", "federated.token_missing")
	}
	right, err := s.AllowTrip(ctx, a)
	if err != nil {
		return Arrival{}, err
	}
	id, err := s.Calls.Vouch(ctx, p, t)
	if err != nil {
		s.Note(ctx, "upstream", p.ID+": "+err.Error())
		if errors.Is(err, upstream.ErrRefused) {
			err = ErrTokenRefused
		}
		return Arrival{}, err
	}
	right(p.ID + "\x00" + id.Subject)
	if once && t.IDToken != "" { // Facebook's SDK gives the same access token for weeks
		if err := s.spendToken(ctx, a, p, t.IDToken); err != nil {
			return Arrival{}, err
		}
	}
	ar := Arrival{Stranger: newStranger(p, id, ""), AMR: amrOf(a, id.AMR)}
	if ar.User, err = s.identify(ctx, a, p, ar.Stranger, id); err == nil {
		ar.Since, _ = provenWhen(id.ProvenAt, ar.User, begun)
	}
	return ar, err
}

// spendToken lets the ID token serve once. Its refusal is ErrTokenRefused.
func (s *Service) spendToken(ctx context.Context, a people.Asker, p *upstream.Provider, token string) error {
	signed, err := jws.Signed(token)
	if err != nil {
		return ErrTokenRefused
	}
	sum := sha256.Sum256([]byte(signed))
	err = s.Store.Spend(ctx, storage.Spent{
		TenantID: a.Tenant.ID, Purpose: spentToken, Value: p.ID + "." + base64.RawURLEncoding.EncodeToString(sum[:]),
		ExpiresAt: time.Now().Add(time.Hour),
	})
	if errors.Is(err, storage.ErrExists) {
		return ErrTokenRefused
	}
	return err
}
