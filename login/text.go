package login

import (
	"fmt"
	"time"
)

// words are all that people read here, in one language, by id. A text may have verbs of
// package fmt; whatever is put in is escaped where it is shown.
type words map[string]string

var english = words{
	"lang": "en",

	"signin.title":          "Sign in",
	"signin.continue":       "to continue to %s",
	"signin.again":          "Confirm that it is you",
	"signin.login":          "E-mail or user name",
	"signin.password":       "Password",
	"signin.button":         "Sign in",
	"signin.go_on":          "Continue",
	"signin.other":          "Use another account",
	"signin.cancel":         "Cancel and go back to %s",
	"signin.wrong":          "That is not the right name and password together.",
	"signin.missing_login":  "Enter your e-mail or user name.",
	"signin.missing_secret": "Enter your password.",
	"signin.limited":        "Too many attempts. Try again in %s.",
	"signin.busy":           "Too many people are signing in right now. Try again in a moment.",

	"select.title":    "Choose an account",
	"select.continue": "to continue to %s",
	"select.other":    "Use another account",
	"select.gone":     "You are no longer signed in to that account.",

	"consent.title":     "Allow access?",
	"consent.lead":      "%s would like to use your account.",
	"consent.other":     "Not you? Use another account",
	"consent.list":      "It would be able to:",
	"consent.return":    "You will go back to %s.",
	"consent.device":    "an app on this device",
	"consent.allow":     "Allow",
	"consent.deny":      "Deny",
	"consent.remember":  "You will not be asked again unless it wants more.",
	"consent.scope":     "Use “%s”",
	"consent.claim":     "See “%s”",
	"consent.changed":   "You changed accounts meanwhile. Look again.",
	"client.policy":     "Privacy policy of %s",
	"client.tos":        "Terms of %s",
	"client.unnamed":    "this app",
	"brand.name":        "Vouchsafe",
	"account.signed_in": "Signed in as",

	"scope.openid":         "Know who you are when you come back",
	"scope.profile":        "See your profile: name, picture and what else you entered there",
	"scope.email":          "See your e-mail address",
	"scope.address":        "See your postal address",
	"scope.phone":          "See your phone number",
	"scope.offline_access": "Do all this while you are away, until you take it back",

	"claim.name":                  "See your name",
	"claim.given_name":            "See your first name",
	"claim.family_name":           "See your last name",
	"claim.middle_name":           "See your middle name",
	"claim.nickname":              "See your nickname",
	"claim.preferred_username":    "See your user name",
	"claim.profile":               "See the address of your profile page",
	"claim.picture":               "See your picture",
	"claim.website":               "See your website",
	"claim.gender":                "See your gender",
	"claim.birthdate":             "See your date of birth",
	"claim.zoneinfo":              "See your time zone",
	"claim.locale":                "See your language",
	"claim.updated_at":            "See when your profile last changed",
	"claim.email":                 "See your e-mail address",
	"claim.email_verified":        "See whether your e-mail address is confirmed",
	"claim.address":               "See your postal address",
	"claim.phone_number":          "See your phone number",
	"claim.phone_number_verified": "See whether your phone number is confirmed",

	"signout.title":   "Sign out?",
	"signout.button":  "Sign out",
	"signout.all":     "Sign out of all %d accounts",
	"signout.stay":    "Stay signed in",
	"signedout.title": "You are signed out",
	"signedout.lead":  "You can close this page.",
	"signedout.again": "Sign in again",

	"home.title":  "Your account",
	"home.none":   "You are not signed in.",
	"home.switch": "Switch account",
	"home.admin":  "You are an administrator here.",
	"home.play":   "Try a sign-in in the playground",

	"setup.title":     "Create the first administrator",
	"setup.lead":      "This link works once. It makes an account with the role of administrator.",
	"setup.email":     "E-mail",
	"setup.password":  "Password",
	"setup.hint":      "At least %d characters. Long beats complicated.",
	"setup.button":    "Create account",
	"setup.bad_email": "Enter an e-mail address.",
	"setup.short":     "Use at least %d characters.",
	"setup.long":      "That is more than %d bytes.",
	"setup.name":      "Use something other than your name or e-mail address.",
	"setup.common":    "This is one of the passwords that attackers try first. Use something of your own, such as four words that do not belong together.",
	"setup.weak":      "This is easy to guess. Make it longer, for example with another word or two that do not belong to it.",
	"setup.breached":  "This password is known from a breach of another site. Use one that you use nowhere else.",
	"setup.taken":     "There is an account with this e-mail address already.",

	"error.prefix":  "Error",
	"error.id":      "Request id",
	"error.400":     "This request is not right",
	"error.403":     "This is not allowed",
	"error.404":     "There is no such page",
	"error.405":     "This page cannot be asked in that way",
	"error.409":     "Something changed meanwhile",
	"error.413":     "That is too much",
	"error.414":     "That is too much",
	"error.415":     "This is not a form",
	"error.421":     "This is not the right address",
	"error.429":     "Too many attempts",
	"error.503":     "We will be right back",
	"error.other":   "Something went wrong",
	"error.message": "It is our fault, and it has been noted. Try again; if it stays, tell whoever runs this service the request id.",
	"error.dev":     "For developers",
	"error.devnote": "Shown in development mode only.",
	"error.got":     "Got",
	"error.want":    "Expected",
	"error.nothing": "nothing",
	"error.home":    "Go to the start page",

	"time.minute":  "a minute",
	"time.minutes": "%d minutes",
}

// say is the text with the given id. A text that does not exist is an error of ours,
// which rendering reports.
func (w words) say(id string, args ...any) (string, error) {
	text, ok := w[id]
	if !ok {
		return "", fmt.Errorf("no text %q", id)
	}
	if len(args) == 0 {
		return text, nil
	}
	return fmt.Sprintf(text, args...), nil
}

// must is say for the ids in this package's code.
func (w words) must(id string, args ...any) string {
	s, err := w.say(id, args...)
	if err != nil {
		panic(err)
	}
	return s
}

// span says a time to wait, in whole minutes.
func (w words) span(d time.Duration) string {
	n := int((d + time.Minute - 1) / time.Minute)
	if n <= 1 {
		return w.must("time.minute")
	}
	return w.must("time.minutes", n)
}
