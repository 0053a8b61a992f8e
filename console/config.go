package console

import (
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Config is what a Server is made of. All fields are required.
type Config struct {
	Site    *ui.Site
	People  *people.Service
	Tenants storage.Tenants
	Secrets *secret.Masters
	// Issuer is the URL of the default tenant.
	Issuer string
}
