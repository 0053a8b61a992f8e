package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestCommandsSayWhatToChooseInstead(t *testing.T) {
	t.Parallel()
	// It knows "correct horse battery staple".
	breaches := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "AD6438836DBE526AA231ABDE2D0EEF74D42:42\r\n")
	}))
	defer breaches.Close()
	sh := newDatabase(t, "VOUCHSAFE_BREACHED_PASSWORDS_URL="+breaches.URL)
	sh.do(t, "user", "add", "kim@example.com", "--username", "kimberley.doe")
	for password, want := range map[string]string{
		"short": "at least 8", "password1": "attackers try first", "kimberley.doe": "not a name",
		"abcdefghijkl1985":             "longer",
		"correct horse battery staple": "nowhere else",
	} {
		// Scripts are warned; what is too short to be a password at all is refused.
		code, said := 0, "warning: "
		if password == "short" {
			code, said = 1, ""
		}
		_, errs, got := sh.run(t, password, "user", "password", "kim@example.com", "--password-stdin")
		if got != code || !strings.Contains(errs, said) || !strings.Contains(errs, want) ||
			strings.Contains(errs, password) && password != "short" {
			t.Errorf("%s: exit %d, %s", password, got, errs)
		}
	}
	breaches.Close()
	if _, errs, code := sh.run(t, "correct horse battery staple", "user", "password", "kim@example.com",
		"--password-stdin"); code != 0 || !strings.Contains(errs, "not asked for") {
		t.Errorf("without the service: exit %d, %s", code, errs)
	}
}

func TestHashesThatAreCheapToGuessAreWarnedOf(t *testing.T) {
	t.Parallel()
	for env, want := range map[string]bool{
		"VOUCHSAFE_ARGON2_MEMORY=19": true, "VOUCHSAFE_ARGON2_PASSES=1": true,
		"VOUCHSAFE_ARGON2_PASSES=2": false, "VOUCHSAFE_ARGON2_MEMORY=65536": false,
	} {
		r := newShell(t, env).serve(t)
		if got := strings.Contains(r.err.String(), "guess passwords cheaply"); got != want {
			t.Errorf("%s: warned: %v, want %v", env, got, want)
		}
		r.stop(t)
	}
}
