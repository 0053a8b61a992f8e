package login

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/people/factor"
	"github.com/vouchsafe/vouchsafe/people/passkey"
	"github.com/vouchsafe/vouchsafe/storage"
)

// What follows is sealed as package people seals it.

func (s *site) box(tenant string, purpose secret.Purpose) *secret.Box {
	return s.login.Secrets.Box(tenant, purpose)
}

func (s *site) sealTOTP(u storage.User, app factor.TOTP) []byte {
	return s.box(u.TenantID, secret.TOTP).Seal(append([]byte(u.ID), app.Bytes()...))
}

func (s *site) openTOTP(u storage.User, cred storage.Credential) factor.TOTP {
	s.t.Helper()
	plain, err := s.box(u.TenantID, secret.TOTP).Open(cred.Data)
	must(s.t, err)
	app, err := factor.ParseTOTP(plain[len(u.ID):])
	must(s.t, err)
	return app
}

func (s *site) sealRecovery(u storage.User, codes factor.Recovery) []byte {
	return codes.Seal(s.box(u.TenantID, secret.RecoveryCodes))
}

func (s *site) sealPasskey(tenant string, k passkey.Passkey) []byte {
	s.t.Helper()
	plain, err := k.Encode()
	must(s.t, err)
	return s.box(tenant, secret.Passkey).Seal(plain)
}

// keysIn are the passkeys among the credentials that can be read.
func (s *site) keysIn(creds []storage.Credential) (keys []passkey.Passkey) {
	for _, c := range creds {
		if c.Kind != storage.PasskeyCredential {
			continue
		}
		if plain, err := s.box(c.TenantID, secret.Passkey).Open(c.Data); err == nil {
			if k, err := passkey.Parse(plain); err == nil {
				keys = append(keys, k)
			}
		}
	}
	return keys
}

// mostTries is how often something wrong may be typed for one code.
const mostTries = 5

// mailedCode is a code with what only its mail holds.
type mailedCode struct {
	storage.Code
	Digits, Token string
}

// newCode is a code as a use case of the purpose makes one, with data that it seals.
func (s *site) newCode(purpose, target, userID string, data any, life time.Duration) mailedCode {
	s.t.Helper()
	plain, err := json.Marshal(data)
	must(s.t, err)
	flow, link, now := secret.Token()[:22], secret.Token(), time.Now()
	sum, box := sha256.Sum256([]byte(link)), s.box(storage.DefaultTenant, secret.MailedCode)
	return mailedCode{storage.Code{
		TenantID: storage.DefaultTenant, ID: flow, Purpose: purpose, Target: target, UserID: userID,
		CodeHash: box.MAC([]byte(flow + "\x0012345678")), LinkHash: sum[:], Data: box.Seal(plain), CreatedAt: now,
		ExpiresAt: now.Add(life),
	}, "12345678", flow + "." + link}
}

// sealSetup is what the page of an authenticator app's set-up carried that the user opened then.
func (s *site) sealSetup(u storage.User, app factor.TOTP, at time.Time) string {
	plain := binary.BigEndian.AppendUint64([]byte(u.ID), uint64(at.Unix()))
	return s.box(u.TenantID, secret.TOTPSetup).SealString(append(plain, app.Bytes()...))
}

// proofOf is what a browser with the binding, or an app ("" for its binding), keeps of a first proof
// that the user gave then without a client's request.
func (s *site) proofOf(u storage.User, binding string, at time.Time) string {
	s.t.Helper()
	browser := ""
	if binding != "" {
		sum := sha256.Sum256([]byte("flow\x00" + binding))
		browser = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	sum := sha256.Sum256([]byte("pending\x00" + browser + "\x00"))
	plain, err := json.Marshal(map[string]any{
		"u": u.ID, "v": u.CredentialVersion, "m": []string{"pwd"}, "t": at.Unix(),
		"b": base64.RawURLEncoding.EncodeToString(sum[:]),
	})
	must(s.t, err)
	return s.box(u.TenantID, secret.PendingSignIn).SealString(plain)
}
