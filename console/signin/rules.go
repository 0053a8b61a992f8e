package signin

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/people/username"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/tenants"
)

// Defaults of what is not set.
const (
	defaultHistory  = 3
	defaultRemember = 30 * 24 * time.Hour
	defaultKeyLife  = 365 * 24 * time.Hour
	day             = 24 * time.Hour
)

// ruleSections are the titles of the form's sections, with the number of their fields: see ruleFields.
var ruleSections, ruleNumbers = []string{
	"sign-in.sign_up", "sign-in.methods", "sign-in.passwords", "sign-in.second_factor", "sign-in.administrators",
	"sign-in.others", "sign-in.outside",
}, []int{4, 5, 2, 3, 3, 6, 3}

// methods are the ways to sign in, in the order of the fields.
var methods = []string{storage.MethodPassword, storage.MethodPasskey, storage.MethodEmail, storage.MethodPhone}

// choice returns a field with options, whose texts are sign-in.NAME.OPTION. The first is the default.
func choice(c *console.Call, name, value string, options ...string) console.Field {
	f := console.Field{Name: name, Label: "sign-in." + name, Kind: "select", Value: cmp.Or(value, options[0]), Keeps: true}
	for _, o := range options {
		f.Options = append(f.Options, console.Option{Value: o, Text: c.T("sign-in." + name + "." + o)})
	}
	return f
}

// box returns a checkbox.
func box(name string, on bool) console.Field {
	return console.Field{Name: name, Label: "sign-in." + name, Kind: "checkbox", Checked: on, Keeps: true}
}

// text returns a field for text. Its hint is sign-in.NAME_hint.
func text(name, value string) console.Field {
	return console.Field{Name: name, Label: "sign-in." + name, Hint: "sign-in." + name + "_hint", Value: value, Max: 2000,
		Keeps: true}
}

// amount returns a field for a number.
func amount(name, value string) console.Field {
	return console.Field{Name: name, Label: "sign-in." + name, Kind: "number", Value: value, Max: 9, Keeps: true}
}

// days returns a duration in days; parts of a day stay after the point.
func days(d time.Duration) string { return strconv.FormatFloat(float64(d)/float64(day), 'f', -1, 64) }

// inUnits returns a duration as a number of units; "" for zero.
func inUnits(d storage.Duration, unit time.Duration) string {
	if d == 0 {
		return ""
	}
	return strconv.FormatFloat(float64(d)/float64(unit), 'f', -1, 64)
}

// reservedOf returns the names that no user may take.
func reservedOf(s storage.TenantSettings) []string {
	if s.SignUp.ReservedUsernames == nil {
		return username.Reserved
	}
	return s.SignUp.ReservedUsernames
}

// number returns a number, or "" for none.
func number(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n)
}

// ruleFields are the fields of the rules, section by section.
func ruleFields(c *console.Call, s storage.TenantSettings) []console.Field {
	offered := s.SignIn.Methods
	if len(offered) == 0 {
		offered = methods[:2]
	}
	history, remember := defaultHistory, defaultRemember
	if s.Passwords.History != nil {
		history = *s.Passwords.History
	}
	if s.SecondFactor.RememberDevice != nil {
		remember = time.Duration(*s.SecondFactor.RememberDevice)
	}
	fields := []console.Field{
		choice(c, "mode", s.SignUp.Mode, storage.SignUpOpen, storage.SignUpInvitation, storage.SignUpClosed),
		text("email_domains", strings.Join(s.SignUp.EmailDomains, " ")), box("ask_username", s.SignUp.AskUsername),
		text("reserved", strings.Join(reservedOf(s), " ")),
	}
	for _, m := range methods {
		fields = append(fields, box(m, slices.Contains(offered, m)))
	}
	return append(fields,
		text("phone_regions", strings.Join(s.SignIn.PhoneRegions, " ")),
		amount("history", strconv.Itoa(history)),
		choice(c, "sign_out", s.Passwords.SignOut, storage.SignOutOthers, storage.SignOutAll),
		choice(c, "require", cmp.Or(s.SecondFactor.Require, storage.SecondFactorEnrolled), storage.SecondFactorNever,
			storage.SecondFactorEnrolled, storage.SecondFactorAlways),
		amount("remember", days(remember)), box("trust_upstream", s.SecondFactor.TrustUpstream),
		box("admin_factor", s.Administrators.SecondFactor),
		amount("admin_lifetime", inUnits(s.Administrators.SessionLifetime, time.Hour)),
		amount("admin_idle", inUnits(s.Administrators.SessionIdle, time.Minute)),
		box("sign_in_as", s.SignInAs.Enabled), box("notify", s.SignInAs.Notify), box("user_keys", s.APIKeys.Users),
		amount("key_life", days(s.APIKeys.LongestLife.Or(defaultKeyLife))),
		amount("mails_per_hour", number(s.Limits.MailsPerHour)), amount("texts_per_hour", number(s.Limits.TextsPerHour)),
		choice(c, "documents", s.OutsideClients.Documents, storage.OutsideOff, storage.OutsideListed, storage.OutsideAnyone),
		text("hosts", strings.Join(s.OutsideClients.Hosts, " ")),
		choice(c, "registration", s.OutsideClients.Registration, storage.OutsideOff, storage.OutsideToken,
			storage.OutsideAnyone))
}

// rulesPage is the form of the rules.
func (p place) rulesPage(c *console.Call) error {
	t, err := p.own(c)
	if err != nil {
		return err
	}
	page := formPage{Action: c.Link(root + "/rules"), Form: c.Form(ruleFields(c, t.Settings)...), Declared: p.Declared}
	page.Sections = divide(c, page.Form, ruleSections, ruleNumbers)
	return c.ShowView("form", c.View("sign-in.rules").BackTo("place.sign-in", root), page)
}

// rulePaths are the names of the form's fields by the paths of faults.
var rulePaths = map[string]string{
	"sign_up.mode": "mode", "sign_up.email_domains": "email_domains", "sign_in.methods": "password",
	"sign_in.phone_regions": "phone_regions", "passwords.history": "history", "passwords.sign_out": "sign_out",
	"sign_up.reserved_usernames": "reserved", "administrators.session_lifetime": "admin_lifetime",
	"administrators.session_idle": "admin_idle", "second_factor.require": "require",
	"second_factor.remember_device": "remember", "api_keys.longest_life": "key_life",
	"limits.mails_per_hour": "mails_per_hour", "limits.texts_per_hour": "texts_per_hour",
	"outside_clients.documents": "documents", "outside_clients.hosts": "hosts",
	"outside_clients.registration": "registration",
}

// rules stores the rules, unless another administrator has changed the same ones since the form was shown.
func (p place) rules(c *console.Call) error {
	was, err := p.own(c)
	if err != nil {
		return err
	}
	fields := ruleFields(c, was.Settings)
	stored, names := valuesOf(fields), namesOf(fields)
	if changed := c.ChangedFields(stored); len(changed) > 0 {
		return c.Refuse(changed, names...)
	}
	form := &ruleForm{c: c, stored: stored}
	err = p.save(c, was, func(d *tenants.Declared) { form.read(&d.Settings) }, "")
	if len(form.faults) > 0 { // nothing was stored: see read
		return c.Refuse(form.faults, names...)
	}
	if err != nil {
		return refuse(c, err, rulePaths, names...)
	}
	return p.told(c, was, c.To(root))
}

// ruleForm reads what was posted. What is as it was shown stays as it is stored: also what is not set.
type ruleForm struct {
	c      *console.Call
	stored map[string]string
	faults console.Faults
}

// changed reports whether the field is not as it was.
func (f *ruleForm) changed(name string) bool { return f.c.Value(name) != f.stored[name] }

// wrong adds the fault of a field.
func (f *ruleForm) wrong(name string) {
	f.faults = append(f.faults, console.Fault{Field: name, Text: f.c.T("sign-in.wrong." + name)})
}

// set sets a text that has changed.
func (f *ruleForm) set(name string, to *string) {
	if f.changed(name) {
		*to = f.c.Value(name)
	}
}

// list sets a list that has changed.
func (f *ruleForm) list(name string, to *[]string) {
	if f.changed(name) {
		*to = words(f.c.Value(name))
	}
}

// count sets a number that has changed; an empty field is the default.
func (f *ruleForm) count(name string, to **int) {
	if !f.changed(name) {
		return
	}
	if f.c.Value(name) == "" {
		*to = nil
		return
	}
	n, err := strconv.Atoi(f.c.Value(name))
	if err != nil || n < 0 {
		f.wrong(name)
		return
	}
	*to = &n
}

// days returns a number of days that has changed.
func (f *ruleForm) days(name string) (d storage.Duration, changed bool) {
	return f.units(name, day, false)
}

// units returns a number of units of time that has changed. With none, the field may be empty, which is zero.
func (f *ruleForm) units(name string, unit time.Duration, none bool) (d storage.Duration, changed bool) {
	if !f.changed(name) {
		return 0, false
	}
	if none && f.c.Value(name) == "" {
		return 0, true
	}
	n, err := strconv.ParseFloat(f.c.Value(name), 64)
	if err != nil || n < 0 || n > 10_000 {
		f.wrong(name)
		return 0, false
	}
	return storage.Duration(n * float64(unit)), true
}

// read puts what was posted into the settings. If something cannot be read, it makes them such as no use case stores.
func (f *ruleForm) read(s *storage.TenantSettings) {
	on := func(name string) bool { return f.c.Value(name) == "1" }
	f.set("mode", &s.SignUp.Mode)
	f.list("email_domains", &s.SignUp.EmailDomains)
	s.SignUp.AskUsername = on("ask_username")
	if f.changed("reserved") {
		s.SignUp.ReservedUsernames = append([]string{}, words(f.c.Value("reserved"))...)
	}
	var chosen []string
	differs := false
	for _, m := range methods {
		differs = differs || f.changed(m)
		if on(m) {
			chosen = append(chosen, m)
		}
	}
	if len(chosen) == 0 {
		f.wrong("password")
	} else if differs {
		s.SignIn.Methods = chosen
	}
	f.list("phone_regions", &s.SignIn.PhoneRegions)
	f.count("history", &s.Passwords.History)
	f.set("sign_out", &s.Passwords.SignOut)
	f.set("require", &s.SecondFactor.Require)
	if d, changed := f.days("remember"); changed {
		s.SecondFactor.RememberDevice = &d
	}
	s.SecondFactor.TrustUpstream = on("trust_upstream")
	s.Administrators.SecondFactor = on("admin_factor")
	if d, changed := f.units("admin_lifetime", time.Hour, true); changed {
		s.Administrators.SessionLifetime = d
	}
	if d, changed := f.units("admin_idle", time.Minute, true); changed {
		s.Administrators.SessionIdle = d
	}
	s.SignInAs.Enabled, s.SignInAs.Notify = on("sign_in_as"), on("notify")
	s.APIKeys.Users = on("user_keys")
	if d, changed := f.days("key_life"); changed {
		s.APIKeys.LongestLife = d
	}
	f.count("mails_per_hour", &s.Limits.MailsPerHour)
	f.count("texts_per_hour", &s.Limits.TextsPerHour)
	f.set("documents", &s.OutsideClients.Documents)
	f.list("hosts", &s.OutsideClients.Hosts)
	f.set("registration", &s.OutsideClients.Registration)
	if len(f.faults) > 0 {
		s.SignUp.Mode = "unreadable"
	}
}
