package api

import (
	"net/http"

	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
)

// What follows are the errors that calls of the API answer, as the reference describes them.

// commonProblems are the errors of every call.
var commonProblems = []jsonapi.Outcome{
	{Status: http.StatusBadRequest, Code: "malformed", When: "the body is neither the expected JSON object nor a form."},
	{Status: http.StatusBadRequest, Code: "invalid_fields",
		When: "members are missing, unknown, too long or of the wrong type: `errors` lists them."},
	{Status: http.StatusBadRequest, Code: "invalid_request", When: "the request cannot be read, or contradicts itself."},
	{Status: http.StatusForbidden, Code: "origin_not_allowed",
		When: "the request comes from a script whose origin the client did not register."},
	{Status: http.StatusNotFound, Code: "not_found", When: "there is no such call or no such tenant."},
	{Status: http.StatusMethodNotAllowed, Code: "method_not_allowed", When: "the call has another method: see `Allow`."},
	changedMeanwhile,
	{Status: http.StatusRequestEntityTooLarge, Code: "too_large", When: "the body is larger than 64 KiB."},
	{Status: http.StatusUnsupportedMediaType, Code: "unsupported_media_type",
		When: "the body is neither application/json nor application/x-www-form-urlencoded."},
	{Status: http.StatusMisdirectedRequest, Code: "invalid_request", When: "no tenant is at the host of the request."},
	{Status: http.StatusTooManyRequests, Code: "too_many_attempts",
		When: "wait as long as `Retry-After` says, then try again."},
	{Status: http.StatusServiceUnavailable, Code: "temporarily_unavailable",
		When: "nothing was decided: try again after `Retry-After`."},
	{Status: http.StatusInternalServerError, Code: "server_error",
		When: "the server failed. Its log has the cause, under the id in `instance`."},
}

var changedMeanwhile = jsonapi.Outcome{Status: http.StatusConflict, Code: "changed_meanwhile",
	When: "another request changed the account at the same time: try again."}

// lastOwner is the error of an administrator who wants to delete the account of the tenant's last owner.
var lastOwner = jsonapi.Outcome{Status: http.StatusConflict, Code: "last_owner",
	When: "the tenant would be left without an owner: make another user an owner first."}

// appProblems are the errors of every call in which the client authenticates.
var appProblems = []jsonapi.Outcome{
	{Status: http.StatusUnauthorized, Code: "invalid_client",
		When: "the client is unknown, or did not authenticate in the way that it is registered for."},
	{Status: http.StatusBadRequest, Code: "unauthorized_client", When: "the client is not registered for this call."},
}

// personProblems are the errors of every call with an access token.
var personProblems = []jsonapi.Outcome{
	{Status: http.StatusUnauthorized, Code: "invalid_token", When: "the access token is missing, expired or revoked."},
	{Status: http.StatusUnauthorized, Code: "invalid_dpop_proof", When: "the access token is bound to a key, and the " +
		"proof in the header `DPoP` is missing or wrong (RFC 9449)."},
	{Status: http.StatusUnauthorized, Code: "use_dpop_nonce",
		When: "the proof needs the nonce of the header `DPoP-Nonce`."},
}

var (
	wrongFields = jsonapi.Outcome{Status: http.StatusUnprocessableEntity, Code: "invalid_fields",
		When: "something that the user entered is not acceptable: `errors` says what and why, in words for the user."}
	wrongCredentials = jsonapi.Outcome{Status: http.StatusUnprocessableEntity, Code: "wrong_credentials",
		When: "no account has this name and password, or the account may not sign in."}
	wrongScope = jsonapi.Outcome{Status: http.StatusBadRequest, Code: "invalid_scope",
		When: "the client may not request one of the scopes."}
	wrongSession = jsonapi.Outcome{Status: http.StatusBadRequest, Code: "invalid_session",
		When: "`auth_session` was not given to this client, or is too old: call again without it."}
)

var notTheirSession = jsonapi.Outcome{Status: http.StatusBadRequest, Code: "invalid_session",
	When: "`auth_session` was not given to this client for this user, or is too old: sign in again."}

var notOffered = jsonapi.Outcome{Status: http.StatusNotFound, Code: "not_offered",
	When: "the tenant does not offer this: its users have no passwords, say, or it sends no email."}

// offered returns the problem notOffered, unless is reports that the tenant offers what was called.
func offered(is bool) error {
	if is {
		return nil
	}
	return &jsonapi.Problem{Status: notOffered.Status, Code: notOffered.Code,
		Detail: "This tenant doesn't offer this."}
}

var (
	invitationGone = jsonapi.Outcome{Status: http.StatusBadRequest, Code: "invitation_gone",
		When: "the invitation was used or withdrawn, or is too old."}
	noSignUp = jsonapi.Outcome{Status: http.StatusForbidden, Code: "sign_up_closed",
		When: "the tenant accepts no registrations, or only those of invited users."}
	wrongCode = jsonapi.Outcome{Status: http.StatusUnprocessableEntity, Code: "wrong_code",
		When: "the code is wrong, used, replaced or too old, or was tried too often."}
	accountExists = jsonapi.Outcome{Status: http.StatusConflict, Code: "account_exists",
		When: "the address, which the user has just proven, has an account: let the user sign in."}
)

var wrongPasskey = jsonapi.Outcome{Status: http.StatusUnprocessableEntity, Code: "wrong_passkey",
	When: "the passkey does not belong to a user here, or its options are too old: request new ones."}

var factorRequired = jsonapi.Outcome{Status: http.StatusForbidden, Code: "second_factor_required",
	When: "what the app sent is right, but a second factor is needed too. Within ten minutes, send it with this " +
		"`auth_session` and nothing else; or send everything again, together with it.", More: factorsLeft{}}

var passwordExpired = jsonapi.Outcome{Status: http.StatusForbidden, Code: "password_expired",
	When: "what the app sent is right, but the user has to choose a new password. Within ten minutes, send it as " +
		"`new_password` with this `auth_session` and nothing else.", More: expiredSession{}}

// expiredSession has the additional members of the problem passwordExpired.
type expiredSession struct {
	AuthSession string `json:"auth_session" doc:"With password_expired: continues the sign-in where this request ended."`
}

var noAccess = jsonapi.Outcome{Status: http.StatusForbidden, Code: "access_denied",
	When: "the user may not use this client: its registration allows other groups or addresses only."}

var notFresh = jsonapi.Outcome{Status: http.StatusUnauthorized, Code: "insufficient_user_authentication",
	When: "the sign-in is longer than five minutes ago, or lacked the second factor that the user has: sign in again " +
		"first, with the `acr_values` of `WWW-Authenticate` if it has any (RFC 9470)."}

var (
	upstreamRefused = jsonapi.Outcome{Status: http.StatusUnprocessableEntity, Code: "upstream_refused",
		When: "the token is not the provider's, was made for another app, is too old, or was used before."}
	emailUnconfirmed = jsonapi.Outcome{Status: http.StatusConflict, Code: "email_unconfirmed",
		When: "the provider does not vouch for the address: call /auth/sign-up with a new token and the address, then " +
			"/auth/confirm-email."}
	notAdmitted = jsonapi.Outcome{Status: http.StatusForbidden, Code: "not_admitted",
		When: "the user has no linked account here, and may not get one."}
)

// outcomes returns the elements of all lists, in a list of its own.
func outcomes(lists ...[]jsonapi.Outcome) (all []jsonapi.Outcome) {
	for _, list := range lists {
		all = append(all, list...)
	}
	return all
}

// factorsLeft has the additional members of the problem factorRequired.
type factorsLeft struct {
	Factors     []string `json:"factors" doc:"With second_factor_required: the factors that this user can use (otp, recovery_code, passkey). If there are none, the user sets one up in the browser, through /authorize."`
	AuthSession string   `json:"auth_session" doc:"With second_factor_required: continues the sign-in where this request ended."`
}
