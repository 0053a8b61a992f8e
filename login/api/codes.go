package api

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/people"
)

// fieldCode is a code of an entry of a problem's errors, and the texts that users read with it. Texts
// may be reworded and renamed. A code never changes, because programs rely on it.
type fieldCode struct {
	jsonapi.FieldCode
	texts []string
}

// fieldCodes are the codes of what users can enter wrongly.
var fieldCodes = []fieldCode{
	{jsonapi.FieldCode{Code: "login_missing", When: "no email address, username or phone number was entered."},
		[]string{"signin.missing_login"}},
	{jsonapi.FieldCode{Code: "email_invalid", When: "this is not an email address."},
		[]string{"signup.bad_email", "setup.bad_email"}},
	{jsonapi.FieldCode{Code: "email_not_supported", When: "the address has characters that are not accepted here."},
		[]string{"email.special"}},
	{jsonapi.FieldCode{Code: "email_domain_not_allowed", When: "the tenant accepts addresses of certain domains only."},
		[]string{"signup.domain"}},
	{jsonapi.FieldCode{Code: "phone_invalid", When: "this is no phone number that gets text messages."},
		[]string{"phone.bad", "phone.kind"}},
	{jsonapi.FieldCode{Code: "phone_region_not_allowed", When: "the tenant accepts numbers of certain countries only."},
		[]string{"phone.region"}},
	{jsonapi.FieldCode{Code: "phone_unchanged", When: "the user already has this number."}, []string{"phone.same"}},
	{jsonapi.FieldCode{Code: "app_known", When: "the user already has this authenticator app."}, []string{"enrol.again"}},
	{jsonapi.FieldCode{Code: "email_unchanged", When: "the user already has this address."}, []string{"newemail.same"}},
	{jsonapi.FieldCode{Code: "email_taken", When: "another account has this address."}, []string{"newemail.taken"}},
	{jsonapi.FieldCode{Code: "username_invalid",
		When: "a username has at most 64 letters and digits of one alphabet, dots, hyphens and underscores."},
		[]string{"signup.bad_username"}},
	{jsonapi.FieldCode{Code: "username_reserved", When: "this username is reserved."},
		[]string{"signup.username_reserved"}},
	{jsonapi.FieldCode{Code: "username_taken", When: "another account has this username."},
		[]string{"signup.username_taken"}},
	{jsonapi.FieldCode{Code: "password_missing", When: "no password was entered."},
		[]string{"signin.missing_secret", "password.missing", "newpassword.missing"}},
	{jsonapi.FieldCode{Code: "password_wrong", When: "this is not the user's current password."},
		[]string{"newpassword.wrong"}},
	{jsonapi.FieldCode{Code: "password_too_short", When: "the tenant wants longer passwords."}, []string{"setup.short"}},
	{jsonapi.FieldCode{Code: "password_too_long", When: "a password has at most 1024 bytes."}, []string{"setup.long"}},
	{jsonapi.FieldCode{Code: "password_is_name", When: "the password is the user's name or address."},
		[]string{"setup.name"}},
	{jsonapi.FieldCode{Code: "password_common", When: "attackers try this password first."}, []string{"setup.common"}},
	{jsonapi.FieldCode{Code: "password_weak", When: "the password is easy to guess."}, []string{"setup.weak"}},
	{jsonapi.FieldCode{Code: "password_breached", When: "the password appeared in a data breach."},
		[]string{"setup.breached"}},
	{jsonapi.FieldCode{Code: "password_reused", When: "the user had this password before."},
		[]string{"password.reused"}},
	{jsonapi.FieldCode{Code: "keys_too_many", When: "the user has as many API keys as a user may have."},
		[]string{"apikeys.many"}},
	{jsonapi.FieldCode{Code: "key_name_invalid", When: "an API key needs a name of at most 100 characters."},
		[]string{"apikeys.bad_name"}},
	{jsonapi.FieldCode{Code: "key_life_invalid", When: "an API key lives for a minute at least, and no longer than the " +
		"tenant allows."}, []string{"apikeys.bad_life"}},
	{jsonapi.FieldCode{Code: "key_scope_invalid", When: "this is not a scope that the user's API keys may have."},
		[]string{"apikeys.bad_scope"}},
	{jsonapi.FieldCode{Code: "key_scope_missing", When: "an API key needs a scope."}, []string{"apikeys.no_scope"}},
	{jsonapi.FieldCode{Code: "code_missing", When: "no code was entered."}, []string{"confirm.missing"}},
	{jsonapi.FieldCode{Code: "code_wrong", When: "the code of the second factor is wrong or was used."},
		[]string{"factor.wrong"}},
}

// codeOf returns the code of a fault: "invalid" if its text has none.
func codeOf(f people.Fault) string {
	for _, c := range fieldCodes {
		for _, text := range c.texts {
			if text == f.Text {
				return c.Code
			}
		}
	}
	return "invalid"
}

// challengeProblems are the errors of the authorization challenge endpoint, beside those of the API.
var challengeProblems = []jsonapi.Outcome{
	{Status: http.StatusForbidden, Code: "insufficient_authorization",
		When: "more proof is needed: send one of `methods` with this `auth_session`."},
	{Status: http.StatusForbidden, Code: "redirect_to_web",
		When: "the user has to continue in the browser, through `/authorize`, for example to set up a second factor."},
	{Status: http.StatusBadRequest, Code: "unsupported_response_type", When: "the `response_type` is not `code`."},
	{Status: http.StatusBadRequest, Code: "invalid_dpop_proof", When: "the proof in the header `DPoP` is wrong, or by " +
		"another key than the one that `auth_session` is bound to (RFC 9449)."},
	{Status: http.StatusBadRequest, Code: "use_dpop_nonce",
		When: "the proof needs the nonce of the header `DPoP-Nonce`: send the request again with a new proof."},
	{Status: http.StatusBadRequest, Code: "invalid_target", When: "the `resource` is not one that the client may use."},
}

// FieldCodes returns every code that an entry of a problem's errors can have.
func FieldCodes() (all []jsonapi.FieldCode) {
	for _, c := range fieldCodes {
		all = append(all, c.FieldCode)
	}
	return append(all, jsonapi.FieldCodes...)
}

// fieldCodeTable returns FieldCodes as Markdown.
func fieldCodeTable() string {
	var b strings.Builder
	b.WriteString("| code in `errors` | |\n|---|---|\n")
	for _, c := range FieldCodes() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", c.Code, strings.ToUpper(c.When[:1])+c.When[1:])
	}
	return b.String()
}
