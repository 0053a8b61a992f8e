package histories

import (
	"fmt"
	"slices"
)

// model is what must hold after a history, by the rules of package storage: a grant is alive while
// it is not revoked, its user is enabled and has the credentials under which it was given, its
// client is enabled, and its session has not ended or it is offline.
type model struct {
	grace    bool // a predecessor still gets its successor
	users    []user
	disabled []bool // clients
	consents [][]int
	sessions []session
	browsers []int // the session of each; -1: never signed in
	grants   []grant
	access   []access
}

type user struct {
	version  int // of the credentials
	disabled bool
}

type session struct {
	user, version int
	ended         bool
}

// grant is a code, and what came of it.
type grant struct {
	session, user, client, version int
	offline                        bool
	generation                     int // of the living refresh token; 0: the code is unspent
	revoked                        bool
}

type access struct {
	grant   int // -1: none was given
	revoked bool
}

func (m model) clone() model {
	m.users = slices.Clone(m.users)
	m.disabled = slices.Clone(m.disabled)
	m.consents = slices.Clone(m.consents)
	for i := range m.consents {
		m.consents[i] = slices.Clone(m.consents[i])
	}
	m.sessions = slices.Clone(m.sessions)
	m.browsers = slices.Clone(m.browsers)
	m.grants = slices.Clone(m.grants)
	m.access = slices.Clone(m.access)
	return m
}

func (m model) signedIn(browser int) bool {
	s := m.browsers[browser]
	return s >= 0 && m.sessionLives(s)
}

func (m model) sessionLives(i int) bool {
	s := m.sessions[i]
	return !s.ended && m.personLives(s.user, s.version)
}

func (m model) personLives(i, version int) bool {
	return !m.users[i].disabled && m.users[i].version == version
}

func (m model) lives(i int) bool {
	g := m.grants[i]
	return g.generation > 0 && !g.revoked && m.personLives(g.user, g.version) && !m.disabled[g.client] &&
		(g.offline || !m.sessions[g.session].ended)
}

// allowed reports whether the user lets the client have what it asks for: clients of other
// companies need a consent.
func (m model) allowed(person, client int, offline bool) bool {
	return clients[client].ours() || m.consents[person][client] >= level(offline)
}

// level returns what a consent must cover: 1 for the account, 2 for offline access.
func level(offline bool) int {
	if offline {
		return 2
	}
	return 1
}

// after returns every state that may follow the operations, which ran at the same time and were
// answered so: those of every order in which the model agrees with all answers.
func after(states []model, done []outcome) []model {
	seen, out := map[string]bool{}, []model(nil)
	for _, m := range states {
		for order := range permutations(done) {
			follow(m, order, func(end model) {
				if key := fmt.Sprint(end); !seen[key] {
					seen[key] = true
					out = append(out, end)
				}
			})
		}
	}
	return out
}

func follow(m model, order []outcome, reached func(model)) {
	if len(order) == 0 {
		reached(m)
		return
	}
	for _, next := range m.step(order[0].op, order[0].ok) {
		follow(next, order[1:], reached)
	}
}

func permutations(all []outcome) func(yield func([]outcome) bool) {
	return func(yield func([]outcome) bool) {
		var rec func(done, rest []outcome) bool
		rec = func(done, rest []outcome) bool {
			if len(rest) == 0 {
				return yield(done)
			}
			for i := range rest {
				others := append(slices.Clone(rest[:i]), rest[i+1:]...)
				if !rec(append(slices.Clone(done), rest[i]), others) {
					return false
				}
			}
			return true
		}
		rec(nil, all)
	}
}

// step returns every state in which the operation may leave the model if it was answered so; none
// if that answer is not allowed.
func (m model) step(o op, ok bool) []model {
	n := m.clone()
	want, either := n.do(o)
	if want != ok && !either {
		return nil
	}
	if either && want != ok {
		n = m.clone() // too late for a second answer: reuse, which ends the grant
		n.grants[o.grant].revoked = true
	}
	return []model{n}
}
