package server

import (
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/settings"
)

func TestLimitsAreSettings(t *testing.T) {
	t.Parallel()
	c, err := settings.Load(nil, "",
		[]string{"VOUCHSAFE_LIMIT_GUESSES=3/2m", "VOUCHSAFE_LIMIT_LONGEST_WAIT=1h", "VOUCHSAFE_SMS_PER_HOUR=100"})
	if err != nil {
		t.Fatal(err)
	}
	rules := peopleRules(c)
	if r := rules.PerAccount; r.Max != 3 || r.Window != 2*time.Minute || r.Longest != time.Hour {
		t.Errorf("got %+v", r)
	}
	if r := rules.TextsPerTenant; r.Max != 50 || r.Window != time.Hour {
		t.Errorf("got %+v, want half of sms_per_hour", r)
	}
	// What is in force by default is what the packages have by themselves.
	c, err = settings.Load(nil, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	rules = peopleRules(c)
	for name, got := range map[string]int64{"address": rules.PerAddress.Max, "tenant": rules.PerTenant.Max / 60,
		"factor": 20 * rules.PerFactor.Max} {
		if got != 100 {
			t.Errorf("%s: got %d, want 100", name, got)
		}
	}
}
