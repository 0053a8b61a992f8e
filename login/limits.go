package login

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

// limited says that an attempt came too early.
type limited struct{ wait time.Duration }

func (*limited) Error() string { return "too many attempts" }

// admit counts an attempt by all that is given; *limited when one of it is used up.
func (s *Server) admit(r *http.Request, by ...limit.By) (*limit.Pass, error) {
	pass, wait, ok := s.Limits.Admit(r.Context(), web.TenantOf(r.Context()).ID, by...)
	if !ok {
		return nil, &limited{wait}
	}
	return pass, nil
}

// guess is an attempt at a password that was let through.
type guess struct {
	server *Server
	person string
	pass   *limit.Pass
	// known says that it comes from a browser in which the person has signed in before.
	known bool
	// vain says that the attempts at the account are used up, under whichever of its names.
	// What was typed is then not compared, and the answer is that of a wrong password: to say
	// more would tell that two names are one person's.
	vain bool
}

// allowGuess counts a guess at a password; key is that of the name as it was typed, user
// whom it means, without an id for nobody.
//
// From a browser that signed in to the account before it is counted for that browser alone.
// From any other it is counted by where it comes from, by the name, by the account that the
// name means, and last by the tenant. What is shown depends on the name alone.
func (s *Server) allowGuess(r *http.Request, user storage.User, key string) (guess, error) {
	g := guess{server: s, person: user.ID}
	if device, ok := s.knownDevice(r, user); ok {
		pass, err := s.admit(r, limit.By{Rule: s.PerDevice, Subject: user.ID + "\x00" + device, Known: true, OnSuccess: limit.Forgets})
		g.pass, g.known = pass, true
		return g, err
	}
	networks := limit.Networks(r.Context(), s.PerAddress, limit.GivesBack)
	by := append(networks, limit.By{Rule: s.PerAccount, Subject: "name\x00" + key, OnSuccess: limit.Forgets})
	account := len(by)
	if user.ID != "" {
		by = append(by, limit.By{Rule: s.PerAccount, Subject: "user\x00" + user.ID, Quiet: true, OnSuccess: limit.Forgets})
	}
	by = append(by, limit.By{Rule: s.PerTenant.Times(2, ""), OnSuccess: limit.GivesBack})
	var err error
	if g.pass, err = s.admit(r, by...); err != nil {
		return g, err
	}
	g.vain = user.ID != "" && g.pass.Over(account)
	if g.pass.Count(len(by)-1) > s.PerTenant.Max && !s.quiet(g.pass, networks) {
		g.pass.GiveBack(r.Context())
		return g, &limited{s.PerTenant.Window}
	}
	return g, nil
}

// quietNetwork is how many attempts a network may have made to be let through although the
// tenant's are used up: a flood from many networks leaves room for those who come from others.
const quietNetwork = 3

// quiet says whether few attempts have come from where this one did: the pass was counted by
// the networks first.
func (s *Server) quiet(pass *limit.Pass, networks []limit.By) bool {
	for i, n := range networks {
		if pass.Count(i) > quietNetwork*(n.Max/s.PerAddress.Max) {
			return false
		}
	}
	return true
}

// right gives back what the guess took: it was the password.
func (g guess) right(ctx context.Context) { g.pass.Succeed(ctx, g.server.signInsOf(g.person)) }

// unseen gives it back, too: the guess was not looked at.
func (g guess) unseen(ctx context.Context) { g.pass.GiveBack(ctx) }

// signInsOf bounds how often a person's own success takes something back.
func (s *Server) signInsOf(userID string) limit.By {
	return limit.By{Rule: s.PerPerson, Subject: userID}
}

// allowOwner counts a guess by whoever sits at a browser in which the person is signed in,
// in that session: nobody else can use it up.
func (s *Server) allowOwner(r *http.Request, user storage.User) (guess, error) {
	subject := user.ID
	if device, ok := s.knownDevice(r, user); ok {
		subject += "\x00" + device
	} else if a, err := s.Sessions.Current(r); err == nil {
		subject += "\x00session\x00" + a.ID
	}
	pass, err := s.admit(r, limit.By{Rule: s.PerDevice, Subject: subject, Known: true, OnSuccess: limit.Forgets})
	return guess{server: s, person: user.ID, pass: pass, known: true}, err
}

// allowForm counts what anybody may ask for and costs more than a look: judging and hashing
// a password that is to become one, for one. It has nothing to do with signing in.
func (s *Server) allowForm(r *http.Request) error {
	_, err := s.admit(r, limit.Networks(r.Context(), s.PerForm, limit.Stays)...)
	return err
}

// allowTrip counts what makes the server ask a provider about somebody. A browser in which
// anybody has signed in before is counted by itself. right gives it back.
func (s *Server) allowTrip(r *http.Request) (right func(userID string), err error) {
	by := limit.Networks(r.Context(), s.PerTrip, limit.GivesBack)
	if device, ok := s.devices.Ours(r); ok {
		by = []limit.By{{Rule: s.PerTrip, Subject: "device\x00" + device, Known: true, OnSuccess: limit.GivesBack}}
	}
	pass, err := s.admit(r, by...)
	return func(userID string) { pass.Succeed(r.Context(), s.signInsOf(userID)) }, err
}

// wrongProof counts a proof that cannot be guessed, such as a passkey's, and was wrong.
// Right ones are never counted, and so never refused.
func (s *Server) wrongProof(r *http.Request) error {
	rule := s.PerAddress
	rule.Name = "proof-address"
	_, err := s.admit(r, limit.Networks(r.Context(), rule, limit.Stays)...)
	return err
}

// allowFactor counts an attempt at a person's second factor, over all the sign-ins that
// got as far: whoever knows the password begins as many as they like. A browser in which a
// second factor was given before has counters of its own, so that they cannot lock the
// person out. One that signed in without has not: where the password alone does for that,
// or did, they could have as many such browsers, and as many counters.
func (s *Server) allowFactor(r *http.Request, user storage.User) (right func(), err error) {
	subject := user.ID
	device, known := s.devices.Known(r, factorDevice(user))
	if known {
		subject += "\x00" + device
	}
	pass, err := s.admit(r,
		limit.By{Rule: s.PerFactor, Subject: subject, Known: known, OnSuccess: limit.Forgets},
		limit.By{Rule: s.PerFactorDay, Subject: subject, Known: known, OnSuccess: limit.Forgets})
	return func() { pass.Succeed(r.Context(), s.signInsOf(user.ID)) }, err
}

// knownDevice says whether the person has signed in with the request's browser before, since
// their credentials changed, and the browser's id.
func (s *Server) knownDevice(r *http.Request, user storage.User) (device string, ok bool) {
	if user.ID == "" {
		return "", false
	}
	return s.devices.Known(r, deviceOf(user))
}

// deviceOf is by what a browser is known in which the person has signed in.
func deviceOf(u storage.User) string {
	return u.ID + "\x00" + strconv.FormatInt(u.CredentialVersion, 10)
}

// factorDevice is by what a browser is known in which the person gave a second factor.
func factorDevice(u storage.User) string { return "factor:" + deviceOf(u) }

// knownFor is all that a browser is known for that has signed in by acr.
func knownFor(u storage.User, acr string) []string {
	if storage.ReachesACR(acr, storage.ACRMultiFactor) {
		return []string{factorDevice(u), deviceOf(u)}
	}
	return []string{deviceOf(u)}
}
