package api

import (
	"encoding/json"

	"github.com/vouchsafe/vouchsafe/people"
)

// proofFields are the proof that a user gives, or a part of it: one first factor, and with it or in
// the next request the second factor.
type proofFields struct {
	Login    string `json:"login" doc:"The email address or username, with password." example:"jo@example.com"`
	Password string `json:"password" secret:"true" doc:"The password."`
	codeFields
	Passkey     *passkeyFields `json:"passkey" doc:"The result of the options from /auth/passkey-options: {state, credential}."`
	NewPassword string         `json:"new_password" secret:"true" doc:"After password_expired: the password that replaces the user's."`
	factorFields
}

// empty reports whether the request has no first factor.
func (f proofFields) empty() bool {
	return f.Login == "" && f.Password == "" && f.Flow == "" && f.Code == "" && f.Token == "" && f.Passkey == nil
}

// codeFields are the inputs by which an app returns a code or the token of a link.
type codeFields struct {
	Flow  string `json:"flow" secret:"true" max:"64" doc:"The flow from the call that sent the code."`
	Code  string `json:"code" secret:"true" max:"64" doc:"The code as the user typed it, with flow." example:"1234 5678"`
	Token string `json:"token" secret:"true" max:"128" doc:"The token from the link in the email, instead of flow and code."`
}

// proof returns the code or the token of the link. A fault says that both are missing.
func (c codeFields) proof() (people.Proof, error) {
	if c.Token == "" && (c.Flow == "" || c.Code == "") {
		return people.Proof{}, people.Invalid("code", "confirm.missing")
	}
	return people.Proof{Flow: c.Flow, Digits: c.Code, Token: c.Token}, nil
}

// passkeyFields are the answer of a passkey.
type passkeyFields struct {
	State      string          `json:"state" need:"true" secret:"true" max:"8192" doc:"The state that came with the options."`
	Credential json.RawMessage `json:"credential" need:"true" doc:"AuthenticationResponseJSON."`
}

// factorFields are the second factor in calls that sign a user in.
type factorFields struct {
	OTP          string `json:"otp" secret:"true" max:"64" doc:"The code that the user's authenticator app shows, after second_factor_required." example:"123456"`
	RecoveryCode string `json:"recovery_code" secret:"true" max:"64" doc:"One of the user's recovery codes, instead of otp."`
	Remember     bool   `json:"remember" doc:"Ask for no second factor next time, if the tenant allows it. From then on auth_session stands for the second factor: protect it accordingly."`
}
