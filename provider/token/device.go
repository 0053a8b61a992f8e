package token

import (
	"context"
	"errors"
	"time"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

// deviceGrant gives the tokens of a device code (RFC 8628 section 3.4). What the user allowed is an authorization code,
// which is kept for the device: it is redeemed as any other, once.
type deviceGrant struct {
	*codeGrant
	waiting deviceStore
}

// deviceStore is what the grant type asks of storage, besides what codes do.
type deviceStore interface {
	Code(ctx context.Context, tenant, id string, now time.Time) (storage.Code, error)
}

// polls bounds how often a device may ask. One second less than it is told: networks are late, and clocks differ.
var polls = limit.Rule{Name: "device-polls", Max: 1, Window: tokens.DeviceInterval - time.Second}

// check reads what the user has decided. The device asks again until then.
func (dg *deviceGrant) check(ctx context.Context, q *tokenRequest) error {
	value := q.form.Get("device_code")
	if value == "" {
		return fosite.ErrInvalidRequest.WithDescription("device_code is missing.")
	}
	id := tokens.DeviceID(value)
	kept, err := dg.waiting.Code(ctx, q.tenant.ID, id, q.now)
	if errors.Is(err, storage.ErrNotFound) { // settled, in one change: there is always one of the two
		kept, err = dg.waiting.Code(ctx, q.tenant.ID, tokens.SettledID(id), q.now)
	}
	if errors.Is(err, storage.ErrNotFound) {
		return oauth.ErrExpiredToken
	}
	if err != nil {
		return err
	}
	d, err := dg.tokens.OpenDevice(q.tenant, kept)
	if err != nil {
		return err
	}
	switch {
	case d.ClientID != q.client.ClientID: // its owner goes on undisturbed
		return invalidGrant(ctx, "another client's device code")
	case d.Denied:
		return oauth.ErrDeviceDenied
	case d.Code == "":
		if _, ok := dg.limits.Allow(ctx, q.tenant.ID, "", polls, id); !ok {
			return oauth.ErrSlowDown
		}
		return oauth.ErrAuthorizationPending
	}
	// The code may be older than codes get, because the device may have slept: what is stored says how long it counts.
	q.code, err = dg.tokens.OpenCode(q.tenant, d.Code, q.now)
	switch {
	case err != nil && !errors.Is(err, tokens.ErrCodeExpired):
		return invalidGrant(ctx, err.Error())
	case q.code.ActorID != "":
		return invalidGrant(ctx, "administrators don't connect devices for users")
	}
	q.device = true
	return q.narrow(q.code.Audience)
}
