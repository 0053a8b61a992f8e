package gate

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Proxied returns l with the client addresses that trusted peers announce in the PROXY protocol,
// versions 1 and 2 (haproxy.org/download/3.2/doc/proxy-protocol.txt). A trusted peer must send the
// header: if it could leave it out, its clients could send one themselves. Every other peer counts
// as the client. failed, unless nil, is called with the mistakes of trusted peers.
func Proxied(l net.Listener, trusted func(netip.Addr) bool, failed func(proxy net.Addr, err error)) net.Listener {
	p := &proxied{Listener: l, trusted: trusted, failed: failed, ready: make(chan accepted), closed: make(chan struct{})}
	go p.run()
	return p
}

// proxyPatience is how long a proxy may take to send its header.
const proxyPatience = 5 * time.Second

// proxied is the listener that Proxied returns.
type proxied struct {
	net.Listener
	trusted func(netip.Addr) bool
	failed  func(net.Addr, error)
	ready   chan accepted
	closed  chan struct{}
	once    sync.Once
}

// accepted is a result of Accept.
type accepted struct {
	conn net.Conn
	err  error
}

// Accept implements net.Listener.
func (p *proxied) Accept() (net.Conn, error) {
	select {
	case a := <-p.ready:
		return a.conn, a.err
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (p *proxied) Close() error {
	p.once.Do(func() { close(p.closed) })
	return p.Listener.Close()
}

// run accepts connections. Each proxy's header is read in a goroutine of its own, so that a slow
// proxy delays no other connection.
func (p *proxied) run() {
	for {
		c, err := p.Listener.Accept()
		if err != nil {
			p.hand(accepted{nil, err})
			if errors.Is(err, net.ErrClosed) {
				return
			}
			continue
		}
		tcp, ok := c.RemoteAddr().(*net.TCPAddr)
		if !ok || !p.trusted(tcp.AddrPort().Addr().Unmap().WithZone("")) {
			p.hand(accepted{c, nil})
			continue
		}
		go p.learn(c)
	}
}

// hand passes a result to Accept, or closes the connection if the listener is closed.
func (p *proxied) hand(a accepted) {
	select {
	case p.ready <- a:
	case <-p.closed:
		if a.conn != nil {
			_ = a.conn.Close()
		}
	}
}

// learn reads the header of a trusted proxy, and hands the connection on with the client's address.
func (p *proxied) learn(c net.Conn) {
	err := c.SetReadDeadline(time.Now().Add(proxyPatience))
	var client net.Addr
	if err == nil {
		client, err = ReadProxy(c)
	}
	if err == nil {
		err = c.SetReadDeadline(time.Time{})
	}
	if err != nil {
		_ = c.Close() // the connection is refused
		if p.failed != nil && !errors.Is(err, io.EOF) {
			p.failed(c.RemoteAddr(), err)
		}
		return
	}
	p.hand(accepted{&forwarded{c, client}, nil})
}

// forwarded is a connection that a proxy has made for a client.
type forwarded struct {
	net.Conn
	client net.Addr
}

// RemoteAddr implements net.Conn.
func (f *forwarded) RemoteAddr() net.Addr { return f.client }

// CloseWrite closes the sending half of the connection.
func (f *forwarded) CloseWrite() error {
	if w, ok := f.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return nil
}

// Unknown is the address of a client that the proxy does not know or does not name, as in the
// proxy's own health checks. It is in no network of trusted proxies.
type Unknown struct{}

// Network implements net.Addr.
func (Unknown) Network() string { return "tcp" }

// String implements net.Addr.
func (Unknown) String() string { return "unknown:0" }

var (
	errNoProxy = errors.New("the PROXY protocol was expected and something else came")
	errProxy   = errors.New("the PROXY protocol was not understood")
)

// signature begins a header of version 2. It is as long as the shortest header of version 1.
var signature = []byte("\r\n\r\n\x00\r\nQUIT\n")

const (
	maxProxyLine = 107     // with its line end, says the specification
	maxProxyMore = 4 << 10 // of version 2, with its extensions
)

// ReadProxy reads a PROXY header of either version, and no byte after it. It returns the client's
// address: a *net.TCPAddr, or Unknown.
func ReadProxy(r io.Reader) (net.Addr, error) {
	head := make([]byte, len(signature))
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	if bytes.Equal(head, signature) {
		return readBinary(r)
	}
	if !bytes.HasPrefix(head, []byte("PROXY ")) {
		return nil, errNoProxy
	}
	// The line is read byte by byte, because bytes after it belong to the client.
	for line := head; ; {
		if len(line) == maxProxyLine {
			return nil, errProxy
		}
		line = append(line, 0)
		if _, err := io.ReadFull(r, line[len(line)-1:]); err != nil {
			return nil, err
		}
		if text, found := strings.CutSuffix(string(line), "\r\n"); found {
			return parseLine(text)
		}
	}
}

// parseLine reads version 1, as in PROXY TCP4 192.0.2.7 198.51.100.1 51234 443.
func parseLine(line string) (net.Addr, error) {
	words := strings.Split(line, " ")
	if len(words) >= 2 && words[1] == "UNKNOWN" {
		return Unknown{}, nil
	}
	if len(words) != 6 || words[1] != "TCP4" && words[1] != "TCP6" {
		return nil, errProxy
	}
	from, err := netip.ParseAddr(words[2])
	to, err2 := netip.ParseAddr(words[3])
	four := words[1] == "TCP4"
	if err != nil || err2 != nil || from.Is4() != four || to.Is4() != four || from.Zone() != "" {
		return nil, errProxy
	}
	var ports [2]uint64
	for i, word := range words[4:] {
		if ports[i], err = strconv.ParseUint(word, 10, 16); err != nil || word != strconv.FormatUint(ports[i], 10) {
			return nil, errProxy
		}
	}
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, uint16(ports[0]))), nil
}

// readBinary reads what follows the signature of version 2.
func readBinary(r io.Reader) (net.Addr, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	length := int(binary.BigEndian.Uint16(head[2:]))
	if length > maxProxyMore || head[0]>>4 != 2 {
		return nil, errProxy
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, err
	}
	const local, proxy = 0, 1
	switch command := head[0] & 0x0f; {
	case command == local:
		return Unknown{}, nil
	case command != proxy:
		return nil, errProxy
	}
	size := map[byte]int{0x11: 4, 0x21: 16}[head[1]] // TCP over IPv4, and over IPv6
	switch {
	case head[1] == 0x00 || head[1] == 0x31: // 0x00 is unspecified, 0x31 is a Unix socket
		return Unknown{}, nil
	case size == 0 || length < 2*size+4:
		return nil, errProxy
	}
	from, _ := netip.AddrFromSlice(body[:size])
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, binary.BigEndian.Uint16(body[2*size:]))), nil
}
