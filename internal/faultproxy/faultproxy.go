// Package faultproxy stands between a program and a server that it depends on, and does
// to their connections what networks do: cut, delay, slice, swallow.
//
// toxiproxy was weighed and left out. As a library it brings a command line, an HTTP API
// and a logger (eleven modules) into the go.mod of a product that wants few, and it
// cannot do two things that matter most here: leave the connections that are open silent
// while new ones work, as a firewall that forgot them does; and cut at a byte of an
// answer, so that what was done is done and nobody was told.
package faultproxy

import (
	"net"
	"sync"
	"testing"
	"time"
)

// Fault is what happens to all connections. The zero value is none.
type Fault struct {
	// Refuse resets new connections before a byte passes.
	Refuse bool
	// Silent lets nothing pass, and nobody hang up: the peer seems to have gone. What was
	// sent meanwhile arrives when the fault ends, as after a cable was plugged in again.
	Silent bool
	// Delay is how much later everything arrives.
	Delay time.Duration
	// Slice cuts what passes into packets of so many bytes, a moment apart.
	Slice int
	// ResetAfter resets a connection after so many bytes of answers since the fault began.
	ResetAfter int
	// ResetAt resets a connection in the place of an answer that holds this text: what was
	// asked has happened, and nobody is told.
	ResetAt string
}

// Proxy listens in front of one server.
type Proxy struct {
	// Address is host:port, to be told to the program in place of the server's.
	Address string

	listener net.Listener
	target   string

	mu      sync.Mutex
	fault   Fault
	changed chan struct{} // closed when the fault is another
	links   map[*link]struct{}
	closed  bool
}

// Start is a proxy to the server at target, host:port, until the test ends.
func Start(t testing.TB, target string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{Address: l.Addr().String(), listener: l, target: target, changed: make(chan struct{}), links: map[*link]struct{}{}}
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

// Set has the fault begin, or with the zero value end.
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

// Cut resets all connections that are open.
func (p *Proxy) Cut() {
	for _, l := range p.open() {
		l.reset()
	}
}

// Strand leaves the connections that are open silent for ever; new ones are not concerned.
func (p *Proxy) Strand() {
	for _, l := range p.open() {
		l.strand()
	}
}

// Open is how many connections there are.
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

func (p *Proxy) serve(near net.Conn) {
	far, err := net.DialTimeout("tcp4", p.target, 5*time.Second)
	if err != nil { // as if nobody listened
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
