package passkey

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/passkeytest"
)

func TestForgedRegistrationsAreRefused(t *testing.T) {
	t.Parallel()
	p := party(t, "default", issuer)
	for name, change := range map[string]func(d *passkeytest.Key){
		"another site":        func(d *passkeytest.Key) { d.Origin = "https://evil.example" },
		"another site's key":  func(d *passkeytest.Key) { d.RPID = "evil.example" },
		"another challenge":   func(d *passkeytest.Key) { d.Challenge = strings.Repeat("A", 43) },
		"a sign-in":           func(d *passkeytest.Key) { d.Type = "webauthn.get" },
		"nobody touched it":   func(d *passkeytest.Key) { d.Absent = true },
		"a page in a frame":   func(d *passkeytest.Key) { d.CrossOrigin = true },
		"a key without an id": func(d *passkeytest.Key) { d.ID = nil },
	} {
		c, err := p.Create("browser", jo)
		if err != nil {
			t.Fatal(err)
		}
		device := passkeytest.New(t, issuer)
		change(device)
		if _, _, err := p.Created("browser", c.State, device.Register(t, c.Options), jo); !errors.Is(err, ErrWrong) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatBrowsersAreAsked(t *testing.T) {
	t.Parallel()
	p := party(t, "default", "https://id.example.com:8443/t/acme")
	device := passkeytest.New(t, "https://id.example.com:8443")
	k := register(t, p, device)
	mine := jo
	mine.Passkeys = []Passkey{k}
	c, err := p.Create("browser", mine)
	if err != nil {
		t.Fatal(err)
	}
	var made struct {
		RP                     struct{ ID, Name string }
		User                   struct{ ID, Name, DisplayName string }
		ExcludeCredentials     []struct{ ID string }
		AuthenticatorSelection struct{ ResidentKey, UserVerification string }
		Attestation            string
	}
	if err := json.Unmarshal(c.Options, &made); err != nil {
		t.Fatal(err)
	}
	if made.RP.ID != "id.example.com" || made.RP.Name != "Example" || made.User.Name != jo.Name ||
		made.User.DisplayName != jo.Display || made.Attestation != "none" {
		t.Errorf("%s", c.Options)
	}
	if len(made.ExcludeCredentials) != 1 || made.ExcludeCredentials[0].ID != k.ID() {
		t.Errorf("the passkey that is there could be made again: %s", c.Options)
	}
	if strings.Contains(c.State, jo.ID) {
		t.Error("the state can be read")
	}
	for purpose, want := range map[Purpose]string{SignIn: "required", Factor: "discouraged"} {
		var asked struct {
			RPID, UserVerification string
			AllowCredentials       []struct{ ID string }
		}
		if err := json.Unmarshal(ask(t, p, purpose, &mine).Options, &asked); err != nil {
			t.Fatal(err)
		}
		if asked.RPID != "id.example.com" || asked.UserVerification != want || len(asked.AllowCredentials) != 1 {
			t.Errorf("%s: %+v", purpose, asked)
		}
	}
	if a, b := ask(t, p, SignIn, nil).Options, ask(t, p, SignIn, nil).Options; string(a) == string(b) ||
		strings.Contains(string(a), "allowCredentials") {
		t.Errorf("%s, then %s", a, b)
	}
}
