package oauth

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

// APIKeys reads the API keys that requests bring. Package people/apikeys implements it.
type APIKeys interface {
	// Present returns what a key stands for. storage.ErrNotFound: it is no living key of the tenant; wait is then for
	// how long the address ip has to pause.
	Present(ctx context.Context, t *issuer.Tenant, ip, value string) (
		k storage.PresentedKey, wait time.Duration, err error)
	// ByID returns the same for the id of a key. storage.ErrNotFound: the key does not live any more.
	ByID(ctx context.Context, t *issuer.Tenant, ofClient bool, id string) (storage.PresentedKey, error)
}

// NoAPIKeys is an installation without API keys.
type NoAPIKeys struct{}

// Present implements APIKeys.
func (NoAPIKeys) Present(context.Context, *issuer.Tenant, string, string) (
	k storage.PresentedKey, wait time.Duration, err error,
) {
	return k, 0, storage.ErrNotFound
}

// ByID implements APIKeys.
func (NoAPIKeys) ByID(context.Context, *issuer.Tenant, bool, string) (k storage.PresentedKey, err error) {
	return k, storage.ErrNotFound
}

// IsAPIKey reports whether the value of a bearer token is an API key, living or not: no token begins like one.
func IsAPIKey(value string) bool { return strings.HasPrefix(value, "vs_") }

// PresentAPIKey returns what the key stands for that a request brought. Its errors are storage.ErrNotFound, and
// ErrTooManyFailures for an address that has brought too many wrong keys.
func PresentAPIKey(ctx context.Context, all APIKeys, value string) (*storage.PresentedKey, error) {
	k, wait, err := all.Present(ctx, web.TenantOf(ctx), web.RequestOf(ctx).IP, value)
	if errors.Is(err, storage.ErrNotFound) && wait > 0 {
		return nil, ErrTooManyFailures.WithWrap(Wait(wait))
	}
	if err != nil {
		return nil, err
	}
	web.Note(ctx, "api_key", k.ID)
	return &k, nil
}

// ErrInvalidTarget refuses a resource or an audience (RFC 8693 section 2.2.2, RFC 8707 section 2).
var ErrInvalidTarget = newError(fosite.ErrInvalidRequest.CodeField, "invalid_target", "There is no such API here.")
