package main

import (
	_ "embed"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Config is every setting of Vouchsafe. The empty one is a working server on
// localhost. A field's comment is its documentation: --help and `vouchsafe config
// --sample` print it. Its setting tag is its name: so in vouchsafe.yaml, in capitals
// behind VOUCHSAFE_ in the environment, and with hyphens as a flag. What is marked
// secret has no flag, since every process of a machine can read arguments; it can come
// from a file that the name with _file behind it names.
//
// Later sources win: defaults, vouchsafe.yaml, environment, flags. Where the default
// of production (database_url is set) differs, it stands in the tag of that name.
type Config struct {
	// The URL at which people and clients reach Vouchsafe, without a path: the iss of
	// every token. https, except on this machine. Required in production; otherwise
	// http://localhost and the port of listen.
	Issuer string `setting:"issuer" sample:"https://id.example.com"`
	// The address to listen on. localhost is both of 127.0.0.1 and ::1; without a host,
	// as in :8080, all addresses of the machine. unix:/run/vouchsafe.sock is a Unix socket,
	// for a proxy on the same machine, which is trusted.
	Listen string `setting:"listen" default:"localhost:8080"`
	// The mode of Unix sockets: who may connect, in octal digits.
	ListenMode fileMode `setting:"listen_mode" default:"0660"`
	// The certificate chain to serve TLS with, a PEM file. It is read again when it
	// changes. Leave it out behind a proxy that speaks TLS.
	TLSCert string `setting:"tls_cert" sample:"/etc/vouchsafe/tls.crt"`
	// The private key of tls_cert, a PEM file.
	TLSKey string `setting:"tls_key" sample:"/etc/vouchsafe/tls.key"`
	// The addresses or networks of proxies that are believed when they say for whom they
	// ask.
	TrustedProxies []prefix `setting:"trusted_proxies" sample:"10.0.0.0/8"`
	// The header in which they say it, such as Forwarded, X-Real-IP or CF-Connecting-IP. Your
	// proxies must set it, or add to it, in every request. Without this setting it is
	// X-Forwarded-For, and Forwarded in requests without that.
	ClientIPHeader string `setting:"client_ip_header" sample:"X-Forwarded-For"`
	// Whether trusted proxies begin each connection with the PROXY protocol, version 1 or 2,
	// as load balancers do that hand on TCP. It is then demanded of them, and of no other
	// peer.
	ProxyProtocol bool `setting:"proxy_protocol" default:"false"`
	// How many connections an address may have open: an IPv4 address, or a /64 of IPv6.
	// When it has so many, the one that has rested longest makes room. Trusted proxies and
	// unlimited_addresses have no bound.
	ConnectionsPerAddress int `setting:"connections_per_address" default:"512"`

	// The PostgreSQL database, as a URL: postgres://USER:PASSWORD@HOST/NAME. Setting it
	// makes this a production server, which needs issuer and secret too. Without it
	// everything is kept in a SQLite file below data.
	DatabaseURL secretText `setting:"database_url" secret:"true" sample:"postgres://vouchsafe@db.internal/vouchsafe"`
	// Where replicas count attempts together: redis://HOST:PORT, or rediss:// for TLS.
	// Several addresses, separated by commas, are a Cluster, and so is one with
	// ?cluster=true; with ?master_name=NAME they are Sentinels. Without Redis each process
	// counts alone: right for one.
	RedisURL secretText `setting:"redis_url" secret:"true" sample:"redis://redis.internal:6379"`
	// The master secret that all other keys are derived from, at least 32 characters,
	// the same at every replica. Required in production; otherwise made at the first
	// start and kept in data. Several may be given, separated by commas: the first
	// seals and all open, so that one can be replaced.
	Secret secretText `setting:"secret" secret:"true"`
	// The folder of an embedded server: the SQLite file and the master secret.
	Data string `setting:"data" default:"data"`
	// The file that declares clients. It is applied at every start. An embedded server
	// reads ./clients.yaml when it is there.
	Clients string `setting:"clients" sample:"/etc/vouchsafe/clients.yaml"`
	// The file with tenants' rules and looks: who may sign up, how people sign in, second
	// factors, colours, upstream providers. It is applied at every start. An embedded server
	// reads ./tenants.yaml when it is there.
	Tenants string `setting:"tenants" sample:"/etc/vouchsafe/tenants.yaml"`

	// The address that serves /metrics, /healthz and /readyz to the operator alone, or
	// off.
	MetricsListen string `setting:"metrics_listen" default:"127.0.0.1:8081"`
	// How much is logged: debug, info, warn or error.
	LogLevel string `setting:"log_level" default:"info" oneof:"debug info warn error"`
	// How it is written: json, text, or auto, which is text on a terminal.
	LogFormat string `setting:"log_format" default:"auto" oneof:"auto json text"`
	// Show developers what was wrong with a request, on the error page. Otherwise true
	// for an embedded server that only this machine can reach, and false.
	Development *bool `setting:"development" sample:"false"`
	// How long /readyz says that the server is stopping before it takes no more
	// connections, so that load balancers look elsewhere in time.
	StopDelay storage.Duration `setting:"stop_delay" default:"0s" production:"3s" mayzero:"true"`
	// How long a stopping server waits for the requests that it has begun.
	StopTimeout storage.Duration `setting:"stop_timeout" default:"30s"`

	// Addresses or networks without limits on attempts: for load tests. Never people's.
	UnlimitedAddresses []prefix `setting:"unlimited_addresses" sample:"192.0.2.7"`
	// Let clients' jwks_uri, and upstreams, be on private networks and this machine.
	AllowPrivateFetch bool `setting:"allow_private_fetch" default:"false"`
	// More certificate authorities to believe when a jwks_uri is fetched, an upstream is
	// asked or a mail is sent, a PEM file.
	ExtraCAFile string `setting:"extra_ca_file" sample:"/etc/vouchsafe/ca.pem"`

	// The least length of a new password, in characters: 8 or more.
	PasswordMinLength int `setting:"password_min_length" default:"8"`
	// How hard a new password has to be to guess, from 0 (no matter) to 4. 2 keeps out
	// what is found within a million tries.
	PasswordMinScore int `setting:"password_min_score" default:"2"`
	// A service in the protocol of Pwned Passwords that is asked whether a new password
	// is known from a breach. It learns five digits of a hash that many share. Without
	// it the most common ones are refused, which the server knows by itself.
	BreachedPasswordsURL string `setting:"breached_passwords_url" sample:"https://api.pwnedpasswords.com"`
	// The memory that hashing a password takes, in KiB. Other settings of argon2 than
	// those at which a password was hashed hash it anew when its owner signs in.
	Argon2Memory int `setting:"argon2_memory" default:"19456"`
	// How often hashing a password passes over the memory.
	Argon2Passes int `setting:"argon2_passes" default:"2"`
	// How many lanes it has.
	Argon2Lanes int `setting:"argon2_lanes" default:"1"`

	// The server that mails are sent through: smtp://USER:PASSWORD@HOST:587, which must
	// offer STARTTLS, or smtps://USER:PASSWORD@HOST:465. Without it no mail leaves; where
	// there is a developer page, its mailbox shows them. vouchsafe mail test shows what the
	// server answers.
	SMTPURL secretText `setting:"smtp_url" secret:"true" sample:"smtp://vouchsafe:PASSWORD@mail.example.com:587"`
	// The token endpoint that gives access tokens for a mail server which wants one in place
	// of a password (XOAUTH2, OAUTHBEARER), such as Microsoft 365. smtp_url then names the
	// mailbox and no password.
	SMTPTokenURL string `setting:"smtp_token_url"`
	// The client that asks for such tokens, by the client credentials grant. Required with
	// smtp_token_url.
	SMTPClientID string `setting:"smtp_client_id"`
	// The secret of that client. Required with smtp_token_url.
	SMTPClientSecret secretText `setting:"smtp_client_secret" secret:"true"`
	// The scopes that it asks for, separated by spaces.
	SMTPTokenScope string `setting:"smtp_token_scope"`
	// Whom mails are from. Required with smtp_url.
	MailFrom string `setting:"mail_from" sample:"Example <no-reply@example.com>"`
	// A folder with texts of mails in the place of the built-in ones, such as
	// en/reset-password.txt. docs/mail.md lists them.
	MailTemplates string `setting:"mail_templates" sample:"/etc/vouchsafe/mail"`

	// The webhook that sends text messages: each is posted there as JSON, signed with
	// sms_secret. docs/mail.md shows how. Without it people have no phone numbers here.
	SMSURL secretText `setting:"sms_url" secret:"true" sample:"https://sms.internal/send"`
	// What the webhook knows Vouchsafe by, at least 16 characters. Required with sms_url.
	SMSSecret secretText `setting:"sms_secret" secret:"true" sample:"SECRET-OF-THE-WEBHOOK"`
	// How many text messages are sent in an hour at most: a bound on what they cost when
	// somebody plays with them.
	SMSPerHour int `setting:"sms_per_hour" default:"500"`
	// How many of them one tenant sends, unless its limits say otherwise, so that one that is
	// flooded leaves the others some. 0 is half of sms_per_hour.
	SMSPerTenant int `setting:"sms_per_tenant" default:"0"`

	// How many passwords may be tried for a name, and for an account under all its names, from
	// browsers in which nobody has signed in to it before: so many in that time, and then
	// after longer and longer waits. docs/operations.md tells how the limits work together.
	LimitGuesses rate `setting:"limit_guesses" default:"5/1m"`
	// The same for each browser in which the person has signed in before.
	LimitGuessesKnown rate `setting:"limit_guesses_known" default:"10/1m"`
	// How long such waits become.
	LimitLongestWait storage.Duration `setting:"limit_longest_wait" default:"15m"`
	// How many wrong passwords may come from an address, or a /64 of IPv6, for all accounts: a
	// /56 has twice as many, a /48 four times. Raise it where very many people share an address.
	LimitGuessesAddress rate `setting:"limit_guesses_address" default:"100/5m"`
	// How many wrong passwords a tenant takes from browsers that are new to the account. Beyond
	// it, up to twice as many, only addresses that have tried little have some.
	LimitGuessesTenant rate `setting:"limit_guesses_tenant" default:"6000/1m"`
	// How many right sign-ins of one person are not counted as attempts.
	LimitSignIns rate `setting:"limit_sign_ins" default:"600/5m"`
	// How many codes of a second factor may be tried for a person; and on one day.
	LimitFactor rate `setting:"limit_factor" default:"5/10m"`
	// The same for those who are patient.
	LimitFactorDay rate `setting:"limit_factor_day" default:"30/24h"`
	// How many messages with codes go to one mailbox or number for one address that asks, and
	// for one browser that is known. Three times as many go there in all.
	LimitCodes rate `setting:"limit_codes" default:"5/1h"`
	// How many an address may ask for in all; IPv6 as above.
	LimitCodesAddress rate `setting:"limit_codes_address" default:"30/1h"`
	// How many mails with codes a tenant sends, unless its limits say otherwise.
	LimitMailsTenant rate `setting:"limit_mails_tenant" default:"20000/1h"`
	// How many new passwords of sign-ups and resets are judged for an address; IPv6 as above.
	LimitForms rate `setting:"limit_forms_address" default:"100/5m"`
	// How many answers of upstream providers an address may bring in vain; IPv6 as above.
	LimitUpstreams rate `setting:"limit_upstreams_address" default:"100/5m"`
	// How many wrong secrets, or other proofs, of one client may come from an address; IPv6 as
	// above. An address has five times as many for all clients, a client fifty times as many
	// from all addresses. A right secret is taken all the same where it came from before.
	LimitClientSecrets rate `setting:"limit_client_secrets" default:"20/1m"`

	// What signs access tokens: ES256, RS256 or EdDSA.
	AccessTokenAlgorithm string `setting:"access_token_algorithm" default:"ES256" oneof:"ES256 RS256 EdDSA"`
	// How long access tokens live, unless their client says otherwise.
	AccessTokenLifetime storage.Duration `setting:"access_token_lifetime" default:"10m"`
	// How long ID tokens live, unless their client says otherwise.
	IDTokenLifetime storage.Duration `setting:"id_token_lifetime" default:"1h"`
	// How long a sign-in can be refreshed at all, unless its client says otherwise.
	RefreshTokenLifetime storage.Duration `setting:"refresh_token_lifetime" default:"2160h"`
	// How long a refresh token lives that is not used, unless its client says otherwise.
	RefreshTokenIdleLifetime storage.Duration `setting:"refresh_token_idle_lifetime" default:"720h"`
	// For how long after a refresh the old token gives the same answer once more, so
	// that a lost answer costs nobody their sign-in.
	RefreshTokenGrace storage.Duration `setting:"refresh_token_grace" default:"10s" mayzero:"true"`
	// How long an authorization code lives.
	CodeLifetime storage.Duration `setting:"code_lifetime" default:"1m"`
	// How long a person may take to sign in.
	RequestLifetime storage.Duration `setting:"request_lifetime" default:"1h"`
	// How long a key signs before its successor does.
	KeyRotation storage.Duration `setting:"key_rotation" default:"2160h"`
	// How long a browser stays signed in without being used.
	SessionIdle storage.Duration `setting:"session_idle" default:"168h"`
	// How long a browser stays signed in at all.
	SessionLifetime storage.Duration `setting:"session_lifetime" default:"720h"`

	// How long rows of the audit trail are kept; 0s keeps them for ever. vouchsafe audit
	// export writes them elsewhere before.
	KeepEvents storage.Duration `setting:"keep_events" default:"8760h" mayzero:"true"`
	// How long rows of some kinds are kept instead: KIND=DURATION, such as
	// login.failed=2160h; 0s keeps them for ever.
	KeepEventsOf []string `setting:"keep_events_of" sample:"login.failed=2160h"`
	// Delete no row of the audit trail before vouchsafe audit export --mark has written it.
	KeepUnexported bool `setting:"keep_unexported" default:"false"`
	// For how long the audit trail has full addresses. Older ones are shortened to their
	// network, a /24 or a /48; 0s never does.
	KeepAddresses storage.Duration `setting:"keep_addresses" default:"2160h" mayzero:"true"`
	// How long the audit trail about a person is kept after their account was removed; 0s
	// keeps it as long as the rest.
	KeepRemoved storage.Duration `setting:"keep_removed" default:"2160h" mayzero:"true"`
	// How long revoked grants are kept, for those who ask what happened; 15 minutes at least.
	KeepRevoked storage.Duration `setting:"keep_revoked" default:"168h"`

	// file is the vouchsafe.yaml that was read, "" for none.
	file string
}

//go:embed config.go
var configSource string

// production says whether the server is one that others rely on.
func (c *Config) production() bool { return c.DatabaseURL != "" }

// development says whether errors are explained to whoever sees them, and samples work.
func (c *Config) development() bool { return c.Development != nil && *c.Development }

// samples says whether the secrets of the sample clients file are good enough.
func (c *Config) samples() bool { return !c.production() && c.development() }

// local says that only this machine can reach the server: only then is there a
// developer page.
func (c *Config) local() bool {
	host, _, err := net.SplitHostPort(c.Listen)
	return err == nil && loopback(host) && !c.production() && loopback(hostOf(c.Issuer))
}

// playground says whether there is a developer page.
func (c *Config) playground() bool { return c.local() && c.development() }

// complete fills what depends on other settings.
func (c *Config) complete() {
	if _, unix := socketPath(c.Listen); c.Issuer == "" && !c.production() && !unix {
		if _, port, err := net.SplitHostPort(c.Listen); err == nil {
			scheme := "http"
			if c.TLSCert != "" {
				scheme = "https"
			}
			c.Issuer = scheme + "://" + net.JoinHostPort("localhost", port)
			if host, err := web.CanonicalHost(scheme, "localhost:"+port); err == nil {
				c.Issuer = scheme + "://" + host // browsers leave out the scheme's own port
			}
		}
	}
	if c.Development == nil {
		local := c.local()
		c.Development = &local
	}
}

// check says all that is wrong, and what to write instead.
func (c *Config) check(origin func(name string) string) faults {
	var fs faults
	wrong := func(name, format string, args ...any) {
		fs.add(origin(name), format, args...)
	}
	if c.production() {
		if u, err := url.Parse(string(c.DatabaseURL)); err != nil || !slices.Contains([]string{"postgres", "postgresql"}, u.Scheme) {
			// Neither the URL nor the error is quoted: both may hold the password.
			wrong("database_url", "is no PostgreSQL URL: write postgres://USER:PASSWORD@HOST:PORT/NAME, with what is special in the password percent-encoded")
		}
		if c.Secret == "" {
			wrong("secret", "is missing: a production server (database_url is set) needs a master secret that all its replicas share. Make one with `openssl rand -base64 48`, and keep it")
		}
		if c.Issuer == "" {
			wrong("issuer", "is missing: a production server (database_url is set) must be told the URL at which people reach it, such as https://id.example.com")
		}
	}
	if _, unix := socketPath(c.Listen); unix && !c.production() && c.Issuer == "" {
		wrong("issuer", "is missing: listen is a Unix socket, and only your proxy knows at which URL people reach it")
	}
	c.checkIssuer(wrong)
	c.checkSecret(wrong)
	c.checkPasswords(wrong)
	c.checkMail(wrong)
	if _, err := c.retention(); err != nil {
		wrong("keep_events_of", "%v", err)
	}
	if c.KeepRevoked < storage.Duration(15*time.Minute) {
		wrong("keep_revoked", "is shorter than 15m: a revoked grant is what tells that its code was used. Write 15m or more")
	}
	c.checkLimits(wrong)
	for name, addr := range map[string]string{"listen": c.Listen, "metrics_listen": c.MetricsListen} {
		if name == "metrics_listen" && addr == "off" {
			continue
		}
		if path, ok := socketPath(addr); ok && path != "" {
			continue
		}
		if _, port, err := net.SplitHostPort(addr); err != nil || port == "" {
			wrong(name, "%q is no address to listen on: write HOST:PORT, such as localhost:8080, or :8080 for all addresses, or unix: and the path of a socket", addr)
		}
	}
	if c.ConnectionsPerAddress < 16 {
		wrong("connections_per_address", "%d is too few for one browser beside others: write 16 or more", c.ConnectionsPerAddress)
	}
	if c.ProxyProtocol && len(c.TrustedProxies) == 0 {
		wrong("proxy_protocol", "is believed of trusted_proxies alone: set those, too")
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		wrong("tls_cert", "and tls_key belong together: set both, or none behind a proxy that speaks TLS")
	}
	if c.CodeLifetime > storage.Duration(10*time.Minute) {
		wrong("code_lifetime", "is longer than the 10m that RFC 6749 section 4.1.2 allows: write 10m or less")
	}
	for _, p := range c.TrustedProxies {
		// X-Forwarded-For would then be whatever the sender writes, and so would the
		// address that attempts are counted by.
		if p.Bits() == 0 {
			wrong("trusted_proxies", "%s is everybody: write the addresses or networks of your proxies alone", p)
		}
	}
	if c.ClientIPHeader != "" && !httpguts.ValidHeaderFieldName(c.ClientIPHeader) {
		wrong("client_ip_header", "%q is no name of a header: write one such as X-Forwarded-For", c.ClientIPHeader)
	}
	// Within it a stolen token works beside its owner's, and nobody learns of it.
	if c.RefreshTokenGrace > storage.Duration(time.Minute) {
		wrong("refresh_token_grace", "is longer than 1m: for so long nobody would notice that a refresh token was stolen. Write 1m or less")
	}
	if c.SessionIdle > c.SessionLifetime {
		wrong("session_idle", "is longer than session_lifetime (%s): write that or less", time.Duration(c.SessionLifetime))
	}
	return fs
}

func (c *Config) checkIssuer(wrong func(name, format string, args ...any)) {
	if c.Issuer == "" {
		return
	}
	u, err := url.Parse(c.Issuer)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || (u.Scheme != "https" && u.Scheme != "http"):
		wrong("issuer", "%q is no issuer: write https:// and the host that people use, such as https://id.example.com", c.Issuer)
	case u.Path != "":
		wrong("issuer", "%q has a path: write %s://%s", c.Issuer, u.Scheme, u.Host)
	case u.Host != strings.ToLower(u.Host):
		wrong("issuer", "%q has capitals, which clients compare: write %s://%s", c.Issuer, u.Scheme, strings.ToLower(u.Host))
	case asBrowsersWrite(u) == "":
		wrong("issuer", "%q has no host that requests can come for: write one such as https://id.example.com", c.Issuer)
	case asBrowsersWrite(u) != u.Host:
		wrong("issuer", "%q is not as browsers write it, which clients compare: write %s://%s", c.Issuer, u.Scheme, asBrowsersWrite(u))
	case u.Scheme == "http" && !loopback(u.Hostname()):
		wrong("issuer", "%q is not encrypted: write https://%s; http is for localhost only", c.Issuer, u.Host)
	}
}

// asBrowsersWrite is the URL's host as browsers write it, or "" for one that there cannot be.
func asBrowsersWrite(u *url.URL) string {
	host, err := web.CanonicalHost(u.Scheme, u.Host)
	if err != nil {
		return ""
	}
	return host
}

func (c *Config) checkSecret(wrong func(name, format string, args ...any)) {
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

// loopback says whether the host is this machine, whatever the network says.
func loopback(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap().IsLoopback()
	}
	host = strings.ToLower(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") // RFC 6761
}

func hasScheme(rawURL, scheme string) bool {
	u, err := url.Parse(rawURL)
	return err == nil && u.Scheme == scheme
}

func hostOf(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// secretText is a setting that is never printed.
type secretText string

const redacted = "(set, not shown)"

// String hides the secret from every fmt verb that would print it, and from slog.
func (s secretText) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// GoString hides it from %#v.
func (s secretText) GoString() string { return s.String() }

// MarshalText hides it from JSON.
func (s secretText) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// prefix is a network, or an address as the network of just that one.
type prefix struct{ netip.Prefix }

// UnmarshalText reads 10.0.0.0/8 or 10.1.2.3.
func (p *prefix) UnmarshalText(text []byte) error {
	if addr, err := netip.ParseAddr(string(text)); err == nil {
		addr = addr.Unmap().WithZone("")
		p.Prefix = netip.PrefixFrom(addr, addr.BitLen())
		return nil
	}
	net, err := netip.ParsePrefix(string(text))
	if err != nil {
		return fmt.Errorf("%q is no network: write an address, or a network such as 10.0.0.0/8", text)
	}
	p.Prefix = net.Masked()
	return nil
}

func prefixes(ps []prefix) []netip.Prefix {
	var out []netip.Prefix
	for _, p := range ps {
		out = append(out, p.Prefix)
	}
	return out
}
