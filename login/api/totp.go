package api

import (
	"cmp"
	"errors"
	"net/http"
	"slices"

	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// totpSetup is what the user's authenticator app needs.
type totpSetup struct {
	Secret string `json:"secret" doc:"The key that the user may type into the app, in base32."`
	URL    string `json:"url" doc:"The same as an otpauth:// URL, for a QR code."`
	Setup  string `json:"setup" doc:"Send it with the first code that the app shows, within 15 minutes."`
}

type beginTOTPCall struct{ ownSessionField }

// apiBeginTOTP returns the route of the call that makes the secret of an authenticator app. Nothing is stored.
func (s *Server) apiBeginTOTP() jsonapi.Route {
	return forPeople(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/auth/begin-totp", ID: "beginTotp",
		Summary:  "Makes the secret of an authenticator app, which `/auth/confirm-totp` switches on.",
		Problems: []jsonapi.Outcome{notFresh, notTheirSession},
	}, func(p *person, _ beginTOTPCall) (totpSetup, error) {
		o, err := s.owner(p)
		if err != nil {
			return totpSetup{}, err
		}
		u := o.User()
		setup := s.StartTOTPSetup(u)
		url := setup.App.URL(cmp.Or(p.asker.Tenant.Name, "Vouchsafe"), cmp.Or(u.Email, u.Username))
		return totpSetup{setup.App.Text(), url, setup.Sealed}, nil
	})
}

type confirmTOTPCall struct {
	ownSessionField
	Setup string `json:"setup" need:"true" secret:"true" max:"1024" doc:"The setup from /auth/begin-totp."`
	OTP   string `json:"otp" need:"true" secret:"true" max:"64" doc:"The code that the app shows." example:"123456"`
}

type recoveryCodes struct {
	Codes []string `json:"recovery_codes" doc:"What replaces the app if the user loses it. Each works once. They are never shown again."`
}

var (
	setupExpired = jsonapi.Outcome{Status: http.StatusBadRequest, Code: "setup_expired",
		When: "`setup` is older than 15 minutes, or another user's: begin again."}
	factorCompulsory = jsonapi.Outcome{Status: http.StatusConflict, Code: "second_factor_compulsory",
		When: "the tenant demands a second factor of all its users."}
)

// apiConfirmTOTP returns the route of the call that gives the user an authenticator app.
func (s *Server) apiConfirmTOTP() jsonapi.Route {
	return forPeople(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/auth/confirm-totp", ID: "confirmTotp",
		Summary: "Switches an authenticator app on as second factor, in place of the one before, and returns recovery codes.",
		Text: "The user is told by email. If the user had no second factor, all other sessions end. The next call that " +
			"needs a fresh sign-in needs the second factor, too.",
		Problems: []jsonapi.Outcome{wrongFields, notFresh, notTheirSession, setupExpired},
	}, func(p *person, in confirmTOTPCall) (out recoveryCodes, err error) {
		if _, err := s.owner(p); err != nil {
			return out, err
		}
		g := p.grant
		sess := storage.Session{TenantID: g.TenantID, ID: g.SessionID, UserID: g.UserID, AuthTime: g.AuthTime, ACR: g.ACR,
			AMR: g.AMR}
		c, err := s.SignedInClaimant(p.Context(), sess, p.user)
		if err != nil {
			return out, err
		}
		out.Codes, err = s.EnrolTOTP(p.Context(), p.asker, c, in.Setup, in.OTP)
		var wrong people.Faults
		if errors.As(err, &wrong) {
			wrong = slices.Clone(wrong) // which may be a value that all requests share
			for i := range wrong {
				wrong[i].Field = "otp"
			}
			err = wrong
		}
		return out, err
	})
}

type removeTOTPCall struct{ ownSessionField }

// apiRemoveTOTP returns the route of the call that takes the user's second factor away.
func (s *Server) apiRemoveTOTP() jsonapi.Route {
	return forPeople(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/auth/remove-totp", ID: "removeTotp",
		Summary:  "Removes the authenticator app, the recovery codes and remembered devices, and tells the user by email.",
		Problems: []jsonapi.Outcome{notFresh, notTheirSession, factorCompulsory},
	}, func(p *person, _ removeTOTPCall) (none jsonapi.None, err error) {
		o, err := s.owner(p)
		if err != nil {
			return none, err
		}
		return none, s.SwitchOffFactor(p.Context(), p.asker, o)
	})
}
