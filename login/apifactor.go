package login

import (
	"errors"
	"net/http"

	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/storage"
)

// factorFields are in the inputs of calls that sign somebody in.
type factorFields struct {
	OTP          string `json:"otp" secret:"true" max:"64" doc:"What the person's authenticator app shows: ask for it, and send all again, when the answer is second_factor_required." example:"123456"`
	RecoveryCode string `json:"recovery_code" secret:"true" max:"64" doc:"One of their recovery codes, in place of otp."`
}

var factorRequired = jsonapi.Outcome{Status: http.StatusForbidden, Code: "second_factor_required",
	When: "the password is right, and a second factor is wanted besides: `factors` has those of the person that would do (otp, recovery_code, passkey). When it is empty they set one up in the browser, by `/authorize`.", More: factorsLeft{}}

// factorsLeft is what the problem says besides.
type factorsLeft struct {
	Factors []string `json:"factors" doc:"Those of the person that would do."`
}

// appFactors takes the second factor that came with a first proof, if one did, and says
// by what the person has proven themselves and what it comes to. Nothing begins without
// the second factor where one is wanted.
func (s *Server) appFactors(a *asking, user storage.User, f factorFields, amr ...string) (acr string, all []string, err error) {
	creds, err := s.Store.CredentialsOf(a.Context(), user.TenantID, user.ID)
	if err != nil {
		return "", nil, err
	}
	c := &claimant{user: user, creds: creds, amr: amr, acr: s.acr(a.Request, user, creds, amr)}
	m := s.missingFactor(a.Request, a.interaction(), c)
	if m.acr == "" {
		return c.acr, amr, nil
	}
	field := ""
	switch {
	case f.OTP != "" && m.totp:
		field, err = "otp", s.proveTOTP(a.Request, user, f.OTP)
	case f.RecoveryCode != "" && m.recovery > 0:
		field, err = "recovery_code", s.proveRecovery(a.Request, user, f.RecoveryCode)
	default:
		left := factorsLeft{Factors: []string{}}
		for _, f := range []struct {
			name string
			has  bool
		}{{"otp", m.totp}, {"recovery_code", m.recovery > 0}, {"passkey", m.passkeys > 0}} {
			if f.has {
				left.Factors = append(left.Factors, f.name)
			}
		}
		return "", nil, &jsonapi.Problem{Status: factorRequired.Status, Code: factorRequired.Code, Detail: s.words(a.Request).must("factor.title"), More: left}
	}
	var wrong invalid
	if errors.As(err, &wrong) {
		err = invalidf(field, "factor.wrong")
	}
	if err != nil {
		return "", nil, err
	}
	all = append(amr, "otp", "mfa")
	return storage.ACROf(all), all, nil
}
