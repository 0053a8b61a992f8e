package web_test

import (
	"bytes"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/web"
)

// addresses returns a function that returns the address to which a request is attributed.
func addresses(log *bytes.Buffer, header string) func(peer string, headers http.Header) string {
	edge := &web.Edge{Log: slog.New(slog.NewTextHandler(log, nil)), Errors: showStatus, ClientIPHeader: header,
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}}
	var got string
	h := edge.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { got = web.RequestOf(r.Context()).IP }))
	return func(peer string, headers http.Header) string {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr, r.Header = peer, headers
		h.ServeHTTP(httptest.NewRecorder(), r)
		return got
	}
}

func TestForwardedAddressesAreBelievedFromProxiesOnly(t *testing.T) {
	const unreadable = "unknown-"
	address := addresses(&bytes.Buffer{}, "")
	for _, test := range []struct {
		peer, want string
		forwarded  []string
	}{
		{"192.0.2.1:5", "192.0.2.1", nil},
		{"192.0.2.1:5", "192.0.2.1", []string{"198.51.100.9"}}, // no proxy of ours
		{"[2001:db8::1]:5", "2001:db8::1", []string{"198.51.100.9"}},
		{"10.0.0.1:5", "198.51.100.9", []string{"198.51.100.9"}},
		// the client may have made up the first
		{"10.0.0.1:5", "198.51.100.9", []string{"203.0.113.1, 198.51.100.9"}},
		{"10.0.0.1:5", "198.51.100.9", []string{"203.0.113.1", "198.51.100.9"}}, // in two headers
		{"10.0.0.1:5", "198.51.100.9", []string{"203.0.113.1, 198.51.100.9, 10.0.0.2,fd00::1"}},
		{"[::ffff:10.0.0.1]:5", "198.51.100.9", []string{"::ffff:198.51.100.9"}},
		{"10.0.0.1:5", "10.0.0.3", []string{"10.0.0.3"}},
		{"10.0.0.1:5", "fe80::1", []string{"fe80::1%eth0"}},
		// With ports, as load balancers of Azure and AWS write it, and IIS.
		{"10.0.0.1:5", "203.0.113.7", []string{"203.0.113.7:51234"}},
		{"10.0.0.1:5", "2001:db8::7", []string{"[2001:db8::7]:443"}},
		{"10.0.0.1:5", "2001:db8::7", []string{"[2001:db8::7]"}},
		{"10.0.0.1:5", "203.0.113.7", []string{`"203.0.113.7:51234"`}},
		{"10.0.0.1:5", "2001:db8::7", []string{`"[2001:db8::7]:443"`}},
		{"10.0.0.1:5", "203.0.113.7", []string{"198.51.100.9:1, 203.0.113.7:2, 10.0.0.9:3"}},
		{"10.0.0.1:5", "203.0.113.7", []string{"203.0.113.7, unix:"}}, // nginx behind nginx
		{"10.0.0.1:5", "203.0.113.7", []string{"203.0.113.7,, ,", ""}},
		{"10.0.0.1:5", "203.0.113.7", []string{"\t203.0.113.7\t"}},
		// A proxy that names no client is the client itself.
		{"10.0.0.1:5", "10.0.0.1", []string{""}},
		{"10.0.0.1:5", "10.0.0.1", []string{" , ,"}},
		// An unreadable entry does not count as the proxy, through which all other clients come.
		{"10.0.0.1:5", unreadable, []string{"unknown"}},
		{"10.0.0.1:5", unreadable, []string{"198.51.100.9, nonsense, 10.0.0.2"}},
		{"10.0.0.1:5", unreadable, []string{"198.51.100.9, 010.1.2.3"}},
		{"10.0.0.1:5", unreadable, []string{"198.51.100.9, for=203.0.113.7"}},
		{"10.0.0.1:5", unreadable, []string{`198.51.100.9, "203.0.113.7`}},
		{"10.0.0.1:5", unreadable, []string{"198.51.100.9, [203.0.113.7"}},
		{"10.0.0.1:5", unreadable, []string{"198.51.100.9, 203.0.113.7:"}},
		{"10.0.0.1:5", unreadable, []string{"198.51.100.9, :80"}},
		// A proxy at a Unix socket has no address.
		{"@", "203.0.113.7", []string{"203.0.113.7"}},
		{"", "203.0.113.7", []string{"203.0.113.7"}},
		{"@", "local", nil},
	} {
		got := address(test.peer, http.Header{"X-Forwarded-For": test.forwarded, "X-Real-Ip": {"203.0.113.99"}})
		if got != test.want && (test.want != unreadable || !strings.HasPrefix(got, unreadable)) {
			t.Errorf("%s, %q: got %s, want %s", test.peer, test.forwarded, got, test.want)
		}
	}
}

// TestForwardedIsRead: RFC 7239, in requests without X-Forwarded-For.
func TestForwardedIsRead(t *testing.T) {
	const unreadable = "unknown-"
	address := addresses(&bytes.Buffer{}, "")
	for _, test := range []struct {
		want  string
		lines []string
	}{
		{"203.0.113.7", []string{"for=203.0.113.7"}},
		{"203.0.113.7", []string{`For="203.0.113.7:47011"; proto=https;by=10.0.0.1`}},
		{"2001:db8:cafe::17", []string{`for="[2001:db8:cafe::17]:4711"`}},
		{"2001:db8:cafe::17", []string{`proto=https;host="a;for=1.1.1.1,b";for="[2001:db8:cafe::17]"`}},
		{"198.51.100.17", []string{"for=192.0.2.43, for=198.51.100.17;by=10.0.0.60;proto=http;host=example.com"}},
		{"198.51.100.17", []string{"for=192.0.2.43", "for=198.51.100.17, for=10.0.0.8"}},
		{"203.0.113.7", []string{`for="203.0.113.7:_gazonk"`}},
		// A quote that the client opens does not swallow what the proxy appends.
		{"203.0.113.7", []string{`for="x, for=203.0.113.7`}},
		{"203.0.113.7", []string{`for=1.1.1.1;by=", for="203.0.113.7"`}},
		{"2001:db8::7", []string{`for="\", for="[2001:db8::7]"`}},
		{unreadable, []string{"for=unknown"}},
		{unreadable, []string{`for="_SEVKISEK"`}},
		{unreadable, []string{"proto=https"}},
		{unreadable, []string{"for=203.0.113.7;for=198.51.100.9"}},
		{unreadable, []string{"203.0.113.7"}},
		{"10.0.0.1", []string{" , "}},
	} {
		got := address("10.0.0.1:5", http.Header{"Forwarded": test.lines})
		if got != test.want && (test.want != unreadable || !strings.HasPrefix(got, unreadable)) {
			t.Errorf("%q: got %s, want %s", test.lines, got, test.want)
		}
	}
	if got := address("192.0.2.1:5", http.Header{"Forwarded": {"for=203.0.113.7"}}); got != "192.0.2.1" {
		t.Errorf("from another peer: got %s", got)
	}
}

// TestClientsChooseNoAddress: a proxy writes one of the two headers and forwards the other as the
// client sent it. All requests that a client can influence so must count as one client.
func TestClientsChooseNoAddress(t *testing.T) {
	var log bytes.Buffer
	address := addresses(&log, "")
	seen := map[string]bool{}
	for _, chosen := range []string{"198.51.100.1", "198.51.100.2", "nonsense", "10.0.0.9"} {
		seen[address("10.0.0.1:5", http.Header{"Forwarded": {"for=203.0.113.7"}, "X-Forwarded-For": {chosen}})] = true
		seen[address("10.0.0.1:5", http.Header{"Forwarded": {"for=" + chosen}, "X-Forwarded-For": {"203.0.113.7"}})] = true
	}
	if len(seen) != 1 || seen["203.0.113.7"] || seen["10.0.0.1"] {
		t.Errorf("a client counts as %v", slices.Sorted(maps.Keys(seen)))
	}
	if !strings.Contains(log.String(), "VOUCHSAFE_CLIENT_IP_HEADER") {
		t.Error("the operator does not learn of it")
	}
	for _, headers := range []http.Header{
		{"Forwarded": {`for="203.0.113.7:1"`}, "X-Forwarded-For": {"203.0.113.7:2"}}, // a proxy that writes both
		{"Forwarded": {"for=203.0.113.7"}, "X-Forwarded-For": {""}},
		{"Forwarded": {""}, "X-Forwarded-For": {"198.51.100.1, 203.0.113.7"}},
	} {
		if got := address("10.0.0.1:5", headers); got != "203.0.113.7" {
			t.Errorf("%v: got %s", headers, got)
		}
	}
}

// TestOneHeaderIsBelieved: if the operator names the header, the others are ignored.
func TestOneHeaderIsBelieved(t *testing.T) {
	all := http.Header{
		"X-Forwarded-For": {"198.51.100.1"}, "Forwarded": {"for=198.51.100.2"}, "X-Real-Ip": {"198.51.100.3"},
		"Cf-Connecting-Ip": {"198.51.100.9, 198.51.100.4"},
	}
	for header, want := range map[string]string{
		"X-Forwarded-For": "198.51.100.1", "forwarded": "198.51.100.2", "X-Real-IP": "198.51.100.3",
		"CF-Connecting-IP": "198.51.100.4", "True-Client-IP": "10.0.0.1",
	} {
		if got := addresses(&bytes.Buffer{}, header)("10.0.0.1:5", all); got != want {
			t.Errorf("%s: got %s, want %s", header, got, want)
		}
	}
}

// TestProxiesThatDoNotNameTheClient: the operator is warned once. Unreadable entries do not count as
// one client together, and do not reach the log as the client sent them.
func TestProxiesThatDoNotNameTheClient(t *testing.T) {
	var log bytes.Buffer
	address := addresses(&log, "")
	seen := map[string]bool{}
	for _, hop := range []string{"unknown", "_a", "call 0800 555 now", "\x1b[31m"} {
		for range 3 {
			seen[address("10.0.0.1:5", http.Header{"X-Forwarded-For": {hop}})] = true
		}
	}
	address("10.0.0.1:5", http.Header{})
	address("10.0.0.1:5", http.Header{})
	if len(seen) != 4 || seen["10.0.0.1"] {
		t.Errorf("got %v, want four clients, none of which is the proxy", seen)
	}
	if strings.Count(log.String(), "cannot be read") != 1 ||
		strings.Count(log.String(), "does not name the client") != 1 ||
		strings.Contains(log.String(), "0800") {
		t.Errorf("got log\n%s", log.String())
	}
}
