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

// Life is how long an answer to a challenge may take. Pages that stay open for longer
// ask for another one.
const Life = 10 * time.Minute

var (
	// ErrNoHost says that the issuer has no host name, without which there are no
	// passkeys: browsers refuse them for IP addresses.
	ErrNoHost = errors.New("passkeys need a host name")
	// ErrWrong is every reason why an answer proves nothing.
	ErrWrong = errors.New("this passkey proves nothing here")
	// ErrCloned is an ErrWrong: somebody has a copy of the passkey's key.
	ErrCloned = fmt.Errorf("%w: its counter went back", ErrWrong)
	// ErrLate says that the challenge has lapsed, or was answered before.
	ErrLate = errors.New("the challenge has lapsed")
)

// Purpose is what a challenge is for. An answer to one for something else is ErrWrong.
type Purpose string

const (
	// Register makes a new passkey.
	Register Purpose = "register"
	// SignIn proves who somebody is, by the passkey alone: it has to verify its person.
	SignIn Purpose = "sign-in"
	// Factor adds the passkey to another proof of the same person.
	Factor Purpose = "factor"
)

// Party is the relying party: one tenant.
type Party struct {
	tenant string
	rp     *webauthn.WebAuthn
	box    *secret.Box
}

// New makes the Party of a tenant, known by its issuer and shown as name. ErrNoHost when
// browsers would refuse it.
func New(tenant, issuer, name string, secrets *secret.Masters) (*Party, error) {
	u, err := url.Parse(issuer)
	if err != nil {
		return nil, fmt.Errorf("issuer: %w", err)
	}
	host := u.Hostname()
	if net.ParseIP(host) != nil || protocol.ValidateRPID(host) != nil {
		return nil, ErrNoHost
	}
	timeout := webauthn.TimeoutConfig{Enforce: true, Timeout: Life, TimeoutUVD: Life}
	rp, err := webauthn.New(&webauthn.Config{
		RPID: host, RPDisplayName: name, RPOrigins: []string{u.Scheme + "://" + u.Host},
		Timeouts: webauthn.TimeoutsConfig{Login: timeout, Registration: timeout},
		// Password managers add outputs of their own. None is read but credProps, which
		// is asked for.
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
	})
	if err != nil {
		return nil, err
	}
	return &Party{tenant: tenant, rp: rp, box: secrets.Box(tenant, secret.PasskeyChallenge)}, nil
}

// RPID is the host name that the tenant's passkeys belong to.
func (p *Party) RPID() string { return p.rp.Config.RPID }

// Challenge is the first half of a ceremony.
type Challenge struct {
	// Options are what the browser is asked: PublicKeyCredentialCreationOptionsJSON or
	// PublicKeyCredentialRequestOptionsJSON.
	Options json.RawMessage `json:"options"`
	// State comes back with the answer, unchanged.
	State string `json:"state"`
}

// letter is what is sealed in a State.
type letter struct {
	Purpose Purpose              `json:"purpose"`
	UserID  string               `json:"user,omitempty"`
	Browser []byte               `json:"browser"`
	Session webauthn.SessionData `json:"session"`
}

// seal makes a Challenge that only browser can answer.
func (p *Party) seal(purpose Purpose, userID, browser string, options any, session *webauthn.SessionData) (Challenge, error) {
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

// open gives back what seal was given. ErrWrong for what was sealed for something else,
// ErrLate for what is too old.
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

// MadeFor is that one of the browsers which the state was made for, or "": a browser's
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

// once is what using up the letter's challenge spends.
func (p *Party) once(l letter) storage.Spent {
	return storage.Spent{TenantID: p.tenant, Purpose: storage.SpentPasskey, Value: l.Session.Challenge, ExpiresAt: l.Session.Expires}
}

func hash(s string) []byte {
	sum := sha256.Sum256([]byte(s))
	return sum[:]
}

// wrong keeps of the library's errors what may be logged: their DevInfo holds what was
// sent.
func wrong(err error) error { return fmt.Errorf("%w: %s", ErrWrong, err.Error()) }
