package faults

import (
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/faultproxy"
)

// TestNetworkToPostgreSQL: faults of the network to PostgreSQL cause refusals while they last, and
// nothing worse.
func TestNetworkToPostgreSQL(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	l := s.load(t, 3)
	l.Start()
	l.During(time.Second, 100)
	l.Stop()
	before := s.usage(t)
	l.Start()
	for _, f := range []struct {
		name  string
		fault faultproxy.Fault
		lasts time.Duration
	}{
		{"refused", faultproxy.Fault{Refuse: true}, time.Second},
		{"reset in an answer", faultproxy.Fault{ResetAfter: 100}, time.Second},
		{"answers to updates lost", faultproxy.Fault{ResetAt: "UPDATE 1"}, time.Second},
		{"answers to inserts lost", faultproxy.Fault{ResetAt: "INSERT 0 1"}, time.Second},
		{"answers to commits lost", faultproxy.Fault{ResetAt: "COMMIT"}, 2 * time.Second},
		{"sliced", faultproxy.Fault{Slice: 7}, time.Second},
		{"300 ms late", faultproxy.Fault{Delay: 300 * time.Millisecond}, 2 * time.Second},
		{"silent", faultproxy.Fault{Silent: true}, 8 * time.Second},
	} {
		t.Log(f.name)
		refused := l.Refused()
		s.toDatabase.Set(f.fault)
		if f.fault.Refuse {
			s.toDatabase.Cut()
		}
		l.During(f.lasts, 0)
		s.toDatabase.Set(faultproxy.Fault{})
		l.Back(time.Now(), recovery)
		l.During(0, 100)
		t.Logf("%d refused", l.Refused()-refused)
	}
	// A firewall forgets the open connections.
	t.Log("stranded")
	s.toDatabase.Strand()
	l.Back(time.Now(), recovery)
	l.During(0, 100)
	l.Stop()
	s.settles(t, before)
	l.Verify()
}
