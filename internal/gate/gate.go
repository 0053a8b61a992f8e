// Package gate stands between a listener and the server. It bounds how many connections one address
// can hold, hangs up on peers that send and do not read, and reads the PROXY protocol.
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

// Gate bounds connections by address. Listen and State connect it with a server.
type Gate struct {
	// PerAddress is how many connections an IPv4 address, or a /64 of IPv6, may have open. A /48
	// may have four times as many. 0 means no bound.
	PerAddress int
	// Exempt, unless nil, reports whether an address has no bound, as proxies do.
	Exempt func(netip.Addr) bool
	// Refused, unless nil, is called for each connection that is refused.
	Refused func(address string)

	mu    sync.Mutex
	peers map[netip.Prefix]*peer
}

// peer is a network that has open connections.
type peer struct {
	open  int
	conns map[*Conn]struct{}
}

// Listen returns l without the connections that are too many: they are closed.
func (g *Gate) Listen(l net.Listener) net.Listener { return &listener{l, g} }

// listener applies a Gate to the connections that it accepts.
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
		_ = raw.Close() // the connection was refused
	}
}

// enter counts a connection, and reports false if its address has too many. Before that, enter
// closes the connection of the address that has been idle for longest, if any is. The newest user
// behind a shared address is therefore served even while another one opens many connections and
// sends nothing, or never finishes a request.
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

// bounded returns the address of a peer, and whether PerAddress applies to it.
func (g *Gate) bounded(a net.Addr) (netip.Addr, bool) {
	tcp, ok := a.(*net.TCPAddr)
	if !ok || g.PerAddress <= 0 {
		return netip.Addr{}, false
	}
	addr := tcp.AddrPort().Addr().Unmap().WithZone("")
	return addr, addr.IsValid() && (g.Exempt == nil || !g.Exempt(addr))
}

// leave stops counting a connection. The caller holds mu.
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

// widths are the multiples of PerAddress that the networks of an address may have; see networks.
var widths = []int{1, 4}

// networks returns the networks that an address is counted in, the smallest first.
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

// longestRested returns the connection that has been idle for longest, or nil if every one has a
// request under way.
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

// State records which connections are idle. Set it as http.Server.ConnState.
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

// deafness is how many bytes a peer may send while it does not read what is written to it. Ordinary
// clients read while they write. A peer that does not could make the server queue answers without
// end: HTTP/2 answers pings and settings.
const deafness = 32 << 10

// Conn is a connection that a Gate has accepted.
type Conn struct {
	net.Conn
	gate    *Gate
	nets    []netip.Prefix // guarded by gate.mu
	resting atomic.Int64   // when the last request ended, in Unix nanoseconds; 0 while one is under way
	writing atomic.Bool
	unheard atomic.Int64 // bytes that came since a write began that has not ended
}

// Read implements net.Conn.
func (c *Conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.writing.Load() && c.unheard.Add(int64(n)) > deafness {
		_ = c.Conn.Close() // the next read or write reports it
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

// CloseWrite closes the sending half of the connection. net/http and crypto/tls call it before they
// close.
func (c *Conn) CloseWrite() error {
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return nil
}
