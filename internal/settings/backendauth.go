package settings

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/declare"
	"github.com/vouchsafe/vouchsafe/storage"
)

// BackendAuth is what the variables of secret-tech/backend-auth say. They are read while the setting backend_auth is
// set.
type BackendAuth struct {
	URL                     string // where apps find the routes, without a slash at the end
	Port                    int    // 0 for none: the routes are then on the public listener
	MaintainPort            int    // of the listener that asks for client certificates; 0 for none
	MaintainPEM, MaintainCA string // paths of PEM files, or PEM
	MaintainIssuer          string // the common name of the issuer of client certificates
	ForceHTTPS              bool
	HTTPSPort               string // where FORCE_HTTPS redirects; "" for the port of URL
	ThrottleMost            int    // requests of an address in ThrottleWindow
	ThrottleWindow          time.Duration
	ThrottleBetween         time.Duration // between two requests; 0 for none
	Unthrottled, Registrars []netip.Prefix
	PageLength              int
	TokenLife               time.Duration
	// Upstreams are fb and vk, as far as the variables have their credentials. ClientSecret is in clear.
	Upstreams map[string]storage.Upstream
	// Notes say of variables that have no effect here what to use instead.
	Notes []string

	// What stands for settings of ours that are not set.
	redis, redisHost, redisPort, redisPassword, secret string
}

// OwnListener reports whether the routes are served on a port of their own.
func (b *BackendAuth) OwnListener() bool { return b.Port != 0 }

// BackendAuthVariables are all variables of backend-auth.
var BackendAuthVariables = []Variable[BackendAuth]{
	{"PORT", "Serve the routes on this port. Without it they are on the public listener, at the host and path of " +
		"VOUCHSAFE_BACKEND_AUTH.", numberVariable(func(b *BackendAuth) *int { return &b.Port }, 1, 65535)},
	{"HTTPS_PORT", "Where FORCE_HTTPS redirects. Without it that is the port of VOUCHSAFE_BACKEND_AUTH.",
		readBackendAuthHTTPS},
	{"HTTPS_SERVER", "No effect: a proxy, or VOUCHSAFE_TLS_CERT, adds TLS to all listeners.", backendAuthInstead(
		"HTTPS_SERVER has no effect: VOUCHSAFE_TLS_CERT and VOUCHSAFE_TLS_KEY add TLS to all listeners")},
	{"FORCE_HTTPS", "`enabled` redirects requests without TLS, and sends HSTS. A proxy of VOUCHSAFE_TRUSTED_PROXIES " +
		"says by X-Forwarded-Proto whether it got the request by TLS.", readBackendAuthForce},
	{"REDIS_URL", "As VOUCHSAFE_REDIS_URL, if that is not set.", textVariable(
		func(b *BackendAuth) *string { return &b.redis })},
	{"REDIS_HOST", "The host of Redis, if no URL is set.", textVariable(
		func(b *BackendAuth) *string { return &b.redisHost })},
	{"REDIS_PORT", "The port of that host: 6379.", textVariable(func(b *BackendAuth) *string { return &b.redisPort })},
	{"REDIS_PASSWORD", "The password of Redis, unless the URL has one.", textVariable(
		func(b *BackendAuth) *string { return &b.redisPassword })},
	{"REDIS_PREFIX", "No effect: Vouchsafe has names of its own in Redis.", backendAuthQuietly},
	{"REDIS_PAGE_LENGTH", "How many users a page of their list has: 10.",
		numberVariable(func(b *BackendAuth) *int { return &b.PageLength }, 1, 1000)},
	{"THROTTLER_MAX", "How many requests an address may send in THROTTLER_INTERVAL: 5.",
		numberVariable(func(b *BackendAuth) *int { return &b.ThrottleMost }, 1, 1_000_000)},
	{"THROTTLER_INTERVAL", "In milliseconds: 1000. It begins with a request.", backendAuthMillis(
		func(b *BackendAuth) *time.Duration { return &b.ThrottleWindow }, 1)},
	{"THROTTLER_MIN_DIFF", "How many milliseconds there must be between two requests of an address: 0.",
		backendAuthMillis(func(b *BackendAuth) *time.Duration { return &b.ThrottleBetween }, 0)},
	{"THROTTLER_WHITE_LIST", "Addresses, or networks such as 10.0.0.0/8, that are not throttled.",
		backendAuthNetworks(func(b *BackendAuth) *[]netip.Prefix { return &b.Unthrottled })},
	{"JWT_KEY", "The master secret, if VOUCHSAFE_SECRET is not set, and it has 32 characters or more and no comma.",
		readBackendAuthKey},
	{"JWT_KEY_EXP", "How long the token of a user is valid, in seconds: 604800, which is 7 days.",
		secondsVariable(func(b *BackendAuth) *time.Duration { return &b.TokenLife })},
	{"TENANT_WHITE_LIST", "Addresses, or networks, that may register tenants; `*` is all. Without it only requests with " +
		"a client certificate may.", backendAuthNetworks(func(b *BackendAuth) *[]netip.Prefix { return &b.Registrars })},
	{"MAINTAIN_TLS_PORT", "Serve the routes on this port, too, by TLS, and ask for a client certificate.",
		numberVariable(func(b *BackendAuth) *int { return &b.MaintainPort }, 1, 65535)},
	{"MAINTAIN_TLS_PEM", "A file with the certificate and the key of that port, or the text of such a file.",
		textVariable(func(b *BackendAuth) *string { return &b.MaintainPEM })},
	{"MAINTAIN_TLS_CA", "A file with the certificates of those who issue client certificates, or its text.",
		textVariable(func(b *BackendAuth) *string { return &b.MaintainCA })},
	{"MAINTAIN_TLS_CA_CN", "The common name of the issuer of client certificates with which tenants are registered. " +
		"If `MAINTAIN_TLS_CA` has several certificates, the issuer itself has to be among them.",
		textVariable(func(b *BackendAuth) *string { return &b.MaintainIssuer })},
	{"FB_CLIENT_ID", "The app at Facebook of `/auth/fb`, unless tenants.yaml declares the provider `facebook`.",
		backendAuthUpstream("fb", "facebook", false)},
	{"FB_CLIENT_SECRET", "Its secret.", backendAuthUpstream("fb", "facebook", true)},
	{"VK_CLIENT_ID", "The app at VK of `/auth/vk`, unless tenants.yaml declares the provider `vk`.",
		backendAuthUpstream("vk", "vk", false)},
	{"VK_CLIENT_SECRET", "Its secret.", backendAuthUpstream("vk", "vk", true)},
}

// newBackendAuth returns what holds where no variable says otherwise.
func newBackendAuth(address string) *BackendAuth {
	return &BackendAuth{
		URL: strings.TrimRight(address, "/"), ThrottleMost: 5, ThrottleWindow: time.Second, PageLength: 10,
		TokenLife: 7 * 24 * time.Hour, Upstreams: map[string]storage.Upstream{},
	}
}

// read reads the variables of the environment.
func (b *BackendAuth) read(environ []string, faults *declare.Faults) {
	readInto(b, BackendAuthVariables, environ, faults)
	for name, u := range b.Upstreams {
		if u.ClientID == "" || len(u.ClientSecret) == 0 {
			faults.Add(strings.ToUpper(name)+"_CLIENT_ID", "and %s_CLIENT_SECRET need each other: set both",
				strings.ToUpper(name))
		}
	}
	b.redisURL()
}

// redisURL makes a URL of what several variables say of Redis.
func (b *BackendAuth) redisURL() {
	if b.redis == "" && b.redisHost != "" {
		port := b.redisPort
		if port == "" {
			port = "6379"
		}
		b.redis = "redis://" + b.redisHost + ":" + port
	}
	if b.redis == "" || b.redisPassword == "" {
		return
	}
	if u, err := url.Parse(b.redis); err == nil && u.User == nil {
		u.User = url.UserPassword("", b.redisPassword)
		b.redis = u.String()
	}
}

// ownPaths are first parts of paths that Vouchsafe has itself.
var ownPaths = []string{"auth", "t", "api", "account", "login", "token", "authorize", "admin", ".well-known"}

// check reports where the routes would collide with others, or be out of reach.
func (b *BackendAuth) check(issuer string, k *Keratin, fault func(name, format string, args ...any)) {
	if b == nil {
		return
	}
	const name = "VOUCHSAFE_BACKEND_AUTH"
	u, err := url.Parse(b.URL)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" ||
		u.Scheme != "http" && u.Scheme != "https" || u.Path != "" && !keratinPath.MatchString(u.Path) {
		fault(name, "isn't a URL: write https:// and a host, and perhaps a path")
		return
	}
	if own, err := url.Parse(issuer); err == nil && own.Host == u.Host && b.Port == 0 {
		first, _, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
		if u.Path == "" || slices.Contains(ownPaths, first) {
			fault(name, "has paths that are Vouchsafe's own: write another host, or a path behind the issuer, such as "+
				"%s/backend-auth", issuer)
		}
	}
	if k != nil && k.URL == b.URL {
		fault(name, "is AUTHN_URL, too: write another host or path")
	}
	if k != nil && b.Port != 0 {
		fault("PORT", "is read for Keratin AuthN and for backend-auth: unset it, and give both a host or path of its own")
	}
	if b.MaintainPort != 0 && (b.MaintainPEM == "" || b.MaintainCA == "" || b.MaintainIssuer == "") {
		fault("MAINTAIN_TLS_PORT", "needs MAINTAIN_TLS_PEM, MAINTAIN_TLS_CA and MAINTAIN_TLS_CA_CN")
	}
	if b.MaintainPort != 0 && b.MaintainPort == b.Port {
		fault("MAINTAIN_TLS_PORT", "is PORT, too: write another one")
	}
}

func readBackendAuthHTTPS(b *BackendAuth, v string) error {
	if n, err := strconv.Atoi(v); err != nil || n < 1 || n > 65535 {
		return fmt.Errorf("%q: write a number from 1 to 65535", v)
	}
	b.HTTPSPort = v
	return nil
}

func readBackendAuthForce(b *BackendAuth, v string) error {
	if v != "enabled" && v != "disabled" {
		return fmt.Errorf("%q: write enabled or disabled", v)
	}
	b.ForceHTTPS = v == "enabled"
	return nil
}

func readBackendAuthKey(b *BackendAuth, v string) error {
	if len(v) < 32 || strings.Contains(v, ",") { // as in a developer's environment; commas part several secrets
		b.Notes = append(b.Notes, "JWT_KEY is too short to be the master secret, or has a comma in it, and has no effect")
		return nil
	}
	b.secret = v
	return nil
}

func backendAuthMillis(field func(*BackendAuth) *time.Duration, least int) func(*BackendAuth, string) error {
	return func(b *BackendAuth, v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || n < least || n > 24*3600*1000 {
			return fmt.Errorf("%q isn't a number of milliseconds", v)
		}
		*field(b) = time.Duration(n) * time.Millisecond
		return nil
	}
}

// everywhere are the networks of all addresses.
var everywhere = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}

func backendAuthNetworks(field func(*BackendAuth) *[]netip.Prefix) func(*BackendAuth, string) error {
	return func(b *BackendAuth, v string) error {
		var all []netip.Prefix
		for _, part := range listed(v) {
			if part == "*" {
				all = append(all, everywhere...)
				continue
			}
			var n Network
			if err := n.UnmarshalText([]byte(part)); err != nil {
				return err
			}
			all = append(all, n.Prefix)
		}
		if len(all) == 0 {
			return errors.New("is a list without addresses: write some, or unset it")
		}
		*field(b) = all
		return nil
	}
}

func backendAuthUpstream(name, preset string, isSecret bool) func(*BackendAuth, string) error {
	return func(b *BackendAuth, v string) error {
		u := b.Upstreams[name]
		u.ID, u.Preset = preset, preset
		if isSecret {
			u.ClientSecret = []byte(v)
		} else {
			u.ClientID = v
		}
		b.Upstreams[name] = u
		return nil
	}
}

// backendAuthInstead notes what to use in the place of a variable that has no effect.
func backendAuthInstead(instead string) func(*BackendAuth, string) error {
	return func(b *BackendAuth, _ string) error {
		b.Notes = append(b.Notes, instead)
		return nil
	}
}

// backendAuthQuietly takes no notice of a variable that loses nothing by having no effect.
func backendAuthQuietly(*BackendAuth, string) error { return nil }
