package people

import (
	"context"

	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/storage"
)

// sending is a message with a code that is asked for.
type sending struct {
	channel string // storage.MethodEmail or MethodPhone
	// typed is what was typed: an e-mail address, a number or a user name, by its key.
	typed string
	// user is whom it means, without an id for nobody, or for those who are not asked.
	user storage.User
	// real says that a message goes out, and not a decoy.
	real bool
}

// forStrangers is the part of a tenant's messages that browsers may ask for in which the
// person has not signed in before, in tenths. The rest is for those who are known.
const forStrangers = 8

// allowSending counts a message that is asked for: by what was typed, which alone decides
// what is shown; by the mailbox that it goes to, under whichever names; and by who asks. With
// vain the mailbox has had its messages: a decoy is to be stored, and nothing may tell.
//
// A mailbox may be written to so often for one network, and three times as often in all: who
// asks for somebody else's address takes nothing from its owner, who asks from elsewhere. A
// browser that signed in to the account before has an allowance of its own.
func (s *Service) allowSending(ctx context.Context, a Asker, m sending) (vain bool, err error) {
	if device, ok := s.knownDevice(a, m.user); ok {
		_, err := s.admit(ctx, a,
			limit.By{Rule: s.PerTarget, Subject: m.channel + "\x00" + m.user.ID + "\x00" + device, Known: true},
			s.ofTenant(a, m, 10))
		return false, err
	}
	network := limit.Network(a.Address)
	by := limit.Networks(a.Address, s.PerAsker, limit.Stays)
	by = append(by, s.toTarget("typed\x00"+m.channel+"\x00"+whereTo(m.typed), network, false)...)
	quiet := len(by)
	by = append(by, s.toTarget("to\x00"+m.channel+"\x00"+m.box(), network, true)...)
	end := len(by)
	pass, err := s.admit(ctx, a, append(by, s.ofTenant(a, m, forStrangers))...)
	for i := quiet; i < end && err == nil; i++ {
		vain = vain || pass.Over(i)
	}
	return vain, err
}

// toTarget are the counters of a mailbox, number or name.
func (s *Service) toTarget(target, network string, quiet bool) []limit.By {
	return []limit.By{
		{Rule: s.PerTarget, Subject: target + "\x00" + network, Quiet: quiet},
		{Rule: s.PerTarget.Times(3, "-all"), Subject: target, Quiet: quiet},
	}
}

// ofTenant is the counter of a tenant's messages, of which so many tenths may be used up.
func (s *Service) ofTenant(a Asker, m sending, tenths int64) limit.By {
	rule, own := s.MailsPerTenant, a.Tenant.Settings.Limits.MailsPerHour
	if m.channel == storage.MethodPhone {
		rule, own = s.TextsPerTenant, a.Tenant.Settings.Limits.TextsPerHour
	}
	if own != nil {
		rule.Max = int64(*own)
	}
	rule.Max = (rule.Max*tenths + 9) / 10
	return limit.By{Rule: rule, Look: !m.real}
}

// box is where the message ends; for nobody, what was typed.
func (m sending) box() string {
	switch {
	case m.user.ID == "":
		return whereTo(m.typed)
	case m.channel == storage.MethodPhone:
		return m.user.Phone
	}
	return whereTo(m.user.Email)
}

// whereTo is the mailbox of an e-mail address, and any other name as it is.
func whereTo(name string) string {
	if a, err := address.Read(name); err == nil {
		return a.Mailbox()
	}
	return name
}
