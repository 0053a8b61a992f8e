package keratin

import (
	"net/http"

	"github.com/vouchsafe/vouchsafe/people/delegated"
)

// startReset is GET /password/reset.
func (d *Door) startReset(a *asking) error {
	if err := d.People.StartReset(a.Context(), a.asker, a.fields["username"]); err != nil {
		return err
	}
	return a.done()
}

// newPassword is POST /password: by a token, or in a session by the password before.
func (d *Door) newPassword(a *asking) error {
	if token := a.fields["token"]; token != "" {
		in, err := d.People.Reset(a.Context(), a.asker, token, a.fields["password"], a.fields["otp"])
		if err != nil {
			return err
		}
		return d.signedIn(a, in)
	}
	current, err := d.current(a)
	if err != nil {
		return err
	}
	in, err := d.People.ChangePassword(a.Context(), a.asker, current, delegated.NewPassword{
		Old: a.fields["currentPassword"], New: a.fields["password"], OTP: a.fields["otp"],
	})
	if err != nil {
		return err
	}
	return d.signedIn(a, in)
}

// score is POST /password/score.
func (d *Door) score(a *asking) error {
	score, required, err := d.People.Score(a.Context(), a.asker, a.fields["password"])
	if err != nil {
		return err
	}
	return a.result(http.StatusOK, map[string]int{"score": score, "requiredScore": required})
}
