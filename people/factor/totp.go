package factor

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/pquerna/otp/hotp"

	"github.com/vouchsafe/vouchsafe/people/typed"
	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	period       = 30 // seconds a code is shown for
	tolerance    = 1  // codes before and after it that are taken: clocks differ
	secretLength = 20 // bytes, as RFC 4226 recommends
)

var base32NoPadding = base32.StdEncoding.WithPadding(base32.NoPadding)

// TOTP is the secret that an app and we share, and the last step whose code was used.
type TOTP struct {
	secret []byte
	step   int64
}

// NewTOTP makes one that was never used.
func NewTOTP() TOTP {
	t := TOTP{secret: make([]byte, secretLength)}
	rand.Read(t.secret)
	return t
}

var errMalformed = errors.New("malformed TOTP secret")

// ParseTOTP reads what Bytes gave.
func ParseTOTP(b []byte) (TOTP, error) {
	if len(b) != 8+secretLength {
		return TOTP{}, errMalformed
	}
	return TOTP{secret: b[8:], step: int64(binary.BigEndian.Uint64(b))}, nil
}

// Bytes is t to be stored, sealed.
func (t TOTP) Bytes() []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(t.step)), t.secret...)
}

// Use checks a code as it was typed. It gives what is to be stored in place of t: a code
// works once, and none works that is older than one that was used (RFC 6238 section 5.2).
func (t TOTP) Use(code string, now time.Time) (TOTP, bool) {
	code = typed.Code(code)
	current := now.Unix() / period
	if t.step-current > tolerance+int64(storage.ClockSkew/time.Second)/period {
		t.step = 0 // a clock was ahead, the app's like ours: its owner is not to wait until then
	}
	for step := current - tolerance; step <= current+tolerance; step++ {
		want, err := hotp.GenerateCode(t.Text(), uint64(step))
		if err != nil {
			return t, false
		}
		if subtle.ConstantTimeCompare([]byte(code), []byte(want)) == 1 && step > t.step {
			return TOTP{secret: t.secret, step: step}, true
		}
	}
	return t, false
}

// Text is the secret for people whose app cannot read the picture.
func (t TOTP) Text() string { return base32NoPadding.EncodeToString(t.secret) }

// URL is what the picture says: the secret, and for whom and what it is. Apps take the
// issuer from the label, up to its colon, or from the parameter.
func (t TOTP) URL(issuer, account string) string {
	issuer = strings.ReplaceAll(issuer, ":", " ")
	q := url.Values{"secret": {t.Text()}, "issuer": {issuer}, "algorithm": {"SHA1"}, "digits": {"6"}, "period": {"30"}}
	// Some apps show a + as it is.
	query := strings.ReplaceAll(q.Encode(), "+", "%20")
	return "otpauth://totp/" + url.PathEscape(issuer) + ":" + url.PathEscape(account) + "?" + query
}
