package login

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/jws"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
)

// The methods that are exported here serve package login/api, which gets them as api.Upstreams.

// fromUpstream finds or makes the account of whom the token is about. With once the token
// does not serve again.
func (s *Server) fromUpstream(r *http.Request, a people.Asker, provider string, f upstream.Token, once bool) (*stranger, storage.User, error) {
	ctx, t := r.Context(), web.TenantOf(r.Context())
	p, err := s.upstream(t, provider)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, storage.User{}, people.ErrNotOffered
	}
	if err != nil {
		return nil, storage.User{}, err
	}
	if f.IDToken == "" && f.AccessToken == "" {
		return nil, storage.User{}, people.Invalid("id_token", "federated.token_missing")
	}
	right, err := s.AllowTrip(ctx, a)
	if err != nil {
		return nil, storage.User{}, err
	}
	id, err := s.Upstreams.Vouch(ctx, p, f)
	if err != nil {
		web.Note(ctx, "upstream", p.ID+": "+err.Error())
		return nil, storage.User{}, err
	}
	right(p.ID + "\x00" + id.Subject)
	if once && f.IDToken != "" { // Facebook's kit gives the same access token for weeks
		signed, err := jws.Signed(f.IDToken)
		if err != nil {
			return nil, storage.User{}, upstream.ErrRefused
		}
		sum := sha256.Sum256([]byte(signed))
		value := p.ID + "." + base64.RawURLEncoding.EncodeToString(sum[:])
		err = s.Store.Spend(ctx, storage.Spent{TenantID: t.ID, Purpose: "upstream-token", Value: value, ExpiresAt: time.Now().Add(time.Hour)})
		if errors.Is(err, storage.ErrExists) {
			return nil, storage.User{}, upstream.ErrRefused
		}
		if err != nil {
			return nil, storage.User{}, err
		}
	}
	who := &stranger{ID: secret.Token()[:22], Upstream: p.ID, Subject: id.Subject, Email: id.Email, AMR: id.AMR, Profile: id.Profile, Born: time.Now(), ProvenAt: id.ProvenAt}
	user, err := s.identify(r, p, who, id)
	return who, user, err
}

// SignInByToken returns the user whom the token of an upstream provider proves, with an account that
// may be new, and since when and by what.
func (s *Server) SignInByToken(
	r *http.Request, a people.Asker, provider string, t upstream.Token,
) (user storage.User, since time.Time, amr []string, err error) {
	begun := time.Now()
	who, user, err := s.fromUpstream(r, a, provider, t, true)
	if err != nil {
		return user, since, nil, err
	}
	since, _ = provenWhen(who.ProvenAt, user, begun)
	return user, since, s.amr(r, who.AMR), nil
}

// SignUpByToken makes an account, or sends the code that its address has to be confirmed by first.
func (s *Server) SignUpByToken(r *http.Request, a people.Asker, provider string, t upstream.Token, email string) (flow string, err error) {
	who, _, err := s.fromUpstream(r, a, provider, t, false)
	if errors.Is(err, errProveEmail) {
		return s.sendStranger(r, who, strings.TrimSpace(cmp.Or(email, who.Email)))
	}
	return "", err
}

// ConfirmByCode takes the code of a user whom an app brought from a provider; ok is false for another
// code. The token of a link is not taken: there is none in such mails.
func (s *Server) ConfirmByCode(r *http.Request, pr people.Proof) (user storage.User, amr []string, ok bool, err error) {
	code, err := s.Store.Code(r.Context(), web.TenantOf(r.Context()).ID, pr.Flow, time.Now())
	if errors.Is(err, storage.ErrNotFound) || err == nil && code.Purpose != codeStranger {
		return user, nil, false, nil
	}
	if err != nil {
		return user, nil, false, err
	}
	var claim strangerClaim
	code, err = s.tryCode(r, codeStranger, people.Proof{Flow: pr.Flow, Digits: pr.Digits}, &claim)
	if err == nil && len(claim.Stranger.Browser) > 0 { // it began at a page, and ends there
		err = errWrongCode
	}
	if err != nil {
		return user, nil, true, err
	}
	user, err = s.confirmed(r, &claim.Stranger, claim, code)
	return user, s.amr(r, claim.Stranger.AMR), true, err
}
