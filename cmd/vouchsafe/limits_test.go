package main

import (
	"strings"
	"testing"
	"time"
)

func TestLimitsAreSettings(t *testing.T) {
	c, err := settle(t, "limit_guesses: 3/2m\nlimit_longest_wait: 1h\nlimit_client_secrets: 7/1m\nsms_per_hour: 100\n", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	rules := c.peopleRules()
	if r := rules.PerAccount; r.Max != 3 || r.Window != 2*time.Minute || r.Longest != time.Hour {
		t.Errorf("got %+v", r)
	}
	if r := rules.TextsPerTenant; r.Max != 50 || r.Window != time.Hour {
		t.Errorf("got %+v, want half of sms_per_hour", r)
	}
	if r := c.LimitClientSecrets; r.max != 7 || r.String() != "7/1m" {
		t.Errorf("got %v", r)
	}
	// What is in force by default is what the packages have by themselves.
	c, err = settle(t, "", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	rules = c.peopleRules()
	for name, got := range map[string]int64{"address": rules.PerAddress.Max, "tenant": rules.PerTenant.Max / 60, "factor": 20 * rules.PerFactor.Max} {
		if got != 100 {
			t.Errorf("%s: got %d, want 100", name, got)
		}
	}
}

func TestLimitsThatBoundNothingAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"limit_guesses: 5":          "write, for example, 5/1m",
		"limit_guesses: 0/1m":       "write, for example, 5/1m",
		"limit_guesses: 5/1ms":      "write, for example, 5/1m",
		"limit_guesses: 5/48h":      "write, for example, 5/1m",
		"limit_guesses: 1000/1m":    "write 20/1m or less",
		"limit_factor: 100/1m":      "write 10/1m or less",
		"limit_codes_address: many": "write, for example, 5/1m",
		"sms_per_tenant: 501":       "is not from 0 to sms_per_hour",
		"sms_per_tenant: -1":        "is not from 0 to sms_per_hour",
	} {
		if _, err := settle(t, text+"\n", nil, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}
