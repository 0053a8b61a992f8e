package settings

import (
	"net"
	"net/netip"
	"net/url"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/hostname"
	"github.com/vouchsafe/vouchsafe/internal/listeners"
	"github.com/vouchsafe/vouchsafe/internal/logging"
	"github.com/vouchsafe/vouchsafe/storage"
)

//go:generate go test -run ^TestSettingDocs$ -update
//go:generate go test -run ^(TestEverySettingIsDocumented|TestSettingsPage)$ -update

// Config has a field for each setting of Vouchsafe. The comment of a field is its documentation:
// go generate copies it to docs.go, and --help, `vouchsafe config --sample` and docs/settings.md
// print it. The tags of a field say:
//
//   - setting: its name in vouchsafe.yaml; in capitals behind VOUCHSAFE_ it is the variable of the
//     environment, with hyphens the flag
//   - default, and production: the default of a server with database_url, if that differs
//   - sample: an example, where there is no default
//   - secret: it has no flag, because every process of a machine can read arguments
//   - oneof: the values that it can have
//   - mayzero: a duration that may be 0
type Config struct {
	// The URL at which users and clients reach Vouchsafe, without a path: the iss of every
	// token. It must be https, except on this machine. Required in production; the default
	// is http://localhost and the port of listen.
	Issuer string `setting:"issuer" sample:"https://id.example.com"`
	// The address to listen on. localhost means both 127.0.0.1 and ::1. Without a host, as
	// in :8080, the server listens on all addresses of the machine. unix:/run/vouchsafe.sock
	// is a Unix socket for a proxy on the same machine, which is trusted.
	Listen string `setting:"listen" default:"localhost:8080"`
	// The file mode of Unix sockets, in octal digits. It decides which users may connect.
	ListenMode listeners.Mode `setting:"listen_mode" default:"0660"`
	// The certificate chain to serve TLS with, a PEM file. The server rereads it when it
	// changes. Leave it out behind a proxy that terminates TLS.
	TLSCert string `setting:"tls_cert" path:"true" sample:"/etc/vouchsafe/tls.crt"`
	// The private key of tls_cert, a PEM file.
	TLSKey string `setting:"tls_key" path:"true" sample:"/etc/vouchsafe/tls.key"`
	// The address of a second listener with TLS, at which clients can present certificates (RFC
	// 8705): see docs/mtls.md. It serves programs only, so that browsers ask no user for a
	// certificate.
	MTLSListen string `setting:"mtls_listen" sample:":8444"`
	// The header in which trusted proxies pass the certificate that a client presented to them:
	// Client-Cert (RFC 9440), or another. Your proxies must replace it in every request. Without
	// this setting no header says anything about certificates.
	ClientCertHeader string `setting:"client_cert_header" sample:"Client-Cert"`
	// The URL at which clients present certificates, without a path: discovery names it in
	// mtls_endpoint_aliases. The default is issuer with the port of mtls_listen or, with
	// client_cert_header alone, issuer.
	MTLSURL string `setting:"mtls_url" sample:"https://mtls.example.com"`
	// The certificate authorities that issue the certificates of clients with tls_client_auth, a
	// PEM file. Other authorities are not trusted with it.
	ClientCAFile string `setting:"client_ca_file" path:"true" sample:"/etc/vouchsafe/clients-ca.pem"`
	// The addresses or networks of proxies whose word about the client's address is trusted.
	TrustedProxies []Network `setting:"trusted_proxies" sample:"10.0.0.0/8"`
	// The header that carries the client's address, such as Forwarded, X-Real-IP or
	// CF-Connecting-IP. Your proxies must set it, or add to it, in every request. Without
	// this setting the server reads X-Forwarded-For, and Forwarded in requests without that.
	ClientIPHeader string `setting:"client_ip_header" sample:"X-Forwarded-For"`
	// Whether trusted proxies begin each connection with the PROXY protocol, version 1 or 2,
	// as load balancers that forward TCP do. The server then requires it of them, and
	// accepts it from no other peer.
	ProxyProtocol bool `setting:"proxy_protocol" default:"false"`
	// How many connections an IPv4 address, or a /64 of IPv6, may have open. Beyond that, a
	// new connection takes the place of the longest idle one. Trusted proxies and
	// unlimited_addresses are not bound.
	ConnectionsPerAddress int `setting:"connections_per_address" default:"512"`

	// The PostgreSQL database, as a URL: postgres://USER:PASSWORD@HOST/NAME. Setting it
	// makes this a production server, which also needs issuer and secret. Without it
	// everything is kept in a SQLite file in the folder data.
	DatabaseURL Secret `setting:"database_url" secret:"true" sample:"postgres://vouchsafe@db.internal/vouchsafe"`
	// Where replicas share their counters: redis://HOST:PORT, or rediss:// for TLS. Several
	// addresses, separated by commas, are a Cluster, and so is one with ?cluster=true; with
	// ?master_name=NAME they are Sentinels. Without Redis each process counts on its own,
	// which is right for a single process.
	RedisURL Secret `setting:"redis_url" secret:"true" sample:"redis://redis.internal:6379"`
	// The master secret from which all other keys are derived: at least 32 characters, the
	// same on every replica. Required in production; an embedded server makes one at its
	// first start and keeps it in data. It may list several secrets, separated by commas:
	// the first seals and all open, so that a secret can be replaced.
	Secret Secret `setting:"secret" secret:"true"`
	// The folder of an embedded server: the SQLite file and the master secret.
	Data string `setting:"data" path:"true" default:"data"`
	// The file that declares clients. It is applied at every start. An embedded server reads
	// ./clients.yaml if it exists.
	Clients string `setting:"clients" path:"true" sample:"/etc/vouchsafe/clients.yaml"`
	// The file with tenants' rules and branding: who may sign up, how users sign in, second
	// factors, colours, upstream providers. It is applied at every start. An embedded server
	// reads ./tenants.yaml if it exists.
	Tenants string `setting:"tenants" path:"true" sample:"/etc/vouchsafe/tenants.yaml"`
	// The file with the rules of the gateway, by which proxies ask who may send which requests
	// to apps. It is read at every start. Without it there is no gateway.
	Gateway string `setting:"gateway" path:"true" sample:"/etc/vouchsafe/gateway.yaml"`

	// Whether administrators can manage tenants in a browser, at /admin of each issuer.
	Console bool `setting:"console" default:"true"`

	// The address that serves /metrics, /healthz and /readyz to the operator only, or off.
	MetricsListen string `setting:"metrics_listen" default:"127.0.0.1:8081"`
	// How much is logged: debug, info, warn or error.
	LogLevel string `setting:"log_level" default:"info" oneof:"debug info warn error"`
	// The format of the log: json, text, or auto, which is text on a terminal and JSON
	// elsewhere.
	LogFormat string `setting:"log_format" default:"auto" oneof:"auto json text"`
	// Where to report errors of the server, besides the log: the DSN of a project of Sentry, or
	// of a service with its protocol, such as https://KEY@sentry.example.com/1. Reports name no
	// users and hold no secrets: see docs/monitoring.md.
	SentryDSN Secret `setting:"sentry_dsn" secret:"true" sample:"https://KEY@sentry.example.com/1"`
	// Show developers on the error page what was wrong with a request. The default is true
	// for an embedded server that only this machine can reach, and false otherwise.
	Development *bool `setting:"development" sample:"false"`
	// How long /readyz reports that the server is stopping before the server accepts no more
	// connections, so that load balancers can turn away in time.
	StopDelay storage.Duration `setting:"stop_delay" default:"0s" production:"3s" mayzero:"true"`
	// How long a stopping server waits for the requests that it has begun.
	StopTimeout storage.Duration `setting:"stop_timeout" default:"30s"`

	// Addresses or networks without limits on attempts, for load tests. Never list addresses
	// of users.
	UnlimitedAddresses []Network `setting:"unlimited_addresses" sample:"192.0.2.7"`
	// Allow clients' jwks_uri, and upstreams, on private networks and on this machine.
	AllowPrivateFetch bool `setting:"allow_private_fetch" default:"false"`
	// Additional certificate authorities to trust when the server fetches a jwks_uri, asks
	// an upstream or sends an email, a PEM file.
	ExtraCAFile string `setting:"extra_ca_file" path:"true" sample:"/etc/vouchsafe/ca.pem"`

	// The minimum length of a new password, in characters: 8 or more.
	PasswordMinLength int `setting:"password_min_length" default:"8"`
	// How hard a new password must be to guess, from 0 (any) to 4. 2 refuses passwords that
	// can be found within a million guesses.
	PasswordMinScore int `setting:"password_min_score" default:"2"`
	// A service with the API of Pwned Passwords. The server asks it whether a new password
	// is known from a breach, and sends it only five digits of a hash, which many passwords
	// share. Without it the server refuses the most common passwords, from a built-in list.
	BreachedPasswordsURL string `setting:"breached_passwords_url" sample:"https://api.pwnedpasswords.com"`
	// The memory that hashing a password takes, in KiB. After a change of the argon2
	// settings, a password is hashed again when its user next signs in.
	Argon2Memory int `setting:"argon2_memory" default:"19456"`
	// How many passes over the memory hashing a password makes.
	Argon2Passes int `setting:"argon2_passes" default:"2"`
	// How many lanes hashing a password uses.
	Argon2Lanes int `setting:"argon2_lanes" default:"1"`

	// The server that sends emails: smtp://USER:PASSWORD@HOST:587, which must offer STARTTLS,
	// or smtps://USER:PASSWORD@HOST:465. Without it no email is sent; in development the
	// mailbox shows emails instead. vouchsafe mail test shows what the server answers.
	SMTPURL Secret `setting:"smtp_url" secret:"true" sample:"smtp://vouchsafe:PASSWORD@mail.example.com:587"`
	// The token endpoint that issues access tokens for a mail server that wants a token
	// instead of a password (XOAUTH2, OAUTHBEARER), such as Microsoft 365. smtp_url then
	// names the mailbox and no password.
	SMTPTokenURL string `setting:"smtp_token_url"`
	// The client that requests such tokens, with the client credentials grant. Required with
	// smtp_token_url.
	SMTPClientID string `setting:"smtp_client_id"`
	// The secret of that client. Required with smtp_token_url.
	SMTPClientSecret Secret `setting:"smtp_client_secret" secret:"true"`
	// The scopes that it requests, separated by spaces.
	SMTPTokenScope string `setting:"smtp_token_scope"`
	// The sender of emails. Required with smtp_url.
	MailFrom string `setting:"mail_from" sample:"Example <no-reply@example.com>"`
	// A folder with email texts that replace the built-in ones, such as
	// en/reset-password.txt. docs/mail.md lists them.
	MailTemplates string `setting:"mail_templates" path:"true" sample:"/etc/vouchsafe/mail"`

	// The webhook that sends text messages. The server posts each one to it as JSON, signed
	// with sms_secret: see docs/mail.md. Without it users cannot have phone numbers.
	SMSURL Secret `setting:"sms_url" secret:"true" sample:"https://sms.internal/send"`
	// The secret that signs requests to the webhook, at least 16 characters. Required with
	// sms_url.
	SMSSecret Secret `setting:"sms_secret" secret:"true" sample:"SECRET-OF-THE-WEBHOOK"`
	// How many text messages are sent in an hour at most. It bounds the cost of abuse.
	SMSPerHour int `setting:"sms_per_hour" default:"500"`
	// How many of them one tenant may send, unless its limits say otherwise, so that a
	// flooded tenant leaves some to the others. 0 means half of sms_per_hour.
	SMSPerTenant int `setting:"sms_per_tenant" default:"0"`

	// How many passwords may be tried for a name, and for an account under all its names,
	// from browsers in which the user has not signed in before: this many in the time, then
	// one after each of ever longer waits. docs/limits.md explains how the limits work
	// together.
	LimitGuesses Rate `setting:"limit_guesses" default:"5/1m"`
	// The same for each browser in which the user has signed in before.
	LimitGuessesKnown Rate `setting:"limit_guesses_known" default:"10/1m"`
	// The longest of these waits.
	LimitLongestWait storage.Duration `setting:"limit_longest_wait" default:"15m"`
	// How many wrong passwords may come from an IPv4 address, or a /64 of IPv6, for all
	// accounts: a /56 has twice as many, a /48 four times. Raise it where very many users
	// share an address.
	LimitGuessesAddress Rate `setting:"limit_guesses_address" default:"100/5m"`
	// How many wrong passwords a tenant accepts from browsers that are new to the account.
	// Beyond it, up to twice as many are reserved for addresses with few attempts.
	LimitGuessesTenant Rate `setting:"limit_guesses_tenant" default:"6000/1m"`
	// How many successful sign-ins of one user are not counted as attempts.
	LimitSignIns Rate `setting:"limit_sign_ins" default:"600/5m"`
	// How many codes of a second factor may be tried for a user.
	LimitFactor Rate `setting:"limit_factor" default:"5/10m"`
	// The same over a longer time, against patient attackers.
	LimitFactorDay Rate `setting:"limit_factor_day" default:"30/24h"`
	// How many messages with codes one address, or one known browser, may have sent to one
	// mailbox or phone number. A mailbox or number gets three times as many in all.
	LimitCodes Rate `setting:"limit_codes" default:"5/1h"`
	// How long a user waits before the code that a page waits for can be sent once more.
	LimitResend storage.Duration `setting:"limit_resend" default:"30s"`
	// How many messages with codes one address may request in all; IPv6 as above.
	LimitCodesAddress Rate `setting:"limit_codes_address" default:"30/1h"`
	// How many emails with codes a tenant sends, unless its limits say otherwise.
	LimitMailsTenant Rate `setting:"limit_mails_tenant" default:"20000/1h"`
	// How many new passwords at sign-up and reset are judged for an address; IPv6 as above.
	LimitForms Rate `setting:"limit_forms_address" default:"100/5m"`
	// How many failed answers of upstream providers an address may bring; IPv6 as above.
	LimitUpstreams Rate `setting:"limit_upstreams_address" default:"100/5m"`
	// How many wrong secrets, or other proofs, of one client may come from an address; IPv6
	// as above. An address has five times as many for all clients, and a client fifty times
	// as many from all addresses. A correct secret is always accepted from a network where
	// it was used before.
	LimitClientSecrets Rate `setting:"limit_client_secrets" default:"20/1m"`

	// The algorithm that signs access tokens: ES256, RS256 or EdDSA.
	AccessTokenAlgorithm string `setting:"access_token_algorithm" default:"ES256" oneof:"ES256 RS256 EdDSA"`
	// How long access tokens are valid, unless their client says otherwise.
	AccessTokenLifetime storage.Duration `setting:"access_token_lifetime" default:"10m"`
	// How long ID tokens are valid, unless their client says otherwise.
	IDTokenLifetime storage.Duration `setting:"id_token_lifetime" default:"1h"`
	// How long a sign-in can be refreshed in all, unless its client says otherwise.
	RefreshTokenLifetime storage.Duration `setting:"refresh_token_lifetime" default:"2160h"`
	// How long an unused refresh token is valid, unless its client says otherwise.
	RefreshTokenIdleLifetime storage.Duration `setting:"refresh_token_idle_lifetime" default:"720h"`
	// How long after a refresh the old token gives the same answer once more, so that a lost
	// answer ends no sign-in.
	RefreshTokenGrace storage.Duration `setting:"refresh_token_grace" default:"10s" mayzero:"true"`
	// How long an authorization code is valid.
	CodeLifetime storage.Duration `setting:"code_lifetime" default:"1m"`
	// How long a user may take to sign in.
	RequestLifetime storage.Duration `setting:"request_lifetime" default:"1h"`
	// How long a key signs before its successor takes over.
	KeyRotation storage.Duration `setting:"key_rotation" default:"2160h"`
	// How long a browser stays signed in without activity.
	SessionIdle storage.Duration `setting:"session_idle" default:"168h"`
	// The longest time that a browser stays signed in.
	SessionLifetime storage.Duration `setting:"session_lifetime" default:"720h"`

	// How long rows of the audit trail are kept; 0s keeps them for ever. vouchsafe audit
	// export writes them elsewhere first.
	KeepEvents storage.Duration `setting:"keep_events" default:"8760h" mayzero:"true"`
	// How long rows of certain kinds are kept instead: KIND=DURATION, such as
	// login.failed=2160h; 0s keeps them for ever.
	KeepEventsOf []string `setting:"keep_events_of" sample:"login.failed=2160h"`
	// Delete no row of the audit trail before vouchsafe audit export --mark has written it.
	KeepUnexported bool `setting:"keep_unexported" default:"false"`
	// How long the audit trail keeps full IP addresses. Older ones are shortened to their
	// network, a /24 or a /48; 0s never shortens them.
	KeepAddresses storage.Duration `setting:"keep_addresses" default:"2160h" mayzero:"true"`
	// How long the audit trail about a user is kept after the account was removed; 0s keeps
	// it as long as the rest.
	KeepRemoved storage.Duration `setting:"keep_removed" default:"2160h" mayzero:"true"`
	// How long revoked grants are kept, so that operators can look them up; 15 minutes at
	// least.
	KeepRevoked storage.Duration `setting:"keep_revoked" default:"168h"`
	// The time zone in which the days of statistics begin, such as Europe/Paris. What was
	// counted before a change stays as it was.
	StatisticsZone string `setting:"statistics_zone" default:"UTC"`
	// How many days statistics go back. They also have 60 months.
	StatisticsDays int `setting:"statistics_days" default:"365"`
	// How many weeks statistics go back.
	StatisticsWeeks int `setting:"statistics_weeks" default:"104"`

	// The tenant whose users apps of Keratin AuthN sign in, such as default. Its routes are
	// then served beside those of Vouchsafe, and its own variables (AUTHN_URL, APP_DOMAINS
	// and others) say how: see docs/keratin.md. Without it they are neither served nor read.
	Keratin string `setting:"keratin" sample:"default"`

	// The URL that apps of secret-tech/backend-auth call, such as https://auth.example.com:
	// another one than the issuer's, or a path behind it. Its routes are then served beside
	// those of Vouchsafe, and its own variables say how: see docs/backend-auth.md. Without it
	// they are neither served nor read.
	BackendAuth string `setting:"backend_auth" sample:"https://auth.example.com"`

	// BackendAuthVariables is what its variables say; nil without the setting backend_auth.
	BackendAuthVariables *BackendAuth
	// KeratinAuthN is what its variables say; nil without the setting keratin.
	KeratinAuthN *Keratin

	// file is the vouchsafe.yaml that was read, "" for none.
	file string
}

// Production reports whether this is a production server: one with a database of its own.
func (c *Config) Production() bool { return c.DatabaseURL != "" }

// InDevelopment reports whether pages explain errors to developers, and samples work.
func (c *Config) InDevelopment() bool { return c.Development != nil && *c.Development }

// AcceptsSamples reports whether the secrets of the sample clients file are good enough.
func (c *Config) AcceptsSamples() bool { return !c.Production() && c.InDevelopment() }

// Local reports whether only this machine can reach the server: only then is there a developer
// page.
func (c *Config) Local() bool {
	host, _, err := net.SplitHostPort(c.Listen)
	return err == nil && loopback(host) && !c.Production() && loopback(hostOf(c.Issuer))
}

// MTLS reports whether certificates that clients present count.
func (c *Config) MTLS() bool { return c.MTLSListen != "" || c.ClientCertHeader != "" }

// HasPlayground reports whether there is a developer page.
func (c *Config) HasPlayground() bool { return c.Local() && c.InDevelopment() }

// complete fills what depends on other settings.
func (c *Config) complete() {
	if _, unix := listeners.SocketPath(c.Listen); c.Issuer == "" && !c.Production() && !unix {
		if _, port, err := net.SplitHostPort(c.Listen); err == nil {
			scheme := "http"
			if c.TLSCert != "" {
				scheme = "https"
			}
			c.Issuer = scheme + "://" + net.JoinHostPort("localhost", port)
			if host, err := hostname.Canonical(scheme, "localhost:"+port); err == nil {
				c.Issuer = scheme + "://" + host // browsers leave out the scheme's own port
			}
		}
	}
	c.MTLSURL = strings.TrimSuffix(c.MTLSURL, "/")
	if c.MTLSURL == "" && c.MTLSListen != "" {
		u, err := url.Parse(c.Issuer)
		_, port, noPort := net.SplitHostPort(c.MTLSListen)
		if err == nil && noPort == nil {
			c.MTLSURL = "https://" + net.JoinHostPort(u.Hostname(), port)
		}
	}
	if c.Development == nil {
		local := c.Local()
		c.Development = &local
	}
}

// LogOptions returns the settings of the log.
func (c *Config) LogOptions() logging.Options {
	return logging.Options{Level: c.LogLevel, Format: c.LogFormat}
}

// loopback reports whether the host is this machine, whatever the network says.
func loopback(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap().IsLoopback()
	}
	host = strings.ToLower(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") // RFC 6761
}

// hostOf returns the host of a URL without its port; "" for what is no URL.
func hostOf(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return ""
	}
	return u.Hostname()
}
