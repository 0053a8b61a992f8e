package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/people"
)

// rate is a setting such as 5/1m: so many in that time.
type rate struct {
	max    int64
	window time.Duration
}

// maxRate bounds how many may be allowed: more is none.
const maxRate = 1_000_000_000

// UnmarshalText reads 5/1m.
func (r *rate) UnmarshalText(text []byte) error {
	n, window, ok := strings.Cut(string(text), "/")
	max, err := strconv.ParseInt(n, 10, 64)
	d, err2 := time.ParseDuration(window)
	if !ok || err != nil || err2 != nil || max < 1 || max > maxRate || d < time.Second || d > 24*time.Hour {
		return fmt.Errorf("%q is not a number of attempts in a time of up to 24h: write, for example, 5/1m", text)
	}
	*r = rate{max, d}
	return nil
}

// String is the rate as a file has it.
func (r rate) String() string { return strconv.FormatInt(r.max, 10) + "/" + short(r.window) }

// rule is the rate as a rule, which login and provider name.
func (r rate) rule() limit.Rule { return limit.Rule{Max: r.max, Window: r.window} }

// growing is rule with waits that become longer, as long as limit_longest_wait.
func (c *Config) growing(r rate) limit.Rule {
	rule := r.rule()
	rule.Longest = time.Duration(c.LimitLongestWait)
	return rule
}

// peopleRules returns the bounds on the attempts of users and attackers.
func (c *Config) peopleRules() people.Rules {
	return people.Rules{
		PerAccount: c.growing(c.LimitGuesses), PerDevice: c.growing(c.LimitGuessesKnown),
		PerAddress: c.LimitGuessesAddress.rule(), PerTenant: c.LimitGuessesTenant.rule(),
		PerPerson: c.LimitSignIns.rule(),
		PerFactor: c.LimitFactor.rule(), PerFactorDay: c.LimitFactorDay.rule(),
		PerTarget: c.LimitCodes.rule(), PerAsker: c.LimitCodesAddress.rule(),
		MailsPerTenant: c.LimitMailsTenant.rule(),
		TextsPerTenant: limit.Rule{Max: int64(c.textsPerTenant()), Window: time.Hour},
		PerForm:        c.LimitForms.rule(), PerTrip: c.LimitUpstreams.rule(),
	}
}

// textsPerTenant is how many text messages a tenant sends in an hour that does not say.
func (c *Config) textsPerTenant() int {
	if c.SMSPerTenant > 0 {
		return c.SMSPerTenant
	}
	return max(1, c.SMSPerHour/2)
}

// checkLimits says what is wrong with the bounds beside each other.
func (c *Config) checkLimits(wrong func(name, format string, args ...any)) {
	if c.SMSPerTenant < 0 || c.SMSPerTenant > c.SMSPerHour {
		wrong("sms_per_tenant", "%d is not from 0 to sms_per_hour (%d): 0 is half of that", c.SMSPerTenant, c.SMSPerHour)
	}
	for _, r := range []struct {
		name         string
		rate, atMost rate
	}{{"limit_guesses", c.LimitGuesses, rate{20, time.Minute}}, {"limit_guesses_known", c.LimitGuessesKnown, rate{60, time.Minute}}, {"limit_factor", c.LimitFactor, rate{10, time.Minute}}} {
		// More would make passwords that are good enough, or six digits, worth guessing.
		if float64(r.rate.max)/r.rate.window.Seconds() > float64(r.atMost.max)/r.atMost.window.Seconds() {
			wrong(r.name, "%s lets passwords and codes be guessed: write %s or less", r.rate, r.atMost)
		}
	}
}
