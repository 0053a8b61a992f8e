package people

import (
	"slices"

	"github.com/vouchsafe/vouchsafe/storage"
)

// productName is what no password may consist of.
const productName = "Vouchsafe"

// UsesPasswords reports whether users of the tenant sign in by password.
func (a Asker) UsesPasswords() bool {
	methods := a.Tenant.Settings.SignIn.Methods
	return len(methods) == 0 || slices.Contains(methods, storage.MethodPassword)
}

// offers reports whether users of the tenant may sign in by the method.
func (a Asker) offers(method string) bool {
	methods := a.Tenant.Settings.SignIn.Methods
	if len(methods) == 0 {
		methods = []string{storage.MethodPassword, storage.MethodPasskey}
	}
	return slices.Contains(methods, method)
}
