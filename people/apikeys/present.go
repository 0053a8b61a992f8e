package apikeys

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Reader reads the keys that requests bring. All fields are required.
type Reader struct {
	Store  storage.APIKeys
	Limits *limit.Limiter
	Log    *slog.Logger
}

// wrongKeys bounds the unknown keys that one network presents. Living keys are not counted, so that no program behind a
// shared address is kept out by them.
var wrongKeys = limit.Rule{Name: "wrong-keys", Max: 100, Window: 5 * time.Minute}

// usedEvery is how often the use of a key is stored at most.
const usedEvery = time.Hour

// Present returns the owner, the scopes and the expiry of the API key that a request from the address ip brought: the
// function for every endpoint that accepts keys. The scopes are those of the key that its owner may still have.
//
// It costs one indexed read, and once an hour a write. A value without the form and the checksum of a key costs
// neither. The error is storage.ErrNotFound for a value that is no living key of the tenant, and says no more about
// it; wait is then for how long the address has to pause, and 0 if it need not.
func (r *Reader) Present(ctx context.Context, t *issuer.Tenant, ip, value string) (
	key storage.PresentedKey, wait time.Duration, err error,
) {
	if !IsKey(value) || !offered(t, isOfClient(value)) {
		return key, 0, storage.ErrNotFound
	}
	now := time.Now()
	k, owner, err := r.Store.LiveAPIKey(ctx, t.ID, isOfClient(value), hashOf(value), now)
	if errors.Is(err, storage.ErrNotFound) {
		if _, left, ok := r.Limits.Admit(ctx, t.ID, ip, limit.Networks(ip, wrongKeys, limit.Stays)...); !ok {
			wait = left
		}
		return key, wait, storage.ErrNotFound
	}
	if err != nil {
		return key, 0, err
	}
	r.used(ctx, k, now)
	return presented(t, k, owner), 0, nil
}

// ByID is Present for a token that was given for the key with the id: it tells whether the key still lives.
func (r *Reader) ByID(ctx context.Context, t *issuer.Tenant, ofClient bool, id string) (storage.PresentedKey, error) {
	if !offered(t, ofClient) {
		return storage.PresentedKey{}, storage.ErrNotFound
	}
	k, owner, err := r.Store.LiveAPIKeyByID(ctx, t.ID, ofClient, id, time.Now())
	if err != nil {
		return storage.PresentedKey{}, err
	}
	return presented(t, k, owner), nil
}

// offered reports whether the tenant has keys of the kind of owner.
func offered(t *issuer.Tenant, ofClient bool) bool { return ofClient || OfUsers(t) }

// presented returns what a living key stands for.
func presented(t *issuer.Tenant, k storage.APIKey, owner storage.APIKeyOwner) storage.PresentedKey {
	may := scopesOf(t, owner)
	k.Scopes = slices.DeleteFunc(k.Scopes, func(scope string) bool { return !slices.Contains(may, scope) })
	return storage.PresentedKey{APIKey: k, APIKeyOwner: owner}
}

// used stores that the key was used. A failure is no reason to refuse the key.
func (r *Reader) used(ctx context.Context, k storage.APIKey, now time.Time) {
	if storage.Within(k.UsedAt, now, usedEvery) {
		return
	}
	if err := r.Store.UsedAPIKey(ctx, k.TenantID, k.ID, now, now.Add(-usedEvery)); err != nil {
		r.Log.WarnContext(ctx, "the last use of an API key is not stored", "key", k.ID, "error", err)
	}
}
