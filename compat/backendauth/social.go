package backendauth

import (
	"errors"
	"net/http"

	"github.com/vouchsafe/vouchsafe/people/tenantapp"
	"github.com/vouchsafe/vouchsafe/storage"
)

// profile is what apps learn of a user who came from a provider.
type profile struct {
	Type      string `json:"type"`
	FBID      string `json:"fbId,omitempty"`
	VKID      string `json:"vkId,omitempty"`
	Email     string `json:"email"`
	FirstName string `json:"firstName"`
	LastName  string `json:"lastName"`
}

// byProvider returns POST /auth/fb and /auth/vk. A provider without credentials has no route.
func (d *Door) byProvider(name string) func(*asking) error {
	return func(a *asking) error {
		provider, err := d.People.Provider(a.asker, name)
		if errors.Is(err, storage.ErrNotFound) {
			return &refused{http.StatusNotFound, "Cannot POST /auth/" + name}
		}
		if err != nil {
			return err
		}
		var f faults
		in := tenantapp.Coming{
			Code: a.body.text(&f, "code", maxCode), RedirectURI: a.body.text(&f, "redirect_uri", maxCode),
			Device: a.body.optional(&f, "deviceId", maxDevice), OTP: a.body.optional(&f, "otp", maxOTP),
		}
		if err := f.err(); err != nil {
			return err
		}
		id, token, err := d.People.SignInFrom(a.Context(), a.asker, provider, in)
		if err != nil {
			return err
		}
		p := profile{Type: name, Email: id.Email, FirstName: id.Profile.GivenName, LastName: id.Profile.FamilyName}
		if name == "fb" {
			p.FBID = id.Subject
		} else {
			p.VKID = id.Subject
		}
		return a.answer(map[string]any{"payload": p, "access_token": token})
	}
}

// maxCode is the length of the longest code, and of the longest redirect URI.
const maxCode = 4096
