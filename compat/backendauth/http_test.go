package backendauth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// request returns a request with pairs of header names and values.
func (w *world) request(method, path, body string, headers ...string) *http.Request {
	w.t.Helper()
	req, err := http.NewRequest(method, w.at+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	return req
}

// stays is a client that follows no redirects.
var stays = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// TestMediaTypes sends requests that do not speak of JSON, or not in JSON.
func TestMediaTypes(t *testing.T) {
	t.Parallel()
	w := start(t)
	const json = "application/json"
	send := func(method, body string, headers ...string) *answer {
		return w.do(stays, w.request(method, "/tenant/verify", body, headers...))
	}
	for _, accept := range []string{"", "*/*", "text/html", "application/xml, text/json", "json"} {
		headers := []string{"Content-Type", json}
		if accept != "" {
			headers = append(headers, "Accept", accept)
		}
		send("POST", `{"token":"x"}`, headers...).want(406, `{"error":"Unsupported \"Accept\" header"}`)
	}
	for _, accept := range []string{json, "application/json;q=0.9, */*", "text/plain, application/json; charset=utf-8"} {
		send("POST", `{"token":"x"}`, "Accept", accept, "Content-Type", json).want(400, invalidToken)
	}
	for _, typ := range []string{"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"} {
		headers := []string{"Accept", json}
		if typ != "" {
			headers = append(headers, "Content-Type", typ)
		}
		send("POST", `token=x`, headers...).want(406, `{"error":"Unsupported \"Content-Type\""}`)
	}
	send("POST", `{"token":"x"}`, "Accept", json, "Content-Type", "application/json; charset=utf-8").
		want(400, invalidToken)
	for _, body := range []string{"{", "token=x", `{"token":"x"}{}`, "1", `"x"`, "null", "{'token':1}", "\x00"} {
		send("POST", body, "Accept", json, "Content-Type", json).
			want(400, `{"error":"the JSON cannot be read: want one object"}`)
	}
	send("POST", `{"token":"`+strings.Repeat("x", 101<<10)+`"}`, "Accept", json, "Content-Type", json).
		want(413, `{"error":"request entity too large"}`)
}

// TestHeaders looks at what all answers have, and asks for what there is not.
func TestHeaders(t *testing.T) {
	t.Parallel()
	w := start(t)
	for _, rt := range []string{"GET /", "GET /tenant", "PUT /user", "POST /Tenant/x", "DELETE /user", "GET /auth//verify",
		"GET /auth/../user", "PATCH /user/jo"} {
		method, path, _ := strings.Cut(rt, " ")
		a := w.do(stays, w.request(method, path, "", "Accept", "application/json", "Content-Type", "application/json"))
		a.want(404, `{"error":"Cannot `+method+` `+path+`"}`)
		for name, value := range map[string]string{
			"Access-Control-Allow-Origin": "*", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "deny",
			"Content-Security-Policy": "default-src 'none'", "Content-Type": "application/json; charset=utf-8",
			"Cache-Control": "no-store",
		} {
			if got := a.header.Get(name); got != value {
				t.Errorf("%s: got %s: %q, want %q", rt, name, got, value)
			}
		}
		if a.header.Get("Strict-Transport-Security") != "" || a.header.Get("X-Powered-By") != "" {
			t.Errorf("got %v", a.header)
		}
	}
	a := w.do(stays, w.request("OPTIONS", "/auth", "", "Origin", "https://app.example.com"))
	if a.status != 200 || a.header.Get("Access-Control-Allow-Methods") != "GET, PUT, POST, DELETE, OPTIONS" ||
		!strings.Contains(a.header.Get("Access-Control-Allow-Headers"), "Authorization") ||
		a.header.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("got %d %v", a.status, a.header)
	}
	w.send("POST", "/tenant/verify/", "", object{"token": "x"}).want(400, invalidToken) // a slash makes no difference
}

// TestThrottle sends too many requests.
func TestThrottle(t *testing.T) {
	t.Parallel()
	w := start(t, "THROTTLER_WHITE_LIST=", "THROTTLER_MAX=3", "THROTTLER_INTERVAL=60000")
	send := func() *answer { return w.send("POST", "/tenant/verify", "", object{"token": "x"}) }
	for range 3 {
		send().want(400, invalidToken)
	}
	// What is refused before does not count, as there.
	w.do(stays, w.request("GET", "/user", "")).want(406, `{"error":"Unsupported \"Accept\" header"}`)
	a := send()
	if !regexp.MustCompile(`^\{"error":"You must wait [1-9][0-9]{0,4} ms before you can make requests\."\}$`).
		MatchString(a.body) || a.status != 429 || a.header.Get("Retry-After") == "" {
		t.Errorf("got %d %s", a.status, a.body)
	}
	// A header that no trusted proxy has sent changes nothing.
	forged := w.request("POST", "/tenant/verify", `{"token":"x"}`, "Accept", "application/json", "Content-Type",
		"application/json", "X-Forwarded-For", "198.51.100.7")
	if a := w.do(stays, forged); a.status != 429 {
		t.Errorf("got %d with a forged address, want 429", a.status)
	}
}

// TestThrottleEnds sends requests one behind the other, with a wait between.
func TestThrottleEnds(t *testing.T) {
	t.Parallel()
	w := start(t, "THROTTLER_WHITE_LIST=", "THROTTLER_MIN_DIFF=300", "THROTTLER_MAX=1000")
	send := func() int { return w.send("POST", "/tenant/verify", "", object{"token": "x"}).status }
	send()
	if got := send(); got != 429 {
		t.Errorf("got %d at once, want 429", got)
	}
	for end := time.Now().Add(time.Minute); send() != 400; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the throttle does not end")
		}
	}
}

// TestWhoRegisters registers tenants from addresses that may not.
func TestWhoRegisters(t *testing.T) {
	t.Parallel()
	forbidden := `{"error":"Forbidden"}`
	body := object{"email": "app@example.com", "password": goodPassword}
	for _, list := range []string{"", "198.51.100.7", "10.0.0.0/8,2001:db8::/32"} {
		w := start(t, "TENANT_WHITE_LIST="+list)
		w.send("POST", "/tenant", "", body).want(403, forbidden)
		w.send("POST", "/tenant", "", nil).invalid("email", `"email" is required`, "password", `"password" is required`)
		forged := w.request("POST", "/tenant", `{"email":"app@example.com","password":"`+goodPassword+`"}`, "Accept",
			"application/json", "Content-Type", "application/json", "X-Forwarded-For", "198.51.100.7")
		w.do(stays, forged).want(403, forbidden)
	}
	w := start(t, "TENANT_WHITE_LIST=127.0.0.1, ::1")
	w.register()
}

// authority issues certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// newAuthority returns an authority with the common name.
func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{t: t}
	a.cert, a.key = a.issue(name, true)
	return a
}

// issue issues a certificate. The first one of an authority is its own.
func (a *authority) issue(
	name string, isCA bool, change ...func(*x509.Certificate),
) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"},
		IsCA: isCA, BasicConstraintsValid: true}
	parent, by := a.cert, a.key
	if isCA {
		template.KeyUsage = x509.KeyUsageCertSign
	}
	if parent == nil {
		parent, by = template, key
	}
	for _, f := range change {
		f(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, by)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, key
}

// pemOf returns a certificate, and its key unless that is nil, as PEM.
func pemOf(t *testing.T, cert *x509.Certificate, key *ecdsa.PrivateKey) string {
	t.Helper()
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
	if key != nil {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})...)
	}
	return string(text)
}

// TestMaintenance registers tenants by the port that asks for client certificates.
func TestMaintenance(t *testing.T) {
	t.Parallel()
	ours, strange, second := newAuthority(t, "Our CA"), newAuthority(t, "Our CA"), newAuthority(t, "Second CA")
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	cert, key := ours.issue("localhost", false)
	// The certificate is the value of a variable, and those who issue are in a file: both are understood.
	w := start(t, "TENANT_WHITE_LIST=", "MAINTAIN_TLS_PORT=MAINTAIN",
		"MAINTAIN_TLS_PEM_FILE="+file("server.pem", pemOf(t, cert, key)), "MAINTAIN_TLS_CA_CN=Our CA",
		"MAINTAIN_TLS_CA="+file("ca.pem", pemOf(t, ours.cert, nil)+pemOf(t, second.cert, nil)))
	client := func(by *authority) *http.Client {
		roots := x509.NewCertPool()
		roots.AddCert(ours.cert)
		conf := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
		if by != nil {
			cert, key := by.issue("operator", false)
			conf.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				return &tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}, nil
			}
		}
		tr := &http.Transport{TLSClientConfig: conf}
		t.Cleanup(tr.CloseIdleConnections)
		return &http.Client{Transport: tr}
	}
	request := func() *http.Request {
		w.at = "https://localhost:" + w.maintain
		return w.request("POST", "/tenant", `{"email":"`+newName()+`@example.com","password":"`+goodPassword+`"}`,
			"Accept", "application/json", "Content-Type", "application/json")
	}
	if a := w.do(client(ours), request()); a.status != 200 || !strings.Contains(a.body, `"token":"ey`) {
		t.Errorf("with a certificate: got %d %s", a.status, a.body)
	}
	w.do(client(nil), request()).want(403, `{"error":"Forbidden"}`)
	w.do(client(second), request()).want(403, `{"error":"Forbidden"}`)
	if _, err := client(strange).Do(request()); err == nil {
		t.Error("a certificate of a stranger who has the name of the authority is accepted")
	}
	// The plain port knows no certificates.
	w.at = "http://localhost:" + w.port
	w.send("POST", "/tenant", "", object{"email": "app@example.com", "password": goodPassword}).
		want(403, `{"error":"Forbidden"}`)
}

// TestForceHTTPS redirects to the host that is set, whatever host the client names.
func TestForceHTTPS(t *testing.T) {
	t.Parallel()
	w := start(t, "FORCE_HTTPS=enabled", "HTTPS_PORT=4000", "VOUCHSAFE_TRUSTED_PROXIES=127.0.0.1,::1")
	json := []string{"Accept", "application/json", "Content-Type", "application/json"}
	req := w.request("POST", "/auth?a=b", "{}", json...)
	req.Host = "evil.example"
	forced := w.do(stays, req)
	if to := forced.header.Get("Location"); to != "https://localhost:4000/auth?a=b" {
		t.Errorf("got %d to %s", forced.status, to)
	}
	// A proxy that is trusted says that the client used TLS.
	a := w.do(stays, w.request("POST", "/tenant/verify", `{"token":"x"}`,
		append(json, "X-Forwarded-Proto", "https", "X-Forwarded-For", "198.51.100.7")...))
	a.want(400, invalidToken)
	if a.header.Get("Strict-Transport-Security") != "max-age=31536000" {
		t.Errorf("got %v", a.header)
	}
}

// TestOnOurPort serves the routes below a path of the issuer, and nowhere else.
func TestOnOurPort(t *testing.T) {
	t.Parallel()
	w := start(t, "PORT=", "VOUCHSAFE_BACKEND_AUTH=ISSUER/backend")
	a := w.register()
	a.add(newUser("jo").with("login", "jo/x@y"))
	a.signIn("jo/x@y", "phone")
	a.send("DELETE", "/user/jo%2Fx%40y", nil).want(200, `{"result":1}`)
	a.send("GET", "/us%65r", nil) // no panic, whatever it is
	w.at = w.issuer
	if got := w.send("POST", "/tenant", "", object{}); got.status != 404 {
		t.Errorf("got %d at the issuer's own path, want 404", got.status)
	}
}
