package web

import (
	"hash/maphash"
	"net/netip"
	"strings"
	"sync"
)

// crowd counts the unfinished requests of each address, so that one address cannot fill the memory
// with requests that wait, or with answers that their client does not read.
type crowd struct {
	seed   maphash.Seed
	shards [32]struct {
		sync.Mutex
		requests map[string]int
	}
}

// enter counts a request of the address, and reports false if most requests are counted already.
func (c *crowd) enter(address string, most int) bool {
	s := &c.shards[maphash.String(c.seed, address)%uint64(len(c.shards))]
	s.Lock()
	defer s.Unlock()
	n := s.requests[address]
	if n >= most {
		return false
	}
	if s.requests == nil {
		s.requests = map[string]int{}
	}
	s.requests[address] = n + 1
	return true
}

// leave undoes one enter.
func (c *crowd) leave(address string) {
	s := &c.shards[maphash.String(c.seed, address)%uint64(len(c.shards))]
	s.Lock()
	defer s.Unlock()
	if n := s.requests[address]; n > 1 {
		s.requests[address] = n - 1
	} else {
		delete(s.requests, address)
	}
}

// countedAddress returns the address under which requests of ip are counted: ip itself for IPv4,
// and its /64 network for IPv6, which one customer of a provider has as a whole.
func countedAddress(ip string) string {
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
