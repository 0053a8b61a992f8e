package upstream

import (
	"testing"

	"github.com/vouchsafe/vouchsafe/storage"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	good := []storage.Upstream{
		{ID: "google", Preset: "google", ClientID: "c", AuthoritativeDomains: []string{"example.com"}},
		{
			ID: "corp", Issuer: "https://login.example.com", ClientID: "c",
			Claims: map[string]string{"email": "mail"}, SignUp: "closed",
		},
		{ID: "apple", Preset: "apple", ClientID: "c", TeamID: "t", KeyID: "k"},
	}
	for _, u := range good {
		if faults := Validate(u); len(faults) > 0 {
			t.Errorf("%s: got faults: %v", u.ID, faults)
		}
	}
	for _, bad := range []storage.Upstream{
		{ID: "A", Preset: "google", ClientID: "c"},
		{ID: "", Preset: "google", ClientID: "c"},
		{ID: "x", Preset: "myspace", ClientID: "c"},
		{ID: "x", Preset: "google"},
		{ID: "x", ClientID: "c"},
		{ID: "x", Issuer: "login.example.com", ClientID: "c"},
		{ID: "x", Preset: "apple", ClientID: "c", TeamID: "t"},
		{ID: "x", Preset: "google", ClientID: "c", TeamID: "t"},
		{ID: "x", Preset: "google", ClientID: "c", Scopes: []string{"email"}},
		{ID: "x", Preset: "google", ClientID: "c", Claims: map[string]string{"sub": "id"}},
		{ID: "x", Preset: "google", ClientID: "c", Domains: []string{"@example.com"}},
		{ID: "x", Preset: "google", ClientID: "c", AuthoritativeDomains: []string{"*.example.com"}},
		{ID: "x", Preset: "google", ClientID: "c", Domains: []string{"Example.com"}},
		{ID: "x", Preset: "google", ClientID: "c", SignUp: "maybe"},
	} {
		if faults := Validate(bad); len(faults) != 1 {
			t.Errorf("%+v: got %q, want one fault", bad, faults)
		}
	}
	for _, u := range []storage.Upstream{good[2], {Preset: "facebook"}} {
		if ValidateSecret(u, "") == "" {
			t.Errorf("%s without a secret: no fault", u.Preset)
		}
	}
	if text := ValidateSecret(good[2], "-----BEGIN PRIVATE KEY-----"); text == "" || ValidateSecret(good[0], "") != "" {
		t.Errorf("apple's key: got %q", text)
	}
}
