package login

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/people/selfservice"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// TestTheProfileIsAllThatItsPageChanges is for H13.
func TestTheProfileIsAllThatItsPageChanges(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	jo := s.user("default", "jo@example.com", "jo", right)
	jo.Profile = storage.Profile{Profile: "https://jo.example/me",
		Address: &storage.Address{Formatted: "1 Road\nTown", Locality: "Town"}}
	if err := storagetest.UpdateUser(t.Context(), s.store, jo); err != nil {
		t.Fatal(err)
	}
	v := s.signedIn("jo")
	p := v.at("/account/profile")
	for _, c := range claims.Standard.All() {
		if c.Editor == claims.Owner && !strings.Contains(p.body, `name="`+c.Name+`"`) {
			t.Errorf("the page has no field %s", c.Name)
		}
	}
	fields := []string{"name", " Jo Doe ", "locale", "pt-BR", "birthdate", "0000-12-31", "zoneinfo", "Europe/Berlin",
		"website", "https://jo.example/", "address.locality", "Town",
		"email", "evil@example.com", "email_verified", "true", "roles", "admin", "id", "x", "tenant", "acme", "tenant_id",
		"acme", "username", "root", "phone", "+15550100",
		"credential_version", "7", "disabled", "false", "profile", "https://evil.example/",
		"address.formatted", "Evil", "sub", "x"}
	if p := v.post("/account/profile", fields...); p.location() != "/account?done=profile" {
		t.Fatalf("got %d: %s", p.status, p.body)
	}
	want := jo
	want.Profile = storage.Profile{Name: "Jo Doe", Locale: "pt-BR", Birthdate: "0000-12-31", Zoneinfo: "Europe/Berlin",
		Website: "https://jo.example/", Profile: "https://jo.example/me",
		Address: &storage.Address{Formatted: "1 Road\nTown", Locality: "Town"}}
	now := s.stored(jo)
	if !now.UpdatedAt.After(jo.UpdatedAt) {
		t.Error("the change has no date")
	}
	want.UpdatedAt, want.CreatedAt = now.UpdatedAt, now.CreatedAt
	if diff := cmp.Diff(want, now); diff != "" {
		t.Error(diff)
	}
	if m := s.mails.Next(t, "jo@example.com"); !strings.Contains(m.Text, english["notice.profile"]) {
		t.Errorf("got mail %q", m.Text)
	}
	// The same again changes nothing, and says nothing.
	v.post("/account/profile", fields...)
	if again := s.stored(jo); !again.UpdatedAt.Equal(now.UpdatedAt) || s.count("profile.changed") != 1 {
		t.Error("what did not change was changed")
	}
	// An address that is spelled out does not survive another.
	v.post("/account/profile", append(slices.Clone(fields), "address.locality", "City")...)
	if got := s.stored(jo).Profile.Address; *got != (storage.Address{Locality: "City"}) {
		t.Errorf("got address %+v", got)
	}
	v.post("/account/profile", "name", "Jo")
	if got := s.stored(jo).Profile; got.Address != nil || got.Website != "" {
		t.Errorf("got %+v", got)
	}
}

func TestOddProfilesAreRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	jo := s.user("default", "jo@example.com", "", right)
	v := s.signedIn("jo@example.com")
	v.at("/account/profile")
	for _, test := range [][3]string{
		{"name", strings.Repeat("é", selfservice.MaxProfileField+1),
			english.Must("profile.long", selfservice.MaxProfileField)},
		{"name", "Jo\nDoe", english["profile.unprintable"]}, {"name", "Jo\x00", english["profile.unprintable"]},
		{"nickname", "\u202egnp.evil", english["profile.unprintable"]}, {"name", "\xff", english["profile.unprintable"]},
		{"website", "javascript:alert(1)", english["profile.url"]}, {"website", "http://jo.example/", english["profile.url"]},
		{"picture", "data:image/png,x", english["profile.url"]},
		{"picture", "https://user:password@x.example/", english["profile.url"]},
		{"website", "//jo.example", english["profile.url"]},
		{"birthdate", "31.12.1990", english["profile.date"]}, {"birthdate", "1990-02-30", english["profile.date"]},
		{"birthdate", "1990-1-1", english["profile.date"]},
		{"zoneinfo", "../../etc/passwd", english["profile.zone"]}, {"zoneinfo", "berlin", english["profile.zone"]},
		{"locale", "no language", english["profile.language"]},
		{"address.country", "A\nB", english["profile.unprintable"]},
	} {
		p := v.post("/account/profile", test[0], test[1])
		if p.status != http.StatusUnprocessableEntity || !strings.Contains(p.body, test[2]) ||
			strings.Count(p.body, `class="fault"`) != 1 {
			t.Errorf("%s %.30q: got %d without %q", test[0], test[1], p.status, test[2])
		}
	}
	if got := s.stored(jo); got.Profile != (storage.Profile{}) {
		t.Errorf("got %+v", got.Profile)
	}
	for _, test := range [][2]string{
		{"name", strings.Repeat("é", selfservice.MaxProfileField)}, {"name", "می\u200cخواهم"}, {"birthdate", "1990"},
		{"birthdate", "1990-12-31"}, {"zoneinfo", "America/Argentina/Buenos_Aires"}, {"zoneinfo", "UTC"}, {"locale", "ru"},
		{"address.street_address", "1 Road\r\nFlat 2"},
	} {
		if p := v.post("/account/profile", test[0], test[1]); p.leads() != "/account?done=profile" {
			t.Errorf("%s %.30q: got %d", test[0], test[1], p.status)
		}
	}
	if p := v.at("/account/profile"); !strings.Contains(p.body, "1 Road\nFlat 2</textarea>") {
		t.Error("the lines of the street are lost")
	}
}

func TestTheDownloadHasAllButSecrets(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	jo, mo := s.user("default", "jo@example.com", "jo", right), s.user("default", "mo@example.com", "", right)
	jo.Profile.Name = "Jo Doe"
	link := storage.Identity{Provider: "google", Subject: "g-1", Email: "jo@gmail.example", CreatedAt: time.Now()}
	passkey := storage.Credential{Kind: storage.PasskeyCredential, ID: "id-of-passkey", Data: []byte("sealed-secret"),
		CreatedAt: time.Now(), UpdatedAt: time.Now()}
	if err := s.store.Apply(t.Context(),
		storage.Change{TenantID: "default", UserID: jo.ID, Now: time.Now(), Update: &jo, Link: []storage.Identity{link},
			Credentials: []storage.Credential{passkey}}); err != nil {
		t.Fatal(err)
	}
	s.signedIn("mo@example.com")
	s.allow(mo, "app", "theirs")
	s.allow(jo, "app", "openid", "email")
	v := s.signedIn("jo")
	v.at("/account/data")
	p := v.post("/account/data")
	if p.status != http.StatusOK || p.header.Get("Content-Type") != "application/json" ||
		!strings.HasPrefix(p.header.Get("Content-Disposition"), "attachment; filename=") ||
		p.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("got %d, %v", p.status, p.header)
	}
	var got selfservice.PersonalData
	if err := json.Unmarshal([]byte(p.body), &got); err != nil {
		t.Fatal(err)
	}
	if got.Account.ID != jo.ID || got.Account.Email != "jo@example.com" || got.Account.Username != "jo" ||
		got.Account.Profile.Name != "Jo Doe" || got.Issuer != s.url {
		t.Errorf("got account %+v", got.Account)
	}
	if len(got.Sessions) != 1 || got.Sessions[0].IP != "127.0.0.1" || len(got.Apps) != 1 ||
		got.Apps[0].ClientID != "app" || len(got.Identities) != 1 || got.Identities[0].Subject != "g-1" ||
		len(got.Credentials) != 2 {
		t.Errorf("got %s", p.body)
	}
	if len(got.Activity) == 0 || got.Activity[0].Kind != "login.succeeded" || got.Truncated {
		t.Errorf("got activity %+v", got.Activity)
	}
	cred, err := s.store.Credential(t.Context(), "default", jo.ID, storage.PasswordCredential, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, never := range []string{string(cred.Data), "$argon2", "sealed", "c2VhbGVk", "secret", v.cookie("session"),
		mo.ID, "mo@example.com", "theirs"} {
		if strings.Contains(p.body, never) {
			t.Errorf("%q is in the download", never)
		}
	}
	if s.count("data.downloaded") != 1 {
		t.Error("the download is not on record")
	}
	if p := v.get("/account/data"); strings.Contains(p.body, jo.ID) {
		t.Error("a GET gives it")
	}
}

func TestAnAccountIsDeletedForGood(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	jo := s.user("default", "jo@example.com", "jo", right)
	s.user("default", "mo@example.com", "", right)
	other := s.signedIn("jo")
	v := s.signedIn("mo@example.com")
	v.signIn("jo", right)
	g := s.grant(jo, "app", "", true)
	s.allow(jo, "app", "openid")
	if p := v.at("/account/delete"); !strings.Contains(p.body, "jo@example.com") {
		t.Error("the page does not say whose account it is")
	}
	for _, form := range [][]string{{}, {"sure", ""}} {
		if p := v.post("/account/delete", form...); p.status != http.StatusUnprocessableEntity ||
			!strings.Contains(p.body, english["delete.unsure"]) {
			t.Errorf("%q: got %d", form, p.status)
		}
	}
	s.stored(jo)
	if p := v.post("/account/delete", "sure", "1"); p.location() != "/account/deleted" {
		t.Fatalf("got %d to %q", p.status, p.location())
	}
	if p := v.at("/account/deleted"); !strings.Contains(p.body, english["deleted.title"]) {
		t.Error("no page says so")
	}
	if p := other.get("/account"); p.leads() != toSignIn {
		t.Errorf("the other browser: got %d", p.status)
	}
	if p := v.at("/account"); !strings.Contains(p.body, "mo@example.com") {
		t.Error("the browser's other account went too")
	}
	if s.lives(g) {
		t.Error("an app's grant lives on")
	}
	if p := s.visitor().signIn("jo", right); p.status != http.StatusUnprocessableEntity {
		t.Errorf("signing in: got %d", p.status)
	}
	if m := s.mails.Next(t, "jo@example.com"); !strings.Contains(m.Subject, "deleted") {
		t.Errorf("got mail %q", m.Subject)
	}
	if s.count("user.removed") != 1 {
		t.Error("it is not on record")
	}
	// The id is never used again; the address may be.
	if err := storagetest.AddUser(t.Context(), s.store, jo, nil, nil); err == nil {
		t.Error("the id was given to another user")
	}
	if s.user("default", "jo@example.com", "jo", right).ID == jo.ID {
		t.Error("the same id again")
	}
	for _, e := range s.events("default") {
		if e.Kind == "user.removed" && (e.UserID != jo.ID || e.Detail != nil) {
			t.Errorf("got event %+v", e)
		}
	}
}
