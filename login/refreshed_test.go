package login

import (
	"context"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/fakeidp"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// disabling disables everybody as soon as they were read.
type disabling struct{ people.Store }

func (d disabling) User(ctx context.Context, tenant, id string) (storage.User, error) {
	u, err := d.Store.User(ctx, tenant, id)
	if err == nil {
		off := u
		off.Disabled = true
		err = storagetest.UpdateUser(ctx, d, off)
	}
	return u, err
}

// A15: a profile that is refreshed does not enable a user who was disabled meanwhile.
func TestARefreshedProfileEnablesNoUser(t *testing.T) {
	t.Parallel()
	f := federate(t, func(s *storage.TenantSettings) { s.Upstreams[0].RefreshProfile = true }, fakeidp.Google)
	f.visitor().come(fakeidp.Google, "", fedJo)
	was := f.login.Store
	f.login.Store = disabling{was}
	anew := fedJo
	anew.Name = "Jo Roe"
	f.visitor().come(fakeidp.Google, "", anew)
	u, err := was.UserByEmail(t.Context(), storage.DefaultTenant, fedJo.Email)
	if err != nil || !u.Disabled {
		t.Errorf("got %+v, %v: enabled again", u, err)
	}
}
