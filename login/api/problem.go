package api

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/argon2id"
	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/apikeys"
	"github.com/vouchsafe/vouchsafe/people/federation"
	"github.com/vouchsafe/vouchsafe/people/invitations"
)

// apiFail writes an error of the API. All have one shape (RFC 9457).
func (s *Server) apiFail(w http.ResponseWriter, r *http.Request, err error) {
	jsonapi.Fail(w, r, s.apiProblem(ui.Words(r), r, err))
}

// refusals are the errors of the API for the refusals of use cases.
var refusals = map[people.Refusal]jsonapi.Outcome{
	people.ErrWrongPassword: wrongCredentials,
	people.ErrWrongPasskey:  wrongPasskey,
	people.ErrLatePasskey:   wrongPasskey,
	people.ErrWrongCode:     wrongCode,
	people.ErrAccountExists: accountExists,
	people.ErrSignUpClosed:  noSignUp,
	people.ErrUninvited:     noSignUp,
	invitations.ErrGone:     invitationGone,

	federation.ErrTokenRefused: upstreamRefused,
	federation.ErrProveEmail:   emailUnconfirmed,
	federation.ErrProveAccount: accountExists,
	federation.ErrNotAdmitted:  notAdmitted,

	people.ErrChangedMeanwhile: changedMeanwhile,
	people.ErrLastOwner:        lastOwner,
	people.ErrLastWayIn:        lastWayIn,
	people.ErrOldSetup:         setupExpired,
	people.ErrFactorRequired:   factorCompulsory,

	apikeys.ErrOff:      notOffered,
	apikeys.ErrReplaced: keyReplaced,
}

// apiProblem returns err as an error of the API: it has a code where pages have words only.
func (s *Server) apiProblem(say texts.Words, r *http.Request, err error) *jsonapi.Problem {
	var own *jsonapi.Problem
	var early *people.Limited
	var wrong people.Faults
	var late *notFreshError
	var refused people.Refusal
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &wrong):
		p := &jsonapi.Problem{Status: http.StatusUnprocessableEntity, Code: "invalid_fields"}
		for _, f := range wrong {
			p.Errors = append(p.Errors, jsonapi.FieldFault(f.Field, codeOf(f), say.Must(f.Text, f.Args...)))
		}
		return p
	case errors.As(err, &early):
		web.Note(r.Context(), "login", "limited")
		return &jsonapi.Problem{Status: http.StatusTooManyRequests, Code: "too_many_attempts",
			Detail: ui.LimitedText(say, early), RetryAfter: early.Wait}
	case errors.Is(err, people.ErrNotOffered):
		return s.apiProblem(say, r, offered(false))
	case errors.Is(err, people.ErrAccountSecured): // an app is not told
		return s.apiProblem(say, r, people.ErrWrongPassword)
	case errors.As(err, &refused) && refusals[refused].Status != 0:
		return &jsonapi.Problem{Status: refusals[refused].Status, Code: refusals[refused].Code,
			Detail: say.Must(string(refused))}
	case errors.Is(err, people.ErrSignInFirst):
		return s.apiProblem(say, r, &notFreshError{})
	case errors.As(err, &late):
		return &jsonapi.Problem{Status: notFresh.Status, Code: notFresh.Code, Detail: "The user has to sign in again first.",
			Authenticate: insufficient(r, late.acr)}
	case errors.Is(err, argon2id.ErrBusy):
		return &jsonapi.Problem{Status: http.StatusServiceUnavailable, Code: "temporarily_unavailable",
			Detail: say.Must("signin.busy"), RetryAfter: time.Second}
	}
	p := fromProblem(say, r, web.AsProblem(err))
	if p.Detail == "" && p.Status >= 500 {
		p.Detail = say.Must("error.message")
	}
	return p
}

// fromProblem returns an error of the protocol, or of no call in particular, as an error of the API.
func fromProblem(say texts.Words, r *http.Request, w *web.Problem) *jsonapi.Problem {
	p := jsonapi.FromWeb(w)
	if p.Detail == "" && w.Message != "" {
		p.Detail = say.Must(w.Message, w.Args...)
	}
	if p.Status == http.StatusUnauthorized && p.Authenticate == "" {
		realm := ""
		if t := web.FindTenant(r.Context()); t != nil {
			realm = t.Issuer
		}
		p.Authenticate = `Basic realm="` + realm + `", charset="UTF-8"`
		if p.Code == "invalid_token" {
			p.Authenticate = `Bearer realm="` + realm + `", error="invalid_token"`
		}
	}
	return p
}

// ErrorPage writes an error: as JSON for calls of the API, and by Errors for all other requests.
func (s *Server) ErrorPage(w http.ResponseWriter, r *http.Request, p *web.Problem) {
	if strings.HasPrefix(web.PathBelowTenant(r), apiPrefix) {
		s.apiFail(w, r, p)
		return
	}
	s.Errors(w, r, p)
}

// notFreshError says that the user has to sign in again first, as strongly as acr.
type notFreshError struct{ acr string }

// Error implements error.
func (*notFreshError) Error() string { return "the sign-in is too long ago, or too weak" }

// insufficient returns the WWW-Authenticate header that asks for a new sign-in (RFC 9470 section 3). acr is
// how strong it has to be, or "".
func insufficient(r *http.Request, acr string) string {
	challenge := `Bearer realm="` + web.TenantOf(r.Context()).Issuer +
		`", error="insufficient_user_authentication", max_age="300"`
	if acr != "" {
		challenge += `, acr_values="` + acr + `"`
	}
	return challenge
}
