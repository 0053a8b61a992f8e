package storage

import "testing"

func TestRefusal(t *testing.T) {
	t.Parallel()
	staff := ClientAllow{Groups: []string{"staff", "guests"}}
	domain := ClientAllow{EmailDomains: []string{"example.com"}}
	both := ClientAllow{Groups: staff.Groups, EmailDomains: domain.EmailDomains}
	user := func(email string, verified bool) User { return User{EmailKey: email, EmailVerified: verified} }
	for name, c := range map[string]struct {
		allow  ClientAllow
		user   User
		groups []string
		want   string
	}{
		"no rule":                     {ClientAllow{}, user("", false), nil, ""},
		"verified":                    {ClientAllow{VerifiedEmail: true}, user("a@b.c", true), nil, ""},
		"not verified":                {ClientAllow{VerifiedEmail: true}, user("a@b.c", false), nil, RefusedUnverified},
		"in a group":                  {staff, user("", false), []string{"all", "guests"}, ""},
		"in no group":                 {staff, user("", false), []string{"all", "staff2"}, RefusedGroup},
		"of the domain":               {domain, user("a@example.com", true), nil, ""},
		"of the domain, not verified": {domain, user("a@example.com", false), nil, RefusedUnverified},
		"of a subdomain":              {domain, user("a@sub.example.com", true), nil, RefusedDomain},
		"of a domain that ends alike": {domain, user("a@evilexample.com", true), nil, RefusedDomain},
		"the domain before the @":     {domain, user("example.com@evil.com", true), nil, RefusedDomain},
		"no address":                  {domain, user("", true), nil, RefusedDomain},
		"both rules, one kept":        {both, user("a@example.com", true), nil, RefusedGroup},
		"both rules":                  {both, user("a@example.com", true), []string{"staff"}, ""},
	} {
		if got := c.allow.Refusal(&c.user, c.groups); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
		if got, want := c.allow.All(), name == "no rule"; got != want {
			t.Errorf("%s: all users may: %v", name, got)
		}
	}
}
