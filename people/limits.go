package people

import (
	"context"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Admit counts an attempt by all that is given; *limited when one of it is used up.
func (s *Service) Admit(ctx context.Context, a Asker, by ...limit.By) (*limit.Pass, error) {
	pass, wait, ok := s.Limits.Admit(ctx, a.Tenant.ID, a.IP, by...)
	if !ok {
		return nil, &Limited{Wait: wait}
	}
	return pass, nil
}

// guess is an attempt at a password that was let through.
type guess struct {
	server *Service
	person string
	pass   *limit.Pass
	// known says that it comes from a browser in which the user has signed in before.
	known bool
	// vain says that the attempts at the account are used up, under whichever of its names.
	// What was typed is then not compared, and the answer is that of a wrong password: to say
	// more would tell that two names are one user's.
	vain bool
	// left is how many guesses the counter lets through after this one that decides what is shown.
	left int64
}

// allowGuess counts a guess at a password. key is the key of the name as it was typed, user the
// account that the name means: its ID is empty if there is none.
//
// A guess from a browser that signed in to the account before is counted for that browser alone.
// Any other guess is counted for the network that it comes from, for the name, for the account
// that the name means, and last for the tenant. The answer depends on the counter of the name
// alone.
func (s *Service) allowGuess(ctx context.Context, a Asker, user storage.User, key string) (guess, error) {
	g := guess{server: s, person: user.ID}
	if device, ok := s.knownDevice(a, user); ok {
		pass, err := s.Admit(ctx, a,
			limit.By{Rule: s.PerDevice, Subject: user.ID + "\x00" + device, Known: true, OnSuccess: limit.Forgets})
		g.pass, g.known, g.left = pass, true, s.PerDevice.Max-pass.Count(0)
		return g, err
	}
	networks := limit.Networks(a.IP, s.PerAddress, limit.GivesBack)
	by := append(networks, s.ofName(key))
	account := len(by)
	if user.ID != "" {
		by = append(by, s.ofAccount(user.ID))
	}
	by = append(by, limit.By{Rule: s.PerTenant.Times(2, ""), OnSuccess: limit.GivesBack})
	var err error
	if g.pass, err = s.Admit(ctx, a, by...); err != nil {
		return g, err
	}
	g.left = s.PerAccount.Max - g.pass.Count(account-1)
	g.vain = user.ID != "" && g.pass.Over(account)
	if g.pass.Count(len(by)-1) > s.PerTenant.Max && !s.quiet(g.pass, networks) {
		g.pass.GiveBack(ctx)
		return g, &Limited{Wait: s.PerTenant.Window}
	}
	return g, nil
}

// ofName returns the counter of guesses at what was typed as a name.
func (s *Service) ofName(key string) limit.By {
	return limit.By{Rule: s.PerAccount, Subject: "name\x00" + key, OnSuccess: limit.Forgets}
}

// ofAccount returns the counter of guesses at an account, under whichever name.
func (s *Service) ofAccount(userID string) limit.By {
	return limit.By{Rule: s.PerAccount, Subject: "user\x00" + userID, Quiet: true, OnSuccess: limit.Forgets}
}

// quietNetwork is how many attempts a network may have made to be let through although the
// tenant's are used up: a flood from many networks leaves room for those who come from others.
const quietNetwork = 3

// quiet reports whether few attempts have come from where this one did: the pass was counted by
// the networks first.
func (s *Service) quiet(pass *limit.Pass, networks []limit.By) bool {
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

// signInsOf bounds how often a user's own success takes something back.
func (s *Service) signInsOf(userID string) limit.By {
	return limit.By{Rule: s.PerPerson, Subject: userID}
}

// allowOwner counts a guess in a browser in which the user is signed in, by that session; ""
// is none. No other browser can use it up.
func (s *Service) allowOwner(ctx context.Context, a Asker, user storage.User, session string) (guess, error) {
	subject := user.ID
	if device, ok := s.knownDevice(a, user); ok {
		subject += "\x00" + device
	} else if session != "" {
		subject += "\x00session\x00" + session
	}
	pass, err := s.Admit(ctx, a, limit.By{Rule: s.PerDevice, Subject: subject, Known: true, OnSuccess: limit.Forgets})
	return guess{server: s, person: user.ID, pass: pass, known: true}, err
}

// AllowForm counts what every browser may ask for without signing in and what costs much to answer,
// such as judging and hashing a new password.
func (s *Service) AllowForm(ctx context.Context, a Asker) error {
	_, err := s.Admit(ctx, a, limit.Networks(a.IP, s.PerForm, limit.Stays)...)
	return err
}

// testMails bounds the test emails of a tenant: an administrator's stolen session or token floods no mailbox with them.
var testMails = limit.Rule{Name: "test-mail", Max: 20, Window: time.Hour}

// AllowTestMail counts a test email that an administrator sends, by whichever door; *Limited if there were too many.
func (s *Service) AllowTestMail(ctx context.Context, a Asker) error {
	_, err := s.Admit(ctx, a, limit.By{Rule: testMails, Subject: "mail"})
	return err
}

// AllowTrip counts a request that makes the server ask an upstream provider about a user. A browser
// in which a user has signed in before has a counter of its own. Calling right gives the attempt
// back.
func (s *Service) AllowTrip(ctx context.Context, a Asker) (right func(userID string), err error) {
	by := limit.Networks(a.IP, s.PerTrip, limit.GivesBack)
	if device, ok := s.known(a, anyAccount); ok {
		by = []limit.By{{Rule: s.PerTrip, Subject: "device\x00" + device, Known: true, OnSuccess: limit.GivesBack}}
	}
	pass, err := s.Admit(ctx, a, by...)
	return func(userID string) { pass.Succeed(ctx, s.signInsOf(userID)) }, err
}

// wrongProof counts a proof that cannot be guessed, such as a passkey's, and was wrong.
// Right ones are never counted, and so never refused.
func (s *Service) wrongProof(ctx context.Context, a Asker) error {
	rule := s.PerAddress
	rule.Name = "proof-address"
	_, err := s.Admit(ctx, a, limit.Networks(a.IP, rule, limit.Stays)...)
	return err
}

// allowFactor counts an attempt at a user's second factor, over all sign-ins that got as far: an
// attacker who knows the password can begin as many as they like.
//
// A browser in which a second factor was given before has counters of its own, so that an
// attacker's attempts cannot lock the user out. A browser that signed in without a second factor
// has none: where a password alone is enough, or was, an attacker could have as many such browsers
// as they like, and as many counters.
func (s *Service) allowFactor(ctx context.Context, a Asker, user storage.User) (right func(), err error) {
	subject := user.ID
	device, known := s.known(a, factorDevice(user))
	if known {
		subject += "\x00" + device
	}
	pass, err := s.Admit(ctx, a,
		limit.By{Rule: s.PerFactor, Subject: subject, Known: known, OnSuccess: limit.Forgets},
		limit.By{Rule: s.PerFactorDay, Subject: subject, Known: known, OnSuccess: limit.Forgets})
	return func() { pass.Succeed(ctx, s.signInsOf(user.ID)) }, err
}

// Sending is a message with a code that is asked for.
type Sending struct {
	Channel string // storage.MethodEmail or MethodPhone
	// Typed is what was typed: an e-mail address, a number or a user name, by its key.
	Typed string
	// User is the account that Typed means. Its ID is empty if there is none, or if the account
	// must not be asked.
	User storage.User
	// Real says that a message goes out, and not a decoy.
	Real bool
}

// forStrangers is the part of a tenant's messages that browsers may ask for in which the
// user has not signed in before, in tenths. The rest is for those who are known.
const forStrangers = 8

// AllowSending counts a message that is asked for: by what was typed, which alone decides
// what is shown; by the mailbox that it goes to, under whichever names; and by who asks. With
// vain the mailbox has had its messages: a decoy is to be stored, and nothing may tell.
//
// A mailbox gets so many messages for one network, and three times as many in all: an attacker
// who asks for messages to another user's address takes nothing from the owner, who asks from
// another network. A browser that signed in to the account before has an allowance of its own.
func (s *Service) AllowSending(ctx context.Context, a Asker, m Sending) (vain bool, err error) {
	if device, ok := s.knownDevice(a, m.User); ok {
		_, err := s.Admit(ctx, a,
			limit.By{Rule: s.PerTarget, Subject: m.Channel + "\x00" + m.User.ID + "\x00" + device, Known: true},
			s.ofTenant(a, m, 10))
		return false, err
	}
	network := limit.Network(a.IP)
	by := limit.Networks(a.IP, s.PerAsker, limit.Stays)
	by = append(by, s.toTarget(typedTarget(m.Channel, m.Typed), network, false)...)
	quiet := len(by)
	by = append(by, s.toTarget(boxTarget(m.Channel, m.box()), network, true)...)
	end := len(by)
	pass, err := s.Admit(ctx, a, append(by, s.ofTenant(a, m, forStrangers))...)
	for i := quiet; i < end && err == nil; i++ {
		vain = vain || pass.Over(i)
	}
	return vain, err
}

// toTarget returns the counters of a mailbox, number or name.
func (s *Service) toTarget(target, network string, quiet bool) []limit.By {
	return []limit.By{
		{Rule: s.PerTarget, Subject: target + "\x00" + network, Quiet: quiet},
		s.fromAll(target, quiet),
	}
}

// fromAll returns the counter of a mailbox, number or name over all networks.
func (s *Service) fromAll(target string, quiet bool) limit.By {
	return limit.By{Rule: s.PerTarget.Times(3, "-all"), Subject: target, Quiet: quiet}
}

// typedTarget returns the target that was typed, and boxTarget the one at which the message ends, by its channel.
func typedTarget(channel, typed string) string {
	return "typed\x00" + channel + "\x00" + whereTo(typed)
}
func boxTarget(channel, box string) string { return "to\x00" + channel + "\x00" + box }

// ofTenant returns the counter of a tenant's messages, of which so many tenths may be used up.
func (s *Service) ofTenant(a Asker, m Sending, tenths int64) limit.By {
	rule, own := s.MailsPerTenant, a.Tenant.Settings.Limits.MailsPerHour
	if m.Channel == storage.MethodPhone {
		rule, own = s.TextsPerTenant, a.Tenant.Settings.Limits.TextsPerHour
	}
	if own != nil {
		rule.Max = int64(*own)
	}
	rule.Max = (rule.Max*tenths + 9) / 10
	return limit.By{Rule: rule, Look: !m.Real}
}

// box returns the address or number at which the message ends; if there is no account, that is what
// was typed.
func (m Sending) box() string {
	switch {
	case m.User.ID == "":
		return whereTo(m.Typed)
	case m.Channel == storage.MethodPhone:
		return m.User.Phone
	}
	return whereTo(m.User.Email)
}

// whereTo returns the mailbox of an e-mail address, and any other name as it is.
func whereTo(name string) string {
	if a, err := address.Read(name); err == nil {
		return a.Mailbox()
	}
	return name
}

// lifts bounds how often the limits of one user are lifted: an attacker who guesses, and has an administrator's session
// or talks one into it, gets few guesses more.
var lifts = limit.Rule{Name: "lift", Max: 5, Window: time.Hour}

// LiftLimits forgets the attempts at the user's account from browsers that are not known to be the user's: passwords
// under all of the account's names, second factors, and the messages that the user was sent from all networks together.
// Limits of a network and of the tenant stay, and so do those of known browsers, which no stranger uses up. It fails
// with a *Limited if the limits of the user were lifted too often lately, and with storage.ErrUnavailable if the
// counters of all replicas cannot be reached.
func (s *Service) LiftLimits(ctx context.Context, a Asker, u storage.User) error {
	if wait, ok := s.Limits.Allow(ctx, a.Tenant.ID, "", lifts, u.ID); !ok {
		return &Limited{Wait: wait}
	}
	err := s.ApplyAnyVersion(ctx, u, storage.Change{RoleWas: a.RoleWas(u.ID),
		Events: []storage.Event{a.Event(storage.Event{Kind: storage.EventLimitsLifted, UserID: u.ID})}})
	if err != nil {
		return err
	}
	by := []limit.By{
		s.ofAccount(u.ID), {Rule: s.PerFactor, Subject: u.ID},
		{Rule: s.PerFactorDay, Subject: u.ID},
	}
	boxes := map[string]string{storage.MethodPhone: u.Phone}
	if u.Email != "" {
		boxes[storage.MethodEmail] = whereTo(u.Email)
	}
	for _, name := range []string{u.Email, u.EmailKey, u.Username, u.UsernameKey, u.Phone} {
		key, ok := NormalName(name)
		if name == "" || !ok {
			continue
		}
		by = append(by, s.ofName(key))
		for channel := range boxes {
			by = append(by, s.fromAll(typedTarget(channel, key), false))
		}
	}
	for channel, box := range boxes {
		if box != "" {
			by = append(by, s.fromAll(boxTarget(channel, box), true))
		}
	}
	return s.Limits.Lift(ctx, a.Tenant.ID, by...)
}
