package crashes

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// oversized is a request that no honest client makes.
type oversized struct {
	name, kind string
	body       func() io.Reader
	header     http.Header
	query      string
	// cut says that the server may close the connection before everything was sent.
	cut bool
}

func text(s string) func() io.Reader { return func() io.Reader { return strings.NewReader(s) } }

// endless is a body without an end, and of no stated length.
type endless struct{ sent int }

func (e *endless) Read(p []byte) (int, error) {
	if e.sent += len(p); e.sent > 1<<30 {
		return 0, io.ErrUnexpectedEOF // so that the test ends
	}
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}

func bomb() string {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = io.CopyN(z, &endless{}, 32<<20)
	_ = z.Close()
	return out.String()
}

const (
	formKind = "application/x-www-form-urlencoded"
	jsonKind = "application/json"
)

func hostileSizes() []oversized {
	var fields strings.Builder
	for i := range 100_000 {
		_, _ = fmt.Fprintf(&fields, "f%d=x&", i)
	}
	deep := strings.Repeat("[", 100_000)
	objects := strings.Repeat(`{"a":`, 100_000)
	big, dots := strings.Repeat("a", 10<<20), strings.Repeat("a.", 1<<19)
	grant := "grant_type=authorization_code&client_id=app&code="
	return []oversized{
		{name: "10 MB form", kind: formKind, body: text("x=" + big), cut: true},
		{name: "10 MB JSON", kind: jsonKind, body: text(`{"login":"` + big + `"}`), cut: true},
		{name: "endless form", kind: formKind, body: func() io.Reader { return &endless{} }, cut: true},
		{name: "endless JSON", kind: jsonKind, body: func() io.Reader { return &endless{} }, cut: true},
		{name: "100k fields", kind: formKind, body: text(fields.String()), cut: true},
		{name: "deep array", kind: jsonKind, body: text(`{"login":` + deep)},
		{name: "deep object", kind: jsonKind, body: text(objects)},
		{name: "huge number", kind: jsonKind, body: text(`{"login":1e` + strings.Repeat("9", 10_000) + `}`)},
		{name: "bad UTF-8", kind: jsonKind, body: text("{\"login\":\"\xff\xfe\"}")},
		{name: "multipart", kind: "multipart/form-data; boundary=x",
			body: text("--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--x--\r\n")},
		{name: "gzip", kind: formKind, body: text(bomb()), header: http.Header{"Content-Encoding": {"gzip"}}},
		{name: "gzip JSON", kind: jsonKind, body: text(bomb()), header: http.Header{"Content-Encoding": {"gzip"}}},
		{name: "a megabyte of dots for a code", kind: formKind, body: text(grant + dots), cut: true},
		{name: "a megabyte of dots for a token", kind: formKind, body: text("client_id=app&token=" + dots), cut: true},
		{name: "30 KB of dots for an assertion", kind: formKind,
			body: text(
				"grant_type=client_credentials&" +
					"client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer&client_assertion=" + dots[:30_000])},
		{name: "1 MB header", header: http.Header{"X-Large": {big[:1<<20]}}, cut: true},
		{name: "huge cookies", header: http.Header{"Cookie": {strings.Repeat("session=a; ", 2500)}}},
		{name: "bearer of dots", header: http.Header{"Authorization": {"Bearer " + dots[:30_000]}}},
		{name: "basic", header: http.Header{"Authorization": {"Basic " + big[:30_000]}}},
		{name: "language", header: http.Header{"Accept-Language": {strings.Repeat("de-DE-1996;q=0.1,", 1500)}}},
		{name: "deep claims", query: "client_id=app&response_type=code&scope=openid&claims=" + objects[:12_000]},
		{name: "many scopes", query: "client_id=app&response_type=code&scope=" + strings.Repeat("openid+", 3000)},
		{name: "long letter", query: "i=" + dots[:20_000]},
	}
}

// inputs are the routes that read something.
var inputs = []string{
	"/authorize", "/token", "/userinfo", "/introspect", "/revoke", "/par", "/logout", "/login", "/signup", "/reset",
	"/consent", "/select", "/account", "/auth/sign-in", "/auth/sign-up", "/auth/confirm-email",
	"/auth/send-code", "/authorize-challenge",
	"/jwks", "/.well-known/openid-configuration", "/upstream/none/callback",
}

// TestHostileSizes sends bodies and headers that are too large, too deep or too long to every route
// that reads input (threats M1, M3, M5, F3). The server refuses them clearly and soon, and needs no
// memory for them.
func TestHostileSizes(t *testing.T) {
	s := vouchsafetest.Start(t, vouchsafetest.Options{Shipped: true, Hashes: true, Clients: []vouchsafetest.Client{app}})
	tokens := tokensOf(t, s)
	client := s.HTTP(t)
	others(t, s.API(t), tokens, 20)
	base := memory(t, s, "VmRSS")
	forgetPeak(t, s)
	sent := 0
	for _, o := range hostileSizes() {
		var slowest time.Duration
		for _, path := range inputs {
			took := o.send(t, client, s.Issuer+path)
			slowest = max(slowest, took)
			sent++
		}
		if slowest > 10*time.Second {
			t.Errorf("%s: the slowest answer took %v", o.name, slowest)
		}
	}
	others(t, s.API(t), tokens, 5)
	peak := memory(t, s, "VmHWM")
	t.Logf("%d requests; memory %d MiB, %d at most", sent, base>>20, peak>>20)
	// At most two hashes were really computed.
	if peak > base+60<<20 {
		t.Errorf("got %d MiB at most, %d before", peak>>20, base>>20)
	}
}

// send fails the test unless the request is refused, or gets what the route answers to every
// client.
func (o *oversized) send(t *testing.T, client *http.Client, url string) time.Duration {
	t.Helper()
	method := http.MethodGet
	var body io.Reader
	if o.body != nil {
		method, body = http.MethodPost, o.body()
	}
	if o.query != "" {
		url += "?" + o.query
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range o.header {
		req.Header[k] = v
	}
	if o.kind != "" {
		req.Header.Set("Content-Type", o.kind)
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	began := time.Now()
	res, err := client.Do(req)
	if err != nil {
		if !o.cut {
			t.Errorf("%s at %s: got no answer: %v", o.name, req.URL.Path, err)
		}
		return time.Since(began)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	took := time.Since(began)
	if err != nil && !o.cut {
		t.Errorf("%s at %s: %v", o.name, req.URL.Path, err)
	}
	if res.StatusCode >= 500 || strings.Contains(string(raw), "access_token\"") {
		t.Errorf("%s at %s: got %d %.300s", o.name, req.URL.Path, res.StatusCode, raw)
	}
	if o.body != nil && res.StatusCode < 300 && !slices.Contains([]string{"/revoke"}, req.URL.Path) {
		t.Errorf("%s at %s: got %d, want a refusal", o.name, req.URL.Path, res.StatusCode)
	}
	return took
}
