package settings

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/declare"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Keratin is what the variables of Keratin AuthN say. They are read while the setting keratin names a tenant.
type Keratin struct {
	Tenant string
	URL    string // the iss of tokens, and the path below which the routes are, without a slash at the end
	// Domains are HOST or HOST:PORT. Hosts may have * in them, but for the first one's.
	Domains             []string
	User, Password      string // of the private routes
	SignUp              bool
	Port, PublicPort    int // 0 for none: the routes are then on the public listener
	NamesAreEmails      bool
	EmailDomains        []string
	PasswordScore       int // -1 for the one of our settings
	LogoutOnNewPassword bool
	AccessTokenTTL      time.Duration
	RefreshTokenTTL     time.Duration
	ExplicitExpiry      bool
	SameSite            http.SameSite
	ResetTTL            time.Duration
	PasswordlessTTL     time.Duration
	// The webhooks; "" for none.
	ResetURL, PasswordlessURL, ChangedURL string
	SigningKey                            string // as bytes
	TimeZone                              *time.Location
	Days, Weeks                           int // of statistics; 0, and nil, for those of our settings
	// Upstreams are the providers of which the variables have the credentials. ClientSecret is in clear.
	Upstreams []storage.Upstream
	// Notes say of variables that have no effect here what to use instead.
	Notes []string

	// What stands for settings of ours that are not set.
	database, redis, secret, sentry string
	sentinel                        struct {
		on                      bool
		master, nodes, password string
	}
	// What settings of ours say.
	ownDatabase, knowsProxies bool
}

// Secure reports whether browsers send cookies over https only.
func (k *Keratin) Secure() bool { return strings.HasPrefix(k.URL, "https://") }

// OwnListener reports whether the routes are served on a port of their own.
func (k *Keratin) OwnListener() bool { return k.Port != 0 || k.PublicPort != 0 }

// Path returns the path below which the routes are: "" for the root.
func (k *Keratin) Path() string {
	u, err := url.Parse(k.URL)
	if err != nil {
		return ""
	}
	return u.Path
}

// KeratinVariables are all variables of Keratin AuthN, in the order of its documentation.
var KeratinVariables = []Variable[Keratin]{
	{"AUTHN_URL", "Required. The `iss` of tokens. The routes are below its path. With https, cookies are `Secure`.",
		readKeratinURL},
	{"APP_DOMAINS", "Required. The hosts, or HOST:PORT, whose pages may call the public routes. `*` stands for a part " +
		"of a host, but not in the first one.", readKeratinDomains},
	{"HTTP_AUTH_USERNAME", "Required. The username of the private routes.",
		func(k *Keratin, v string) error { k.User = v; return nil }},
	{"HTTP_AUTH_PASSWORD", "Required. The password of the private routes: 16 characters or more.",
		func(k *Keratin, v string) error { k.Password = v; return nil }},
	{"SECRET_KEY_BASE", "The master secret, if VOUCHSAFE_SECRET is not set.", readKeratinSecret},
	{"ENABLE_SIGNUP", "`true` by default. `false` removes the routes for sign-up. They also need a tenant whose " +
		"sign-up is open.",
		readKeratinBool(func(k *Keratin) *bool { return &k.SignUp })},
	{"DATABASE_URL", "The PostgreSQL database, if VOUCHSAFE_DATABASE_URL is not set. Vouchsafe makes its own tables " +
		"there. Another database is refused.", readKeratinDatabase},
	{"REDIS_URL", "The URL of Redis, if VOUCHSAFE_REDIS_URL is not set.",
		textVariable(func(k *Keratin) *string { return &k.redis })},
	{"REDIS_IS_SENTINEL_MODE", "`true` finds Redis through Sentinels. REDIS_URL has no effect then.",
		readKeratinBool(func(k *Keratin) *bool { return &k.sentinel.on })},
	{"REDIS_SENTINEL_MASTER", "The name by which the Sentinels know the master.",
		textVariable(func(k *Keratin) *string { return &k.sentinel.master })},
	{"REDIS_SENTINEL_NODES", "The Sentinels, as HOST:PORT, separated by commas.",
		textVariable(func(k *Keratin) *string { return &k.sentinel.nodes })},
	{"REDIS_SENTINEL_PASSWORD", "The password of the Redis servers that the Sentinels watch.",
		textVariable(func(k *Keratin) *string { return &k.sentinel.password })},
	{"ACCESS_TOKEN_TTL", "How long an `id_token` is valid, in seconds. Default: 3600.",
		secondsVariable(func(k *Keratin) *time.Duration { return &k.AccessTokenTTL })},
	{"REFRESH_TOKEN_TTL", "How long a session lives without being refreshed, in seconds. Default: 2592000 (30 days).",
		secondsVariable(func(k *Keratin) *time.Duration { return &k.RefreshTokenTTL })},
	{"REFRESH_TOKEN_EXPLICIT_EXPIRY", "`true` keeps the cookie when the browser is closed.",
		readKeratinBool(func(k *Keratin) *bool { return &k.ExplicitExpiry })},
	{"SESSION_KEY_SALT", "No effect: keys are derived from the master secret alone.", keratinInstead(
		"keys are derived from the master secret alone, without SESSION_KEY_SALT and DB_ENCRYPTION_KEY_SALT")},
	{"DB_ENCRYPTION_KEY_SALT", "No effect on the server, for the same reason. `vouchsafe import keratin` reads " +
		"it.", keratinInstead(
		"keys are derived from the master secret alone, without SESSION_KEY_SALT and DB_ENCRYPTION_KEY_SALT")},
	{"RSA_PRIVATE_KEY", "No effect: Vouchsafe makes and rotates its own keys, and publishes them " +
		"at `/jwks`.", keratinInstead(
		"tokens are signed by keys that Vouchsafe makes and rotates; apps find them in /jwks")},
	{"SAME_SITE", "The `SameSite` of the cookie: `NONE`, `LAX` or `STRICT`. Default: `LAX`.", readKeratinSameSite},
	{"GOOGLE_OAUTH_CREDENTIALS", "The client id and secret of an upstream provider, unless `tenants.yaml` declares " +
		"it.", readKeratinUpstream("google")},
	{"FACEBOOK_OAUTH_CREDENTIALS", "The same for this provider.", readKeratinUpstream("facebook")},
	{"GITHUB_OAUTH_CREDENTIALS", "The same for this provider.", readKeratinUpstream("github")},
	{"DISCORD_OAUTH_CREDENTIALS", "The same for this provider.", readKeratinUpstream("discord")},
	{"MICROSOFT_OAUTH_CREDENTIALS", "The same for this provider.", readKeratinUpstream("microsoft")},
	{"APPLE_OAUTH_CREDENTIALS", "The same for this provider.", readKeratinUpstream("apple")},
	{"USERNAME_IS_EMAIL", "`true`: every username has to be an email address. Default: `false`.",
		readKeratinBool(func(k *Keratin) *bool { return &k.NamesAreEmails })},
	{"EMAIL_USERNAME_DOMAINS", "With `USERNAME_IS_EMAIL`: the domains that are accepted, separated by commas. " +
		"Without it: all.",
		func(k *Keratin, v string) error { k.EmailDomains = listed(strings.ToLower(v)); return nil }},
	{"PASSWORD_POLICY_SCORE", "The least strength of a new password on the compatible routes, from 0 to 4. Without it: " +
		"VOUCHSAFE_PASSWORD_MIN_SCORE. It also needs 8 characters or more, and can't be one of the most common ones.",
		readKeratinScore},
	{"PASSWORD_CHANGE_LOGOUT", "No effect: a new password always ends all other sessions.", readKeratinLogout},
	{"BCRYPT_COST", "No effect: passwords are hashed with Argon2id, and imported bcrypt hashes are replaced at their " +
		"user's next sign-in.", keratinInstead(
		"passwords are hashed with Argon2id: see VOUCHSAFE_ARGON2_MEMORY and VOUCHSAFE_ARGON2_PASSES")},
	{"APP_PASSWORD_RESET_URL", "Where tokens to reset a password are posted.",
		readKeratinHook(func(k *Keratin) *string { return &k.ResetURL })},
	{"APP_PASSWORD_CHANGED_URL", "Where your app is told that a password has changed.",
		readKeratinHook(func(k *Keratin) *string { return &k.ChangedURL })},
	{"APP_PASSWORDLESS_TOKEN_URL", "Where tokens to sign in without a password are posted.",
		readKeratinHook(func(k *Keratin) *string { return &k.PasswordlessURL })},
	{"PASSWORD_RESET_TOKEN_TTL", "How long a token to reset a password works, in seconds. Default: 1800.",
		secondsVariable(func(k *Keratin) *time.Duration { return &k.ResetTTL })},
	{"PASSWORDLESS_TOKEN_TTL", "How long a token to sign in works, in seconds. Default: 1800.",
		secondsVariable(func(k *Keratin) *time.Duration { return &k.PasswordlessTTL })},
	{"APP_SIGNING_KEY", "The key that signs webhooks, in hexadecimal digits.", readKeratinSigningKey},
	{"TIME_ZONE", "The time zone of statistics, such as `Europe/Paris`: `VOUCHSAFE_STATISTICS_ZONE`.", readKeratinZone},
	{"TIMEZONE", "As TIME_ZONE.", readKeratinZone},
	{"DAILY_ACTIVES_RETENTION", "How many days the statistics have: `VOUCHSAFE_STATISTICS_DAYS`.",
		numberVariable(func(k *Keratin) *int { return &k.Days }, 1, 3650)},
	{"WEEKLY_ACTIVES_RETENTION", "How many weeks they have: `VOUCHSAFE_STATISTICS_WEEKS`.",
		numberVariable(func(k *Keratin) *int { return &k.Weeks }, 1, 520)},
	{"PORT", "Serve the routes, public and private, on this port. Without it they are on the public listener, at the " +
		"host and path of AUTHN_URL.", numberVariable(func(k *Keratin) *int { return &k.Port }, 1, 65535)},
	{"PUBLIC_PORT", "A port for the public routes alone.",
		numberVariable(func(k *Keratin) *int { return &k.PublicPort }, 1, 65535)},
	{"PROXIED", "`true` needs VOUCHSAFE_TRUSTED_PROXIES as well, which names the proxies.", readKeratinProxied},
	{"SENTRY_DSN", "Where errors are reported, if VOUCHSAFE_SENTRY_DSN is not set.",
		textVariable(func(k *Keratin) *string { return &k.sentry })},
	{"AIRBRAKE_CREDENTIALS", "No effect: Vouchsafe reports errors to Sentry and its like. Use SENTRY_DSN.", keratinInstead(
		"set VOUCHSAFE_SENTRY_DSN: reports go to services with the protocol of Sentry")},
}

// KeratinUpstreams returns the upstream providers of which variables of Keratin AuthN have the credentials. Values
// that are none are left out.
func KeratinUpstreams(environ []string) []storage.Upstream {
	k := newKeratin("")
	for _, e := range environ {
		name, value, _ := strings.Cut(e, "=")
		for _, v := range KeratinVariables {
			if v.Name == name && strings.HasSuffix(name, "_OAUTH_CREDENTIALS") {
				_ = v.read(k, value)
			}
		}
	}
	return k.Upstreams
}

// newKeratin returns what holds where no variable says otherwise.
func newKeratin(tenant string) *Keratin {
	return &Keratin{
		Tenant: tenant, SignUp: true, PasswordScore: -1, AccessTokenTTL: time.Hour,
		RefreshTokenTTL: 30 * 24 * time.Hour, SameSite: http.SameSiteLaxMode, ResetTTL: 30 * time.Minute,
		PasswordlessTTL: 30 * time.Minute,
	}
}

// read reads the variables of the environment.
func (k *Keratin) read(environ []string, faults *declare.Faults) {
	env := readInto(k, KeratinVariables, environ, faults)
	if s := k.sentinel; s.on {
		if s.master == "" || s.nodes == "" {
			faults.Add("REDIS_IS_SENTINEL_MODE", "needs REDIS_SENTINEL_MASTER and REDIS_SENTINEL_NODES")
		}
		query := url.Values{"master_name": {s.master}}
		if s.password != "" {
			query.Set("password", s.password)
		}
		k.redis = "redis://" + s.nodes + "/0?" + query.Encode()
	}
	for _, missing := range []struct{ name, write string }{
		{"AUTHN_URL", "write the URL at which apps reach the routes of Keratin AuthN, such as https://authn.example.com"},
		{"APP_DOMAINS", "write the hosts of the apps, such as app.example.com"},
		{"HTTP_AUTH_USERNAME", "write the username that the app's server sends to private routes"},
		{"HTTP_AUTH_PASSWORD", "write the password that the app's server sends to private routes"},
	} {
		if env[missing.name] == "" {
			faults.Add(missing.name, "is required by the setting keratin: %s", missing.write)
		}
	}
}

// check reports where the routes would collide with those of Vouchsafe, or be out of reach.
func (k *Keratin) check(issuer string, production bool, fault func(name, format string, args ...any)) {
	if k == nil || k.URL == "" {
		return
	}
	if production && len(k.Password) < 16 {
		k.Notes = append(k.Notes, "HTTP_AUTH_PASSWORD is short: an attacker who guesses it can lock and remove accounts. "+
			"Write 16 characters or more")
	}
	u, err := url.Parse(k.URL)
	if err != nil {
		return // told before
	}
	if own, err := url.Parse(issuer); err == nil && own.Scheme == u.Scheme && own.Host == u.Host && u.Path == "" {
		fault("AUTHN_URL", "is the issuer, but tokens of the two must differ, and some paths are the same: write another "+
			"host, or a path behind it, such as %s/authn", issuer)
	}
	if k.AccessTokenTTL > 24*time.Hour {
		fault("ACCESS_TOKEN_TTL",
			"is longer than a day, for which keys are published after they have signed: write 86400 or less")
	}
	if k.PublicPort != 0 && k.PublicPort == k.Port {
		fault("PUBLIC_PORT", "is PORT, too: write another one, or leave it out")
	}
	if k.PublicPort != 0 && k.Port == 0 {
		fault("PORT", "is missing: with PUBLIC_PORT, private routes need a port of their own")
	}
	if k.SameSite == http.SameSiteNoneMode && !k.Secure() {
		fault("SAME_SITE", "browsers accept NONE over https only: write LAX, or an AUTHN_URL with https")
	}
}

func readKeratinURL(k *Keratin, v string) error {
	if !strings.Contains(v, "://") {
		v = "http://" + v // as Keratin's own examples write it
	}
	u, err := url.Parse(v)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" ||
		u.Scheme != "http" && u.Scheme != "https" || u.Path != "" && !keratinPath.MatchString(u.Path) {
		return errors.New("isn't a URL: write https:// and a host, and perhaps a path")
	}
	k.URL = strings.TrimRight(v, "/")
	return nil
}

var (
	keratinPath   = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)*/?$`)
	keratinDomain = regexp.MustCompile(`^[A-Za-z0-9.*-]+(:[0-9]{1,5})?$|^\[[0-9a-fA-F:.]+\](:[0-9]{1,5})?$`)
)

func readKeratinDomains(k *Keratin, v string) error {
	k.Domains = listed(strings.ToLower(v))
	for i, d := range k.Domains {
		switch {
		case !keratinDomain.MatchString(d):
			return fmt.Errorf("%q isn't a host: write HOST or HOST:PORT, without a scheme and a path", d)
		case i == 0 && strings.Contains(d, "*"):
			return errors.New("begins with a pattern: users are sent to the first one, which must be one host")
		case strings.Trim(strings.ReplaceAll(d, "*", ""), ".:0123456789") == "" && strings.Contains(d, "*"):
			return fmt.Errorf("%q is every host: pages of any site could use the sessions of your users", d)
		}
	}
	return nil
}

func readKeratinSecret(k *Keratin, v string) error {
	if k.secret = v; len(v) < 32 { // as in a developer's environment
		k.secret = ""
		k.Notes = append(k.Notes, "SECRET_KEY_BASE is too short to be the master secret, and has no effect")
	}
	return nil
}

// readKeratinDatabase takes the database over. An embedded server in the place of one that Vouchsafe cannot read would
// have no users.
func readKeratinDatabase(k *Keratin, v string) error {
	if k.ownDatabase {
		return nil
	}
	u, err := url.Parse(v)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return errors.New("isn't a PostgreSQL database: unset it, and choose VOUCHSAFE_DATABASE_URL, or VOUCHSAFE_DATA for " +
			"a server with a SQLite file. docs/keratin.md says how the accounts come along")
	}
	k.database = v
	return nil
}

func readKeratinSameSite(k *Keratin, v string) error {
	modes := map[string]http.SameSite{
		"NONE": http.SameSiteNoneMode, "LAX": http.SameSiteLaxMode, "STRICT": http.SameSiteStrictMode,
	}
	mode, ok := modes[strings.ToUpper(v)]
	if !ok {
		return fmt.Errorf("%q: write NONE, LAX or STRICT", v)
	}
	k.SameSite = mode
	return nil
}

func readKeratinScore(k *Keratin, v string) error {
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 || n > 4 {
		return fmt.Errorf("%q: write a number from 0 to 4", v)
	}
	k.PasswordScore = n
	return nil
}

func readKeratinLogout(k *Keratin, v string) error {
	k.LogoutOnNewPassword = keratinTrue(v)
	if !k.LogoutOnNewPassword {
		k.Notes = append(k.Notes, "PASSWORD_CHANGE_LOGOUT=false has no effect: a new password ends all other sessions")
	}
	return nil
}

func readKeratinZone(k *Keratin, v string) error {
	zone, err := readZone(v)
	if err != nil {
		return fmt.Errorf("%q %w", v, err)
	}
	k.TimeZone = zone
	return nil
}

func readKeratinProxied(k *Keratin, v string) error {
	if keratinTrue(v) && !k.knowsProxies {
		return errors.New("would believe every sender about its address: write the addresses of your proxies into " +
			"VOUCHSAFE_TRUSTED_PROXIES, and unset PROXIED")
	}
	return nil
}

// readKeratinSigningKey reads the key of webhooks.
func readKeratinSigningKey(k *Keratin, v string) error {
	key, err := hex.DecodeString(v)
	if err != nil {
		return errors.New("isn't made of hexadecimal digits, as in Keratin AuthN: openssl rand -hex 32 prints such")
	}
	k.SigningKey = string(key)
	return nil
}

// readKeratinUpstream reads ID:SECRET, a key that has no effect, and more parts NAME=VALUE. Apple's secret is a key in
// PEM, in hexadecimal digits.
func readKeratinUpstream(preset string) func(*Keratin, string) error {
	return func(k *Keratin, v string) error {
		parts := strings.Split(v, ":")
		if len(parts) < 2 || parts[0] == "" || parts[1] == "" {
			return errors.New("isn't ID:SECRET")
		}
		u := storage.Upstream{ID: preset, Preset: preset, ClientID: parts[0], ClientSecret: []byte(parts[1])}
		if preset == "apple" {
			if key, err := hex.DecodeString(parts[1]); err == nil {
				u.ClientSecret = key
			}
		}
		for i, more := range parts[2:] {
			name, value, named := strings.Cut(more, "=")
			if i == 0 && !named { // signed the state of a sign-in there; here that is sealed
				continue
			}
			switch strings.ToLower(name) {
			case "teamid":
				u.TeamID = value
			case "keyid":
				u.KeyID = value
			case "expirytime", "expiryseconds", "tenant", "":
			default:
				return errors.New("has a part behind the secret that is not known: declare the provider in tenants.yaml")
			}
		}
		k.Upstreams = slices.DeleteFunc(k.Upstreams, func(o storage.Upstream) bool { return o.ID == preset })
		k.Upstreams = append(k.Upstreams, u)
		return nil
	}
}

// readKeratinHook reads the URL of a webhook, which may have a username and a password.
func readKeratinHook(field func(*Keratin) *string) func(*Keratin, string) error {
	return func(k *Keratin, v string) error {
		u, err := url.Parse(v)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.Fragment != "" {
			return errors.New("isn't a URL: write https:// and the host and path of the app's server")
		}
		*field(k) = v
		return nil
	}
}

func readKeratinBool(field func(*Keratin) *bool) func(*Keratin, string) error {
	return func(k *Keratin, v string) error { *field(k) = keratinTrue(v); return nil }
}

// keratinTrue reads a truth as Keratin AuthN does: what begins with t, and yes.
func keratinTrue(v string) bool {
	v = strings.ToLower(v)
	return strings.HasPrefix(v, "t") || v == "yes" || v == "1"
}

// keratinInstead notes what to use in the place of a variable that has no effect.
func keratinInstead(instead string) func(*Keratin, string) error {
	return func(k *Keratin, _ string) error {
		if !slices.Contains(k.Notes, instead) {
			k.Notes = append(k.Notes, instead)
		}
		return nil
	}
}

// listed returns the parts of a list with commas between them.
func listed(v string) (all []string) {
	for part := range strings.SplitSeq(v, ",") {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}
