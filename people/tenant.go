package people

import (
	"slices"

	"github.com/vouchsafe/vouchsafe/storage"
)

// productName is what no password may consist of.
const productName = "Vouchsafe"

// usesPasswords reports whether users of the tenant sign in by password.
func (a Asker) usesPasswords() bool {
	methods := a.Tenant.Settings.SignIn.Methods
	return len(methods) == 0 || slices.Contains(methods, storage.MethodPassword)
}
