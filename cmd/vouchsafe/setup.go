package main

import (
	"context"
	"encoding/base64"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/storage"
)

// setupLink is the link's token. Nothing is stored for it: whoever has the master
// secret, and so runs the server, can make it, and nobody else.
type setupLink struct{ secrets *secret.Masters }

var setupMessage = []byte("the bearer may create the first administrator")

func (l setupLink) box() *secret.Box {
	return l.secrets.Box(storage.DefaultTenant, secret.FirstAdministrator)
}

func (l setupLink) token() string {
	return base64.RawURLEncoding.EncodeToString(l.box().MAC(setupMessage))
}

// spends says what using the token spends; storage.ErrNotFound when it is not the
// link's. Whether it was spent already is for storage to say, at once and for all.
func (l setupLink) spends(_ context.Context, tenant, token string) (storage.Spent, error) {
	mac, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || tenant != storage.DefaultTenant || !l.box().VerifyMAC(setupMessage, mac) {
		return storage.Spent{}, storage.ErrNotFound
	}
	return storage.FirstAdministrator(), nil
}
