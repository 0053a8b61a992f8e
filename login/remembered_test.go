package login

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// remembering signs in with both factors, and has the browser remembered.
func (a *phone) remembering() *visitor {
	a.t.Helper()
	v := a.visitor()
	v.signIn(a.user.Email, right)
	a.waits()
	v.leads(v.post("/second-factor", "code", a.shows(), "remember", "1"), "/")
	return v
}

func TestRememberedDevicesAreNotAskedAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	jo, mo := s.enrolled("jo@example.com"), s.enrolled("mo@example.com")
	v := jo.remembering()
	v.leads(v.signIn("jo@example.com", right), "/")
	if got := v.session(); got.ACR != storage.ACRRemembered || !slices.Equal(got.AMR, []string{"pwd"}) {
		t.Errorf("got session %+v: a remembered device is no proof", got)
	}
	v.leads(v.signIn("mo@example.com", right), "/second-factor") // theirs is not remembered here
	v.leads(v.post("/second-factor", "code", mo.shows(), "remember", "1"), "/")
	v.leads(v.signIn("jo@example.com", right), "/") // one does not make the other forgotten
	v.leads(v.signIn("mo@example.com", right), "/")

	held := jo.remembering().cookie("remembered")
	for _, forged := range []string{"", "~", "x.y", held[:len(held)-1] + "!", strings.ToUpper(held), held[:36]} {
		w := s.visitor()
		w.plant(&http.Cookie{Name: "vouchsafe-remembered", Value: forged, Path: "/"})
		w.leads(w.signIn("jo@example.com", right), "/second-factor")
	}
	// Nor is it enough for what only the account's owner may do (H12).
	v.leads(v.signIn("jo@example.com", right), "/")
	const more = "/second-factor?next=%2Faccount%2Fdelete"
	v.leads(v.get("/account/delete"), more)
	v.get(more)
	jo.waits()
	v.leads(v.post("/second-factor", "next", "/account/delete", "code", jo.shows()), "/account/delete")
	if p := v.get("/account/delete"); p.status != http.StatusOK {
		t.Errorf("with both proofs: got %d", p.status)
	}
	// Where the client asks for the factor itself, a memory of it is too little.
	q := s.ask("", storage.Interaction{ACR: storage.ACRMultiFactor})
	v.get("/login?other=1&" + q)
	v.leads(v.post("/login", "i", "letter-1", "login", "jo@example.com", "password", right), "/second-factor?"+q)
}

func TestMemoriesOfDevicesEnd(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(jo *phone, v *visitor){

		"by a new password": func(jo *phone, _ *visitor) { jo.change(jo.user, storage.Change{Raise: true}) },
		"by the button for one": func(_ *phone, v *visitor) {
			id, _, _ := strings.Cut(v.cookie("remembered"), ".")
			v.leads(v.does("device", "device", id), "/account/second-factor?done=factor-device")
		},
		"by the button for all": func(_ *phone, v *visitor) {
			v.leads(v.does("devices"), "/account/second-factor?done=factor-devices")
		},
		"by time": func(jo *phone, _ *visitor) {
			for _, c := range mustCreds(jo.t.(*testing.T), jo.site, jo.user) {
				if c.Kind == storage.DeviceCredential {
					c.CreatedAt = c.CreatedAt.Add(-31 * 24 * time.Hour)
					jo.change(jo.user, storage.Change{RemoveCredentials: []storage.CredentialKey{{Kind: c.Kind, ID: c.ID}},
						Credentials: []storage.Credential{c}})
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, nil)
			jo := s.enrolled("jo@example.com")
			v := jo.remembering()
			v.leads(v.signIn("jo@example.com", right), "/")
			end(jo, v)
			v.leads(v.signIn("jo@example.com", right), "/second-factor")
		})
	}
}

// H14: no user can remove another user's devices.
func TestDevicesAreForgottenByTheirOwner(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	jo, mo := s.enrolled("jo@example.com"), s.enrolled("mo@example.com")
	v, w := jo.remembering(), mo.remembering()
	id, _, _ := strings.Cut(w.cookie("remembered"), ".")
	v.does("device", "device", id)
	v.does("devices")
	w.leads(w.signIn("mo@example.com", right), "/")
	if p := w.get("/account/second-factor"); !strings.Contains(p.body, "This device") {
		t.Error("the page does not list the device")
	}
}

func TestTenantsMayRememberNoDevice(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.rules(func(r *storage.TenantSettings) { r.SecondFactor.RememberDevice = new(storage.Duration) })
	jo := s.enrolled("jo@example.com")
	v := s.visitor()
	v.signIn("jo@example.com", right)
	if p := v.get("/second-factor"); strings.Contains(p.body, "remember") {
		t.Error("the page offers to remember the device")
	}
	v.leads(v.post("/second-factor", "code", jo.shows(), "remember", "1"), "/")
	if v.cookie("remembered") != "" {
		t.Error("the device is remembered")
	}
	v.leads(v.signIn("jo@example.com", right), "/second-factor")
}

func TestAPersonHasAFewRememberedDevices(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	jo := s.enrolled("jo@example.com")
	const most = 10
	first := jo.remembering()
	var last *visitor
	for range most {
		last = jo.remembering()
	}
	n := 0
	for _, c := range mustCreds(t, s, jo.user) {
		if c.Kind == storage.DeviceCredential {
			n++
		}
	}
	if n != most {
		t.Errorf("got %d devices, want %d", n, most)
	}
	last.leads(last.signIn("jo@example.com", right), "/")
	first.leads(first.signIn("jo@example.com", right), "/second-factor")
}
