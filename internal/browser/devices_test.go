package browser_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/secret"
)

func TestDevicesAreKnownForTheirAccounts(t *testing.T) {
	t.Parallel()
	masters, err := secret.Parse(strings.Repeat("a", 32))
	if err != nil {
		t.Fatal(err)
	}
	d := &browser.Devices{Secrets: masters}
	known := func(j *jar, user string) (device string, ok bool) {
		j.visit(func(w http.ResponseWriter, r *http.Request) { device, ok = d.Known(r, user) })
		return device, ok
	}
	remember := func(j *jar, user string) {
		j.visit(func(w http.ResponseWriter, r *http.Request) { d.Remember(w, r, user) })
	}
	j := at(secure)
	if _, ok := known(j, "jo"); ok {
		t.Error("a new browser is known")
	}
	remember(j, "jo")
	remember(j, "mo")
	first, ok := known(j, "jo")
	second, ok2 := known(j, "mo")
	if !ok || !ok2 || first != second || first == "" {
		t.Errorf("got %q, %v and %q, %v", first, ok, second, ok2)
	}
	if _, ok := known(j, "ko"); ok {
		t.Error("known for an account that it never signed in to")
	}
	size := len(j.cookies["__Host-vouchsafe-device"])
	remember(j, "mo")
	if len(j.cookies["__Host-vouchsafe-device"]) != size {
		t.Error("an account is remembered twice")
	}
	for _, u := range strings.Split("abcdefghijklmno", "") {
		remember(j, u)
	}
	if _, ok := known(j, "mo"); !ok {
		t.Error("the sixteenth account back is forgotten")
	}
	if _, ok := known(j, "jo"); ok {
		t.Error("the seventeenth account back is remembered")
	}

	// That it signed in somewhere is known, too.
	ours := func(j *jar) (device string, ok bool) {
		j.visit(func(w http.ResponseWriter, r *http.Request) { device, ok = d.Ours(r) })
		return device, ok
	}
	if id, ok := ours(j); !ok || id != first {
		t.Errorf("a browser that signed in: got %q, %v", id, ok)
	}
	if _, ok := ours(at(secure)); ok {
		t.Error("a new browser has signed in")
	}
	forged := at(secure)
	forged.cookies["__Host-vouchsafe-device"] = strings.Repeat("a", 43) + "." + strings.Repeat("a", 43)
	if _, ok := ours(forged); ok {
		t.Error("a made-up cookie is one of ours")
	}

	// Neither another browser's proof nor another tenant's counts.
	thief := at(secure)
	remember(thief, "thief")
	id, _, _ := strings.Cut(thief.cookies["__Host-vouchsafe-device"], ".")
	_, tags, _ := strings.Cut(j.cookies["__Host-vouchsafe-device"], ".")
	thief.cookies["__Host-vouchsafe-device"] = id + "." + tags
	if _, ok := known(thief, "mo"); ok {
		t.Error("proofs work beside another browser's id")
	}
	other := at(acme)
	other.cookies["__Host-vouchsafe-device-acme"] = j.cookies["__Host-vouchsafe-device"]
	if _, ok := known(other, "mo"); ok {
		t.Error("proofs work at another tenant")
	}
}
