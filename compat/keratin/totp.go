package keratin

import (
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/people/delegated"
)

// factorLife is how long a browser keeps an authenticator app that is being set up.
const factorLife = 15 * time.Minute

// newFactor is POST /totp/new.
func (d *Door) newFactor(a *asking) error {
	current, err := d.current(a)
	if err != nil {
		return err
	}
	setup, err := d.People.StartFactor(a.Context(), current.User)
	if err != nil {
		return err
	}
	d.setCookie(a.w, factorCookie, setup.Sealed, factorLife)
	name := a.asker.Tenant.Name
	if name == "" {
		name = a.audience
	}
	return a.result(http.StatusOK, map[string]string{
		"secret": setup.App.Text(), "url": setup.App.URL(name, d.People.Names.Shown(current.User)),
	})
}

// confirmFactor is POST /totp/confirm.
func (d *Door) confirmFactor(a *asking) error {
	current, err := d.current(a)
	if err != nil {
		return err
	}
	sealed := cookieOf(a.Request, factorCookie)
	if sealed == "" && a.fields["otp"] != "" {
		return delegated.ErrFactorWrong
	}
	if err := d.People.ConfirmFactor(a.Context(), a.asker, current, sealed, a.fields["otp"]); err != nil {
		return err
	}
	d.dropCookie(a.w, factorCookie)
	return a.done()
}

// dropFactor is DELETE /totp. otp may be in the body, or in the URL: it works once.
func (d *Door) dropFactor(a *asking) error {
	current, err := d.current(a)
	if err != nil {
		return err
	}
	otp := a.fields["otp"]
	if otp == "" {
		otp = a.URL.Query().Get("otp")
	}
	if err := d.People.DropFactor(a.Context(), a.asker, current, otp); err != nil {
		return err
	}
	return a.done()
}
