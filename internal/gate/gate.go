// Package gate stands between a listener and the server: it bounds what one address can hold,
// hangs up on peers that send and do not read, and reads the PROXY protocol.
package gate

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Gate bounds connections by address.
type Gate struct {
	// PerAddress is how many connections an address may have open: an IPv4 address, or a /64
	// of IPv6. A /48 may have four times as many.
	PerAddress int
	// Exempt are the addresses without a bound, such as proxies.
	Exempt func(netip.Addr) bool
	// Refused, when set, is told of each connection that is not taken.
	Refused func(address string)

	mu    sync.Mutex
	peers map[netip.Prefix]*peer
}

// peer is a network that has connections open.
type peer struct {
	open  int
	conns map[*Conn]struct{}
}

// Listen is l without the connections that are too many.
func (g *Gate) Listen(l net.Listener) net.Listener { return &listener{l, g} }

type listener struct {
	net.Listener
	gate *Gate
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	for {
		raw, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := &Conn{Conn: raw, gate: l.gate}
		c.resting.Store(time.Now().UnixNano())
		if l.gate.enter(c) {
			return c, nil
		}
		_ = raw.Close() // it was refused
	}
}

// enter counts a connection, unless its address has too many. One of them on which no request
// is under way makes room, the one that has rested longest: so that of many people behind one
// address the newest is served, also when one of them opens many and is silent, or never ends
// what they ask.
func (g *Gate) enter(c *Conn) bool {
	addr, bounded := g.bounded(c.RemoteAddr())
	if !bounded {
		return true
	}
	c.nets = networks(addr)
	g.mu.Lock()
	for i, n := range c.nets {
		p := g.peers[n]
		if p == nil || p.open < g.PerAddress*widths[i] {
			continue
		}
		if rested := p.longestRested(); rested != nil {
			g.leave(rested)
			defer rested.Conn.Close()
			continue
		}
		g.mu.Unlock()
		if g.Refused != nil {
			g.Refused(addr.String())
		}
		return false
	}
	defer g.mu.Unlock()
	if g.peers == nil {
		g.peers = map[netip.Prefix]*peer{}
	}
	for _, n := range c.nets {
		p := g.peers[n]
		if p == nil {
			p = &peer{conns: map[*Conn]struct{}{}}
			g.peers[n] = p
		}
		p.open++
		p.conns[c] = struct{}{}
	}
	return true
}

func (g *Gate) bounded(a net.Addr) (netip.Addr, bool) {
	tcp, ok := a.(*net.TCPAddr)
	if !ok || g.PerAddress <= 0 {
		return netip.Addr{}, false
	}
	addr := tcp.AddrPort().Addr().Unmap().WithZone("")
	return addr, addr.IsValid() && (g.Exempt == nil || !g.Exempt(addr))
}

// leave forgets a connection. The caller holds mu.
func (g *Gate) leave(c *Conn) {
	for _, n := range c.nets {
		p := g.peers[n]
		if p.open--; p.open == 0 {
			delete(g.peers, n)
			continue
		}
		delete(p.conns, c)
	}
	c.nets = nil
}

// widths are how many times PerAddress the networks of an address may have.
var widths = []int{1, 4}

// networks are those that an address is counted by, the smallest first.
func networks(a netip.Addr) []netip.Prefix {
	if a.Is4() {
		return []netip.Prefix{netip.PrefixFrom(a, 32)}
	}
	var all []netip.Prefix
	for _, bits := range []int{64, 48} {
		p, err := a.Prefix(bits)
		if err == nil {
			all = append(all, p)
		}
	}
	return all
}

// longestRested is the connection on which nothing has been asked for the longest time; nil
// when all are at work.
func (p *peer) longestRested() *Conn {
	var found *Conn
	var since int64
	for c := range p.conns {
		if at := c.resting.Load(); at != 0 && (found == nil || at < since) {
			found, since = c, at
		}
	}
	return found
}

// State tells the gate which connections rest. It is for http.Server.ConnState.
func State(c net.Conn, s http.ConnState) {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	g, ok := c.(*Conn)
	switch {
	case !ok:
	case s == http.StateIdle:
		g.resting.Store(time.Now().UnixNano())
	case s == http.StateActive:
		g.resting.Store(0)
	}
}

// deafness is how much a peer may send while it takes nothing of what is written to it, in
// bytes. Programs read while they write. One that does not could have the server queue
// answers to what it sends (HTTP/2 answers pings and settings) for as long as it likes.
const deafness = 32 << 10

// Conn is a connection that the gate has let in.
type Conn struct {
	net.Conn
	gate    *Gate
	nets    []netip.Prefix // under gate.mu
	resting atomic.Int64   // since when, in nanoseconds; 0: a request is under way
	writing atomic.Bool
	unheard atomic.Int64 // what came since a write began that still waits
}

// Read implements net.Conn.
func (c *Conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.writing.Load() && c.unheard.Add(int64(n)) > deafness {
		_ = c.Conn.Close() // the next read or write tells
	}
	return n, err
}

// Write implements net.Conn.
func (c *Conn) Write(b []byte) (int, error) {
	c.unheard.Store(0)
	c.writing.Store(true)
	defer c.writing.Store(false)
	return c.Conn.Write(b)
}

// Close implements net.Conn.
func (c *Conn) Close() error {
	c.gate.mu.Lock()
	c.gate.leave(c)
	c.gate.mu.Unlock()
	return c.Conn.Close()
}

// CloseWrite ends what is sent, and leaves what is received open: net/http and crypto/tls do
// so before they hang up.
func (c *Conn) CloseWrite() error {
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return nil
}
