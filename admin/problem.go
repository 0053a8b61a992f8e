package admin

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/argon2id"
	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/acting"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/people/password"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/tenants"
)

// commonProblems are those of every operation.
var commonProblems = []jsonapi.Outcome{
	{Status: http.StatusBadRequest, Code: "malformed", When: "the request can't be read as it should be."},
	{Status: http.StatusBadRequest, Code: "invalid_request", When: "the request has a query where none is read."},
	{Status: http.StatusBadRequest, Code: "invalid_fields", When: "members or parameters are missing, unknown or of a " +
		"wrong type; `errors` has all of them."},
	{Status: http.StatusUnauthorized, Code: "missing_token", When: "there is no access token."},
	{Status: http.StatusUnauthorized, Code: "invalid_token", When: "the access token has expired, was revoked, or is " +
		"for another API."},
	{Status: http.StatusUnauthorized, Code: "invalid_dpop_proof", When: "the access token is bound to a key, and the " +
		"proof in the header `DPoP` is missing or wrong (RFC 9449)."},
	{Status: http.StatusUnauthorized, Code: "use_dpop_nonce",
		When: "the proof needs the nonce of the header `DPoP-Nonce`."},
	{Status: http.StatusUnauthorized, Code: "insufficient_user_authentication", When: "the tenant's `administrators` " +
		"asks for a later sign-in, or for one with a second factor; `WWW-Authenticate` says which (RFC 9470)."},
	{Status: http.StatusForbidden, Code: "insufficient_scope", When: "the access token lacks the scope that `scope` " +
		"names, or its user's role does not have it.", More: neededScope{}},
	{Status: http.StatusNotFound, Code: "not_found", When: "there is no such resource in this tenant."},
	{Status: http.StatusMisdirectedRequest, Code: "invalid_request", When: "no tenant is at the host of the request."},
	{Status: http.StatusRequestHeaderFieldsTooLarge, When: "The URL and the headers are too large."},
	{Status: http.StatusTooManyRequests, Code: "too_many_attempts", When: "`Retry-After` says when to try again."},
	{Status: http.StatusInternalServerError, Code: "server_error", When: "the server's log has the cause under the " +
		"id in `instance`."},
	{Status: http.StatusServiceUnavailable, Code: "temporarily_unavailable", When: "try again in a moment."},
}

// Problems that operations have beside those of all.
var (
	wrongFields = jsonapi.Outcome{Status: http.StatusUnprocessableEntity, Code: "invalid_fields",
		When: "what was sent breaks a rule; `errors` says which."}
	taken = jsonapi.Outcome{Status: http.StatusConflict, Code: "exists",
		When: "the id, or something else that only one may have, is taken."}
	lastOwner = jsonapi.Outcome{Status: http.StatusConflict, Code: "last_owner",
		When: "the tenant would be left without an owner."}
	outranked = jsonapi.Outcome{Status: http.StatusForbidden, Code: "outranked",
		When: "the user is an administrator who may do more than the caller.", More: neededScope{}}
	notJSON = jsonapi.Outcome{Status: http.StatusUnsupportedMediaType, Code: "unsupported_media_type",
		When: "the body isn't JSON."}
	tooLarge = jsonapi.Outcome{Status: http.StatusRequestEntityTooLarge, Code: "too_large",
		When: "the body is too large."}
	moved = jsonapi.Outcome{Status: http.StatusConflict, Code: "changing",
		When: "another request changed the resource at the same time."}
)

// fail writes an error of the API. All have one shape (RFC 9457).
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	jsonapi.Fail(w, r, s.problem(r, err))
}

// english is the language in which administrators' programs are told what is wrong.
const english = "en"

// problem returns err as an error of the API.
func (s *Server) problem(r *http.Request, err error) *jsonapi.Problem {
	var own *jsonapi.Problem
	var entered *importing.Fault
	var entries importing.Faults
	var faults people.Faults
	var settings tenants.Faults
	var early *people.Limited
	var refused people.Refusal
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &entries):
		var all []jsonapi.Fault
		for _, f := range entries {
			all = append(all, faultOf(f))
		}
		return invalid(all...)
	case errors.As(err, &entered):
		return invalid(faultOf(entered))
	case errors.As(err, &settings):
		var all []jsonapi.Fault
		for _, f := range settings {
			all = append(all, jsonapi.FieldFault(f.Path, "invalid", told(f.Message)))
		}
		return invalid(all...)
	case errors.As(err, &faults):
		var all []jsonapi.Fault
		for _, f := range faults {
			all = append(all, jsonapi.FieldFault(f.Field, "invalid", s.People.Words(english).Must(f.Text, f.Args...)))
		}
		return invalid(all...)
	case password.Refused(err):
		return invalid(passwordFault(err))
	case errors.As(err, &early):
		return &jsonapi.Problem{Status: http.StatusTooManyRequests, Code: "too_many_attempts", RetryAfter: early.Wait}
	case errors.As(err, &refused):
		return &jsonapi.Problem{Status: http.StatusConflict, Code: codes[refused],
			Detail: s.People.Words(english).Must(string(refused))}
	case errors.Is(err, argon2id.ErrBusy):
		return &jsonapi.Problem{Status: http.StatusServiceUnavailable, Code: "temporarily_unavailable",
			RetryAfter: time.Second}
	}
	return s.fromStorage(r, err)
}

// fromStorage returns an error of storage, or of no operation in particular, as an error of the API.
func (s *Server) fromStorage(r *http.Request, err error) *jsonapi.Problem {
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return &jsonapi.Problem{Status: http.StatusNotFound, Code: "not_found", Detail: "There is no such resource here."}
	case errors.Is(err, storage.ErrExists):
		return &jsonapi.Problem{Status: taken.Status, Code: taken.Code,
			Detail: "The id, or something else that only one may have, is taken."}
	case errors.Is(err, storage.ErrLastOwner):
		return &jsonapi.Problem{Status: lastOwner.Status, Code: lastOwner.Code,
			Detail: "The tenant would be left without an owner. Make another user an owner first."}
	case errors.Is(err, storage.ErrStale):
		return &jsonapi.Problem{Status: moved.Status, Code: moved.Code,
			Detail: "Another request changed this at the same time. Read it again."}
	}
	return fromWeb(r, web.AsProblem(err))
}

// fromWeb returns an error of the protocol, or one from before the API was reached.
func fromWeb(r *http.Request, from *web.Problem) *jsonapi.Problem {
	p := jsonapi.FromWeb(from)
	if t := web.FindTenant(r.Context()); t != nil && p.Status == http.StatusUnauthorized && p.Authenticate == "" {
		p.Authenticate = challenge(t, p.Code, "")
	}
	return p
}

// codes are the codes of the refusals of use cases.
var codes = map[people.Refusal]string{
	people.ErrChangedMeanwhile: "changing",
	people.ErrAccountExists:    "exists",
	people.ErrSignUpClosed:     "sign_up_closed",
	people.ErrNotOffered:       "not_offered",
	acting.ErrOff:              "not_offered",
	acting.ErrNotAllowed:       "no_administrator",
	acting.ErrAdministrator:    "is_administrator",
	acting.ErrDisabled:         "disabled",
}

// invalid returns the problem of what breaks rules.
func invalid(faults ...jsonapi.Fault) *jsonapi.Problem {
	return &jsonapi.Problem{Status: wrongFields.Status, Code: wrongFields.Code, Errors: faults}
}

// isNotFound reports whether a record does not exist.
func isNotFound(err error) bool { return errors.Is(err, storage.ErrNotFound) }

// faultOf returns what is wrong with an entry about a user.
func faultOf(f *importing.Fault) jsonapi.Fault {
	code := "invalid"
	if strings.HasSuffix(f.ID, "taken") {
		code = "taken"
	}
	if name, ok := strings.CutPrefix(f.Field(), "attributes."); ok {
		return jsonapi.FieldFault(f.Field(), code, told(strings.TrimPrefix(f.Message, name+" ")))
	}
	return jsonapi.FieldFault(f.Field(), code, sentence(f))
}

// passwordFault returns why the policy refuses a password.
func passwordFault(weak error) jsonapi.Fault {
	return jsonapi.FieldFault("password", "invalid", sentence(weak))
}

// told returns what is wrong with a field, which begins with a verb or with what was sent, as a sentence.
func told(what string) string {
	if strings.HasPrefix(what, `"`) {
		return what + "."
	}
	return "This " + what + "."
}

// sentence returns the text of an error as a sentence.
func sentence(err error) string {
	text := err.Error()
	return strings.ToUpper(text[:1]) + text[1:] + "."
}
