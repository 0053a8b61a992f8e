package account

import (
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/people/apikeys"
	"github.com/vouchsafe/vouchsafe/people/selfservice"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Section is one subject of an account: a row of the start page, and a page at /account/PATH.
type Section struct {
	Path  string
	group string // the id of the heading that the row stands under
	title string
	// state says in a few words how the subject stands; nil for nothing.
	state func(*overview) string
	// shown says whether the account has the subject; nil for yes.
	shown func(*overview) bool
}

// Sections are all subjects, in the order of the start page.
var Sections = []Section{
	{"profile", "account.group.you", "account.profile", (*overview).profile, nil},
	{"email", "account.group.you", "account.email", (*overview).email, nil},
	{"phone", "account.group.you", "account.phone", (*overview).phone, func(o *overview) bool { return o.texts }},
	{"password", "account.group.signin", "account.password", (*overview).password, func(o *overview) bool {
		return o.asker.UsesPasswords()
	}},
	{"passkeys", "account.group.signin", "account.passkeys", (*overview).passkeys, nil},
	{"identities", "account.group.signin", "account.identities", (*overview).linked, func(o *overview) bool {
		return o.upstreams || o.Identities > 0
	}},
	{"second-factor", "account.group.signin", "factors.title", (*overview).secondFactor, nil},
	{"sessions", "account.group.use", "account.sessions", (*overview).devices, nil},
	{"apps", "account.group.use", "account.apps", (*overview).connected, nil},
	{"api-keys", "account.group.use", "apikeys.title", (*overview).apiKeys, func(o *overview) bool {
		return apikeys.OfUsers(o.asker.Tenant)
	}},
	{"activity", "account.group.use", "account.activity", func(o *overview) string {
		return o.words.Must("account.activity.state")
	}, nil},
	{"data", "account.group.data", "account.data", nil, nil},
	{"delete", "account.group.data", "account.delete", nil, nil},
	{"sign-in-as", "account.group.admin", "acting.title", nil, (*overview).signsInAs},
}

// IsPage reports whether the path is one that a sign-in may lead to: the start page, that of a section, or that of a
// form which asks for a proof before it is filled in.
func IsPage(path string) bool {
	return path == "/account" || path == newKeyPath || slices.ContainsFunc(Sections, func(s Section) bool {
		return path == "/account/"+s.Path
	})
}

// overview is what the start page needs to know to say how subjects stand.
type overview struct {
	selfservice.Overview
	words     texts.Words
	asker     people.Asker
	user      storage.User
	texts     bool // the server sends text messages
	upstreams bool // users of the tenant may sign in with a provider
}

func (o *overview) profile() string { return o.user.Profile.Name }

func (o *overview) email() string {
	if o.user.Email != "" && !o.user.EmailVerified {
		return o.words.Must("account.unconfirmed", address.Shown(o.user.Email))
	}
	return address.Shown(o.user.Email)
}

func (o *overview) phone() string {
	switch {
	case o.user.Phone == "":
		return o.words.Must("phone.none")
	case !o.user.PhoneVerified:
		return o.words.Must("account.unconfirmed", o.user.Phone)
	}
	return o.user.Phone
}

func (o *overview) password() string {
	if o.PasswordChanged.IsZero() {
		return o.words.Must("account.no_password")
	}
	if o.PasswordChanged.Sub(o.user.CreatedAt).Abs() < time.Minute {
		return o.words.Must("account.password_since")
	}
	return o.words.Must("account.changed", o.words.Date(o.PasswordChanged))
}

func (o *overview) passkeys() string {
	if o.Passkeys == 0 {
		return o.words.Must("passkeys.zero")
	}
	return o.words.Must("passkeys.count", o.Passkeys)
}

func (o *overview) linked() string {
	if o.Identities == 0 {
		return o.words.Must("account.none")
	}
	return o.words.Must("identity.count", o.Identities)
}

func (o *overview) secondFactor() string {
	if o.HasSecondFactor {
		return o.words.Must("factors.state_on")
	}
	return o.words.Must("factors.state_off")
}

func (o *overview) devices() string {
	return o.words.Must("account.sessions.count", o.Sessions)
}

func (o *overview) connected() string {
	if o.Apps == 0 {
		return o.words.Must("account.none")
	}
	return o.words.Must("account.apps.count", o.Apps)
}

func (o *overview) apiKeys() string {
	if o.APIKeys == 0 {
		return o.words.Must("account.none")
	}
	return o.words.Must("apikeys.count", o.APIKeys)
}
