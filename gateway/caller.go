package gateway

import (
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// caller is who a request comes from.
type caller struct {
	key       string // what its requests are counted by
	user      *storage.User
	subject   string // the user as the app is told
	belonging storage.Belonging
	client    string // that got the access token; "" for a browser
	scopes    []string
	token     bool   // an access token or an API key, no browser
	session   string // the id of the session; sid is what the app is told of it
	sid, acr  string
	amr       []string
	actor     string    // the administrator who acts in the place of the user
	authTime  time.Time // the zero time if there was no sign-in
}

// grantKey names what a cookie stands for.
type grantKey struct{ tenant, id, actor string }

func (k grantKey) String() string { return k.tenant + "\x00" + k.id + "\x00" + k.actor }

// tells returns what a header of that kind holds, before it is made safe.
func (c *caller) tells(what string) string {
	u := c.user
	switch what {
	case "client":
		return c.client
	case "scope":
		return strings.Join(c.scopes, " ")
	case "groups":
		return strings.Join(c.belonging.Groups, ",")
	case "roles":
		return strings.Join(c.roles(), ",")
	case "actor":
		return c.actor
	}
	if u == nil {
		return ""
	}
	switch what {
	case "user":
		return c.subject
	case "email": // apps take an address for who the user is, so that only a proven one is told
		if u.EmailVerified {
			return u.Email
		}
	case "name":
		return u.Profile.Name
	case "username":
		return u.Username
	}
	return ""
}

// roles returns the caller's roles as OWNER:ROLE, where OWNER is a client or an API. A comma of an owner is escaped.
func (c *caller) roles() []string {
	all := make([]string, 0, len(c.belonging.Roles))
	for _, r := range c.belonging.Roles {
		all = append(all, strings.ReplaceAll(r.Client+r.API, ",", "%2C")+":"+r.Name)
	}
	return all
}
