package web

import (
	"hash/maphash"
	"math"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
)

// crowd counts the requests under way of each address, so that one address cannot fill the
// memory with requests that wait, or with answers that their client does not take.
type crowd struct {
	seed   maphash.Seed
	shards [32]struct {
		sync.Mutex
		requests map[string]int
	}
}

// enter counts a request, unless there are most already.
func (c *crowd) enter(who string, most int) bool {
	s := &c.shards[maphash.String(c.seed, who)%uint64(len(c.shards))]
	s.Lock()
	defer s.Unlock()
	n := s.requests[who]
	if n >= most {
		return false
	}
	if s.requests == nil {
		s.requests = map[string]int{}
	}
	s.requests[who] = n + 1
	return true
}

func (c *crowd) leave(who string) {
	s := &c.shards[maphash.String(c.seed, who)%uint64(len(c.shards))]
	s.Lock()
	defer s.Unlock()
	if n := s.requests[who]; n > 1 {
		s.requests[who] = n - 1
	} else {
		delete(s.requests, who)
	}
}

// who is what the requests of an address are counted by: of IPv6 its /64, which its owner has
// as a whole.
func who(ip string) string {
	if strings.IndexByte(ip, ':') < 0 {
		return ip
	}
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return ip
	}
	net, err := addr.Prefix(64)
	if err != nil {
		return ip
	}
	return net.String()
}

// admit counts a request of the address, and says what to take off again. A request that is
// one too many is answered, and not ok. The answer has no body, which its client could leave
// untaken.
func (e *Edge) admit(w http.ResponseWriter, r *http.Request, ip string) (counted string, ok bool) {
	counted = who(ip)
	if e.crowd.enter(counted, e.MaxPerAddress) {
		return counted, true
	}
	addr, err := netip.ParseAddr(ip)
	if err == nil && slices.ContainsFunc(e.Unlimited, func(p netip.Prefix) bool { return p.Contains(addr) }) {
		return counted, e.crowd.enter(counted, math.MaxInt)
	}
	if e.Refused != nil {
		e.Refused()
	}
	e.Log.WarnContext(r.Context(), "requests are refused: too many of their address are under way", "address", ip, "most", e.MaxPerAddress)
	w.Header()["Retry-After"] = []string{"1"}
	w.Header()["Content-Length"] = []string{"0"}
	w.WriteHeader(http.StatusServiceUnavailable)
	return "", false
}
