package login

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/passkeytest"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/people/importing/exports"
	"github.com/vouchsafe/vouchsafe/storage"
)

// move imports what a product has exported. Its passkeys were made for this host.
func (s *site) move(product, export string) {
	s.t.Helper()
	e, err := exports.Open(exports.Options{Product: product, PasskeyHost: "localhost"}, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	asker := people.Asker{Tenant: &issuer.Tenant{Tenant: storage.Tenant{ID: storage.DefaultTenant}, Issuer: s.url},
		Actor: people.ActorCommand}
	n, err := importing.Import(s.t.Context(), s.store, asker, e.Read(strings.NewReader(export)), importing.Options{
		Lenient: true, Secrets: func(context.Context) (*secret.Masters, error) { return s.login.Secrets, nil },
		Noted: func(r importing.Refusal) error { s.t.Errorf("lost: %v", r.Why); return nil },
	})
	if err != nil || n.Added == 0 || n.Refused > 0 {
		s.t.Fatalf("got %+v, %v", n, err)
	}
}

// away returns a device with a passkey of another product that was at the same host.
func (s *site) away(handle string) (device *passkeytest.Key, id, key string) {
	device = passkeytest.New(s.t, s.url)
	device.RPID, device.UserHandle = "localhost", []byte(handle)
	return device, base64.StdEncoding.EncodeToString(device.ID),
		base64.StdEncoding.EncodeToString(device.PublicKey(s.t))
}

// Users of Keycloak and Kratos sign in with the passkeys that they had there, if this server is at the same host.
func TestPasskeysOfOtherProductsSignIn(t *testing.T) {
	t.Parallel()
	s := passkeySite(t, nil)
	const id = "0a5b8e1e-3f53-4b0c-9a53-0d7a5e0f8a01"
	kim, keyID, public := s.away(id)
	s.move("keycloak", fmt.Sprintf(`{"realm":"acme","webAuthnPolicyPasswordlessUserVerificationRequirement":"required",
		"users":[{"id":%q,"username":"kim","enabled":true,"credentials":[{"type":"webauthn-passwordless","userLabel":"phone",
		"secretData":"{}","credentialData":"{\"aaguid\":\"00000000-0000-0000-0000-000000000000\",\"credentialId\":\"%s\",`+
		`\"counter\":1,\"credentialPublicKey\":\"%s\",\"transports\":[\"internal\"]}"}]}]}`, id, keyID, public))
	handle := strings.Repeat("Xy7", 21) + "Z" // 64 characters at random
	lou, keyID, public := s.away(handle)
	lou.Synced = true
	s.move("kratos", fmt.Sprintf(`[{"id":"9f425a8d-7efc-4768-8f23-7647a74fdf13","traits":{"username":"lou"},
		"credentials":{"passkey":{"config":{"user_handle":%q,"credentials":[{"id":%q,"public_key":%q,"is_passwordless":true,
		"authenticator":{"aaguid":"AAAAAAAAAAAAAAAAAAAAAA==","sign_count":0},
		"flags":{"user_verified":true,"backup_eligible":true}}]}}}}]`,
		base64.StdEncoding.EncodeToString([]byte(handle)), keyID, public))
	for name, device := range map[string]*passkeytest.Key{"kim": kim, "lou": lou} {
		v := s.visitor()
		if got := v.usePasskey(device); got.leads() != "/" {
			t.Errorf("%s: got %d to %q: %s", name, got.status, got.location(), got.body)
		}
	}
	lou.UserHandle = kim.UserHandle
	if got := s.visitor().usePasskey(lou); got.leads() == "/" {
		t.Error("a passkey signs in under the handle of another user")
	}
}

// A security key that had to be shown after the password has to be shown here, too.
func TestSecurityKeysOfOtherProductsAreAskedFor(t *testing.T) {
	t.Parallel()
	s := passkeySite(t, nil)
	hash, err := s.hasher.Hash(t.Context(), right)
	if err != nil {
		t.Fatal(err)
	}
	ed, keyID, public := s.away("9f425a8d")
	ed.Verified, ed.Discoverable, ed.UserHandle = false, false, nil
	s.move("kratos", fmt.Sprintf(`[{"id":"9f425a8d-7efc-4768-8f23-7647a74fdf15","traits":{"email":"ed@example.com"},
		"credentials":{"password":{"config":{"hashed_password":%q}},"webauthn":{"config":{"credentials":[{"id":%q,
		"public_key":%q,"display_name":"key ring","is_passwordless":false,"authenticator":{"sign_count":1}}]}}}}]`,
		hash, keyID, public))
	v := s.visitor()
	q := s.ask("", storage.Interaction{})
	v.get("/login?" + q)
	i := strings.TrimPrefix(q, "i=")
	v.leads(v.post("/login", "i", i, "login", "ed@example.com", "password", right), "/second-factor?"+q)
	if v.cookie("session") != "" {
		t.Error("a session before the second factor")
	}
	v.leads(v.confirm(ed, q, "i", i), "/authorize?"+q)
}
