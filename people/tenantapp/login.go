package tenantapp

import (
	"context"
	"errors"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/people/password"
	"github.com/vouchsafe/vouchsafe/storage"
)

// ShortestPassword is the length of the shortest password of an app.
const ShortestPassword = 6

// ErrPassword says that the password of an app breaks the rules of FitsApp.
var ErrPassword = errors.New("the password of an app has 6 letters and digits or more, of each kind one")

// FitsApp reports whether an app may have the password: it has only letters and digits, and of lower-case letters,
// capitals and digits one each. These are the rules of backend-auth.
func FitsApp(text string) bool {
	var lower, upper, digit bool
	for _, r := range text {
		switch {
		case 'a' <= r && r <= 'z':
			lower = true
		case 'A' <= r && r <= 'Z':
			upper = true
		case '0' <= r && r <= '9':
			digit = true
		default:
			return false
		}
	}
	return lower && upper && digit && len(text) >= ShortestPassword && len(text) <= password.MaxLength
}

// SetLogin gives the app of a tenant a login, or another one, and ends its sign-ins. Its refusals are ErrPassword,
// ErrEmailTaken and, if there is no such tenant, storage.ErrNotFound.
func SetLogin(
	ctx context.Context, store storage.TenantLogins, hasher *password.Hasher, tenant string, email address.Claimed,
	text string, by audit.By,
) error {
	if !FitsApp(text) {
		return ErrPassword
	}
	hash, err := hasher.Hash(ctx, text)
	if err != nil {
		return err
	}
	err = store.PutTenantLogin(ctx, storage.TenantLogin{
		TenantID: tenant, Email: email.String(), EmailKey: email.Key(), Password: hash, CreatedAt: time.Now(),
	}, by(storage.Event{TenantID: tenant, Kind: storage.EventAppLoginSet}))
	if errors.Is(err, storage.ErrExists) {
		err = ErrEmailTaken
	}
	return err
}
