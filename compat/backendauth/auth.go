package backendauth

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/password"
	"github.com/vouchsafe/vouchsafe/people/tenantapp"
	"github.com/vouchsafe/vouchsafe/storage"
)

// signIn is POST /auth. It tells the app's server whether there is such a user, as backend-auth does. otp is ours: the
// second factor of users who have one.
func (d *Door) signIn(a *asking) error {
	var f faults
	in := tenantapp.SigningIn{
		Login: a.body.text(&f, "login", maxLogin), Password: a.body.text(&f, "password", password.MaxLength),
		Device: a.body.text(&f, "deviceId", maxDevice), OTP: a.body.optional(&f, "otp", maxOTP),
	}
	if err := f.err(); err != nil {
		return err
	}
	token, err := d.People.SignInUser(a.Context(), a.asker, in)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		failStatus(a.w, http.StatusNotFound, "User does not exist")
		return nil
	case errors.Is(err, people.ErrWrongPassword):
		failStatus(a.w, http.StatusForbidden, "Incorrect password")
		return nil
	case err != nil:
		return err
	}
	return a.answer(map[string]string{"accessToken": token})
}

// maxOTP is the length of the longest second factor: a recovery code.
const maxOTP = 64

// verify is POST /auth/verify.
func (d *Door) verify(a *asking) error {
	token, err := a.body.token()
	if err != nil {
		return err
	}
	said, err := d.People.OpenUser(a.Context(), a.asker, token)
	if err != nil {
		return err
	}
	return a.answer(map[string]json.RawMessage{"decoded": said})
}

// signOut is POST /auth/logout.
func (d *Door) signOut(a *asking) error {
	token, err := a.body.token()
	if err != nil {
		return err
	}
	return a.signedOut(d.People.SignOutUser(a.Context(), a.asker, token))
}
