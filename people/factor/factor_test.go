package factor

import (
	"bytes"
	"image/png"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"github.com/vouchsafe/vouchsafe/internal/secret"
)

func TestRFC6238Vectors(t *testing.T) {
	t.Parallel()
	secret := append(make([]byte, 8), "12345678901234567890"...)
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924",
		2000000000: "279037", 20000000000: "353130"} {
		app, err := ParseTOTP(secret)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := app.Use(want, time.Unix(at, 0)); !ok {
			t.Errorf("at %d: %s is refused", at, want)
		}
	}
}

// now is in the middle of a time step.
var now = time.Unix(1800000015, 0)

// shown returns the code that an app shows for the URL that it got.
func shown(t *testing.T, app TOTP, at time.Time) string {
	t.Helper()
	key, err := otp.NewKeyFromURL(app.URL("Acme: Tools & Co", "jo+x@example.com"))
	if err != nil {
		t.Fatal(err)
	}
	code, err := totp.GenerateCode(key.Secret(), at)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func TestCodesOfOneStepAroundNowAreTaken(t *testing.T) {
	t.Parallel()
	app := NewTOTP()
	for steps, want := range map[int]bool{-2: false, -1: true, 0: true, 1: true, 2: false} {
		code := shown(t, app, now.Add(time.Duration(steps)*30*time.Second))
		if _, ok := app.Use(code, now); ok != want {
			t.Errorf("%d steps off: got %v, want %v", steps, ok, want)
		}
	}
}

func TestCodesAreTakenAsPeopleTypeThem(t *testing.T) {
	t.Parallel()
	app := NewTOTP()
	code := shown(t, app, now)
	wide := strings.Map(func(r rune) rune { return r - '0' + '０' }, code)
	for _, as := range []string{code[:3] + " " + code[3:], " " + code + "\n", code[:3] + "-" + code[3:], wide,
		code[:3] + "\u00a0" + code[3:]} {
		if _, ok := app.Use(as, now); !ok {
			t.Errorf("%q is refused", as)
		}
	}
	for _, as := range []string{"", code[:5], code + "0", "0" + code, code + "\x00", strings.Repeat(" ", 80) + code} {
		if _, ok := app.Use(as, now); ok {
			t.Errorf("%q is taken", as)
		}
	}
}

// H10: TOTP replay.
func TestACodeWorksOnceAndNoneBeforeIt(t *testing.T) {
	t.Parallel()
	app := NewTOTP()
	before, code, after := shown(t, app, now.Add(-30*time.Second)), shown(t, app, now),
		shown(t, app, now.Add(30*time.Second))
	used, ok := app.Use(code, now)
	if !ok {
		t.Fatal("the code is refused")
	}
	used, err := ParseTOTP(used.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	for name, old := range map[string]string{"the same": code, "the one before": before} {
		for _, at := range []time.Time{now, now.Add(30 * time.Second)} {
			if _, ok := used.Use(old, at); ok {
				t.Errorf("%s is taken again", name)
			}
		}
	}
	if _, ok := used.Use(after, now); !ok {
		t.Error("the next code is refused")
	}
}

// A code that was used while a clock was ahead does not lock its owner out until then.
func TestACodeOfAheadOfTimeIsForgotten(t *testing.T) {
	t.Parallel()
	app := NewTOTP()
	ahead := now.Add(24 * time.Hour)
	used, ok := app.Use(shown(t, app, ahead), ahead)
	if !ok {
		t.Fatal("the code is refused")
	}
	used, ok = used.Use(shown(t, app, now), now)
	if !ok {
		t.Fatal("the code of now is refused")
	}
	if _, ok := used.Use(shown(t, app, now), now); ok {
		t.Error("it is taken again")
	}
	// Replicas' clocks differ a little.
	if used, ok = used.Use(shown(t, app, now.Add(time.Minute)), now.Add(time.Minute)); !ok {
		t.Fatal("the code of a replica is refused")
	}
	if _, ok := used.Use(shown(t, app, now), now); ok {
		t.Error("an older code is taken")
	}
}

func TestAppsReadTheURL(t *testing.T) {
	t.Parallel()
	raw := NewTOTP().URL("Acme: Tools & Co", "jo+x@example.com")
	key, err := otp.NewKeyFromURL(raw)
	if err != nil {
		t.Fatal(err)
	}
	if key.Issuer() != "Acme  Tools & Co" || key.AccountName() != "jo+x@example.com" || key.Digits() != otp.DigitsSix ||
		key.Period() != 30 || key.Algorithm() != otp.AlgorithmSHA1 {
		t.Errorf("%s: got %q %q", raw, key.Issuer(), key.AccountName())
	}
	if u, err := url.Parse(raw); err != nil || strings.Contains(u.RawQuery, "+") {
		t.Errorf("%s: %v", raw, err)
	}
	picture, err := QR(raw)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	if b := img.Bounds(); b.Dx() != b.Dy() || b.Dx() < 150 || b.Dx() > 400 {
		t.Errorf("the picture is %v", b)
	}
	if _, err := QR(strings.Repeat("x", 5000)); err == nil {
		t.Error("a text that no QR code can hold has a picture")
	}
}

func box(t *testing.T) *secret.Box {
	t.Helper()
	masters, err := secret.Parse(secret.Token())
	if err != nil {
		t.Fatal(err)
	}
	return masters.Box("default", secret.RecoveryCodes)
}

// H10: a recovery code twice.
func TestRecoveryCodesWorkOnceEachForTheirOwner(t *testing.T) {
	t.Parallel()
	b := box(t)
	codes, left := NewRecovery("jo")
	if len(codes) != 10 {
		t.Fatalf("got %d codes, want 10", len(codes))
	}
	seen := map[string]bool{}
	for i, code := range codes {
		if seen[code] || len(strings.ReplaceAll(code, "-", "")) < 10 {
			t.Errorf("got %q", code)
		}
		seen[code] = true
		if bytes.Contains(left.Seal(b), []byte(code)) {
			t.Errorf("%q is stored as it is", code)
		}
		if _, ok := left.Use("mo", code); ok {
			t.Errorf("%q works for another user", code)
		}
		if _, err := OpenRecovery(box(t), left.Seal(b)); err == nil {
			t.Errorf("%q can be read with another master secret", code)
		}
		as := []string{code, strings.ToUpper(code), strings.ReplaceAll(code, "-", ""), strings.ReplaceAll(code, "-", " "),
			strings.ReplaceAll(strings.ReplaceAll(code, "1", "l"), "0", "O")}[i%5]
		next, ok := left.Use("jo", as)
		if !ok || next.Left() != 9-i {
			t.Fatalf("%q: got %v, %d left", as, ok, next.Left())
		}
		if is := HasRecovery(next.Seal(b)); is != (i < 9) {
			t.Errorf("after %d codes: some are left: %v", i+1, is)
		}
		if left, _ = OpenRecovery(b, next.Seal(b)); left.Left() != 9-i {
			t.Fatalf("%d are left once stored, want %d", left.Left(), 9-i)
		}
		if _, ok := left.Use("jo", code); ok {
			t.Errorf("%q works twice", code)
		}
	}
	for _, bad := range []string{"", "-", "0000-0000-0000", strings.Repeat("0", 100)} {
		if _, ok := left.Use("jo", bad); ok {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestWhatWasNotStoredHereIsRefused(t *testing.T) {
	t.Parallel()
	for _, b := range [][]byte{nil, {1}, make([]byte, 17), make([]byte, 73), bytes.Repeat([]byte{1}, 28),
		bytes.Repeat([]byte{255}, 28), append([]byte{0x86, 30}, make([]byte, 26)...)} {
		if _, err := ParseTOTP(b); err == nil {
			t.Errorf("%d bytes are a secret", len(b))
		}
	}
	b := box(t)
	for _, stored := range [][]byte{make([]byte, 31), b.Seal(nil), b.Seal([]byte{0, 0}),
		b.Seal(append([]byte{2}, make([]byte, 32)...))} {
		if _, err := OpenRecovery(b, stored); err == nil {
			t.Errorf("%x are recovery codes", stored)
		}
	}
}

// Codes on paper outlive the master secret with which they were made.
func TestRecoveryCodesOutliveMasterSecrets(t *testing.T) {
	t.Parallel()
	a, b := strings.Repeat("a", 32), strings.Repeat("b", 32)
	boxOf := func(list string) *secret.Box {
		masters, err := secret.Parse(list)
		if err != nil {
			t.Fatal(err)
		}
		return masters.Box("default", secret.RecoveryCodes)
	}
	codes, made := NewRecovery("jo")
	var old []byte // as the first versions stored them
	for _, code := range codes {
		old = append(old, boxOf(a).MAC([]byte("jo\x00"+strings.ReplaceAll(code, "-", "")))...)
	}
	for name, stored := range map[string][]byte{"now": made.Seal(boxOf(a)), "by the first versions": old} {
		renewed, err := RenewRecovery(boxOf(b+","+a), stored)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if again, err := RenewRecovery(boxOf(b+","+a), renewed); again != nil || err != nil {
			t.Errorf("%s: what is sealed with the first secret is sealed again: %v", name, err)
		}
		for _, code := range codes {
			r, err := OpenRecovery(boxOf(b), renewed)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			left, ok := r.Use("jo", code)
			if _, other := r.Use("mo", code); !ok || other {
				t.Errorf("%s: %s works %v, for another person %v", name, code, ok, other)
			}
			renewed = left.Seal(boxOf(b))
		}
	}
	if _, err := RenewRecovery(boxOf(b), made.Seal(boxOf(a))); err == nil {
		t.Error("codes are renewed without the secret that sealed them")
	}
}
