package rules_test

import (
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/gateway/rules"
)

var issuer = &url.URL{Scheme: "https", Host: "id.example.com"}

// checked returns a file with these rules that has no faults.
func checked(t *testing.T, all ...rules.Rule) *rules.File {
	t.Helper()
	f := &rules.File{Entries: []rules.Entry{{ID: "edge", Form: rules.Caddy}}, Rules: all}
	if faults := f.Check(issuer); len(faults) > 0 {
		t.Fatalf("faults: %v", faults)
	}
	return f
}

func TestTheFirstRuleThatMatchesDecides(t *testing.T) {
	t.Parallel()
	f := checked(t,
		rules.Rule{Name: "health", Hosts: []string{"app.example.com"}, Paths: []string{"/health"}, Public: true},
		rules.Rule{Name: "read", Hosts: []string{"app.example.com"}, Paths: []string{"/docs/*"}, Methods: []string{"GET"},
			Public: true},
		rules.Rule{Name: "app", Hosts: []string{"App.Example.com:443", "other.example.com:8443"}},
		rules.Rule{Name: "wild", Hosts: []string{"*.apps.example.com"}, Paths: []string{"/*"}})
	for _, test := range []struct{ method, host, path, want string }{
		{"GET", "app.example.com", "/health", "health"},
		{"POST", "app.example.com", "/health/", "health"},
		{"GET", "app.example.com", "/health/x", "app"},
		{"GET", "app.example.com", "/healthy", "app"},
		{"GET", "app.example.com", "/docs", "read"},
		{"GET", "app.example.com", "/docs/a/b", "read"},
		{"PUT", "app.example.com", "/docs/a", "app"},
		{"GET", "app.example.com", "/DOCS/a", "app"},
		{"GET", "other.example.com", "/", "app"},
		{"GET", "a.apps.example.com", "/", "wild"},
		{"GET", "a.apps.example.com", "/x", "wild"},
		{"GET", "a.b.apps.example.com", "/", ""},
		{"GET", "apps.example.com", "/", ""},
		{"GET", ".apps.example.com", "/", ""},
		{"GET", "evilapps.example.com", "/", ""},
		{"GET", "app.example.com.", "/", ""},
		{"GET", "example.com", "/", ""},
	} {
		got := ""
		if r := f.Match(rules.Request{Method: test.method, Host: test.host, Path: test.path}); r != nil {
			got = r.Name
		}
		if got != test.want {
			t.Errorf("%s %s%s: got rule %q, want %q", test.method, test.host, test.path, got, test.want)
		}
	}
	if at, ok := f.Authority("other.example.com"); !ok || at != "other.example.com:8443" {
		t.Errorf("got %q, %v", at, ok)
	}
	if at, ok := f.Authority("evil.example"); ok {
		t.Errorf("a host without a rule is at %q", at)
	}
}

func TestHostsAreNamesWithoutPorts(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{"App.Example.com:8443": "app.example.com", "a": "a", "[::1]:80": "[::1]",
		"a:b": "", "a/b": "", "a@b": "", "a,b": "", "a b": "", "ä": "", "a%2e": "", "": "", "a?b": ""} {
		if got := rules.HostName(host); got != want {
			t.Errorf("%q: got %q, want %q", host, got, want)
		}
	}
}

func TestFaultyFilesAreRefused(t *testing.T) {
	t.Parallel()
	good := func() *rules.File {
		return &rules.File{Entries: []rules.Entry{{ID: "edge", Form: rules.Nginx}},
			Rules: []rules.Rule{{Hosts: []string{"app.example.com"}}}}
	}
	for field, change := range map[string]func(*rules.File){
		"entries":                   func(f *rules.File) { f.Entries = nil },
		"entries.0.id":              func(f *rules.File) { f.Entries[0].ID = "a/b" },
		"entries.0.form":            func(f *rules.File) { f.Entries[0].Form = "apache" },
		"entries.1.id":              func(f *rules.File) { f.Entries = append(f.Entries, f.Entries[0]) },
		"headers.user":              func(f *rules.File) { f.Headers = map[string]string{"user": "Cookie"} },
		"headers.who":               func(f *rules.File) { f.Headers = map[string]string{"who": "X-Who"} },
		"headers.email":             func(f *rules.File) { f.Headers = map[string]string{"email": "X_Email"} },
		"headers.user ":             func(f *rules.File) { f.Headers = map[string]string{"email": "x-auth-user"} },
		"headers.groups":            func(f *rules.File) { f.Headers = map[string]string{"groups": "Authorization"} },
		"rules":                     func(f *rules.File) { f.Rules = nil },
		"rules.0.hosts":             func(f *rules.File) { f.Rules[0].Hosts = nil },
		"rules.0.hosts.0":           func(f *rules.File) { f.Rules[0].Hosts = []string{"id.example.com:8443"} },
		"rules.0.hosts.1":           func(f *rules.File) { f.Rules[0].Hosts = []string{"a.example", "*.com"} },
		"rules.0.paths.0":           func(f *rules.File) { f.Rules[0].Paths = []string{"/a/../b"} },
		"rules.0.paths.1":           func(f *rules.File) { f.Rules[0].Paths = []string{"/a", "/a*"} },
		"rules.0.methods.0":         func(f *rules.File) { f.Rules[0].Methods = []string{"get"} },
		"rules.0.scopes":            func(f *rules.File) { f.Rules[0].Scopes = []string{"read"} },
		"rules.0.api_keys":          func(f *rules.File) { f.Rules[0].APIKeys = true },
		"rules.0.roles.0":           func(f *rules.File) { f.Rules[0].Roles = []rules.Role{{Role: "editor"}} },
		"rules.0.public":            func(f *rules.File) { f.Rules[0].Public, f.Rules[0].Groups = true, []string{"staff"} },
		"rules.0.audience":          func(f *rules.File) { f.Rules[0].Audience = "https://id.example.com/" },
		"rules.0.headers.0":         func(f *rules.File) { f.Rules[0].Headers = []string{"password"} },
		"rules.0.identity_audience": func(f *rules.File) { f.Rules[0].IdentityAudience = "https://api.example" },
	} {
		f := good()
		change(f)
		faults := f.Check(issuer)
		if len(faults) != 1 || faults[0].Field != strings.TrimSpace(field) {
			t.Errorf("want a fault of %s, got %v", field, faults)
		}
	}
}

// ambiguous are paths that some proxies or apps read as others: those of advisories about authenticating proxies.
var ambiguous = []string{"", "x", "*", "//", "//x", "/a//b", "/a/../b",
	"/a/..", "/./a", "/a/.", "/%2e%2e/a", "/a/%2E./b",
	"/a%2fb", "/a%2Fb", "/a%5cb", "/a\\b", "/a;b", "/a%3bb", "/a/..;/b", "/a%00", "/a%0d%0ab", "/a%25", "/%252e%252e/a",
	"/a%", "/a%2", "/a%zz", "/a#b", "/a%23b", "/a%3fb", "/a b", "/ä", "/a\x7f", "/a\tb", "/a?b#c", "/a?b\nc", "/a/%2e"}

func TestAmbiguousPathsAreRefused(t *testing.T) {
	t.Parallel()
	for _, target := range ambiguous {
		if got, err := rules.Path(target); err == nil {
			t.Errorf("%q: got %q", target, got)
		}
	}
	for target, want := range map[string]string{"/": "/", "/a": "/a", "/a/": "/a/", "/%61dmin": "/admin",
		"/a?b=//../;%2f": "/a", "/caf%C3%A9": "/café", "/a.b/..c": "/a.b/..c", "/a%20b": "/a b", "/?": "/",
		"/a,b:c@d": "/a,b:c@d"} {
		if got, err := rules.Path(target); err != nil || got != want {
			t.Errorf("%q: got %q, %v, want %q", target, got, err, want)
		}
	}
}

// FuzzPath: what is accepted is clean, and has one reading whatever is decoded once more.
func FuzzPath(f *testing.F) {
	for _, target := range ambiguous {
		f.Add(target)
	}
	f.Add("/a/b?c")
	f.Fuzz(func(t *testing.T, target string) {
		got, err := rules.Path(target)
		if err != nil {
			return
		}
		raw, _, _ := strings.Cut(target, "?")
		if want, err := url.PathUnescape(raw); err != nil || want != got {
			t.Errorf("%q: got %q, others read %q, %v", target, got, want, err)
		}
		if again, err := url.PathUnescape(got); err != nil || again != got {
			t.Errorf("%q: decoded twice it is %q, %v", target, again, err)
		}
		if clean := path.Clean(got); clean != got && clean+"/" != got {
			t.Errorf("%q: got %q, others %q", target, got, clean)
		}
		if strings.ContainsAny(got, "\\;\x00\r\n") {
			t.Errorf("%q: got %q", target, got)
		}
	})
}
