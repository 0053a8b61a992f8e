package rules

import (
	"slices"
	"strings"
)

// Request is what rules look at.
type Request struct {
	Method string
	Host   string // a name without port, as HostName returns it
	Path   string // as Path returns it
}

// HostName returns a host without its port, as the hosts of rules are compared: browsers share cookies between ports,
// and some proxies leave them out. It returns "" for what cannot be a host.
func HostName(host string) string {
	name := host
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		name = host[:i]
		if strings.Trim(host[i+1:], "0123456789") != "" {
			return ""
		}
	}
	for i := range len(name) {
		c := name[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`/\?#@,;*"'<>%`, c) >= 0 {
			return ""
		}
	}
	return strings.ToLower(name)
}

// Match returns the first rule that matches, or nil.
func (f *File) Match(q Request) *Rule {
	for i := range f.Rules {
		if f.Rules[i].matches(q) {
			return &f.Rules[i]
		}
	}
	return nil
}

// Authority returns a host with the port that the file has for it. ok is false if no rule is for the host.
func (f *File) Authority(host string) (authority string, ok bool) {
	for i := range f.Rules {
		for _, h := range f.Rules[i].Hosts {
			if name := HostOf(h); name == host || matchesWildcard(name, host) {
				return host + h[len(name):], true
			}
		}
	}
	return "", false
}

// HostOf returns a host of a rule without its port.
func HostOf(h string) string {
	if i := strings.LastIndexByte(h, ':'); i > strings.LastIndexByte(h, ']') {
		return h[:i]
	}
	return h
}

func (r *Rule) matches(q Request) bool {
	return r.matchesHost(q.Host) && r.matchesPath(q.Path) &&
		(len(r.Methods) == 0 || slices.Contains(r.Methods, q.Method))
}

func (r *Rule) matchesHost(host string) bool {
	for _, h := range r.Hosts {
		if h = HostOf(h); h == host || matchesWildcard(h, host) {
			return true
		}
	}
	return false
}

// matchesWildcard reports whether a host is one label below a wildcard such as *.example.com.
func matchesWildcard(wildcard, host string) bool {
	below, ok := strings.CutPrefix(wildcard, "*")
	if !ok {
		return false
	}
	label, ok := strings.CutSuffix(host, below)
	return ok && label != "" && !strings.ContainsRune(label, '.')
}

// matchesPath reports whether a path is one of the rule's. A slash at its end makes no difference, as for many apps.
func (r *Rule) matchesPath(path string) bool {
	if len(r.Paths) == 0 {
		return true
	}
	if len(path) > 1 {
		path = strings.TrimSuffix(path, "/")
	}
	for _, p := range r.Paths {
		above, below := strings.CutSuffix(p, "/*")
		if path == p && !below || below && (path == above || strings.HasPrefix(path, above) && path[len(above)] == '/') {
			return true
		}
	}
	return false
}

// NeedsBelonging reports whether the rule looks at groups or roles, or tells the app of them.
func (r *Rule) NeedsBelonging() bool {
	return len(r.Groups)+len(r.Roles) > 0 || slices.Contains(r.Headers, "groups") || slices.Contains(r.Headers, "roles")
}

// TakesBearers reports whether the rule accepts anything but a session.
func (r *Rule) TakesBearers() bool { return r.Audience != "" || r.APIKeys }

// Tells reports whether the rule tells the app that.
func (r *Rule) Tells(what string) bool { return slices.Contains(r.Headers, what) }
