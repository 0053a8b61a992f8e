package clientauth

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/x509"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// canary counts the connections to a loopback address.
func canary(t *testing.T) (port string, reached *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	reached = new(atomic.Int64)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			reached.Add(1)
			c.Close()
		}
	}()
	_, port, err = net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port, reached
}

// nameserver answers every query for an IPv4 address with the next of the given ones.
func nameserver(t *testing.T, answers ...string) *net.Resolver {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pc.Close() })
	go func() {
		buf := make([]byte, 512)
		for asked := 0; ; {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			// Header, then the one question: labels, type, class.
			end := 12 + bytes.IndexByte(buf[12:n], 0) + 5
			answer := append([]byte{}, buf[:end]...)
			copy(answer[2:12], []byte{0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0})
			if binary.BigEndian.Uint16(buf[end-4:]) == 1 {
				answer[7] = 1
				ip := netip.MustParseAddr(answers[min(asked, len(answers)-1)]).As4()
				asked++
				answer = append(answer, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
				answer = append(answer, ip[:]...)
			}
			pc.WriteTo(answer, from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", pc.LocalAddr().String())
	}}
}

// L1, L3: under no name is a private address connected to, and every error is the same.
func TestNothingInsideIsReached(t *testing.T) {
	t.Parallel()
	port, reached := canary(t)
	addresses := []string{
		"https://127.0.0.1:" + port, "https://localhost:" + port, "https://localhost.:" + port,
		"https://[::ffff:127.0.0.1]:" + port, "https://[::127.0.0.1]:" + port, "https://2130706433:" + port,
		"https://0x7f000001:" + port,
		"https://0177.0.0.1:" + port, "https://127.1:" + port, "https://0:" + port,
		"https://0.0.0.0:" + port, "https://[::]:" + port,
		"http://127.0.0.1:" + port, "http://localhost:" + port, "file:///etc/passwd", "gopher://127.0.0.1:" + port,
		"//127.0.0.1:" + port, "https://user@127.0.0.1:" + port, "", "%",
	}
	fetch := NewFetcher(FetchConfig{Timeout: 2 * time.Second})
	said := map[string]bool{}
	for _, address := range addresses {
		_, err := fetch.Fetch(t.Context(), address)
		if err == nil {
			t.Fatalf("%s: fetched", address)
		}
		said[err.Error()] = true
	}
	for name, resolver := range map[string]*net.Resolver{
		"to loopback":                nameserver(t, "127.0.0.1"),
		"to the metadata service":    nameserver(t, "169.254.169.254"),
		"first elsewhere, then here": nameserver(t, "203.0.113.1", "127.0.0.1"),
	} {
		f := NewFetcher(FetchConfig{Timeout: 2 * time.Second, resolver: resolver})
		for range 2 {
			_, err := f.Fetch(t.Context(), "https://rebind.example.com:"+port)
			if err == nil {
				t.Fatalf("a name that resolves %s: fetched", name)
			}
			said[err.Error()] = true
		}
	}
	if n := reached.Load(); n != 0 {
		t.Errorf("%d connections came in, want none", n)
	}
	if len(said) != 1 {
		t.Errorf("the answers differ: %v", said)
	}
}

// publisher serves documents over TLS on a loopback address, and returns a fetcher that may read
// them.
func publisher(t *testing.T, timeout time.Duration, h http.HandlerFunc) (string, Fetcher) {
	t.Helper()
	s := httptest.NewTLSServer(h)
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return s.URL, NewFetcher(FetchConfig{AllowPrivate: true, RootCAs: roots, Timeout: timeout})
}

// L2: one request, a bounded answer, in bounded time.
func TestHostileDocuments(t *testing.T) {
	t.Parallel()
	var hits atomic.Int64
	zeros := make([]byte, 64<<10)
	serve := func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		switch r.URL.Path {
		case "/ok":
			io.WriteString(w, `{"keys":[]}`)
		case "/full":
			w.Write(make([]byte, maxDocument))
		case "/big":
			for range 1600 {
				if _, err := w.Write(zeros); err != nil {
					return
				}
			}
		case "/drip":
			for range 100 {
				io.WriteString(w, " ")
				w.(http.Flusher).Flush()
				time.Sleep(20 * time.Millisecond)
			}
		case "/hang":
			<-r.Context().Done()
		case "/headers":
			w.Header().Set("X-Long", strings.Repeat("x", 128<<10))
		case "/gzip":
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			for range 64 {
				z.Write(zeros)
			}
			z.Close()
		case "/redirect":
			http.Redirect(w, r, "/ok", http.StatusFound)
		default:
			http.Error(w, "no", http.StatusInternalServerError)
		}
	}
	// Only requests that must time out have a short timeout, because the machine may be slow.
	base, fetch := publisher(t, time.Minute, serve)
	hastyBase, hasty := publisher(t, time.Second, serve)
	for path, want := range map[string]bool{"/ok": true, "/full": true, "/big": false, "/drip": false, "/hang": false,
		"/headers": false, "/redirect": false, "/error": false} {
		hits.Store(0)
		base, fetch := base, fetch
		if path == "/drip" || path == "/hang" {
			base, fetch = hastyBase, hasty
		}
		start := time.Now()
		body, err := fetch.Fetch(t.Context(), base+path)
		if (err == nil) != want {
			t.Errorf("%s: got %d bytes, %v; want success %v", path, len(body), err, want)
		}
		if took := time.Since(start); took > 30*time.Second {
			t.Errorf("%s: took %s", path, took)
		}
		if n := hits.Load(); n != 1 {
			t.Errorf("%s: %d requests, want 1", path, n)
		}
	}
	// A compressed answer that was not requested is not unpacked.
	if body, err := fetch.Fetch(t.Context(), base+"/gzip"); err != nil || len(body) > 64<<10 {
		t.Errorf("gzip: got %d bytes, %v", len(body), err)
	}
}

func TestWhatAFetcherTrusts(t *testing.T) {
	base, fetch := publisher(t, time.Minute, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "{}") })
	if _, err := fetch.Fetch(t.Context(), base); err != nil {
		t.Errorf("a certificate of its own: %v", err)
	}
	if _, err := NewFetcher(FetchConfig{AllowPrivate: true, Timeout: time.Second}).Fetch(t.Context(), base); err == nil {
		t.Error("a certificate of an unknown authority: fetched")
	}
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "{}") }))
	defer plain.Close()
	if _, err := fetch.Fetch(t.Context(), plain.URL); err != nil {
		t.Errorf("http to this machine, for development: %v", err)
	}
	t.Setenv("HTTPS_PROXY", plain.URL)
	if _, err := fetch.Fetch(t.Context(), base); err != nil {
		t.Errorf("with a proxy in the environment: %v", err)
	}
	u, err := url.Parse(plain.URL)
	if err != nil {
		t.Fatal(err)
	}
	f := NewFetcher(FetchConfig{AllowPrivate: true, resolver: nameserver(t, "127.0.0.1")})
	if _, err := f.Fetch(t.Context(), "http://rp.example.com:"+u.Port()); err == nil {
		t.Error("http to another name: fetched")
	}
}
