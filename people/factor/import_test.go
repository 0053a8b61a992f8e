package factor

import (
	"encoding/base32"
	"testing"
	"time"
)

// The vectors of RFC 6238 appendix B for other hashes have 8 digits, and each its own secret.
func TestAppsOfOtherProductsGoOnWorking(t *testing.T) {
	t.Parallel()
	at := time.Unix(1111111111, 0)
	ascii := "1234567890123456789012345678901234567890123456789012345678901234"
	for _, app := range []struct {
		secret string
		shape  Shape
		code   string
	}{
		{ascii[:20], Shape{}, "050471"},
		{ascii[:20], Shape{"HmacSHA1", 8, 30}, "14050471"}, // as Keycloak writes it
		{ascii[:32], Shape{"HmacSHA256", 8, 30}, "67062674"},
		{ascii[:64], Shape{"SHA-512", 8, 30}, "99943326"},
	} {
		made, err := ImportTOTP([]byte(app.secret), app.shape)
		if err != nil {
			t.Fatalf("%+v: %v", app.shape, err)
		}
		stored, err := ParseTOTP(made.Bytes())
		if err != nil {
			t.Fatalf("%+v: %v", app.shape, err)
		}
		used, ok := stored.Use(app.code, at)
		if !ok {
			t.Errorf("%+v: %s is refused", app.shape, app.code)
		}
		if used, err = ParseTOTP(used.Bytes()); err != nil {
			t.Fatalf("%+v: %v", app.shape, err)
		}
		if _, ok := used.Use(app.code, at); ok {
			t.Errorf("%+v: %s works twice", app.shape, app.code)
		}
		text := base32.StdEncoding.EncodeToString([]byte(app.secret))
		again, err := ImportTOTPText(text[:4]+" "+text[4:], app.shape)
		if _, ok := again.Use(app.code, at); err != nil || !ok {
			t.Errorf("%+v: in base 32 %s is refused: %v", app.shape, app.code, err)
		}
		if again, err = ImportTOTPText(made.URL("Acme", "jo"), Shape{}); err != nil || again.Text() != made.Text() ||
			again.shape != made.shape {
			t.Errorf("%+v: its URL is read as %+v, %v", app.shape, again.shape, err)
		}
	}
}

func TestAppsThatCannotBeCheckedAreRefused(t *testing.T) {
	t.Parallel()
	secret := make([]byte, 20)
	for _, s := range []Shape{{"MD5", 6, 30}, {"SHA1", 7, 30}, {"SHA1", 6, 5}, {"SHA1", 6, 256}, {"SHA1", -6, 30}} {
		if _, err := ImportTOTP(secret, s); err == nil {
			t.Errorf("%+v is taken", s)
		}
	}
	for _, secret := range [][]byte{nil, make([]byte, 9), make([]byte, 65)} {
		if _, err := ImportTOTP(secret, Shape{}); err == nil {
			t.Errorf("a secret of %d bytes is taken", len(secret))
		}
	}
	for _, text := range []string{"", "1", "otpauth://hotp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "otpauth://totp/x",
		"otpauth:%", "otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&algorithm=MD5"} {
		if _, err := ImportTOTPText(text, Shape{}); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestRecoveryCodesOfOtherProductsWorkOnce(t *testing.T) {
	t.Parallel()
	// Kratos, ASP.NET Core and django-otp; one that is too short to be safe, one that is no code.
	codes, out := ImportRecovery("jo", []string{"1e6ptc5v", "KQ4J7-9VX2M", "hu5xqo4f", "1234", "", "a b"})
	if codes.Left() != 3 || out != 3 {
		t.Fatalf("took %d, left %d out", codes.Left(), out)
	}
	for _, code := range []string{"1E6PTC5V", "kq4j79vx2m", "hu5xq04f"} { // 0 and o are one
		left, ok := codes.Use("jo", code)
		if _, other := codes.Use("mo", code); !ok || other {
			t.Fatalf("%s works %v, for another user %v", code, ok, other)
		}
		if _, ok := left.Use("jo", code); ok {
			t.Errorf("%s works twice", code)
		}
		codes = left
	}
}
