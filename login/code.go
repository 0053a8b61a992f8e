package login

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/mail"
	"github.com/vouchsafe/vouchsafe/people/address"
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

// errWrongCode is every reason why a code or link does not do: it never was, is for
// something else, was used, replaced, tried too often, or is too old.
var errWrongCode = errors.New("wrong or expired code")

// issued is a code with what only its mail may hold.
type issued struct {
	storage.Code
	Digits string // what can be typed
	Token  string // what its link carries
}

// Spoken is Digits in two groups, as people read them.
func (i issued) Spoken() string { return i.Digits[:codeDigits/2] + " " + i.Digits[codeDigits/2:] }

// newCode makes a code for whoever reads what is sent to target, and stores nothing. data
// is what it sets in motion; it is sealed.
func (s *Server) newCode(r *http.Request, purpose, target, userID string, data any, life time.Duration) (issued, error) {
	return makeCode(s.Secrets, web.TenantOf(r.Context()).ID, purpose, target, userID, data, life)
}

// newCodeFor is newCode for an asker, who may have one beside those of others.
func (s *Server) newCodeFor(r *http.Request, asker, purpose, target, userID string, data any, life time.Duration) (issued, error) {
	code, err := s.newCode(r, purpose, target, userID, data, life)
	code.Asker = asker
	return code, err
}

func makeCode(secrets *secret.Masters, tenant, purpose, target, userID string, data any, life time.Duration) (issued, error) {
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
		TenantID: tenant, ID: flow, Purpose: purpose, Target: target, UserID: userID,
		CodeHash: secrets.Box(tenant, secret.MailedCode).MAC([]byte(flow + "\x00" + c.Digits)), LinkHash: sum[:],
		Data: secrets.Box(tenant, secret.MailedCode).Seal(plain), CreatedAt: now, ExpiresAt: now.Add(life),
	}
	return c, nil
}

// proof is what comes back from whoever read a code: Digits, typed in the browser that
// holds the Flow, or the Token of the link.
type proof struct{ Flow, Digits, Token string }

// tryCode finds the code that is proven and opens its data into data, a pointer. It spends
// nothing: storage.Change.Code does, with what the code sets in motion. errWrongCode.
//
// Nothing is counted but the tries of the code itself: flows and tokens cannot be guessed,
// and who comes with wrong ones must not keep others behind the same address from signing in.
func (s *Server) tryCode(r *http.Request, purpose string, p proof, data any) (storage.Code, error) {
	ctx, tenant, now := r.Context(), web.TenantOf(r.Context()).ID, time.Now()
	box := s.Secrets.Box(tenant, secret.MailedCode)
	var code storage.Code
	var err error
	right := false
	if p.Token != "" { // and nothing else counts: callers go by it, too
		flow, link, _ := strings.Cut(typed.Token(p.Token), ".")
		code, err = s.Store.Code(ctx, tenant, flow, now) // 256 bits need no count of tries
		sum := sha256.Sum256([]byte(link))
		right = subtle.ConstantTimeCompare(sum[:], code.LinkHash) == 1
	} else {
		code, err = s.Store.TryCode(ctx, tenant, p.Flow, codeTries, now)
		right = box.VerifyMAC([]byte(p.Flow+"\x00"+typed.Code(p.Digits)), code.CodeHash)
	}
	if errors.Is(err, storage.ErrNotFound) || err == nil && (!right || code.Purpose != purpose) {
		return storage.Code{}, errWrongCode
	}
	if err != nil {
		return storage.Code{}, err
	}
	return code, s.openCode(code, data)
}

// openCode opens the data of a code into data, a pointer.
func (s *Server) openCode(code storage.Code, data any) error {
	plain, err := s.Secrets.Box(code.TenantID, secret.MailedCode).Open(code.Data)
	if err == nil {
		err = json.Unmarshal(plain, data)
	}
	if err != nil {
		return fmt.Errorf("data of code: %w", err)
	}
	return nil
}

// compose makes a mail in the language of the request, to be stored with the change that
// causes it. Call s.Mail.Stored then.
func (s *Server) compose(r *http.Request, to address.Recipient, template string, data any) (storage.Mail, error) {
	return s.Mail.Compose(web.TenantOf(r.Context()), to, s.words(r)["lang"], template, data)
}

// decoy stands for a mail that must not be sent, so that the work is the same.
func (s *Server) decoy(r *http.Request, to address.Recipient, data any) (storage.Mail, error) {
	m, err := s.compose(r, to, "reset-password", data)
	return dropped(m), err
}

// dropped is the message as one that the worker does not send.
func dropped(m storage.Mail) storage.Mail {
	m.Template = ""
	return m
}
