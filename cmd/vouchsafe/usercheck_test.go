package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/installation"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/users"
	"github.com/vouchsafe/vouchsafe/internal/settings"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// TestUserCheck: what an earlier release stored is found, and mended by a server that starts.
func TestUserCheck(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t)
	sh.do(t, "user", "add", "alice@example.com", "--username", "alice")
	if out, errs, code := sh.run(t, "", "user", "check"); code != 0 || out != "" ||
		!strings.Contains(errs, "users: 1, findings: 0") {
		t.Errorf("exit %d, %s%s", code, out, errs)
	}
	s, err := installation.OpenStore(t.Context(), &settings.Config{Data: filepath.Join(sh.dir, "data")})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for _, old := range []storage.User{
		{Email: "boss@fa\u00df.example", EmailKey: "boss@fass.example", EmailVerified: true},
		{Email: "x%y.example@example.com", EmailKey: "x%y.example@example.com", EmailVerified: true},
		{Username: "a1ice", UsernameKey: "a1ice"},
	} {
		old.TenantID, old.ID, old.CreatedAt, old.UpdatedAt = storage.DefaultTenant, uuid.Must(uuid.NewV7()).String(), now, now
		if err := storagetest.AddUser(t.Context(), s, old, nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var odd []users.Checked
	sh.read(t, &odd, "user", "check", "--json")
	if len(odd) != 3 || !strings.Contains(odd[0].Found, "confirmed again") ||
		!strings.Contains(odd[1].Found, "specially") || !strings.Contains(odd[2].Found, "looks like") {
		t.Errorf("got %+v", odd)
	}
	r := sh.serve(t)
	for end := time.Now().Add(time.Minute); len(odd) != 2 && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		odd = nil
		sh.read(t, &odd, "user", "check", "--json")
	}
	if len(odd) != 2 || strings.Contains(r.out.String(), "fa\u00df") {
		t.Errorf("got %+v", odd)
	}
	var boss users.UserView
	if sh.read(t, &boss, "user", "show", "boss@fa\u00df.example", "--json"); boss.Email != "boss@xn--fa-hia.example" ||
		boss.EmailVerified {
		t.Errorf("got %+v", boss)
	}
}
