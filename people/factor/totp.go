package factor

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/pquerna/otp/hotp"

	"github.com/vouchsafe/vouchsafe/people/typed"
	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	tolerance    = 1  // how many codes before and after the current one are accepted, because clocks differ
	secretLength = 20 // bytes, as RFC 4226 section 4 recommends
)

var base32NoPadding = base32.StdEncoding.WithPadding(base32.NoPadding)

// TOTP is the secret that an app shares with the server, and the time step of the last code that
// was used.
type TOTP struct {
	secret []byte
	shape  Shape
	step   int64
}

// NewTOTP returns a new random secret.
func NewTOTP() TOTP {
	t := TOTP{secret: make([]byte, secretLength), shape: usualShape}
	rand.Read(t.secret)
	return t
}

var errMalformed = errors.New("malformed TOTP secret")

// ParseTOTP reads the result of Bytes.
func ParseTOTP(b []byte) (TOTP, error) {
	if len(b) < 8 {
		return TOTP{}, errMalformed
	}
	head, secret := binary.BigEndian.Uint64(b), b[8:]
	shape, err := parseShape(uint16(head>>48), len(secret))
	return TOTP{secret: secret, shape: shape, step: int64(head & (1<<48 - 1))}, err
}

// Bytes returns t in its stored form, which the caller seals: two bytes for the Shape, six for the step, and
// the secret.
func (t TOTP) Bytes() []byte {
	head := uint64(t.shape.stored())<<48 | uint64(t.step)&(1<<48-1)
	return append(binary.BigEndian.AppendUint64(nil, head), t.secret...)
}

// Use checks a code as the user typed it. It returns the value to store in the place of t, and
// reports whether the code is right. A code works once, and no code works that is older than one
// that was used (RFC 6238 section 5.2).
func (t TOTP) Use(code string, now time.Time) (TOTP, bool) {
	code = typed.Code(code)
	period := int64(t.shape.Period)
	current := now.Unix() / period
	if t.step-current > tolerance+int64(storage.ClockSkew/time.Second)/period {
		t.step = 0 // the clock was ahead when the last code was used: do not make the user wait until then
	}
	for step := current - tolerance; step <= current+tolerance; step++ {
		want, err := hotp.GenerateCodeCustom(t.Text(), uint64(step), t.shape.options())
		if err != nil {
			return t, false
		}
		if subtle.ConstantTimeCompare([]byte(code), []byte(want)) == 1 && step > t.step {
			return TOTP{t.secret, t.shape, step}, true
		}
	}
	return t, false
}

// LastUsed returns when the last code was used, to the period for which the app shows one; the zero time if none was.
func (t TOTP) LastUsed() time.Time {
	if t.step == 0 {
		return time.Time{}
	}
	return time.Unix(t.step*int64(t.shape.Period), 0)
}

// Text returns the secret as text, for users whose app cannot read the QR code.
func (t TOTP) Text() string { return base32NoPadding.EncodeToString(t.secret) }

// URL returns the content of the QR code: the secret, the issuer and the account. Apps read the
// issuer from the label before the colon, or from the parameter.
func (t TOTP) URL(issuer, account string) string {
	issuer = strings.ReplaceAll(issuer, ":", " ")
	q := url.Values{"secret": {t.Text()}, "issuer": {issuer}, "algorithm": {t.shape.Algorithm},
		"digits": {strconv.Itoa(t.shape.Digits)}, "period": {strconv.Itoa(t.shape.Period)}}
	// Some apps show a + literally.
	query := strings.ReplaceAll(q.Encode(), "+", "%20")
	return "otpauth://totp/" + url.PathEscape(issuer) + ":" + url.PathEscape(account) + "?" + query
}
