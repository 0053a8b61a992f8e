package login

import (
	"errors"
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/passkey"
	"github.com/vouchsafe/vouchsafe/storage"
)

// factorFields are the second factor of calls that sign somebody in.
type factorFields struct {
	OTP          string `json:"otp" secret:"true" max:"64" doc:"The code that the user's authenticator app shows, after second_factor_required." example:"123456"`
	RecoveryCode string `json:"recovery_code" secret:"true" max:"64" doc:"One of the user's recovery codes, instead of otp."`
	Remember     bool   `json:"remember" doc:"Ask for no second factor next time, if the tenant allows it. From then on auth_session stands for the second factor: protect it accordingly."`
}

var factorRequired = jsonapi.Outcome{Status: http.StatusForbidden, Code: "second_factor_required",
	When: "what the app sent is right, but a second factor is needed too. Within ten minutes, send it with this `auth_session` and nothing else; or send everything again, together with it.", More: factorsLeft{}}

// factorsLeft is what the problem says besides.
type factorsLeft struct {
	Factors     []string `json:"factors" doc:"With second_factor_required: the factors that this user can use (otp, recovery_code, passkey). If there are none, the user sets one up in the browser, through /authorize."`
	AuthSession string   `json:"auth_session" doc:"With second_factor_required: continues the sign-in where this request ended."`
}

// appFactors takes the second factor that came with a first proof, if one did, and says
// by what the person has proven themselves and what it comes to. Nothing begins without
// the second factor where one is wanted: the app's session remembers the first proof.
func (s *Server) appFactors(a *asking, user storage.User, f proofFields, amr ...string) (acr string, all []string, err error) {
	creds, err := s.Store.CredentialsOf(a.Context(), user.TenantID, user.ID)
	if err != nil {
		return "", nil, err
	}
	c := &claimant{user: user, creds: creds, amr: amr, acr: s.acr(a.Request, user, creds, amr)}
	m := s.missingFactor(a.Request, a.interaction(), c, false)
	if m.ACR == "" {
		return c.acr, amr, nil
	}
	more, err := s.appFactor(a, user, m, f)
	if err != nil {
		return "", nil, err
	}
	if more == nil {
		return "", nil, s.appAwaits(a, c, m)
	}
	all = union(amr, append(more, "mfa"))
	if f.Remember {
		a.kept.keep(func(w http.ResponseWriter) { err = s.remember(w, a.Request, user, creds) })
	}
	return storage.ACROf(all), all, err
}

// appFactor takes the factor that the request has, if any that would do, and says what it
// proves.
func (s *Server) appFactor(a *asking, user storage.User, m people.Missing, f proofFields) (amr []string, err error) {
	field := ""
	switch {
	case f.OTP != "" && m.TOTP:
		field, err = "otp", s.ProveTOTP(a.Request.Context(), s.askerOf(a.Request), user, f.OTP)
	case f.RecoveryCode != "" && m.Recovery > 0:
		field, err = "recovery_code", s.ProveRecovery(a.Request.Context(), s.askerOf(a.Request), user, f.RecoveryCode)
	case f.Passkey != nil && m.Passkeys > 0 && a.kept.Pending != nil:
		_, amr, err = s.appPasskey(a, passkey.Factor, *f.Passkey, &user)
		return amr, err
	default:
		return nil, nil
	}
	var wrong invalid
	if errors.As(err, &wrong) {
		err = invalidf(field, "factor.wrong")
	}
	return []string{"otp"}, err
}

// appAwaits remembers a first proof, and says what is wanted besides.
func (s *Server) appAwaits(a *asking, c *claimant, m people.Missing) error {
	if a.kept.Pending == nil {
		a.kept.Pending = &pendingProof{ID: secret.Token(), UserID: c.user.ID, Version: c.user.CredentialVersion, AMR: c.amr, At: time.Now().Unix()}
		s.observe(a.Request, storage.Event{Kind: storage.EventLoginPending, UserID: c.user.ID, ClientID: a.app.ClientID})
	}
	left := factorsLeft{Factors: []string{}}
	for _, f := range []struct {
		name string
		has  bool
	}{{"otp", m.TOTP}, {"recovery_code", m.Recovery > 0}, {"passkey", m.Passkeys > 0}} {
		if f.has {
			left.Factors = append(left.Factors, f.name)
		}
	}
	var err error
	if left.AuthSession, err = a.kept.seal(s, a.Request); err != nil {
		return err
	}
	return &jsonapi.Problem{Status: factorRequired.Status, Code: factorRequired.Code, Detail: s.words(a.Request).Must("factor.title"), More: left}
}
