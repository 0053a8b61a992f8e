package web_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb"
)

// FuzzForwarded: for any X-Forwarded-For and Forwarded, a request is attributed to one address in
// one spelling: the peer's, or one that the header names behind trusted proxies only; or to a
// client of its own if the entry cannot be read (I5, I6).
func FuzzForwarded(f *testing.F) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	edge := &web.Edge{Log: slog.New(slog.DiscardHandler), Errors: showStatus, TrustedProxies: proxies}
	var got string
	h := edge.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { got = web.RequestOf(r.Context()).IP }))
	for _, peer := range []string{"192.0.2.1:5", "10.0.0.1:5", "[::ffff:10.0.0.1]:5", "[fd00::1%eth0]:5"} {
		for _, s := range []string{"", "198.51.100.9", "203.0.113.1, 10.0.0.2", "unknown", "127.0.0.1,,10.0.0.2",
			"::ffff:10.0.0.1", "fe80::1%a", "[2001:db8::1]:443", `"203.0.113.7:1"`,
			`for="[2001:db8::7]:_x";by=unknown, for=10.0.0.9`, `for=";", for=unknown`, "unix:,", "0x7f.1", "010.0.0.1",
			strings.Repeat("10.0.0.1,", 1000)} {
			f.Add(peer, s)
		}
	}
	trusted := func(ip netip.Addr) bool {
		return slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(ip) })
	}
	f.Fuzz(func(t *testing.T, peer, forwarded string) {
		from, err := netip.ParseAddrPort(peer)
		if err != nil || strings.ContainsAny(from.Addr().Zone(), "[]") {
			return // no network gives such a name
		}
		near := from.Addr().Unmap().WithZone("")
		named := map[netip.Addr]bool{}
		for _, word := range strings.FieldsFunc(forwarded, func(r rune) bool {
			return strings.ContainsRune(",;= \t\"[]", r)
		}) {
			one, err := netip.ParseAddr(word)
			if host, _, found := strings.Cut(word, ":"); err != nil && found {
				one, _ = netip.ParseAddr(host)
			}
			named[one.Unmap().WithZone("")] = true
		}
		for _, header := range []string{"X-Forwarded-For", "Forwarded"} {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = peer
			r.Header.Set(header, forwarded)
			h.ServeHTTP(httptest.NewRecorder(), r)
			if strings.HasPrefix(got, "unknown-") && len(got) == len("unknown-")+8 && trusted(near) {
				continue
			}
			ip, err := netip.ParseAddr(got)
			switch {
			case err != nil || ip.Zone() != "" || ip.Is4In6() || ip.String() != got:
				t.Fatalf("%s, %s %q: got %q", peer, header, forwarded, got)
			case !trusted(near) && ip != near:
				t.Errorf("%s is no proxy of ours, and was believed %s %q: got %s", peer, header, forwarded, ip)
			case ip != near && !named[ip]:
				t.Errorf("%s, %s %q: got %s, which no proxy named", peer, header, forwarded, ip)
			}
		}
	})
}

// FuzzTenancy: each tenant is reached by its one URL only, and no part of a request becomes part of
// an issuer (I1, I2).
func FuzzTenancy(f *testing.F) {
	store, err := sqldb.Open(f.Context(), "sqlite::memory:")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = store.Close() })
	if err := store.Migrate(f.Context()); err != nil {
		f.Fatal(err)
	}
	for _, tenant := range []storage.Tenant{{ID: "acme"}, {ID: "own", Host: "own.example"}, {ID: "off", Disabled: true}} {
		if err := store.AddTenant(f.Context(), tenant); err != nil {
			f.Fatal(err)
		}
	}
	tenancy, err := web.NewTenancy("https://id.example", store, showStatus)
	if err != nil {
		f.Fatal(err)
	}
	var got *issuer.Tenant
	var path string
	h := tenancy.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got, path = web.TenantOf(r.Context()), r.URL.Path
	}))
	for _, host := range []string{"id.example", "ID.example:443", "own.example", "own.example:443", "own.example.",
		"id.example@evil.example", "evil.example", "", "id.example:80", "[::1]"} {
		for _, p := range []string{"/token", "/t/acme/token", "/t/own/token", "/t/default/token", "/t/off/x", "/t//x",
			"/t/ACME/x", "/t/acme", "//t/acme", "/t/acme/../own/x", "/t/acme/t/own/x", "/t/%61cme/x",
			"/.well-known/oauth-authorization-server/t/acme", "/.well-known/openid-configuration/t/acme", "/t/acme\x00/x",
			"/.well-known/oauth-protected-resource/t/acme", "/.well-known/oauth-protected-resource/t/acme/api/v1"} {
			f.Add(host, p)
		}
	}
	issuers := map[string]string{"default": "https://id.example", "acme": "https://id.example/t/acme",
		"own": "https://own.example"}
	f.Fuzz(func(t *testing.T, host, to string) {
		got = nil
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host, r.URL.Path = host, to
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if got == nil {
			if w.Code != http.StatusNotFound && w.Code != http.StatusMisdirectedRequest {
				t.Errorf("%q%q: got %d", host, to, w.Code)
			}
			return
		}
		if issuers[got.ID] == "" || got.Issuer != issuers[got.ID] {
			t.Fatalf("%q%q: got %s at %s", host, to, got.ID, got.Issuer)
		}
		own := strings.EqualFold(strings.TrimSuffix(host, ":443"), "own.example")
		below := strings.HasPrefix(to, "/t/acme/") || to == "/t/acme" ||
			strings.HasPrefix(to, "/.well-known/oauth-authorization-server/t/acme") ||
			strings.HasPrefix(to, "/.well-known/openid-configuration/t/acme") ||
			strings.HasPrefix(to, "/.well-known/oauth-protected-resource/t/acme")
		if (got.ID == "own") != own || (got.ID == "acme") != (!own && below) {
			t.Errorf("%q%q: got %s", host, to, got.ID)
		}
		if got.ID != "acme" && path != to {
			t.Errorf("%q%q: the path became %q", host, to, path)
		}
	})
}
