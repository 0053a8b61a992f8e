package importing_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/factor"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/people/importing/exports"
	"github.com/vouchsafe/vouchsafe/people/password"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb"
)

// place is a tenant to which users move.
type place struct {
	*sqldb.Store
	asker   people.Asker
	masters *secret.Masters
}

// newPlace returns an empty tenant with two upstreams.
func newPlace(t *testing.T) place {
	t.Helper()
	store, err := sqldb.Open(t.Context(), "sqlite::memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	masters, err := secret.Parse(secret.Token())
	if err != nil {
		t.Fatal(err)
	}
	tenant := storage.Tenant{ID: storage.DefaultTenant}
	tenant.Settings.Upstreams = []storage.Upstream{{ID: "google", Preset: "google"}, {ID: "octocat", Preset: "github"}}
	return place{store, people.Asker{Tenant: &issuer.Tenant{Tenant: tenant}, Actor: people.ActorCommand}, masters}
}

// move imports an export of which the first name is the file of the users.
func (p place) move(t *testing.T, product string, dry bool, names ...string) importing.Counts {
	t.Helper()
	open := func(name string) *os.File {
		f, err := os.Open(filepath.Join("exports", "testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		return f
	}
	var further []exports.File
	for _, name := range names[1:] {
		further = append(further, exports.File{Name: name, Reader: open(name)})
	}
	e, err := exports.Open(exports.Options{Product: product, Upstreams: p.asker.Tenant.Settings.Upstreams}, further)
	if err != nil {
		t.Fatal(err)
	}
	n, err := importing.Import(t.Context(), p, p.asker, e.Read(open(names[0])), importing.Options{
		DryRun: dry, Lenient: true, Secrets: func(context.Context) (*secret.Masters, error) { return p.masters, nil },
		Firebase: &password.Firebase{SignerKey: make([]byte, 64), SaltSeparator: []byte{7}, Rounds: 8, MemCost: 14},
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// all returns the users, and how many events there are.
func (p place) all(t *testing.T) ([]storage.User, int) {
	t.Helper()
	users, err := p.Users(t.Context(), storage.DefaultTenant, "", 100)
	if err != nil {
		t.Fatal(err)
	}
	events, err := p.Events(t.Context(), storage.DefaultTenant, "", 100)
	if err != nil {
		t.Fatal(err)
	}
	return users, len(events)
}

// A dry run says what comes and writes nothing; the import adds just that; the same import again adds no user.
func TestExportsComeOnce(t *testing.T) {
	t.Parallel()
	for _, s := range []struct {
		product string
		files   []string
		want    importing.Counts
	}{
		{"keycloak", []string{"keycloak.json"}, importing.Counts{Added: 3, WithHash: 1, LeftOut: 1, Partly: 2}},
		{"auth0", []string{"auth0.jsonl", "auth0-hashes.jsonl"}, importing.Counts{Added: 5, Refused: 1}},
		{"firebase", []string{"firebase.json"}, importing.Counts{Added: 2, WithHash: 1, Refused: 1, Partly: 1}},
		{"firebase", []string{"firebase.csv"}, importing.Counts{Added: 2, WithHash: 1, Partly: 1}},
		{"supabase", []string{"supabase.csv", "supabase-identities.csv", "supabase-factors.csv"},
			importing.Counts{Added: 2, WithHash: 1, LeftOut: 2, Partly: 1}},
		{"kratos", []string{"kratos.json"}, importing.Counts{Added: 2, WithHash: 1, Partly: 1}},
		{"django", []string{"django.json", "django-more.json"}, importing.Counts{Added: 2, WithHash: 1}},
		{"wordpress", []string{"wordpress.json", "wordpress-meta.csv"}, importing.Counts{Added: 2}},
		{"laravel", []string{"laravel.csv"}, importing.Counts{Added: 1, WithHash: 1, LeftOut: 1, Partly: 1}},
		{"aspnet", []string{"aspnet.json", "aspnet-tokens.csv", "aspnet-logins.csv"}, importing.Counts{Added: 2}},
		{"keratin", []string{"keratin.csv", "keratin-oauth.csv"},
			importing.Counts{Added: 2, WithHash: 2, LeftOut: 1, Partly: 1}},
		{"pocketid", []string{"pocketid.csv", "pocketid-passkeys.csv"}, importing.Counts{Added: 2}},
	} {
		p := newPlace(t)
		dry := p.move(t, s.product, true, s.files...)
		if users, events := p.all(t); len(users)+events > 0 {
			t.Errorf("%s: the dry run left %d users and %d events", s.product, len(users), events)
		}
		first := p.move(t, s.product, false, s.files...)
		if dry != first || first.Added != s.want.Added || first.Refused != s.want.Refused || first.LeftOut != s.want.LeftOut {
			t.Errorf("%s: got %+v, and %+v in the dry run, want %+v", s.product, first, dry, s.want)
		}
		if s.want.WithHash > 0 && (first.WithHash != s.want.WithHash || first.Partly != s.want.Partly) {
			t.Errorf("%s: got %+v, want %+v", s.product, first, s.want)
		}
		again := p.move(t, s.product, false, s.files...)
		if users, _ := p.all(t); again.Added != 0 || again.There != first.Added || len(users) != first.Added {
			t.Errorf("%s: again %+v, and %d users", s.product, again, len(users))
		}
	}
}

// Authenticator apps, recovery codes and linked accounts go on working, and the sub stays.
func TestProofsComeAlong(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.move(t, "kratos", false, "kratos.json")
	p.move(t, "keratin", false, "keratin.csv", "keratin-oauth.csv") // Ann is there already, by her identity
	ann, err := p.UserByEmail(t.Context(), storage.DefaultTenant, "ann@example.com")
	if err != nil || ann.ID != "9f425a8d-7efc-4768-8f23-7647a74fdf13" || !ann.EmailVerified {
		t.Fatalf("got %+v, %v", ann, err)
	}
	linked, err := p.Identity(t.Context(), storage.DefaultTenant, "google", "110169484474386276334")
	if err != nil || linked.UserID != ann.ID {
		t.Errorf("got %+v, %v", linked, err)
	}
	cred, err := p.Credential(t.Context(), storage.DefaultTenant, ann.ID, storage.TOTPCredential, "")
	if err != nil {
		t.Fatal(err)
	}
	plain, err := p.masters.Box(storage.DefaultTenant, secret.TOTP).Open(cred.Data)
	if err != nil {
		t.Fatal(err)
	}
	app, err := factor.ParseTOTP([]byte(strings.TrimPrefix(string(plain), ann.ID)))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	code, err := totp.GenerateCode("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", now)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := app.Use(code, now); !ok {
		t.Error("the code of the app is refused")
	}
	cred, err = p.Credential(t.Context(), storage.DefaultTenant, ann.ID, storage.RecoveryCredential, "")
	if err != nil {
		t.Fatal(err)
	}
	codes, err := factor.OpenRecovery(p.masters.Box(storage.DefaultTenant, secret.RecoveryCodes), cred.Data)
	if err != nil || codes.Left() != 2 {
		t.Fatalf("got %d codes, %v", codes.Left(), err)
	}
	if _, ok := codes.Use(ann.ID, "1e6ptc5v"); !ok {
		t.Error("a recovery code is refused")
	}
	bob, err := p.UserByUsername(t.Context(), storage.DefaultTenant, "bob")
	if err != nil || bob.ID != "9f425a8d-7efc-4768-8f23-7647a74fdf14" || !bob.Disabled {
		t.Errorf("got %+v, %v", bob, err)
	}
	linked, err = p.Identity(t.Context(), storage.DefaultTenant, "octocat", "12")
	if err != nil || linked.UserID != bob.ID {
		t.Errorf("got %+v, %v", linked, err)
	}
}

// lines imports JSON lines leniently, and returns the counts and what was said.
func (p place) lines(t *testing.T, lines ...string) (n importing.Counts, said string) {
	t.Helper()
	note := func(r importing.Refusal) error { said += r.Why.Error() + "\n"; return nil }
	rows := importing.ReadRows(strings.NewReader(strings.Join(lines, "\n")), false)
	n, err := importing.Import(t.Context(), p, p.asker, rows, importing.Options{Lenient: true, Refused: note, Noted: note})
	if err != nil {
		t.Fatal(err)
	}
	return n, said
}

// Exports have addresses that differ in case alone, names that are taken, and parts in no known form. No row takes
// an account over, and two products may both have a user 1.
func TestRowsOfOtherProductsThatClash(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	n, said := p.lines(t,
		`{"external_id":"1","email":"ann@example.com","email_verified":true,"username":"ann"}`,
		`{"external_id":"2","email":"Ann@Example.com"}`,
		`{"external_id":"3","email":"bob@example.com","username":"ANN","phone_number":"12","profile":{"picture":"x"}}`,
		`{"external_id":"4","email":"carl@example.com","password_hash":"$unknown$x","roles":["a"]}`,
		`{"external_id":"5","phone_number":"+4312345678"}`,
		`{"external_id":"6","email":"dora@example.com","identities":[{"provider":"google","subject":"1"}]}`,
		`{"external_id":"7","email":"emil@example.com","identities":[{"provider":"google","subject":"1"}]}`)
	if n != (importing.Counts{Added: 5, Refused: 2, Partly: 3}) {
		t.Errorf("got %+v\n%s", n, said)
	}
	for _, want := range []string{"line 1 has this email", "line 1 has this username", "phone_number",
		"picture is not a URL", "password_hash cannot be verified here: its kind is unknown",
		"the user has roles, which come only with --roles",
		"the user has only a phone number",
		"line 6 has this identity at google"} {
		if !strings.Contains(said, want) {
			t.Errorf("nothing says %q:\n%s", want, said)
		}
	}
	if strings.Contains(said, "$unknown$") {
		t.Errorf("a hash is quoted:\n%s", said)
	}
	n, said = p.lines(t,
		`{"external_id":"1","email":"other@example.com"}`,
		`{"external_id":"8","email":"ann@example.com","password_hash":"!"}`,
		`{"external_id":"9","email":"frida@example.com","identities":[{"provider":"google","subject":"1"}]}`)
	if n != (importing.Counts{Refused: 3}) {
		t.Errorf("got %+v\n%s", n, said)
	}
	if n, said = p.lines(t, `{"email":"ANN@example.com"}`); n != (importing.Counts{There: 1}) {
		t.Errorf("got %+v\n%s", n, said)
	}
	users, _ := p.all(t)
	for _, u := range users {
		if u.Email == "ann@example.com" && (u.ExternalID != "1" || !u.EmailVerified) {
			t.Errorf("got %+v", u)
		}
	}
}
