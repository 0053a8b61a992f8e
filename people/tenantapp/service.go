package tenantapp

import (
	"context"
	"errors"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/delegated"
	"github.com/vouchsafe/vouchsafe/people/federation"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Service has the use cases. All fields are required. The Keeper of sessions says how long the token of a user is
// valid.
type Service struct {
	*delegated.Service
	Logins storage.TenantLogins
	Users  storage.AppLogins
	Calls  federation.Calls
	// Tenant returns the tenant with that id; storage.ErrNotFound if it is unknown or disabled.
	Tenant func(ctx context.Context, id string) (*issuer.Tenant, error)
	// Provider returns the upstream provider whose users an app brings: "fb" or "vk". storage.ErrNotFound: there is none.
	Provider func(a people.Asker, name string) (*upstream.Provider, error)
}

// Why nothing was done. Others are those of packages people and delegated.
var (
	// ErrToken is every reason why a token does not work.
	ErrToken = errors.New("the token does not work, or not any more")
	// ErrEmailTaken says that another tenant has a login with the address.
	ErrEmailTaken = errors.New("the address has a login already")
	// ErrUserExists says that another user has the login or the address.
	ErrUserExists = errors.New("another user has the login or the address")
	// ErrNoEmail says that an upstream provider told no address by which a new user could be known.
	ErrNoEmail = errors.New("the provider told no email address")
)

// Limits of guesses at the password of an app.
var (
	guessesOfNetwork = limit.Rule{Name: "app-login-network", Max: 5, Window: time.Minute, Longest: 15 * time.Minute}
	guessesAtLogin   = limit.Rule{Name: "app-login", Max: 300, Window: time.Hour}
)
