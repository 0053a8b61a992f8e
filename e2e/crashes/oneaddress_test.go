package crashes

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// connections is how many connections the server accepts from one address (connections_per_address).
const connections = 512

// mostTaken is the memory, in bytes, that an attacker without credentials, at one address, can
// take.
const mostTaken = 300 << 20

// TestOneAddressTakesLittle attacks the program's own TLS from one address, with as many
// connections as the server accepts (threat M8). Memory and log stay bounded, and users from other
// addresses are served. Attacker and server share the processors here, so that users may have to
// try again.
func TestOneAddressTakesLittle(t *testing.T) {
	t.Parallel()
	s := vouchsafetest.Start(t, vouchsafetest.Options{Production: true, Shipped: true,
		Clients: []vouchsafetest.Client{app}})
	api, tokens, person := s.API(t), tokensOf(t, s), s.Person(t)
	others(t, api, tokens, 50)
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) {
			forgetPeak(t, s)
			base, logged := memory(t, s, "VmRSS"), len(s.Log())
			under := &siege{t: t, s: s, attack: a, end: make(chan struct{})}
			under.wg.Go(under.keepOn)
			var slowest time.Duration
			full := false
			for end := time.Now().Add(5 * time.Second); time.Now().Before(end); {
				if !full && under.open.Load() >= connections {
					full, end = true, time.Now().Add(time.Second)
				}
				slowest = max(slowest, served(t, func() *vouchsafetest.Reply {
					req := api.Request(t, http.MethodGet, "/userinfo", "", "")
					req.Header.Set("Authorization", "Bearer "+tokens.Access())
					return api.Try(t, req)
				}), served(t, func() *vouchsafetest.Reply {
					return api.TryToken(t, vouchsafetest.ServicePost, "grant_type", "client_credentials")
				}))
			}
			newcomer := s.API(t) // at an address of their own
			served(t, func() *vouchsafetest.Reply { return signIn(t, newcomer, person.Email, person.Password) })
			close(under.end)
			under.wg.Wait()
			peak := memory(t, s, "VmHWM")
			lines := 0 // of the attacker's
			for line := range strings.Lines(s.Log()[logged:]) {
				if strings.Contains(line, attacker) {
					lines++
				}
			}
			t.Logf("%d connections taken, %d refused or ended, %d requests: memory %d MiB, %d more at most; others waited %v "+
				"at most; %d lines of log",
				under.taken.Load(), under.over.Load(), under.asked.Load(), base>>20, (peak-base)>>20, slowest, lines)
			if peak-base > mostTaken {
				t.Errorf("the attack took %d MiB, want no more than %d", (peak-base)>>20, mostTaken>>20)
			}
			if most := under.asked.Load() / 5; a.resets && int64(lines) > most {
				t.Errorf("%d requests that were reset wrote %d lines of log, want no more than %d", under.asked.Load(), lines, most)
			}
		})
	}
}

// patience is how long a user tries again. The attack goes on meanwhile, so that a server that serves its
// attacker alone is found, however slow the machine is.
const patience = 5 * time.Minute

// served repeats a request until it succeeds, and returns how long that took.
func served(t *testing.T, ask func() *vouchsafetest.Reply) time.Duration {
	t.Helper()
	began := time.Now()
	for {
		r := ask()
		switch {
		case r != nil && r.Status == http.StatusOK:
			return time.Since(began)
		case r != nil && r.Status != http.StatusServiceUnavailable, time.Since(began) > patience:
			t.Errorf("after %v others got %+v", time.Since(began), r)
			return time.Since(began)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// attacker is the address of the attacks.
const attacker = "127.66.6.6"

// attack is what each connection does until the server closes it, or done is closed.
type attack struct {
	name   string
	h1     bool
	resets bool // no client waits for an answer
	do     func(c *hostile, done <-chan struct{})
}

var attacks = []attack{
	{"answers are not taken", false, false, func(c *hostile, done <-chan struct{}) {
		c.settings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
		for c.live(done) {
			for range 32 {
				c.ask("GET", "/login", true, "x-long", strings.Repeat("x", 8<<10))
			}
			c.wait(done, time.Second)
		}
	}},
	{"bodies are not finished", false, false, func(c *hostile, done <-chan struct{}) {
		for c.live(done) {
			for range 32 {
				id := c.ask("POST", "/token", false, "content-type", "application/x-www-form-urlencoded")
				for range 7 {
					c.data(id, bytes.Repeat([]byte("a=b&"), 4<<10))
				}
			}
			c.wait(done, 10*time.Second)
		}
	}},
	{"a frame is begun and not sent", false, false, func(c *hostile, done <-chan struct{}) {
		id := c.ask("POST", "/token", false)
		c.raw([]byte{0x0f, 0xff, 0xff, 0, 0, 0, 0, 0, byte(id)}) // a DATA frame of a megabyte
		c.wait(done, time.Minute)
	}},
	{"pings are not heard", false, false, func(c *hostile, done <-chan struct{}) {
		c.deaf.Store(true)
		for c.live(done) {
			c.raw(bytes.Repeat([]byte("\x00\x00\x08\x06\x00\x00\x00\x00\x00pingping"), 1000))
			c.wait(done, 3*time.Second)
		}
	}},
	{"settings are not heard", false, false, func(c *hostile, done <-chan struct{}) {
		c.deaf.Store(true)
		for c.live(done) {
			c.raw(bytes.Repeat([]byte("\x00\x00\x00\x04\x00\x00\x00\x00\x00"), 1000))
			c.wait(done, 3*time.Second)
		}
	}},
	{"headers have no end", false, false, func(c *hostile, done <-chan struct{}) {
		c.raw([]byte{0, 0, 0, 1, 0, 0, 0, 0, 1}) // HEADERS, of which more are to come
		for c.live(done) {
			c.raw(append([]byte{0, 0x20, 0, 9, 0, 0, 0, 0, 1},
				bytes.Repeat([]byte{0x40, 1, 'a', 1, 'b', 0x80}, 0x2000/6+1)[:0x2000]...))
			c.wait(done, 100*time.Millisecond)
		}
	}},
	{"requests are reset", false, true, func(c *hostile, done <-chan struct{}) {
		for c.live(done) {
			for range 16 {
				c.reset(c.ask("GET", "/login", true))
			}
			c.wait(done, 100*time.Millisecond)
		}
	}},
	{"the server is made to reset", false, true, func(c *hostile, done <-chan struct{}) {
		for c.live(done) {
			for range 16 {
				id := c.ask("GET", "/login", true)
				// a window of nothing more
				c.raw([]byte{0, 0, 4, 8, 0, byte(id >> 24), byte(id >> 16), byte(id >> 8), byte(id), 0, 0, 0, 0})
			}
			c.wait(done, 100*time.Millisecond)
		}
	}},
	{"HTTP/1.1, answers are not taken", true, false, func(c *hostile, done <-chan struct{}) {
		c.deaf.Store(true)
		for c.live(done) {
			c.raw([]byte(strings.Repeat("GET /login HTTP/1.1\r\nHost: "+c.host+"\r\nX-Long: "+strings.Repeat("x",
				8<<10)+"\r\n\r\n", 8)))
		}
	}},
	{"HTTP/1.1, bodies are not finished", true, false, func(c *hostile, done <-chan struct{}) {
		c.raw([]byte("POST /token HTTP/1.1\r\nHost: " + c.host +
			"\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 120000\r\n\r\n"))
		c.raw(bytes.Repeat([]byte("a=b&"), 29<<10))
		c.wait(done, time.Minute)
	}},
}

// siege is an attack under way.
type siege struct {
	t      *testing.T
	s      *vouchsafetest.Server
	attack attack
	end    chan struct{}
	wg     sync.WaitGroup

	taken, over, asked, open atomic.Int64
}

// keepOn opens more connections than the server accepts, and runs the attack on each.
func (g *siege) keepOn() {
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		select {
		case <-g.end:
			return
		default:
		}
		time.Sleep(4 * time.Millisecond) // the attacker's own CPU time is not the subject
		if g.open.Load() > 800 {
			continue
		}
		c, err := g.dial()
		if err != nil {
			g.over.Add(1)
			continue
		}
		g.taken.Add(1)
		g.open.Add(1)
		wg.Go(func() {
			defer g.open.Add(-1)
			defer c.close()
			g.attack.do(c, g.end)
			g.asked.Add(int64(c.next / 2))
			if c.dead.Load() {
				g.over.Add(1)
			}
		})
	}
}

func (g *siege) dial() (*hostile, error) {
	proto := "h2"
	if g.attack.h1 {
		proto = "http/1.1"
	}
	d := tls.Dialer{
		NetDialer: &net.Dialer{Timeout: 5 * time.Second, LocalAddr: &net.TCPAddr{IP: net.ParseIP(attacker)}},
		Config:    &tls.Config{RootCAs: g.s.Certificate.Roots, ServerName: "localhost", NextProtos: []string{proto}},
	}
	conn, err := d.DialContext(g.t.Context(), "tcp4", g.s.Address)
	if err != nil {
		return nil, err
	}
	c := &hostile{Conn: conn, host: strings.TrimPrefix(g.s.Issuer, "https://"), next: 1}
	go c.listen()
	if !g.attack.h1 {
		c.raw([]byte(http2.ClientPreface))
		c.framer = http2.NewFramer(conn, nil)
		c.encoder = hpack.NewEncoder(&c.block)
		c.settings()
	}
	return c, nil
}

// hostile is a connection that demands more than it should get.
type hostile struct {
	net.Conn
	host    string
	framer  *http2.Framer
	encoder *hpack.Encoder
	block   bytes.Buffer
	next    uint32
	deaf    atomic.Bool // what the server says is not read
	dead    atomic.Bool
}

// listen reads what the server says, unless the client is deaf.
func (c *hostile) listen() {
	time.Sleep(50 * time.Millisecond)
	if !c.deaf.Load() {
		_, _ = io.Copy(io.Discard, c.Conn)
		c.dead.Store(true)
	}
}

func (c *hostile) close() { _ = c.Conn.Close() }

func (c *hostile) live(done <-chan struct{}) bool {
	select {
	case <-done:
		return false
	default:
		return !c.dead.Load()
	}
}

func (c *hostile) wait(done <-chan struct{}, d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end) && c.live(done); time.Sleep(20 * time.Millisecond) {
	}
}

func (c *hostile) sent(err error) {
	if err != nil {
		c.dead.Store(true)
	}
}

func (c *hostile) raw(b []byte) {
	_ = c.SetWriteDeadline(time.Now().Add(15 * time.Second))
	_, err := c.Write(b)
	c.sent(err)
}

func (c *hostile) settings(all ...http2.Setting) { c.sent(c.framer.WriteSettings(all...)) }

func (c *hostile) ask(method, path string, whole bool, more ...string) uint32 {
	id := c.next
	c.next += 2
	c.block.Reset()
	for i, fields := 0, append([]string{":method", method, ":scheme", "https", ":authority", c.host, ":path", path},
		more...); i < len(fields); i += 2 {
		_ = c.encoder.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1], Sensitive: i >= 8})
	}
	_ = c.SetWriteDeadline(time.Now().Add(15 * time.Second))
	c.sent(c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: c.block.Bytes(),
		EndStream: whole, EndHeaders: true}))
	return id
}

func (c *hostile) data(id uint32, b []byte) {
	_ = c.SetWriteDeadline(time.Now().Add(15 * time.Second))
	c.sent(c.framer.WriteData(id, false, b))
}

func (c *hostile) reset(id uint32) { c.sent(c.framer.WriteRSTStream(id, http2.ErrCodeCancel)) }
