// Package faultproxy is a TCP proxy for tests, between a program and a server that it depends on.
// It does to their connections what networks do: it cuts, delays, splits and drops.
//
// We considered toxiproxy. As a library it brings a command line, an HTTP API and a logger (eleven
// modules) into go.mod. It also lacks the two faults that matter most here: open connections fall
// silent while new ones work, as behind a firewall that has forgotten them; and a connection is
// reset in the middle of an answer, so that the server has done the work and the program is not
// told.
package faultproxy

import (
	"net"
	"sync"
	"testing"
	"time"
)

// Fault is what happens to all connections. The zero value means no fault.
type Fault struct {
	// Refuse resets new connections before a byte passes.
	Refuse bool
	// Silent holds everything back without closing a connection, as if the peer had vanished. What
	// was sent meanwhile arrives when the fault ends, as after a cable was plugged in again.
	Silent bool
	// Delay is by how much everything is delayed.
	Delay time.Duration
	// Slice splits the traffic into packets of that many bytes, a millisecond apart.
	Slice int
	// ResetAfter resets a connection after that many bytes of answers, counted from when the fault
	// began.
	ResetAfter int
	// ResetAt resets a connection instead of passing on an answer that contains this text. The
	// server has then done the work, and the program is not told.
	ResetAt string
}

// Proxy listens in front of one server. Make one with Start.
type Proxy struct {
	// Address is the proxy's HOST:PORT, which the program gets in place of the server's.
	Address string

	listener net.Listener
	target   string

	mu      sync.Mutex
	fault   Fault
	changed chan struct{} // closed when the fault changes
	links   map[*link]struct{}
	closed  bool
}

// Start starts a proxy to the server at target, a HOST:PORT. It ends with the test.
func Start(t testing.TB, target string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{Address: l.Addr().String(), listener: l, target: target, changed: make(chan struct{}),
		links: map[*link]struct{}{}}
	var wg sync.WaitGroup
	wg.Go(func() { p.accept(&wg) })
	t.Cleanup(func() {
		p.mu.Lock()
		p.closed = true
		p.mu.Unlock()
		_ = l.Close()
		p.Cut()
		wg.Wait()
	})
	return p
}

// Set begins the fault or, for the zero value, ends it.
func (p *Proxy) Set(f Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = f
	for l := range p.links {
		l.answered = 0
	}
	close(p.changed)
	p.changed = make(chan struct{})
}

// Cut resets all open connections.
func (p *Proxy) Cut() {
	for _, l := range p.open() {
		l.reset()
	}
}

// Strand makes the open connections silent for ever. New ones work.
func (p *Proxy) Strand() {
	for _, l := range p.open() {
		l.strand()
	}
}

// Open returns the number of open connections.
func (p *Proxy) Open() int { return len(p.open()) }

func (p *Proxy) open() []*link {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []*link
	for l := range p.links {
		all = append(all, l)
	}
	return all
}

// now returns the current fault, and a channel that is closed when it changes.
func (p *Proxy) now() (Fault, chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fault, p.changed
}

func (p *Proxy) accept(wg *sync.WaitGroup) {
	for {
		near, err := p.listener.Accept()
		if err != nil {
			return
		}
		if f, _ := p.now(); f.Refuse {
			hangUp(near)
			continue
		}
		wg.Go(func() { p.serve(near) })
	}
}

// serve connects to the server and carries bytes in both directions until one side ends.
func (p *Proxy) serve(near net.Conn) {
	far, err := net.DialTimeout("tcp4", p.target, 5*time.Second)
	if err != nil { // as if no server listened
		hangUp(near)
		return
	}
	l := &link{proxy: p, near: near, far: far, done: make(chan struct{}), lost: make(chan struct{})}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		l.reset()
		return
	}
	p.links[l] = struct{}{}
	p.mu.Unlock()
	var wg sync.WaitGroup
	wg.Go(func() { l.pump(far, near, false) })
	wg.Go(func() { l.pump(near, far, true) })
	wg.Wait()
	p.mu.Lock()
	delete(p.links, l)
	p.mu.Unlock()
}
