package backendauth_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// maintained is the port for maintenance, which knows two authorities of which only the first registers tenants.
type maintained struct {
	*world
	ours, second *authority
	addr         string
}

func startMaintained(t *testing.T) *maintained {
	t.Helper()
	m := &maintained{ours: newAuthority(t, "Our CA"), second: newAuthority(t, "Second CA")}
	cert, key := m.ours.issue("localhost", false)
	m.world = start(t, "TENANT_WHITE_LIST=198.51.100.7", "MAINTAIN_TLS_PORT=MAINTAIN",
		"MAINTAIN_TLS_PEM="+pemOf(t, cert, key), "MAINTAIN_TLS_CA_CN=Our CA",
		"MAINTAIN_TLS_CA="+pemOf(t, m.ours.cert, nil)+pemOf(t, m.second.cert, nil))
	m.addr = "localhost:" + m.maintain
	m.at = "https://" + m.addr
	return m
}

// client returns a client with a certificate, the first of the chain; none for no chain.
func (m *maintained) client(key *ecdsa.PrivateKey, chain ...*x509.Certificate) *http.Client {
	tr := &http.Transport{TLSClientConfig: m.tls(), ForceAttemptHTTP2: true}
	if len(chain) > 0 {
		own := &tls.Certificate{PrivateKey: key}
		for _, c := range chain {
			own.Certificate = append(own.Certificate, c.Raw)
		}
		tr.TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return own, nil
		}
	}
	m.t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

// tls returns the configuration of a client that trusts the server.
func (m *maintained) tls() *tls.Config {
	roots := x509.NewCertPool()
	roots.AddCert(m.ours.cert)
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12, ServerName: "localhost"}
}

// registers returns the request that registers a tenant.
func (m *maintained) registers(headers ...string) *http.Request {
	return m.request("POST", "/tenant", `{"email":"`+newName()+`@example.com","password":"`+goodPassword+`"}`,
		append(headers, "Accept", "application/json", "Content-Type", "application/json")...)
}

// TestCertificatesOfStrangersMaintainNothing tries certificates that only look like one of the authority that counts.
func TestCertificatesOfStrangersMaintainNothing(t *testing.T) {
	t.Parallel()
	m := startMaintained(t)
	cert, key := m.ours.issue("operator", false, func(c *x509.Certificate) {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	})
	if a := m.do(m.client(key, cert), m.registers()); a.status != 200 {
		t.Fatalf("with the right certificate: got %d %s", a.status, a.body)
	}
	refused := func(
		what string, by *authority, subject string, change func(*x509.Certificate), above ...*x509.Certificate,
	) {
		t.Helper()
		cert, key := by.issue(subject, false, change)
		res, err := m.client(key, append([]*x509.Certificate{cert}, above...)...).Do(m.registers())
		if err != nil {
			return // in the handshake
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusForbidden {
			body, _ := io.ReadAll(res.Body)
			t.Errorf("%s: got %d %s", what, res.StatusCode, body)
		}
	}
	same := func(*x509.Certificate) {}
	refused("expired", m.ours, "operator", func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
	refused("not yet valid", m.ours, "operator", func(c *x509.Certificate) {
		c.NotBefore = time.Now().Add(30 * time.Minute)
	})
	refused("for servers only", m.ours, "operator", func(c *x509.Certificate) {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	})
	refused("the other authority, for a user of that name", m.second, "Our CA", same)
	middle := &authority{t: t}
	middle.cert, middle.key = m.second.issue("Our CA", true)
	refused("an intermediate authority of that name, below the other", middle, "operator", same, middle.cert)
	stranger := newAuthority(t, "Our CA")
	refused("a stranger of that name", stranger, "operator", same)
	refused("a stranger of that name, who sends the real authority along", stranger, "operator", same, m.ours.cert)
	m.do(m.client(nil), m.registers("X-Forwarded-For", "198.51.100.7", "X-Real-Ip", "198.51.100.7",
		"Forwarded", "for=198.51.100.7")).want(403, `{"error":"Forbidden"}`)
}

// TestThePortForMaintenanceServesItsRoutesOnly asks it for pages of the issuer, by its host too, and without TLS.
func TestThePortForMaintenanceServesItsRoutesOnly(t *testing.T) {
	t.Parallel()
	m := startMaintained(t)
	cert, key := m.ours.issue("operator", false)
	client := m.client(key, cert)
	for _, path := range []string{"/login", "/authorize", "/jwks", "/.well-known/openid-configuration", "/api/v1/users",
		"/admin", "/account", "/metrics", "/healthz", "/dev", "/auth/sign-in", "//login", "/tenant/../login"} {
		for _, host := range []string{"", strings.TrimPrefix(m.issuer, "http://"), "localhost:" + m.port} {
			r := m.request("GET", path, "", "Accept", "application/json")
			r.Host = host
			if a := m.do(client, r); a.status != http.StatusNotFound {
				t.Errorf("%s at host %q: got %d %.200s", path, host, a.status, a.body)
			}
		}
	}
	res, err := http.Get("http://" + m.addr + "/tenant")
	if err == nil {
		defer res.Body.Close()
		if res.StatusCode != http.StatusBadRequest {
			t.Errorf("without TLS: got %d", res.StatusCode)
		}
	}
	old := m.tls()
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	if conn, err := tls.Dial("tcp", m.addr, old); err == nil {
		_ = conn.Close()
		t.Error("TLS 1.1 is accepted")
	}
}

// TestThePortForMaintenanceWaitsForNoOne: a client that sends nothing, or half a request, is cut off.
func TestThePortForMaintenanceWaitsForNoOne(t *testing.T) {
	t.Parallel()
	m := startMaintained(t)
	silent, err := net.Dial("tcp", m.addr)
	if err != nil {
		t.Fatal(err)
	}
	slow, err := tls.Dial("tcp", m.addr, m.tls())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(slow, "POST /tenant HTTP/1.1\r\nHost: x\r\n"); err != nil {
		t.Fatal(err)
	}
	half, err := tls.Dial("tcp", m.addr, m.tls())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(half, "POST /tenant HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\n"+
		"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"); err != nil {
		t.Fatal(err)
	}
	for what, conn := range map[string]net.Conn{"silence": silent, "half a header": slow, "half a body": half} {
		_ = conn.SetReadDeadline(time.Now().Add(2 * time.Minute))
		in := bufio.NewReader(conn)
		for err = nil; err == nil; {
			_, err = in.ReadByte()
		}
		if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
			t.Errorf("%s: the connection is still open after two minutes", what)
		}
		_ = conn.Close()
	}
}
