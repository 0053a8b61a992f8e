package faults

import (
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/faultproxy"
)

// What networks do to the connections to PostgreSQL costs refusals while it lasts.
func TestNetworkToPostgreSQL(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	l := newLoad(t, s, 3)
	l.start()
	l.during(time.Second, 100)
	l.stop()
	before := s.usage(t)
	l.start()
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
		refused := l.refused.Load()
		s.toDatabase.Set(f.fault)
		if f.fault.Refuse {
			s.toDatabase.Cut()
		}
		l.during(f.lasts, 0)
		s.toDatabase.Set(faultproxy.Fault{})
		s.back(t, l.people[0])
		l.during(0, 100)
		t.Logf("%d refused", l.refused.Load()-refused)
	}
	// A firewall forgets the connections that are open.
	t.Log("stranded")
	s.toDatabase.Strand()
	s.back(t, l.people[0])
	l.during(0, 100)
	l.stop()
	s.settles(t, before)
	l.verify()
}
