package passkey

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Life is how long the user may take to answer a challenge. A page that stays open for longer
// requests another challenge.
const Life = 10 * time.Minute

var (
	// ErrNoHost means that the issuer has no host name. Browsers refuse passkeys for IP addresses.
	ErrNoHost = errors.New("passkeys need a host name")
	// ErrWrong means that an answer proves nothing, for whatever reason.
	ErrWrong = errors.New("this passkey proves nothing here")
	// ErrCloned is an ErrWrong that means that the passkey's private key was copied.
	ErrCloned = fmt.Errorf("%w: its counter went back", ErrWrong)
	// ErrLate means that the challenge has expired, or was answered before.
	ErrLate = errors.New("the challenge has lapsed")
)

// Purpose is what a challenge is for. Its answer gives ErrWrong for every other purpose.
type Purpose string

const (
	// Register makes a new passkey.
	Register Purpose = "register"
	// SignIn proves which user is there by the passkey alone. The passkey must verify its owner.
	SignIn Purpose = "sign-in"
	// Factor adds the passkey to another proof of the same user.
	Factor Purpose = "factor"
)

// Party is the relying party of one tenant.
type Party struct {
	tenant string
	rp     *webauthn.WebAuthn
	box    *secret.Box
}

// New returns the Party of a tenant. issuer is the tenant's, and name the text that browsers show.
// It returns ErrNoHost if browsers would refuse passkeys for the issuer.
func New(tenant, issuer, name string, secrets *secret.Masters) (*Party, error) {
	u, host, err := hostOf(issuer)
	if err != nil {
		return nil, err
	}
	timeout := webauthn.TimeoutConfig{Enforce: true, Timeout: Life, TimeoutUVD: Life}
	rp, err := webauthn.New(&webauthn.Config{
		RPID: host, RPDisplayName: name, RPOrigins: []string{u.Scheme + "://" + u.Host},
		Timeouts: webauthn.TimeoutsConfig{Login: timeout, Registration: timeout},
		// Password managers add extension outputs of their own. Only credProps is read, which is
		// requested.
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
	})
	if err != nil {
		return nil, err
	}
	return &Party{tenant: tenant, rp: rp, box: secrets.Box(tenant, secret.PasskeyChallenge)}, nil
}

// Host returns the host name to which the passkeys of an issuer belong, or ErrNoHost.
func Host(issuer string) (string, error) {
	_, host, err := hostOf(issuer)
	return host, err
}

// hostOf returns the issuer's URL, and the host name in it.
func hostOf(issuer string) (*url.URL, string, error) {
	u, err := url.Parse(issuer)
	if err != nil {
		return nil, "", fmt.Errorf("issuer: %w", err)
	}
	host := u.Hostname()
	if net.ParseIP(host) != nil || protocol.ValidateRPID(host) != nil {
		return nil, "", ErrNoHost
	}
	return u, host, nil
}

// RPID returns the host name that the tenant's passkeys belong to.
func (p *Party) RPID() string { return p.rp.Config.RPID }

// Challenge is the result of the first half of a ceremony.
type Challenge struct {
	// Options are PublicKeyCredentialCreationOptionsJSON or PublicKeyCredentialRequestOptionsJSON,
	// for the browser.
	Options json.RawMessage `json:"options"`
	// State must come back with the answer, unchanged.
	State string `json:"state"`
}

// letter is the sealed content of a State.
type letter struct {
	Purpose Purpose              `json:"purpose"`
	UserID  string               `json:"user,omitempty"`
	Browser []byte               `json:"browser"`
	Session webauthn.SessionData `json:"session"`
}

// seal returns a Challenge that only this browser can answer.
func (p *Party) seal(purpose Purpose, userID, browser string, options any,
	session *webauthn.SessionData,
) (Challenge, error) {
	raw, err := json.Marshal(options)
	if err != nil {
		return Challenge{}, err
	}
	plain, err := json.Marshal(letter{purpose, userID, hash(browser), *session})
	if err != nil {
		return Challenge{}, err
	}
	return Challenge{Options: raw, State: p.box.SealString(plain)}, nil
}

// open returns the letter in a State. It returns ErrWrong if the state was made for another purpose
// or browser, and ErrLate if it has expired.
func (p *Party) open(purpose Purpose, browser, state string) (letter, error) {
	var l letter
	plain, err := p.box.OpenString(state)
	if err != nil {
		return l, fmt.Errorf("%w: state: %w", ErrWrong, err)
	}
	if err := json.Unmarshal(plain, &l); err != nil {
		return l, fmt.Errorf("passkey state: %w", err)
	}
	if l.Purpose != purpose {
		return l, fmt.Errorf("%w: made for %s, used for %s", ErrWrong, l.Purpose, purpose)
	}
	if browser == "" || subtle.ConstantTimeCompare(l.Browser, hash(browser)) != 1 {
		return l, fmt.Errorf("%w: made for another browser", ErrWrong)
	}
	if now := time.Now(); !now.Before(l.Session.Expires) || storage.Ahead(l.Session.Expires.Add(-Life), now) {
		return l, ErrLate
	}
	return l, nil
}

// MadeFor returns the one of the browser's bindings that the state was made for, or "". A browser's
// binding may have been replaced since.
func (p *Party) MadeFor(state string, browsers []string) string {
	var l letter
	plain, err := p.box.OpenString(state)
	if err != nil || json.Unmarshal(plain, &l) != nil {
		return ""
	}
	for _, browser := range browsers {
		if subtle.ConstantTimeCompare(l.Browser, hash(browser)) == 1 {
			return browser
		}
	}
	return ""
}

// once returns what spending the letter's challenge stores.
func (p *Party) once(l letter) storage.Spent {
	return storage.Spent{TenantID: p.tenant, Purpose: storage.SpentPasskey, Value: l.Session.Challenge,
		ExpiresAt: l.Session.Expires}
}

// hash returns the SHA-256 of s.
func hash(s string) []byte {
	sum := sha256.Sum256([]byte(s))
	return sum[:]
}

// wrong turns an error of the library into ErrWrong. It keeps only the text that may be logged,
// because the library's DevInfo contains what was sent.
func wrong(err error) error { return fmt.Errorf("%w: %s", ErrWrong, err.Error()) }
