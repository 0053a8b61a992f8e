package people

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/login/mail"
	"github.com/vouchsafe/vouchsafe/people/typed"
	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	// codeLife is how long a code works.
	codeLife = mail.CodeLife
	// codeTries is how often something wrong may be typed for one code.
	codeTries = 5
	// codeDigits is the length of what is typed.
	codeDigits = 8
)

// issued is a code with what only its mail may hold.
type issued struct {
	storage.Code
	Digits string // what can be typed
	Token  string // what its link carries
}

// Spoken is Digits in two groups, as people read them.
func (i issued) Spoken() string { return i.Digits[:codeDigits/2] + " " + i.Digits[codeDigits/2:] }

// newCode makes a code for the reader of what is sent to target, and stores nothing. data is
// what the code sets in motion; it is sealed.
func (s *Service) newCode(a Asker, purpose, target, userID string, data any, life time.Duration) (issued, error) {
	plain, err := json.Marshal(data)
	if err != nil {
		return issued{}, fmt.Errorf("code: %w", err)
	}
	n, err := rand.Int(rand.Reader, big.NewInt(100_000_000))
	if err != nil {
		return issued{}, err
	}
	flow, link, now := secret.Token()[:22], secret.Token(), time.Now()
	sum := sha256.Sum256([]byte(link))
	c := issued{Digits: fmt.Sprintf("%0*d", codeDigits, n), Token: flow + "." + link}
	c.Code = storage.Code{
		TenantID: a.Tenant.ID, ID: flow, Purpose: purpose, Target: target, UserID: userID,
		CodeHash: s.Secrets.Box(a.Tenant.ID, secret.MailedCode).MAC([]byte(flow + "\x00" + c.Digits)), LinkHash: sum[:],
		Data: s.Secrets.Box(a.Tenant.ID, secret.MailedCode).Seal(plain), CreatedAt: now, ExpiresAt: now.Add(life),
	}
	return c, nil
}

// newOwnCode is newCode for an owner, who may have a code beside those of others; see
// Asker.codeOwner.
func (s *Service) newOwnCode(a Asker, owner, purpose, target, userID string, data any) (issued, error) {
	code, err := s.newCode(a, purpose, target, userID, data, codeLife)
	code.Asker = owner
	return code, err
}

// Proof is what comes back from the reader of a code: Digits, typed in the browser that holds
// the Flow, or the Token of the link.
type Proof struct{ Flow, Digits, Token string }

// tryCode finds the code that is proven and opens its data into data, a pointer. It spends
// nothing: storage.Change.Code does, with what the code sets in motion. Its refusal is
// ErrWrongCode.
//
// It counts the tries of the code alone: flows and tokens cannot be guessed, and a client that
// comes with wrong ones must not keep others behind the same address from signing in.
func (s *Service) tryCode(ctx context.Context, a Asker, purpose string, p Proof, data any) (storage.Code, error) {
	tenant, now := a.Tenant.ID, time.Now()
	box := s.Secrets.Box(tenant, secret.MailedCode)
	var code storage.Code
	var err error
	right := false
	if p.Token != "" { // and Digits do not count: callers go by Token, too
		flow, link, _ := strings.Cut(typed.Token(p.Token), ".")
		code, err = s.Store.Code(ctx, tenant, flow, now) // 256 bits need no count of tries
		sum := sha256.Sum256([]byte(link))
		right = subtle.ConstantTimeCompare(sum[:], code.LinkHash) == 1
	} else {
		code, err = s.Store.TryCode(ctx, tenant, p.Flow, codeTries, now)
		right = box.VerifyMAC([]byte(p.Flow+"\x00"+typed.Code(p.Digits)), code.CodeHash)
	}
	if errors.Is(err, storage.ErrNotFound) || err == nil && (!right || code.Purpose != purpose) {
		return storage.Code{}, ErrWrongCode
	}
	if err != nil {
		return storage.Code{}, err
	}
	return code, s.openCode(code, data)
}

// openCode opens the data of a code into data, a pointer.
func (s *Service) openCode(code storage.Code, data any) error {
	plain, err := s.Secrets.Box(code.TenantID, secret.MailedCode).Open(code.Data)
	if err == nil {
		err = json.Unmarshal(plain, data)
	}
	if err != nil {
		return fmt.Errorf("data of code: %w", err)
	}
	return nil
}
