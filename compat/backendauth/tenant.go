package backendauth

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// register is POST /tenant.
func (d *Door) register(a *asking) error {
	var f faults
	email, password := a.body.email(&f, "email"), a.body.tenantPassword(&f)
	if err := f.err(); err != nil {
		return err
	}
	if !a.registers {
		return errForbidden
	}
	id, token, err := d.People.Register(a.Context(), a.asApp(), email, password)
	if err != nil {
		return err
	}
	return a.answer(map[string]string{"id": id, "email": email.String(), "token": token})
}

// signInTenant is POST /tenant/login.
func (d *Door) signInTenant(a *asking) error {
	var f faults
	email, password := a.body.email(&f, "email"), a.body.tenantPassword(&f)
	if err := f.err(); err != nil {
		return err
	}
	token, err := d.People.SignInTenant(a.Context(), a.asApp(), email.String(), password)
	if errors.Is(err, people.ErrWrongPassword) {
		failText(a.w, http.StatusForbidden, "Incorrect email or password")
		return nil
	}
	if err != nil {
		return err
	}
	return a.answer(map[string]string{"token": token})
}

// signOutTenant is POST /tenant/logout.
func (d *Door) signOutTenant(a *asking) error {
	token, err := a.body.token()
	if err != nil {
		return err
	}
	return a.signedOut(d.People.SignOutTenant(a.Context(), a.asApp(), token))
}

// signedOut answers that a session has ended, or why it has not.
func (a *asking) signedOut(err error) error {
	if errors.Is(err, storage.ErrNotFound) {
		failText(a.w, http.StatusNotFound, "Session does not exist or has expired. Please sign in to continue.")
		return nil
	}
	if err != nil {
		return err
	}
	return a.done()
}

// verifyTenant is POST /tenant/verify.
func (d *Door) verifyTenant(a *asking) error {
	token, err := a.body.token()
	if err != nil {
		return err
	}
	_, said, err := d.People.OpenTenant(a.Context(), token)
	if err != nil {
		return err
	}
	return a.answer(map[string]json.RawMessage{"decoded": said})
}
