package people

import (
	"context"
	"errors"
	"time"

	"github.com/vouchsafe/vouchsafe/people/passkey"
	"github.com/vouchsafe/vouchsafe/storage"
)

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
