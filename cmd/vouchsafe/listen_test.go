package main

import (
	"context"
	"errors"
	"github.com/vouchsafe/vouchsafe/internal/settings"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestUnixSocket serves at a Unix socket, where a proxy on this machine asks.
func TestUnixSocket(t *testing.T) {
	t.Parallel()
	sh := newShell(t, "VOUCHSAFE_LISTEN=unix:s.sock", "VOUCHSAFE_LISTEN_MODE=0606", "VOUCHSAFE_ISSUER=https://id.example",
		"VOUCHSAFE_METRICS_LISTEN=unix:ops.sock")
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(sh.dir, "s.sock"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	_ = stale.Close() // as a process that was killed leaves it
	r := sh.serve(t)
	info, err := os.Stat(filepath.Join(sh.dir, "s.sock"))
	if err != nil || info.Mode() != fs.ModeSocket|0o606 {
		t.Errorf("got %v, %v", info, err)
	}
	get := func(socket, path string) string {
		t.Helper()
		c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(sh.dir, socket))
			}}}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://id.example"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Forwarded-For", "203.0.113.7")
		resp, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.Status + " " + string(text)
	}
	if got := get("s.sock", "/.well-known/openid-configuration"); !strings.Contains(got, `"issuer":"https://id.example"`) {
		t.Errorf("got %s", got)
	}
	if got := get("ops.sock", "/metrics"); !strings.Contains(got, "vouchsafe_") {
		t.Errorf("got %s", got)
	}
	if got := get("s.sock", "/dev"); !strings.HasPrefix(got, "404") {
		t.Errorf("the developer page: got %s", got)
	}
	eventually(t, "the log has the client's address", func() bool {
		return strings.Contains(r.err.String(), `"ip":"203.0.113.7"`)
	})
	sh.do(t, "healthcheck")
	if errs := sh.fails(t, 1, "serve"); !strings.Contains(errs, "something else listens on unix:s.sock") {
		t.Errorf("a second server: %s", errs)
	}
	r.stop(t)
	if _, err := os.Lstat(filepath.Join(sh.dir, "s.sock")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is left: %v", err)
	}
	sh.file(t, "s.sock", "a file of somebody's")
	if errs := sh.fails(t, 1, "serve"); !strings.Contains(errs, "is not a socket") {
		t.Errorf("in the place of a file: %s", errs)
	}
}

func TestListenSettings(t *testing.T) {
	t.Parallel()
	for env, want := range map[string]string{
		"VOUCHSAFE_LISTEN=unix:":                "isn't an address to listen on",
		"VOUCHSAFE_LISTEN=unix:/run/v.sock":     "VOUCHSAFE_ISSUER is missing",
		"VOUCHSAFE_LISTEN_MODE=888":             "not a mode of a socket",
		"VOUCHSAFE_LISTEN_MODE=0060":            "not a mode of a socket",
		"VOUCHSAFE_PROXY_PROTOCOL=true":         "trusted_proxies",
		"VOUCHSAFE_CONNECTIONS_PER_ADDRESS=1":   "too few",
		"VOUCHSAFE_CLIENT_IP_HEADER=X Real":     "isn't a header name",
		"VOUCHSAFE_CONNECTIONS_PER_ADDRESS=100": "",
	} {
		_, err := settings.Load(nil, "", []string{env})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want %q", env, err, want)
		}
	}
}

// TestProxyProtocol: a load balancer's clients count by their own addresses.
func TestProxyProtocol(t *testing.T) {
	t.Parallel()
	r := newShell(t, "VOUCHSAFE_PROXY_PROTOCOL=true", "VOUCHSAFE_TRUSTED_PROXIES=127.0.0.1").serve(t)
	host := strings.TrimPrefix(r.issuer, "http://")
	_, port, _ := net.SplitHostPort(host)
	ask := func(header string) string {
		t.Helper()
		c, err := net.Dial("tcp4", "127.0.0.1:"+port)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c,
			header+"GET /login HTTP/1.1\r\nHost: "+host+
				"\r\nX-Forwarded-For: 198.51.100.66\r\nConnection: close\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(c) // it may be hung up on
		return string(got)
	}
	if got := ask("PROXY TCP4 203.0.113.77 127.0.0.1 51218 8080\r\n"); !strings.HasPrefix(got, "HTTP/1.1 200") {
		t.Errorf("got %.80s", got)
	}
	eventually(t, "the log has the client's address", func() bool {
		return strings.Contains(r.err.String(), `"ip":"203.0.113.77"`)
	})
	if got := ask(""); strings.Contains(got, "200") {
		t.Errorf("without the header: got %.80s", got)
	}
	if got := ask("PROXY UNKNOWN\r\n"); !strings.HasPrefix(got, "HTTP/1.1 200") {
		t.Errorf("of a client that it does not know: got %.80s", got)
	}
	eventually(t, "the log has none", func() bool { return strings.Contains(r.err.String(), `"ip":"unknown"`) })
	if strings.Contains(r.err.String(), `"ip":"198.51.100.66"`) {
		t.Error("what a client wrote was believed")
	}
}
