package gate

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// local returns a listener whose connections have the given addresses.
func local(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func dial(t *testing.T, l net.Listener, from string) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	c, err := d.DialContext(t.Context(), "tcp4", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func accept(t *testing.T, l net.Listener) net.Conn {
	t.Helper()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestAnAddressHasItsConnections(t *testing.T) {
	refused := make(chan string, 10)
	g := &Gate{PerAddress: 2, Refused: func(a string) { refused <- a }, Exempt: func(a netip.Addr) bool {
		return a == netip.MustParseAddr("127.0.0.9")
	}}
	l := g.Listen(local(t))
	var ours []net.Conn
	for range 2 {
		dial(t, l, "127.0.0.2")
		ours = append(ours, accept(t, l))
		State(ours[len(ours)-1], http.StateActive)
	}
	dial(t, l, "127.0.0.2") // all are at work
	dial(t, l, "127.0.0.3")
	if c := accept(t, l); !strings.HasPrefix(c.RemoteAddr().String(), "127.0.0.3:") {
		t.Errorf("got %s, want the other address", c.RemoteAddr())
	}
	if got := <-refused; got != "127.0.0.2" {
		t.Errorf("refused %s", got)
	}
	// The connection that has been idle for longest makes room.
	State(ours[1], http.StateIdle)
	time.Sleep(time.Millisecond)
	State(ours[0], http.StateIdle)
	dial(t, l, "127.0.0.2")
	third := accept(t, l)
	if _, err := ours[1].Read(make([]byte, 1)); err == nil {
		t.Error("the one that rested longest was kept")
	}
	State(ours[0], http.StateActive)
	_ = third.Close()
	_ = third.Close() // counts once
	dial(t, l, "127.0.0.2")
	State(accept(t, l), http.StateActive)
	dial(t, l, "127.0.0.2")
	for range 5 {
		dial(t, l, "127.0.0.9")
		accept(t, l)
	}
	if got := <-refused; got != "127.0.0.2" {
		t.Errorf("refused %s", got)
	}
}

// TestSilentConnectionsMakeRoom: one user behind a shared address must not keep the others out by
// opening connections and sending nothing, or half of a request.
func TestSilentConnectionsMakeRoom(t *testing.T) {
	plain := local(t)
	l := (&Gate{PerAddress: 4}).Listen(plain)
	srv := &http.Server{ReadHeaderTimeout: time.Minute, ConnState: State,
		Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	for i := range 8 {
		c := dial(t, plain, "127.0.0.2")
		if i%2 == 0 {
			if _, err := io.WriteString(c, "GET / HT"); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 3 {
		c := dial(t, plain, "127.0.0.2")
		if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		answer := make([]byte, 12)
		if _, err := io.ReadFull(c, answer); err != nil || string(answer) != "HTTP/1.1 200" {
			t.Fatalf("got %q, %v", answer, err)
		}
	}
}

// address6 is a connection from an address that this machine does not have.
type address6 struct {
	net.Conn
	ip string
}

func (a address6) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.ParseIP(a.ip), Port: 1} }
func (a address6) Close() error         { return nil }

// TestOneHomeOfManyKeepsNoOtherOut: many homes share a /48.
func TestOneHomeOfManyKeepsNoOtherOut(t *testing.T) {
	g := &Gate{PerAddress: 2}
	enter := func(ip string) (*Conn, bool) {
		c := &Conn{Conn: address6{ip: ip}, gate: g}
		c.resting.Store(time.Now().UnixNano())
		return c, g.enter(c)
	}
	for i := range 20 {
		if _, ok := enter(fmt.Sprintf("2001:db8:1:%x::1", i)); !ok {
			t.Fatalf("connection %d is refused beside silent ones", i)
		}
	}
	honest, ok := enter("2001:db8:1:ff::1")
	if !ok || len(g.peers[networks(netip.MustParseAddr("2001:db8:1:ff::1"))[1]].conns) != 8 {
		t.Fatalf("got %v, want a place among eight", ok)
	}
	_ = honest.Close()
	if got := g.peers[networks(netip.MustParseAddr("2001:db8:1:ff::1"))[1]].open; got != 7 {
		t.Errorf("%d are counted, want 7", got)
	}
}

func TestNetworks(t *testing.T) {
	for addr, want := range map[string][]string{
		"192.0.2.7": {"192.0.2.7/32"}, "2001:db8:1:2:3::4": {"2001:db8:1:2::/64", "2001:db8:1::/48"},
	} {
		var got []string
		for _, n := range networks(netip.MustParseAddr(addr)) {
			got = append(got, n.String())
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", addr, got, want)
		}
	}
}

// TestThoseWhoSendAndDoNotReadAreLeft: what a peer sends while a write to it waits is bounded.
func TestThoseWhoSendAndDoNotReadAreLeft(t *testing.T) {
	l := (&Gate{}).Listen(local(t))
	peer := dial(t, l, "127.0.0.2")
	c := accept(t, l)
	written := make(chan error, 1)
	go func() {
		var err error
		for block := make([]byte, 1<<20); err == nil; {
			_, err = c.Write(block)
		}
		written <- err
	}()
	go func() {
		for block := make([]byte, 4<<10); ; {
			if _, err := peer.Write(block); err != nil {
				return
			}
		}
	}()
	if n, err := io.Copy(io.Discard, c); err == nil || n > 64<<20 {
		t.Errorf("%d bytes were read, %v", n, err)
	}
	if err := <-written; err == nil {
		t.Error("the write goes on")
	}
}

func v2(head byte, family byte, body ...byte) string {
	return string(signature) + string([]byte{head, family, byte(len(body) >> 8), byte(len(body))}) + string(body)
}

func TestReadProxy(t *testing.T) {
	four := []byte{203, 0, 113, 7, 198, 51, 100, 1, 0xc8, 0x12, 1, 0xbb}
	six := append(append(append([]byte{}, netip.MustParseAddr("2001:db8::7").AsSlice()...),
		netip.MustParseAddr("2001:db8::1").AsSlice()...), 0xc8, 0x12, 1, 0xbb)
	for header, want := range map[string]string{
		"PROXY TCP4 203.0.113.7 198.51.100.1 51218 443\r\n": "203.0.113.7:51218",
		"PROXY TCP6 2001:db8::7 2001:db8::1 51218 443\r\n":  "[2001:db8::7]:51218",
		"PROXY UNKNOWN\r\n":                                             "unknown:0",
		"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n":                         "unknown:0",
		v2(0x21, 0x11, four...):                                         "203.0.113.7:51218",
		v2(0x21, 0x21, six...):                                          "[2001:db8::7]:51218",
		v2(0x21, 0x11, append(slices.Clone(four), 4, 0, 1, 0)...):       "203.0.113.7:51218", // with what it adds
		v2(0x20, 0x11, four...):                                         "unknown:0",         // its own health check
		v2(0x20, 0x00):                                                  "unknown:0",
		v2(0x21, 0x00):                                                  "unknown:0",
		v2(0x21, 0x31, bytes.Repeat([]byte("x"), 216)...):               "unknown:0",
		"PROXY TCP4 203.0.113.7 198.51.100.1 51218\r\n":                 "",
		"PROXY TCP4 2001:db8::7 2001:db8::1 1 2\r\n":                    "",
		"PROXY TCP6 203.0.113.7 198.51.100.1 1 2\r\n":                   "",
		"PROXY TCP4 203.0.113.7 198.51.100.1 70000 443\r\n":             "",
		"PROXY TCP4 203.0.113.7 198.51.100.1 -1 443\r\n":                "",
		"PROXY  TCP4 203.0.113.7 198.51.100.1 1 2\r\n":                  "",
		"PROXY TCP4 203.0.113.07 198.51.100.1 1 2\r\n":                  "",
		"PROXY UDP4 203.0.113.7 198.51.100.1 1 2\r\n":                   "",
		"proxy TCP4 203.0.113.7 198.51.100.1 1 2\r\n":                   "",
		"PROXY TCP4 " + strings.Repeat("1", 200) + "\r\n":               "",
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n":                             "",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + "hello hello.": "",
		v2(0x11, 0x11, four...):                                         "",
		v2(0x22, 0x11, four...):                                         "",
		v2(0x21, 0x12, four...):                                         "",
		v2(0x21, 0x11, four[:11]...):                                    "",
		string(signature) + "\x21\x11\xff\xff":                          "",
	} {
		const behind = "GET / HTTP/1.1\r\n"
		r := strings.NewReader(header + behind)
		got, err := ReadProxy(r)
		rest, _ := io.ReadAll(r)
		if want == "" && err == nil || want != "" && (err != nil || got.String() != want || string(rest) != behind) {
			t.Errorf("%q: got %v, %v, and %q is left, want %q", header, got, err, rest, want)
		}
	}
}

// TestOnlyTrustedPeersSpeakForOthers: the header is ignored if another peer sends it. A trusted
// proxy must send one, because otherwise its clients could.
func TestOnlyTrustedPeersSpeakForOthers(t *testing.T) {
	const header = "PROXY TCP4 203.0.113.7 198.51.100.1 51218 443\r\n"
	failed := make(chan error, 1)
	l := Proxied(local(t), func(a netip.Addr) bool { return a == netip.MustParseAddr("127.0.0.2") },
		func(_ net.Addr, err error) { failed <- err })
	defer l.Close()
	dial(t, l, "127.0.0.2") // says nothing, and holds up no other
	stranger := dial(t, l, "127.0.0.3")
	if _, err := io.WriteString(stranger, header); err != nil {
		t.Fatal(err)
	}
	c := accept(t, l)
	got := make([]byte, len(header))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != header ||
		!strings.HasPrefix(c.RemoteAddr().String(), "127.0.0.3:") {
		t.Errorf("a stranger is %s, and said %q, %v", c.RemoteAddr(), got, err)
	}
	proxy := dial(t, l, "127.0.0.2")
	if _, err := io.WriteString(proxy, header+"hello"); err != nil {
		t.Fatal(err)
	}
	c = accept(t, l)
	if _, err := io.ReadFull(c, got[:5]); err != nil || string(got[:5]) != "hello" ||
		c.RemoteAddr().String() != "203.0.113.7:51218" {
		t.Errorf("through the proxy it is %s, and said %q, %v", c.RemoteAddr(), got[:5], err)
	}
	silent := dial(t, l, "127.0.0.2")
	if _, err := io.WriteString(silent, "GET / HTTP/1.1\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; err == nil {
		t.Error("a trusted proxy that leaves the header out was believed")
	}
	if _, err := silent.Read(make([]byte, 1)); err == nil {
		t.Error("it was not hung up on")
	}
}

// FuzzReadProxy: for any input the address is of a known kind, and nothing beyond the header is
// read.
func FuzzReadProxy(f *testing.F) {
	f.Add([]byte("PROXY TCP4 203.0.113.7 198.51.100.1 51218 443\r\nrest"))
	f.Add([]byte(v2(0x21, 0x11, 203, 0, 113, 7, 198, 51, 100, 1, 0xc8, 0x12, 1, 0xbb) + "rest"))
	f.Fuzz(func(t *testing.T, in []byte) {
		r := bytes.NewReader(in)
		got, err := ReadProxy(r)
		switch a := got.(type) {
		case nil:
			if err == nil {
				t.Error("neither an address nor an error")
			}
		case *net.TCPAddr:
			if !a.AddrPort().IsValid() {
				t.Errorf("got %v", a)
			}
		case Unknown:
		default:
			t.Errorf("got %T", got)
		}
		if read := len(in) - r.Len(); err == nil && bytes.HasPrefix(in, []byte("PROXY ")) &&
			!bytes.HasSuffix(in[:read], []byte("\r\n")) {
			t.Errorf("%d bytes were read of %q", read, in)
		}
	})
}
