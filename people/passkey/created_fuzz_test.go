package passkey

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/passkeytest"
)

// FuzzCreated feeds what a browser sends of a new passkey. What is taken is that of this
// challenge and this site, and can be stored and read (P1–P4).
func FuzzCreated(f *testing.F) {
	p := party(f, "default", issuer)
	c, err := p.Create("browser", jo)
	if err != nil {
		f.Fatal(err)
	}
	good := passkeytest.New(f, issuer).Register(f, c.Options)
	f.Add(good)
	f.Add(passkeytest.New(f, "https://evil.example").Register(f, c.Options))
	var parts map[string]any
	if err := json.Unmarshal(good, &parts); err != nil {
		f.Fatal(err)
	}
	for name, value := range map[string]any{"id": "AA", "rawId": "", "type": "password",
		"response": map[string]any{"clientDataJSON": "e30", "attestationObject": "oA"}} {
		with := map[string]any{}
		for k, v := range parts {
			with[k] = v
		}
		with[name] = value
		raw, err := json.Marshal(with)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte(`null`))
	f.Add([]byte(
		`{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"e30",` +
			`"attestationObject":"o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YVglAAAA"}}`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		k, once, err := p.Created("browser", c.State, answer, jo)
		if err != nil {
			if !errors.Is(err, ErrWrong) && !errors.Is(err, ErrLate) {
				t.Error(err)
			}
			return
		}
		raw, err := k.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := Parse(raw); err != nil || again.ID() != k.ID() || k.ID() == "" || once.Value == "" {
			t.Errorf("%q is stored as %q, %v", k.ID(), again.ID(), err)
		}
	})
}
