package people

import (
	"time"

	"github.com/vouchsafe/vouchsafe/internal/limit"
)

// Rules bound attempts. A zero rule is the default one.
type Rules struct {
	// PerAccount bounds the guesses at a name from browsers that never signed in to its
	// account, and those at an account under all its names together. Default 5 in a minute,
	// then longer and longer waits up to 15 minutes.
	PerAccount limit.Rule
	// PerDevice bounds those from a browser that did, each by itself, so that nobody can
	// be locked out by others. Default 10 in a minute, then as above.
	PerDevice limit.Rule
	// PerAddress bounds the guesses from one address over all accounts, as above; a /56 of
	// IPv6 has twice as many, a /48 four times. Default 100 in 5 minutes: many people may
	// share an address.
	PerAddress limit.Rule
	// PerTenant bounds the guesses at all accounts of a tenant, as above: those of a stuffing
	// from many addresses. Beyond it only networks that were quiet so far have some, and
	// nobody beyond twice as many. Default 6,000 in a minute.
	PerTenant limit.Rule
	// PerPerson bounds how often a person's right sign-ins give back what they took. Default
	// 600 in 5 minutes.
	PerPerson limit.Rule
	// PerTarget bounds the codes that are sent to one mailbox or number for one network, and
	// for one browser that is known. In all there may be three times as many. Default 5 in an
	// hour.
	PerTarget limit.Rule
	// PerAsker bounds the codes that one address asks for, as PerAddress does. Default 30 in
	// an hour.
	PerAsker limit.Rule
	// MailsPerTenant and TextsPerTenant bound the messages with codes that a tenant sends.
	// Default 20,000 and 250 in an hour.
	MailsPerTenant, TextsPerTenant limit.Rule
	// PerForm bounds the new passwords that an address has judged and hashed. Default 100 in
	// 5 minutes.
	PerForm limit.Rule
	// PerTrip bounds the answers of upstream providers that an address brings in vain. Default
	// 100 in 5 minutes.
	PerTrip limit.Rule
	// PerFactor bounds the guesses at a person's second factor, over all sign-ins that got
	// as far. Default 5 in 10 minutes.
	PerFactor limit.Rule
	// PerFactorDay does so for those who are patient. Default 30 in 24 hours.
	PerFactorDay limit.Rule
	// PerEmailChange bounds the new addresses to which one user has a code sent. Default 10 in
	// an hour.
	PerEmailChange limit.Rule
	// PerPhoneChange bounds the numbers to which one user has a code sent: each message costs
	// money, some of which may go to the user (SMS pumping). Default 5 in 24 hours.
	PerPhoneChange limit.Rule
}

// complete puts the defaults in the place of zero rules, and names all rules.
func (r *Rules) complete() {
	for _, d := range []struct {
		rule *limit.Rule
		def  limit.Rule
	}{
		{&r.PerAccount, limit.Rule{Name: "login-account", Max: 5, Window: time.Minute, Longest: 15 * time.Minute}},
		{&r.PerDevice, limit.Rule{Name: "login-device", Max: 10, Window: time.Minute, Longest: 15 * time.Minute}},
		{&r.PerAddress, limit.Rule{Name: "login-address", Max: 100, Window: 5 * time.Minute}},
		{&r.PerTenant, limit.Rule{Name: "login-tenant", Max: 6000, Window: time.Minute}},
		{&r.PerPerson, limit.Rule{Name: "login-person", Max: 600, Window: 5 * time.Minute}},
		{&r.PerTarget, limit.Rule{Name: "code-target", Max: 5, Window: time.Hour}},
		{&r.PerAsker, limit.Rule{Name: "code-asker", Max: 30, Window: time.Hour}},
		{&r.MailsPerTenant, limit.Rule{Name: "mails", Max: 20_000, Window: time.Hour}},
		{&r.TextsPerTenant, limit.Rule{Name: "texts", Max: 250, Window: time.Hour}},
		{&r.PerForm, limit.Rule{Name: "form", Max: 100, Window: 5 * time.Minute}},
		{&r.PerTrip, limit.Rule{Name: "upstream", Max: 100, Window: 5 * time.Minute}},
		{&r.PerFactor, limit.Rule{Name: "factor", Max: 5, Window: 10 * time.Minute}},
		{&r.PerFactorDay, limit.Rule{Name: "factor-day", Max: 30, Window: 24 * time.Hour}},
		{&r.PerEmailChange, limit.Rule{Name: "email-change", Max: 10, Window: time.Hour}},
		{&r.PerPhoneChange, limit.Rule{Name: "phone-change", Max: 5, Window: 24 * time.Hour}},
	} {
		if d.rule.Max == 0 {
			*d.rule = d.def
		}
		d.rule.Name = d.def.Name
	}
}
