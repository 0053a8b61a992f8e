package keratin

import (
	"errors"
	"net/http"

	"github.com/vouchsafe/vouchsafe/internal/sessions"
	"github.com/vouchsafe/vouchsafe/storage"
)

// signIn is POST /session.
func (d *Door) signIn(a *asking) error {
	in, err := d.People.SignIn(a.Context(), a.asker, a.fields["username"], a.fields["password"], a.fields["otp"])
	if err != nil {
		return err
	}
	return d.signedIn(a, in)
}

// refresh is GET /session/refresh.
func (d *Door) refresh(a *asking) error {
	current, err := d.People.Refresh(a.Context(), a.asker)
	if errors.Is(err, storage.ErrNotFound) {
		return errNoSession
	}
	if err != nil {
		return err
	}
	token, err := d.token(a, current.User, current.Session)
	if err != nil {
		return err
	}
	if d.Persistent { // the same session, for as long again
		d.keepSession(a, a.asker.Kept.Sessions)
	}
	return a.result(http.StatusCreated, map[string]string{"id_token": token})
}

// signOut is DELETE /session.
func (d *Door) signOut(a *asking) error {
	if _, err := d.People.SignOut(a.Context(), a.asker); err != nil {
		return err
	}
	d.dropCookie(a.w, sessionCookie)
	return a.done()
}

// current returns the session of the browser. Its refusal is errNoSession.
func (d *Door) current(a *asking) (sessions.Account, error) {
	current, err := d.People.Current(a.Context(), a.asker)
	if errors.Is(err, storage.ErrNotFound) {
		err = errNoSession
	}
	return current, err
}

// startToken is GET /session/token.
func (d *Door) startToken(a *asking) error {
	if err := d.People.StartSignIn(a.Context(), a.asker, a.fields["username"]); err != nil {
		return err
	}
	return a.done()
}

// useToken is POST /session/token.
func (d *Door) useToken(a *asking) error {
	in, err := d.People.SignInByToken(a.Context(), a.asker, a.fields["token"], a.fields["otp"])
	if err != nil {
		return err
	}
	return d.signedIn(a, in)
}
