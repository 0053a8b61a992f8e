package oauth

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Errors that fosite has no value for. Like fosite's they are templates: WithDescription says what
// is wrong, and WithWrap adds a cause that is logged and never sent.
var (
	// ErrMethodNotAllowed refuses a method. The handler also sets the header Allow.
	ErrMethodNotAllowed = newError(http.StatusMethodNotAllowed, "invalid_request", "This endpoint doesn't accept "+
		"this HTTP method.")
	// ErrTooLarge refuses a body for its size.
	ErrTooLarge = newError(http.StatusRequestEntityTooLarge, "invalid_request", "The body is too large.")
	// ErrTooManyFailures refuses a client that failed too often. Wrap a Wait in it.
	ErrTooManyFailures = newError(http.StatusTooManyRequests, "temporarily_unavailable", "Too many failures.")
	// ErrInvalidToken refuses an access token (RFC 6750 section 3.1).
	ErrInvalidToken = newError(http.StatusUnauthorized, "invalid_token", "The access token isn't valid.")
	// ErrInsufficientScope refuses an access token for its scope (RFC 6750 section 3.1).
	ErrInsufficientScope = newError(http.StatusForbidden, "insufficient_scope", "The access token doesn't have a "+
		"needed scope.")
	// ErrInvalidDPoPProof refuses a proof of possession, and ErrUseDPoPNonce one without a current nonce (RFC 9449
	// sections 5 and 8). Resources answer 401 in their place: see AtResource.
	ErrInvalidDPoPProof = newError(http.StatusBadRequest, "invalid_dpop_proof", "The DPoP proof isn't valid.")
	ErrUseDPoPNonce     = newError(http.StatusBadRequest, "use_dpop_nonce", "Make a new DPoP proof, with the nonce of "+
		"the header DPoP-Nonce.")
	// ErrAccountSelectionRequired answers prompt=none (OpenID Connect Core 3.1.2.6).
	ErrAccountSelectionRequired = newError(http.StatusBadRequest, "account_selection_required",
		"The user has to choose an account.")
	// ErrAuthorizationPending, ErrSlowDown, ErrDeviceDenied and ErrExpiredToken answer a device that asks whether its
	// user has decided (RFC 8628 section 3.5).
	ErrAuthorizationPending = newError(http.StatusBadRequest, "authorization_pending", "The user hasn't decided yet.")
	ErrSlowDown             = newError(http.StatusBadRequest, "slow_down", "Ask less often: wait five seconds more.")
	ErrDeviceDenied         = newError(http.StatusBadRequest, "access_denied", "The user denied access.")
	ErrExpiredToken         = newError(http.StatusBadRequest, "expired_token", "The device_code is unknown or has "+
		"expired. Begin again.")
	// ErrNotForUser refuses a user who may not use the client (see allow in its registration).
	ErrNotForUser = newError(http.StatusForbidden, "access_denied", "This user may not use the client.")
	// ErrUnmetRequirements is unmet_authentication_requirements (OpenID Connect Core Error Code
	// unmet_authentication_requirements 1.0).
	ErrUnmetRequirements = newError(http.StatusBadRequest, "unmet_authentication_requirements",
		"The user has no way to sign in that is strong enough.")
)

// newError returns an error of that status and code.
func newError(status int, code, description string) *fosite.RFC6749Error {
	return &fosite.RFC6749Error{CodeField: status, ErrorField: code, DescriptionField: description}
}

// Wait is the cause of an error that goes away after that time. WriteError sends it as Retry-After.
type Wait time.Duration

// Error implements error.
func (w Wait) Error() string { return "wait " + time.Duration(w).String() }

// Admit counts the request by all that is given. If one of it is used up, it returns ErrTooManyFailures with the
// description, and how long to wait.
func Admit(ctx context.Context, limits *limit.Limiter, description string, by ...limit.By) error {
	if _, wait, ok := limits.Admit(ctx, web.TenantOf(ctx).ID, web.RequestOf(ctx).IP, by...); !ok {
		return ErrTooManyFailures.WithDescription(description).WithWrap(Wait(wait))
	}
	return nil
}

// Refusal returns the protocol error in err that tells a client what it did wrong, or that the
// server is too busy. It returns nil if err is a fault of this server, even if fosite reports it as
// the client's: fosite calls a client invalid that storage could not read.
func Refusal(err error) *fosite.RFC6749Error {
	e, ok := errors.AsType[*fosite.RFC6749Error](err)
	busy := fosite.ErrTemporarilyUnavailable.ErrorField
	if !ok || e.CodeField >= 500 && e.ErrorField != busy || errors.Is(err, storage.ErrUnavailable) {
		return nil
	}
	return e
}

// AsError returns err as the protocol error that a program gets. For an error of another type, that
// says only whether to try again.
func AsError(err error) *fosite.RFC6749Error {
	if e := Refusal(err); e != nil {
		return e
	}
	prob := web.AsProblem(err)
	switch {
	case prob.Status == http.StatusServiceUnavailable:
		return fosite.ErrTemporarilyUnavailable.WithDescription("The server can't answer right now. Try again.")
	case prob.Status < 500:
		return newError(prob.Status, "invalid_request", cmp.Or(prob.Program, http.StatusText(prob.Status)))
	}
	return fosite.ErrServerError.WithDescription("Something went wrong on the server. Its log has the cause under this " +
		"request's X-Request-Id.")
}

// stockHints are the hints of fosite's own values. They say nothing about the request at hand, and
// would follow every description that replaces fosite's.
var stockHints = []string{fosite.ErrInvalidRequest.HintField, fosite.ErrUnauthorizedClient.HintField,
	fosite.ErrAccessDenied.HintField}

// Description returns the text of e for developers. It leaves out fosite's debug part, which may
// quote causes, and its stock hints.
func Description(e *fosite.RFC6749Error) string {
	if slices.Contains(stockHints, e.HintField) {
		return e.DescriptionField
	}
	return strings.TrimSpace(e.DescriptionField + " " + e.HintField)
}

// Cause returns what the log says about err. The Error method of a protocol error would give its
// code only.
func Cause(err error) string {
	var e *fosite.RFC6749Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	why := strings.TrimSpace(e.ErrorField + ": " + Description(e) + " " + e.DebugField)
	if cause := e.Unwrap(); cause != nil {
		why += ": " + cause.Error()
	}
	return why
}
