package terminal

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestALongMigrationSaysThatItGoesOn, in the log of a job too, and says nothing when it is quick.
func TestALongMigrationSaysThatItGoesOn(t *testing.T) {
	t.Parallel()
	for took, want := range map[time.Duration]string{
		5 * time.Second:            "",
		2*stillEvery + time.Second: "Migrating … 1m0s\nMigrating … 2m0s\n",
	} {
		synctest.Test(t, func(t *testing.T) {
			var log strings.Builder
			done := (&Terminal{Err: &log}).Waiting("Migrating")
			time.Sleep(took)
			done()
			if log.String() != want {
				t.Errorf("%s: got %q, want %q", took, log.String(), want)
			}
		})
	}
}
