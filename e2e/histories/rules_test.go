package histories

import "fmt"

// kind is what an operation does.
type kind string

const (
	authorize  kind = "authorize"          // with pages: signs in and consents where that is wanted
	silent     kind = "authorize silently" // with prompt=none
	redeem     kind = "redeem"
	refresh    kind = "refresh"
	revoke     kind = "revoke refresh token"
	revokeOne  kind = "revoke access token"
	logout     kind = "log out at an app"
	others     kind = "sign out other devices"
	withdraw   kind = "withdraw consent"
	disable    kind = "disable user"
	enable     kind = "enable user"
	password   kind = "set password"
	change     kind = "change password"
	switchOff  kind = "disable client"
	switchOn   kind = "enable client"
	userinfo   kind = "user info"
	introspect kind = "introspect access token"
	inspect    kind = "introspect refresh token"
)

// op is an operation, with the numbers of everything that it concerns.
type op struct {
	kind       kind
	replica    int
	browser    int
	user       int
	client     int
	offline    bool
	grant      int
	generation int
	access     int
	foreign    bool // another client does it
	pushed     bool // the request is pushed (RFC 9126)
	bound      bool // the code is redeemed with a proof (RFC 9449), if its client has no secret
	stolen     bool // a token that is bound to a key comes without its proof
	late       bool // the predecessor's time may be over
}

// outcome is an operation and whether it was granted.
type outcome struct {
	op   op
	ok   bool
	said string // how it was refused, for a reader
}

func (o outcome) String() string { return fmt.Sprintf("%v: %t %s", o.op, o.ok, o.said) }

// do applies the operation to the model, and reports whether it must be granted. With either, both
// answers are allowed, because the clock decides.
func (m *model) do(o op) (ok, either bool) {
	switch o.kind {
	case authorize:
		return m.authorize(o), false
	case silent:
		if m.disabled[o.client] || !m.signedIn(o.browser) || !m.allowed(o.user, o.client, o.offline) {
			return false, false
		}
		m.code(o)
		return true, false
	case redeem:
		return m.redeem(o), false
	case refresh:
		return m.refresh(o)
	case revoke:
		g := &m.grants[o.grant]
		if m.disabled[o.actor(g.client)] {
			return false, false
		}
		g.revoked = g.revoked || !o.foreign
		return true, false
	case revokeOne:
		a := &m.access[o.access]
		if m.disabled[o.actor(m.grants[a.grant].client)] {
			return false, false
		}
		a.revoked = a.revoked || !o.foreign
		return true, false
	case userinfo, introspect:
		a := m.access[o.access]
		return a.grant >= 0 && !a.revoked && m.lives(a.grant) && !o.stolen, false
	case inspect:
		g := m.grants[o.grant]
		return m.lives(o.grant) && g.generation == o.generation, false
	}
	return m.ends(o), false
}

// actor returns the client that presents the token.
func (o op) actor(owner int) int {
	if o.foreign {
		return o.client
	}
	return owner
}

// authorize succeeds, unless the user is disabled.
func (m *model) authorize(o op) bool {
	if m.disabled[o.client] {
		return false
	}
	if !m.signedIn(o.browser) {
		if m.users[o.user].disabled {
			return false
		}
		m.sessions = append(m.sessions, session{user: o.user, version: m.users[o.user].version})
		m.browsers[o.browser] = len(m.sessions) - 1
	}
	if !clients[o.client].ours() {
		m.consents[o.user][o.client] = max(m.consents[o.user][o.client], level(o.offline))
	}
	m.code(o)
	return true
}

func (m *model) code(o op) {
	s := m.browsers[o.browser]
	m.grants[o.grant] = grant{session: s, user: o.user, client: o.client,
		version: m.sessions[s].version, offline: o.offline}
}

// redeem: a code is valid no longer than the session in which it was given, and works once. The
// second use ends what the first gave.
func (m *model) redeem(o op) bool {
	g := &m.grants[o.grant]
	switch {
	case m.disabled[g.client]:
		return false
	case g.generation > 0:
		g.revoked = true
		return false
	case !m.sessionLives(g.session) || !m.personLives(g.user, g.version) || !m.allowed(g.user, g.client, g.offline):
		return false
	}
	g.generation = 1
	m.access[o.access] = access{grant: o.grant}
	return true
}

// refresh: one token is valid. Its predecessor may be late, and older ones are stolen.
func (m *model) refresh(o op) (ok, either bool) {
	g := &m.grants[o.grant]
	switch {
	case m.disabled[o.actor(g.client)] || o.foreign || o.stolen || g.revoked:
		return false, false
	case o.generation == g.generation:
		if !m.lives(o.grant) {
			return false, false
		}
		g.generation++
	case o.generation == g.generation-1 && m.grace:
		if !m.lives(o.grant) {
			return false, false
		}
		either = o.late
	default:
		g.revoked = true
		return false, false
	}
	m.access[o.access] = access{grant: o.grant}
	return true, either
}

// ends applies an operation that ends more than one thing.
func (m *model) ends(o op) bool {
	switch o.kind {
	case logout:
		return m.logout(o)
	case others:
		return m.signOutOthers(o)
	case withdraw:
		return m.withdraw(o)
	case change:
		if !m.signedIn(o.browser) {
			return false
		}
		m.users[o.user].version++
		m.sessions[m.browsers[o.browser]].version++
	case password:
		m.users[o.user].version++
	case disable:
		m.users[o.user].version++
		m.users[o.user].disabled = true
	case enable:
		m.users[o.user].disabled = false
	case switchOff:
		m.disabled[o.client] = true
	case switchOn:
		m.disabled[o.client] = false
	}
	return true
}

// logout by an ID token of the grant ends the browser's session of that user, and what that client
// was given in it, offline or not.
func (m *model) logout(o op) bool {
	g := m.grants[o.grant]
	if !m.signedIn(o.browser) {
		return true // nothing to do, and nothing to tell
	}
	at := m.browsers[o.browser]
	if m.sessions[at].user != g.user {
		return false // the user is asked
	}
	m.sessions[at].ended = true
	for i, other := range m.grants {
		if other.session == at && other.client == g.client && other.generation > 0 && !m.disabled[g.client] {
			m.grants[i].revoked = true
		}
	}
	return true
}

func (m *model) signOutOthers(o op) bool {
	if !m.signedIn(o.browser) {
		return false
	}
	for i, s := range m.sessions {
		if s.user != o.user || i == m.browsers[o.browser] || !m.sessionLives(i) {
			continue
		}
		m.sessions[i].ended = true
		for j, g := range m.grants {
			if g.session == i && g.generation > 0 {
				m.grants[j].revoked = true
			}
		}
	}
	return true
}

// withdraw revokes what an app has, if it has anything.
func (m *model) withdraw(o op) bool {
	if !m.signedIn(o.browser) {
		return false
	}
	has := m.consents[o.user][o.client] > 0
	for i, g := range m.grants {
		has = has || g.user == o.user && g.client == o.client && m.lives(i)
	}
	if !has {
		return false
	}
	m.consents[o.user][o.client] = 0
	for i, g := range m.grants {
		if g.user == o.user && g.client == o.client && g.generation > 0 {
			m.grants[i].revoked = true
		}
	}
	return true
}
