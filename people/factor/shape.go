package factor

import (
	"encoding/base32"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
)

// Shape is how an authenticator app makes codes from its secret. Apps that are set up here have the usual one;
// those of users who come from another product may have another.
type Shape struct {
	Algorithm string // SHA1, SHA256 or SHA512
	Digits    int    // 6 or 8
	Period    int    // seconds for which the app shows a code: 10 to 255
}

var (
	usualShape = Shape{"SHA1", 6, 30}
	algorithms = []string{"SHA1", "SHA256", "SHA512"} // by their number in the stored form
	engines    = []otp.Algorithm{otp.AlgorithmSHA1, otp.AlgorithmSHA256, otp.AlgorithmSHA512}
)

// ErrShape says that an authenticator app of another product makes codes that cannot be checked here.
var ErrShape = errors.New("an authenticator app has 6 or 8 digits, SHA1, SHA256 or SHA512, a period of 10 to 255 " +
	"seconds, and a secret of 10 to 64 bytes")

// stored returns the shape as the first two bytes of TOTP.Bytes: 0 for the usual one, which the first versions
// stored there; else a bit that says that there is a shape, 2 bits for the algorithm, 5 for the digits, and 8
// for the period.
func (s Shape) stored() uint16 {
	if s == usualShape {
		return 0
	}
	return 1<<15 | uint16(slices.Index(algorithms, s.Algorithm))<<13 | uint16(s.Digits)<<8 | uint16(s.Period)
}

// parseShape reads the result of stored, for a secret of so many bytes.
func parseShape(stored uint16, secretLength int) (Shape, error) {
	s := usualShape
	if stored != 0 {
		algorithm := int(stored >> 13 & 3)
		if stored>>15 != 1 || algorithm >= len(algorithms) {
			return s, errMalformed
		}
		s = Shape{algorithms[algorithm], int(stored >> 8 & 31), int(stored & 255)}
		if s == usualShape { // it has one stored form
			return s, errMalformed
		}
	}
	if !s.fits(secretLength) {
		return s, errMalformed
	}
	return s, nil
}

// fits reports whether codes of this shape can be checked, with a secret of so many bytes.
func (s Shape) fits(secretLength int) bool {
	return slices.Contains(algorithms, s.Algorithm) && (s.Digits == 6 || s.Digits == 8) &&
		s.Period >= 10 && s.Period <= 255 && secretLength >= 10 && secretLength <= 64
}

// options returns the shape as the library takes it.
func (s Shape) options() hotp.ValidateOpts {
	return hotp.ValidateOpts{Digits: otp.Digits(s.Digits), Algorithm: engines[slices.Index(algorithms, s.Algorithm)]}
}

// ImportTOTP returns an authenticator app that was set up in another product. Zero fields of the shape are the
// usual ones. It returns ErrShape for an app of which the codes cannot be checked.
func ImportTOTP(secret []byte, s Shape) (TOTP, error) {
	s.Algorithm = strings.ToUpper(strings.NewReplacer("-", "", "Hmac", "", "HMAC", "").Replace(s.Algorithm))
	if s.Algorithm == "" {
		s.Algorithm = usualShape.Algorithm
	}
	if s.Digits == 0 {
		s.Digits = usualShape.Digits
	}
	if s.Period == 0 {
		s.Period = usualShape.Period
	}
	if !s.fits(len(secret)) {
		return TOTP{}, ErrShape
	}
	return TOTP{secret: secret, shape: s}, nil
}

// ImportTOTPText returns ImportTOTP of a secret in base 32, as apps are given it, with or without padding and
// spaces, or of a whole otpauth URL, whose shape then counts. The error does not quote the text.
func ImportTOTPText(text string, s Shape) (TOTP, error) {
	if strings.HasPrefix(text, "otpauth:") {
		u, err := url.Parse(text)
		if err != nil || u.Host != "totp" {
			return TOTP{}, fmt.Errorf("it is no otpauth URL of a TOTP: %w", ErrShape)
		}
		q := u.Query()
		text = q.Get("secret")
		s = Shape{Algorithm: q.Get("algorithm")}
		s.Digits, _ = strconv.Atoi(q.Get("digits")) // what is no number is the usual one
		s.Period, _ = strconv.Atoi(q.Get("period"))
	}
	text = strings.ToUpper(strings.NewReplacer(" ", "", "-", "", "=", "").Replace(text))
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(text)
	if err != nil {
		return TOTP{}, ErrShape
	}
	return ImportTOTP(secret, s)
}
