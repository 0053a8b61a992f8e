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
	"net/url"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/people/mail"
	"github.com/vouchsafe/vouchsafe/people/typed"
	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	// CodeLife is how long a code works.
	CodeLife = mail.CodeLife
	// codeTries is how often something wrong may be typed for one code.
	codeTries = 5
	// codeDigits is the length of what is typed.
	codeDigits = 8
)

// Issued is a code with what only its mail may hold.
type Issued struct {
	storage.Code
	Digits string // what can be typed
	Token  string // what its link carries
}

// Spoken is Digits in two groups, as users read them.
func (i Issued) Spoken() string { return i.Digits[:codeDigits/2] + " " + i.Digits[codeDigits/2:] }

// NewCode makes a code for the reader of what is sent to target, and stores nothing. data is
// what the code sets in motion; it is sealed.
func (s *Service) NewCode(a Asker, purpose, target, userID string, data any, life time.Duration) (Issued, error) {
	plain, err := json.Marshal(data)
	if err != nil {
		return Issued{}, fmt.Errorf("code: %w", err)
	}
	n, err := rand.Int(rand.Reader, big.NewInt(100_000_000))
	if err != nil {
		return Issued{}, err
	}
	flow, link, now := secret.Token()[:22], secret.Token(), time.Now()
	sum := sha256.Sum256([]byte(link))
	c := Issued{Digits: fmt.Sprintf("%0*d", codeDigits, n), Token: flow + "." + link}
	c.Code = storage.Code{
		TenantID: a.Tenant.ID, ID: flow, Purpose: purpose, Target: target, UserID: userID,
		CodeHash: s.Secrets.Box(a.Tenant.ID, secret.MailedCode).MAC([]byte(flow + "\x00" + c.Digits)), LinkHash: sum[:],
		Data: s.Secrets.Box(a.Tenant.ID, secret.MailedCode).Seal(plain), CreatedAt: now, ExpiresAt: now.Add(life),
	}
	return c, nil
}

// newOwnCode is NewCode for an owner, who may have a code beside those of others; see
// Asker.codeOwner.
func (s *Service) newOwnCode(a Asker, owner, purpose, target, userID string, data any) (Issued, error) {
	code, err := s.NewCode(a, purpose, target, userID, data, CodeLife)
	code.Asker = owner
	return code, err
}

// Proof is what comes back from the reader of a code: Digits, typed in the browser that holds
// the Flow, or the Token of the link.
type Proof struct{ Flow, Digits, Token string }

// TryCode finds the code that is proven and opens its data into data, a pointer. It spends
// nothing: storage.Change.Code does, with what the code sets in motion. Its refusal is
// ErrWrongCode.
//
// It counts the tries of the code alone: flows and tokens cannot be guessed, and a client that
// comes with wrong ones must not keep others behind the same address from signing in.
func (s *Service) TryCode(ctx context.Context, a Asker, purpose string, p Proof, data any) (storage.Code, error) {
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
	if err == nil && !right && p.Token == "" && code.Purpose == purpose && code.Tries < codeTries {
		return storage.Code{}, &WrongCode{Left: int(codeTries - code.Tries)}
	}
	if errors.Is(err, storage.ErrNotFound) || err == nil && (!right || code.Purpose != purpose) {
		return storage.Code{}, ErrWrongCode
	}
	if err != nil {
		return storage.Code{}, err
	}
	return code, s.OpenCode(code, data)
}

// OpenCode opens the data of a code that was mailed or texted into data, a pointer.
func (s *Service) OpenCode(code storage.Code, data any) error {
	plain, err := s.Secrets.Box(code.TenantID, secret.MailedCode).Open(code.Data)
	if err == nil {
		err = json.Unmarshal(plain, data)
	}
	if err != nil {
		return fmt.Errorf("data of code: %w", err)
	}
	return nil
}

// A flow sends a code, waits for it to come back, and then does what the data of the code says. It
// has an id, which the asker holds, and may be sent once more under another.

// beginning is where a flow of a user who is not signed in began. It is a part of the code's data.
type beginning struct {
	Browser string // Asker.Browser
	Letter  string // of the client's request, which goes on in the same browser; "" for none
	Asker   string // Asker.codeOwner
}

func (b *beginning) beganAt() string { return b.Browser }

// beginningAt returns the beginning of a flow that the asker begins.
func beginningAt(a Asker, letter string) beginning {
	return beginning{Browser: a.Browser, Letter: letter, Asker: a.codeOwner()}
}

// beganHere reports whether it is certain that the flow began in the asker's browser.
func (b *beginning) beganHere(a Asker) bool { return b.Browser != "" && a.Began(b.Browser) }

// begun is the data of a code whose flow began somewhere: a pointer.
type begun interface{ beganAt() string }

// openFlow returns the code, and opens its data, of a link, by p.Token, or of a flow that began in the asker's
// browser. It spends nothing: mail scanners open links. Its refusal is ErrWrongCode.
func (s *Service) openFlow(
	ctx context.Context, a Asker, purpose string, p Proof, data begun,
) (code storage.Code, err error) {
	if p.Token != "" {
		return s.TryCode(ctx, a, purpose, Proof{Token: p.Token}, data)
	}
	if code, err = s.waitingCode(ctx, a.Tenant.ID, purpose, p.Flow); err == nil {
		err = s.openHere(a, code, data)
	}
	return code, err
}

// proveFlow is TryCode for a flow: digits count in the browser alone in which it began.
func (s *Service) proveFlow(ctx context.Context, a Asker, purpose string, p Proof, data begun) (storage.Code, error) {
	code, err := s.TryCode(ctx, a, purpose, p, data)
	if err == nil && p.Token == "" && !a.Began(data.beganAt()) {
		err = ErrWrongCode
	}
	return code, err
}

// putFlow stores the code of a flow and its message, and returns the flow.
func (s *Service) putFlow(ctx context.Context, a Asker, code Issued, m storage.Delivery) (flow string, err error) {
	return code.ID, s.StoreCode(ctx, a, code.Code, m)
}

// ResendAt returns when a user may have the code of a flow sent once more.
func (s *Service) ResendAt(code storage.Code) time.Time { return code.CreatedAt.Add(s.ResendAfter) }

// MayResend refuses to send the code of a flow once more before ResendAt.
func (s *Service) MayResend(a Asker, code storage.Code) error {
	if wait := time.Until(s.ResendAt(code)); wait > 0 && !s.Limits.IsUnlimited(a.IP) {
		return &Limited{Wait: wait, Resend: true}
	}
	return nil
}

// openHere opens the data of a code whose flow began in the asker's browser. Its refusal is
// ErrWrongCode.
func (s *Service) openHere(a Asker, code storage.Code, data begun) error {
	err := s.OpenCode(code, data)
	if err == nil && !a.Began(data.beganAt()) {
		err = ErrWrongCode
	}
	return err
}

// waitingCode returns the code of a flow. It spends nothing and proves nothing. Its refusal is
// ErrWrongCode.
func (s *Service) waitingCode(ctx context.Context, tenant, purpose, flow string) (storage.Code, error) {
	code, err := s.Store.Code(ctx, tenant, flow, time.Now())
	if errors.Is(err, storage.ErrNotFound) || err == nil && code.Purpose != purpose {
		err = ErrWrongCode
	}
	return code, err
}

// OpenWaiting returns the code of a flow, and opens its data into data, a pointer. It spends nothing and
// proves nothing. Its refusal is ErrWrongCode.
func (s *Service) OpenWaiting(ctx context.Context, a Asker, purpose, flow string, data any) (storage.Code, error) {
	code, err := s.waitingCode(ctx, a.Tenant.ID, purpose, flow)
	if err != nil {
		return code, err
	}
	return code, s.OpenCode(code, data)
}

// openOwnFlow returns the code of a flow of the user, who is signed in, and opens its data. It
// spends nothing. Its refusal is ErrWrongCode.
func (s *Service) openOwnFlow(ctx context.Context, u storage.User, purpose, flow string,
	data any,
) (storage.Code, error) {
	code, err := s.waitingCode(ctx, u.TenantID, purpose, flow)
	if err == nil && code.UserID != u.ID {
		err = ErrWrongCode
	}
	if err != nil {
		return code, err
	}
	return code, s.OpenCode(code, data)
}

// proveOwnFlow is TryCode for a flow of the user, who is signed in.
func (s *Service) proveOwnFlow(ctx context.Context, a Asker, u storage.User, purpose string, p Proof,
	data any,
) (storage.Code, error) {
	code, err := s.TryCode(ctx, a, purpose, p, data)
	if err == nil && code.UserID != u.ID {
		err = ErrWrongCode
	}
	return code, err
}

// composeText makes the text message of a code. Its last line lets a browser offer the code
// on the page that it is for, and on no other (WICG, Origin-bound one-time codes).
func (s *Service) composeText(a Asker, to string, code Issued) (storage.Delivery, error) {
	issuer, err := url.Parse(a.Tenant.Issuer)
	if err != nil {
		return storage.Delivery{}, err
	}
	return s.Mail.ComposeText(a.Tenant, to, a.Language, "phone-code",
		map[string]string{"Code": code.Digits, "Host": issuer.Hostname()})
}
