package exports

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/storage"
)

// TestKeycloakGroupsRolesAndAttributes: declared attributes come; groups, roles at clients and other attributes are
// named as lost.
func TestKeycloakGroupsRolesAndAttributes(t *testing.T) {
	t.Parallel()
	e, err := Open(Options{Product: "keycloak", Attributes: []storage.Attribute{{Name: "department"},
		{Name: "floor", Type: storage.AttributeNumber}, {Name: "skills", Type: storage.AttributeList}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var all []importing.Read
	const file = `{"users":[{"username":"kim","groups":["/staff","/hr"],"clientRoles":{"web":["a"]},
		"attributes":{"department":["Sales"],"floor":["7"],"skills":["go","sql"],"shoe":["42"]}}]}`
	for r := range e.Read(strings.NewReader(file)) {
		all = append(all, r)
	}
	if len(all) != 1 || all[0].Err != nil {
		t.Fatalf("got %+v", all)
	}
	want := map[string]any{"department": "Sales", "floor": 7.0, "skills": []any{"go", "sql"}}
	if diff := cmp.Diff(want, all[0].Row.Attributes); diff != "" {
		t.Error(diff)
	}
	said := errors.Join(all[0].Lost...).Error()
	for _, lost := range []string{"no attributes shoe:", "groups /staff, /hr are not imported",
		"at the clients web are not imported"} {
		if !strings.Contains(said, lost) || len(all[0].Lost) != 3 {
			t.Errorf("got %q, want %q", said, lost)
		}
	}
}

// What administrators have met when they moved users to or from other products.
func TestOdditiesOfExports(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, product, export string
		check                 func(c importing.Checked) bool
	}{
		{"an authenticator app with a binary secret, in base 32", "keycloak",
			`{"users":[{"username":"kim","credentials":[{"type":"otp",
			"secretData":"{\"value\":\"CDLYAYRJ73ORTU4PUWWATWSYQCP4H2QL\"}","credentialData":"{\"subType\":\"totp\",\"digits\":6,\"period\":30,\"algorithm\":\"HmacSHA1\",` +
				`\"secretEncoding\":\"BASE32\"}"}]}]}`,
			func(c importing.Checked) bool { return c.TOTP.Text() == "CDLYAYRJ73ORTU4PUWWATWSYQCP4H2QL" }},
		{"a user with an imported hash who has never signed in, whose hash is left out", "firebase",
			`{"users":[{"localId":"1","email":"kim@example.com","emailVerified":true,"passwordHash":"","salt":""}]}`,
			func(c importing.Checked) bool { return c.Hash == nil && c.User.EmailVerified }},
		{"columns that are NULL", "supabase",
			`[{"id":"0a5b8e1e-3f53-4b0c-9a53-0d7a5e0f8a01","email":"kim@example.com","encrypted_password":null,"phone":null,
			"email_confirmed_at":null,"raw_user_meta_data":null,"raw_app_meta_data":null,"banned_until":null,"deleted_at":null,
			"is_anonymous":null,"created_at":null}]`,
			func(c importing.Checked) bool { return c.Hash == nil && !c.User.EmailVerified && !c.User.Disabled }},
		{"a user whom Auth0 knows by SMS, with an email address of an own", "auth0",
			`{"user_id":"sms|1","email":"kim@example.com","phone_number":"+436601234567","phone_verified":true}`,
			func(c importing.Checked) bool { return c.User.ExternalID == "sms|1" && c.User.PhoneVerified }},
	} {
		e, err := Open(Options{Product: c.product, Upstreams: tenant}, nil)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for r := range e.Read(strings.NewReader(c.export)) {
			n++
			if r.Err != nil || len(r.Lost) > 0 {
				t.Fatalf("%s: %v, lost %v", c.name, r.Err, r.Lost)
			}
			user, err := r.Row.Check(importing.Rules{Tenant: "default", Now: time.Now()})
			if err != nil || !c.check(user) {
				t.Errorf("%s: got %+v, %v", c.name, user, err)
			}
		}
		if n != 1 {
			t.Errorf("%s: got %d users", c.name, n)
		}
	}
}
