package settings

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/limit"
)

// Rate is a setting such as 5/1m: at most Max attempts in a Window of time.
type Rate struct {
	Max    int64
	Window time.Duration
}

// maxRate bounds Max: a higher number would bound nothing.
const maxRate = 1_000_000_000

// UnmarshalText reads 5/1m.
func (r *Rate) UnmarshalText(text []byte) error {
	n, window, ok := strings.Cut(string(text), "/")
	max, err := strconv.ParseInt(n, 10, 64)
	d, err2 := time.ParseDuration(window)
	if !ok || err != nil || err2 != nil || max < 1 || max > maxRate || d < time.Second || d > 24*time.Hour {
		return fmt.Errorf("%q is not a number of attempts in a time of up to 24h: write, for example, 5/1m", text)
	}
	*r = Rate{max, d}
	return nil
}

// String returns the rate as a file has it.
func (r Rate) String() string { return strconv.FormatInt(r.Max, 10) + "/" + short(r.Window) }

// Rule returns the rate as a rule, which gets its name from the package that counts by it.
func (r Rate) Rule() limit.Rule { return limit.Rule{Max: r.Max, Window: r.Window} }

// perSecond returns how many attempts the rate allows in a second.
func (r Rate) perSecond() float64 { return float64(r.Max) / r.Window.Seconds() }

// TextsPerTenant returns how many text messages a tenant sends in an hour, unless its own limits
// say otherwise.
func (c *Config) TextsPerTenant() int {
	if c.SMSPerTenant > 0 {
		return c.SMSPerTenant
	}
	return max(1, c.SMSPerHour/2)
}

// checkLimits reports what is wrong with the limits beside each other.
func (c *Config) checkLimits(wrong wrong) {
	if c.SMSPerTenant < 0 || c.SMSPerTenant > c.SMSPerHour {
		wrong("sms_per_tenant", "%d is out of range: write 0 to sms_per_hour (%d). 0 means half of it", c.SMSPerTenant,
			c.SMSPerHour)
	}
	for _, r := range []struct {
		name         string
		rate, atMost Rate
	}{
		{"limit_guesses", c.LimitGuesses, Rate{20, time.Minute}},
		{"limit_guesses_known", c.LimitGuessesKnown, Rate{60, time.Minute}},
		{"limit_factor", c.LimitFactor, Rate{10, time.Minute}},
	} {
		// More would make passwords that are good enough, or six digits, worth guessing.
		if r.rate.perSecond() > r.atMost.perSecond() {
			wrong(r.name, "%s lets passwords and codes be guessed: write %s or less", r.rate, r.atMost)
		}
	}
}
