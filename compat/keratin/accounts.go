package keratin

import (
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/people/delegated"
)

// signUp is POST /accounts.
func (d *Door) signUp(a *asking) error {
	u, err := d.People.SignUp(a.Context(), a.asker, a.fields["username"], a.fields["password"])
	if err != nil {
		return err
	}
	in, err := d.People.Complete(a.Context(), a.asker, u, time.Now(), "", "pwd")
	if err != nil {
		return err
	}
	return d.signedIn(a, in)
}

// available is GET /accounts/available.
func (d *Door) available(a *asking) error {
	if err := delegated.MaySignUp(a.asker); err != nil {
		return err
	}
	free, err := d.People.Available(a.Context(), a.asker, a.fields["username"])
	if err != nil {
		return err
	}
	if !free {
		return delegated.Faults{{Field: "username", Kind: delegated.Taken}}
	}
	return a.result(http.StatusOK, true)
}
