package tenants

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/people/phones"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/people/username"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/tenants/brand"
)

// CheckSettings says all that is wrong with a tenant's settings, and makes them those that
// are stored.
func CheckSettings(t *storage.TenantSettings) []Fault {
	var fs []Fault
	wrong := func(path, format string, args ...any) {
		fs = append(fs, Fault{path, fmt.Sprintf(format, args...)})
	}
	oneOf := func(path, value string, allowed ...string) {
		if value != "" && !slices.Contains(allowed, value) {
			wrong(path, "%q is none of %s", value, strings.Join(allowed, ", "))
		}
	}
	oneOf("sign_up.mode", t.SignUp.Mode, storage.SignUpOpen, storage.SignUpInvitation, storage.SignUpClosed)
	for i, d := range t.SignUp.EmailDomains {
		domain, err := address.Domain(d)
		if err != nil {
			wrong(fmt.Sprintf("sign_up.email_domains.%d", i), "%q is no domain: write one such as example.com", d)
			continue
		}
		t.SignUp.EmailDomains[i] = domain
	}
	for i, name := range t.SignUp.ReservedUsernames {
		if _, ok := username.Key(name); !ok {
			wrong(fmt.Sprintf("sign_up.reserved_usernames.%d", i), "%q is not a user name: write letters, digits and . _ - only", name)
		}
	}
	for i, m := range t.SignIn.Methods {
		oneOf(fmt.Sprintf("sign_in.methods.%d", i), m, storage.MethodPassword, storage.MethodPasskey, storage.MethodEmail, storage.MethodPhone)
	}
	for i, region := range t.SignIn.PhoneRegions {
		if !phones.IsRegion(region) {
			wrong(fmt.Sprintf("sign_in.phone_regions.%d", i), "%q is no country's code: write one of ISO 3166 such as DE", region)
		}
	}
	if n := t.Passwords.History; n != nil && (*n < 0 || *n > 24) {
		wrong("passwords.history", "%d is not from 0 to 24", *n)
	}
	oneOf("passwords.sign_out", t.Passwords.SignOut, storage.SignOutOthers, storage.SignOutAll)
	oneOf("second_factor.require", t.SecondFactor.Require, storage.SecondFactorNever, storage.SecondFactorEnrolled, storage.SecondFactorAlways)
	for name, n := range map[string]*int{"mails_per_hour": t.Limits.MailsPerHour, "texts_per_hour": t.Limits.TextsPerHour} {
		if n != nil && (*n < 1 || *n > 1_000_000) {
			wrong("limits."+name, "%d is not from 1 to 1000000", *n)
		}
	}
	for _, f := range brand.Check(t.Branding) {
		wrong("branding."+f.Field, "%s", f.Message)
	}
	seen := map[string]bool{}
	for i, u := range t.Upstreams {
		at := fmt.Sprintf("upstreams.%d.", i)
		for _, domains := range [][]string{u.AuthoritativeDomains, u.Domains} {
			for j, d := range domains {
				if domain, err := address.Domain(d); err == nil {
					domains[j] = domain
				}
			}
		}
		for _, f := range upstream.Validate(u) {
			wrong(at+f.Field, "%s", f.Message)
		}
		if seen[u.ID] {
			wrong(at+"id", "%q is there twice", u.ID)
		}
		seen[u.ID] = true
	}
	return fs
}
