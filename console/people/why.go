package people

import (
	"slices"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/storage"
)

// reason is a sentence about what may keep a user from signing in. At is the time in it; nil for none.
type reason struct {
	ID, Text string
	At       *ui.Stamp
}

// why returns what may keep the user from signing in, by the rules of the tenant and by the log; one sentence each. It
// is what an administrator tells a user who calls.
func (p place) why(c *console.Call, u storage.User, st administration.Standing, page personPage) (all []reason) {
	say := func(id string) { all = append(all, reason{ID: "people.why." + id, Text: c.T("people.why." + id)}) }
	switch {
	case !u.SecuredAt.IsZero():
		say("secured")
	case u.Disabled:
		say("disabled")
	}
	offers := func(method string) bool {
		methods := c.Tenant().Settings.SignIn.Methods
		if len(methods) == 0 {
			return method == storage.MethodPassword || method == storage.MethodPasskey
		}
		return slices.Contains(methods, method)
	}
	ways := offers(storage.MethodPassword) && st.HasPassword || offers(storage.MethodPasskey) && st.Passkeys > 0 ||
		offers(storage.MethodEmail) && u.EmailVerified || offers(storage.MethodPhone) && u.PhoneVerified ||
		slices.ContainsFunc(page.Linked, func(l linkedRow) bool {
			_, offered := p.People.UpstreamName(c.Tenant(), l.Provider)
			return offered
		})
	if !ways {
		if u.Email != "" && p.People.OffersReset(c.Asker) {
			say("no_way_reset")
		} else {
			say("no_way")
		}
	}
	if st.HasPassword && !offers(storage.MethodPassword) {
		say("no_passwords")
	}
	if st.NewPassword {
		say("new_password")
	}
	if u.Email != "" && !u.EmailVerified {
		say("unverified")
	}
	if c.Tenant().Settings.SecondFactor.Require == storage.SecondFactorAlways && !st.AuthenticatorApp && st.Passkeys == 0 {
		say("must_enrol")
	}
	return append(all, whyOfEvents(c, page.Events)...)
}

// whyOfEvents returns what the latest events say.
func whyOfEvents(c *console.Call, events []eventRow) (all []reason) {
	said, failed := map[string]bool{}, 0
	say := func(id string, at ui.Stamp, args ...any) {
		if one := c.T(id, append(args, at.Text)...); !said[one] {
			said[one] = true
			all = append(all, reason{ID: id, Text: c.T(id, append(args, ui.TimePlace)...), At: &at})
		}
	}
	for _, e := range events {
		switch e.Kind {
		case storage.EventLoginSucceeded:
			return all // what was before did not keep the user out
		case storage.EventLoginFailed:
			if failed++; failed == 1 {
				say("people.why.failed", e.At)
			}
		case storage.EventFactorFailed:
			say("people.why.code", e.At)
		case storage.EventAccessRefused:
			say("people.why.no_access", e.At, e.App)
		}
	}
	if failed > 3 {
		all = append(all, reason{ID: whyWait, Text: c.T(whyWait)})
	}
	return all
}

// whyWait is the reason that leads to lifting limits.
const whyWait = "people.why.wait"
