package settings

import (
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/vouchsafe/vouchsafe/declare"
	"github.com/vouchsafe/vouchsafe/internal/hostname"
	"github.com/vouchsafe/vouchsafe/internal/listeners"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/sentry"
	"github.com/vouchsafe/vouchsafe/storage"
)

// check returns all that is wrong, and what to write instead. origin names the place where the
// setting with a name was set.
func (c *Config) check(origin func(name string) string) declare.Faults {
	var fs declare.Faults
	wrong := func(name, format string, args ...any) {
		fs.Add(origin(name), format, args...)
	}
	c.checkProduction(wrong)
	c.checkIssuer(wrong)
	c.checkSecret(wrong)
	c.checkPasswords(wrong)
	c.checkMessages(wrong)
	if c.SentryDSN != "" {
		if _, err := sentry.ParseDSN(string(c.SentryDSN)); err != nil {
			wrong("sentry_dsn", "%v", err)
		}
	}
	c.checkRetention(wrong)
	c.checkStatistics(wrong)
	c.checkLimits(wrong)
	c.checkListeners(wrong)
	c.checkProxies(wrong)
	c.checkLifetimes(wrong)
	c.KeratinAuthN.check(c.Issuer, c.Production(), fs.Add)
	c.BackendAuthVariables.check(c.Issuer, c.KeratinAuthN, fs.Add)
	return fs
}

// checkProduction reports what a production server cannot do without, and what an embedded one
// cannot know by itself.
func (c *Config) checkProduction(wrong wrong) {
	if c.Production() {
		if u, err := url.Parse(string(c.DatabaseURL)); err != nil ||
			!slices.Contains([]string{"postgres", "postgresql"}, u.Scheme) {
			// Neither the URL nor the error is quoted: both may hold the password.
			wrong("database_url", "isn't a PostgreSQL URL: write postgres://USER:PASSWORD@HOST:PORT/NAME, with special "+
				"characters in the password percent-encoded")
		}
		if c.Secret == "" {
			wrong("secret", "is missing: a production server (database_url is set) needs a master secret that all its "+
				"replicas share. Make one with `openssl rand -base64 48`, and keep it")
		}
		if c.Issuer == "" {
			wrong("issuer", "is missing: a production server (database_url is set) needs the URL at which browsers reach "+
				"it, such as https://id.example.com")
		}
	}
	if _, unix := listeners.SocketPath(c.Listen); unix && !c.Production() && c.Issuer == "" {
		wrong("issuer", "is missing: listen is a Unix socket. Write the URL at which browsers reach your proxy")
	}
}

// checkListeners reports what is wrong with the addresses to listen on, and with their TLS.
func (c *Config) checkListeners(wrong wrong) {
	for name, addr := range map[string]string{
		"listen": c.Listen, "metrics_listen": c.MetricsListen, "mtls_listen": c.MTLSListen,
	} {
		if name == "metrics_listen" && addr == "off" || name == "mtls_listen" && addr == "" {
			continue
		}
		if path, ok := listeners.SocketPath(addr); ok && path != "" {
			continue
		}
		if _, port, err := net.SplitHostPort(addr); err != nil || port == "" {
			wrong(name, "%q isn't an address to listen on: write HOST:PORT, such as localhost:8080, or :8080 for all, "+
				"or unix: and the path of a socket", addr)
		}
	}
	if c.ConnectionsPerAddress < 16 {
		wrong("connections_per_address", "%d is too few for one browser beside others: write 16 or more",
			c.ConnectionsPerAddress)
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		wrong("tls_cert", "and tls_key belong together: set both, or none behind a proxy that speaks TLS")
	}
	c.checkMTLS(wrong)
}

// checkMTLS reports what is wrong with how clients present certificates.
func (c *Config) checkMTLS(wrong wrong) {
	if c.MTLSListen != "" && c.TLSCert == "" {
		wrong("mtls_listen", "needs tls_cert and tls_key: set them, or have your proxy ask for certificates and set "+
			"client_cert_header")
	}
	if c.ClientCertHeader != "" && len(c.TrustedProxies) == 0 && !strings.HasPrefix(c.Listen, "unix:") {
		wrong("client_cert_header", "is believed of trusted proxies only: write into trusted_proxies the addresses of yours")
	}
	if !c.MTLS() {
		if c.MTLSURL != "" || c.ClientCAFile != "" {
			wrong("mtls_url", "and client_ca_file mean nothing without certificates: set mtls_listen, or client_cert_header")
		}
		return
	}
	if c.MTLSURL == "" {
		return // at the issuer
	}
	u, err := url.Parse(c.MTLSURL)
	if err != nil || u.Scheme != "https" && c.Production() || u.Host == "" || u.User != nil ||
		strings.TrimSuffix(c.MTLSURL, "/") != u.Scheme+"://"+u.Host {
		wrong("mtls_url", "%q isn't the URL of a host: write https://HOST or https://HOST:PORT", c.MTLSURL)
	}
}

// checkProxies reports what is wrong with the proxies before the server.
func (c *Config) checkProxies(wrong wrong) {
	byNetwork := func(a string) bool { return !strings.Contains(a, "/") }
	if c.Gateway != "" && len(c.TrustedProxies) == 0 && slices.ContainsFunc(strings.Split(c.Listen, ","), byNetwork) {
		wrong("gateway", "answers trusted proxies only: write into trusted_proxies the addresses of those that ask")
	}
	if c.ProxyProtocol && len(c.TrustedProxies) == 0 {
		wrong("proxy_protocol", "needs trusted_proxies: set those too")
	}
	for _, p := range c.TrustedProxies {
		// X-Forwarded-For would then be whatever the sender writes, and so would the
		// address that attempts are counted by.
		if p.Bits() == 0 {
			wrong("trusted_proxies", "%s trusts every address: write only the addresses or networks of your proxies", p)
		}
	}
	if c.ClientIPHeader != "" && !httpguts.ValidHeaderFieldName(c.ClientIPHeader) {
		wrong("client_ip_header", "%q isn't a header name: write one, such as X-Forwarded-For", c.ClientIPHeader)
	}
}

// checkLifetimes reports what is wrong with how long codes, tokens and sessions are valid.
func (c *Config) checkLifetimes(wrong wrong) {
	if c.CodeLifetime > storage.Duration(10*time.Minute) {
		wrong("code_lifetime", "is longer than the 10m that RFC 6749 section 4.1.2 allows: write 10m or less")
	}
	// Within the grace period a stolen token works beside its owner's without being noticed.
	if c.RefreshTokenGrace > storage.Duration(time.Minute) {
		wrong("refresh_token_grace",
			"is longer than 1m: a stolen refresh token would go unnoticed that long. Write 1m or less")
	}
	if c.SessionIdle > c.SessionLifetime {
		wrong("session_idle", "is longer than session_lifetime (%s): write that or less", time.Duration(c.SessionLifetime))
	}
}

// checkIssuer reports what is wrong with the issuer.
func (c *Config) checkIssuer(wrong wrong) {
	if c.Issuer == "" {
		return
	}
	u, err := url.Parse(c.Issuer)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" ||
		(u.Scheme != "https" && u.Scheme != "http"):
		wrong("issuer", "%q isn't an issuer URL: write https:// and the host that users open, such as https://id.example.com",
			c.Issuer)
	case u.Path != "":
		wrong("issuer", "%q has a path: write %s://%s", c.Issuer, u.Scheme, u.Host)
	case u.Host != strings.ToLower(u.Host):
		wrong("issuer", "%q has capital letters, but clients compare letter by letter: write %s://%s", c.Issuer,
			u.Scheme, strings.ToLower(u.Host))
	case asBrowsersWrite(u) == "":
		wrong("issuer", "%q has no host that requests can come for: write one such as https://id.example.com", c.Issuer)
	case asBrowsersWrite(u) != u.Host:
		wrong("issuer", "%q isn't what browsers send, but clients compare letter by letter: write %s://%s", c.Issuer,
			u.Scheme, asBrowsersWrite(u))
	case u.Scheme == "http" && !loopback(u.Hostname()):
		wrong("issuer", "%q is not encrypted: write https://%s; http is for localhost only", c.Issuer, u.Host)
	}
}

// asBrowsersWrite returns the host of the URL as browsers write it; "" for one that there cannot be.
func asBrowsersWrite(u *url.URL) string {
	host, err := hostname.Canonical(u.Scheme, u.Host)
	if err != nil {
		return ""
	}
	return host
}

// checkSecret reports what is wrong with the master secret.
func (c *Config) checkSecret(wrong wrong) {
	if c.Secret == "" {
		return
	}
	if _, err := secret.Parse(string(c.Secret)); err != nil {
		wrong("secret", "is too short: %v", err)
		return
	}
	for s := range strings.SplitSeq(string(c.Secret), ",") {
		distinct := map[rune]bool{}
		for _, r := range s {
			distinct[r] = true
		}
		// Random secrets of this length never have so few.
		if len(distinct) < 10 {
			wrong("secret", "is not random: make one with `openssl rand -base64 48`")
		}
	}
}
