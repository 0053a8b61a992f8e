package administration_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/storage"
)

const orders = "https://api.example.com"

// TestEverythingAboutGroupsAndRoles does all of it, and reads what was recorded.
func TestEverythingAboutGroupsAndRoles(t *testing.T) {
	t.Parallel()
	store, s, a := accounts(t)
	ctx, tenant := t.Context(), a.Tenant.ID
	jo, err := add(t, s, a, importing.Row{Email: "jo@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.PutClient(ctx, storage.Client{TenantID: tenant, ClientID: "wiki"}); err != nil {
		t.Fatal(err)
	}
	a.Tenant.Settings.APIs = []storage.API{{Identifier: orders}}
	editor, clerk := storage.RoleName{Client: "wiki", Name: "editor"}, storage.RoleName{API: orders, Name: "clerk"}
	do := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	staff, err := s.AddGroup(ctx, a, "staff", "Staff")
	do("add group", err)
	_, err = s.RenameGroup(ctx, a, staff, "All staff")
	do("rename group", err)
	for _, r := range []storage.RoleName{editor, clerk} {
		_, err = s.AddRole(ctx, a, r, "")
		do("add role", err)
		for _, h := range []storage.RoleHolder{{User: jo.ID}, {Group: "staff"}, {Client: "wiki"}} {
			do("give role", s.GiveRole(ctx, a, r, h))
			do("take role", s.TakeRole(ctx, a, r, h))
		}
	}
	_, err = s.RenameRole(ctx, a, storage.Role{RoleName: clerk}, "Clerk")
	do("rename role", err)
	for _, want := range []bool{true, false} {
		if changed, err := s.Join(ctx, a, jo.ID, "staff"); changed != want || err != nil {
			t.Errorf("join: got %v, %v, want %v", changed, err, want)
		}
	}
	for _, want := range []bool{true, false} {
		if changed, err := s.Leave(ctx, a, jo.ID, "staff"); changed != want || err != nil {
			t.Errorf("leave: got %v, %v, want %v", changed, err, want)
		}
	}
	do("remove role", s.RemoveRole(ctx, a, storage.Role{RoleName: clerk}))
	do("remove group", s.RemoveGroup(ctx, a, storage.Group{ID: "staff"}))
	counts := map[string]int{}
	events, err := store.EventsAfter(ctx, tenant, "", time.Now().Add(time.Hour), 100)
	do("events", err)
	for _, e := range events {
		if err := e.Check(); err != nil {
			t.Error(err)
		}
		counts[e.Kind]++
	}
	want := map[string]int{
		"user.added": 1, "group.added": 1, "group.changed": 1, "group.removed": 1, "group.joined": 1, "group.left": 1,
		"role.added": 2, "role.changed": 1, "role.removed": 1, "role.given": 2, "role.taken": 2, "role.assigned": 4,
		"role.unassigned": 4,
	}
	if diff := cmp.Diff(want, counts); diff != "" {
		t.Error(diff)
	}
}

// TestWrongGroupsAndRoles says all that is wrong at once, and stores nothing.
func TestWrongGroupsAndRoles(t *testing.T) {
	t.Parallel()
	store, s, a := accounts(t)
	ctx := t.Context()
	_, err := s.AddGroup(ctx, a, "All Staff", "a\nb")
	if fs, _ := errors.AsType[importing.Faults](err); len(fs) != 2 {
		t.Errorf("got %v, want two faults", err)
	}
	_, err = s.AddRole(ctx, a, storage.RoleName{Client: "wiki", Name: "two words"}, strings.Repeat("x", 201))
	if fs, _ := errors.AsType[importing.Faults](err); len(fs) != 2 {
		t.Errorf("got %v, want two faults", err)
	}
	for _, r := range []storage.RoleName{{Client: "missing", Name: "a"}, {API: orders, Name: "a"}} {
		if _, err := s.AddRole(ctx, a, r, ""); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("%+v: got %v", r, err)
		}
	}
	if all, err := store.Groups(ctx, a.Tenant.ID, "", 10); err != nil || len(all) > 0 {
		t.Errorf("got %v, %v", all, err)
	}
}

// TestEditAllAtOnce changes all kinds of things by one edit, which happens as a whole or not at all.
func TestEditAllAtOnce(t *testing.T) {
	t.Parallel()
	store, s, a := accounts(t)
	ctx, tenant := t.Context(), a.Tenant.ID
	jo, err := add(t, s, a, importing.Row{Email: "jo@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	a.Tenant.Settings.Attributes = []storage.Attribute{{Name: "number", Type: storage.AttributeNumber, Unique: true}}
	role := storage.RoleName{Client: "wiki", Name: "editor"}
	name, yes := "joanna", true
	edit := administration.Edit{
		Edit: importing.Edit{Username: &name}, Join: []string{"staff"}, Give: []storage.RoleName{role},
		Attributes: map[string]any{"number": 7}, NewPassword: &yes,
	}
	refused := func() {
		t.Helper()
		if _, changed, err := s.Edit(ctx, a, jo.ID, edit, false); err == nil || changed {
			t.Errorf("got %v, %v, want a fault", changed, err)
		}
		if u, err := store.User(ctx, tenant, jo.ID); err != nil || u.Username != "" || len(u.Attributes) > 0 {
			t.Errorf("half of it was done: %+v, %v", u, err)
		}
	}
	refused() // there is no group
	if _, err := s.AddGroup(ctx, a, "staff", ""); err != nil {
		t.Fatal(err)
	}
	refused() // nor a role
	if err := store.PutClient(ctx, storage.Client{TenantID: tenant, ClientID: "wiki"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.AddRole(ctx, a, role, ""); err != nil {
		t.Fatal(err)
	}
	refused() // nor a password
	hash, _, err := s.NewPassword(ctx, jo, "correct horse battery staple nine", false)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetPassword(ctx, a, jo.ID, hash); err != nil {
		t.Fatal(err)
	}
	for _, want := range []bool{true, false} {
		if _, changed, err := s.Edit(ctx, a, jo.ID, edit, false); err != nil || changed != want {
			t.Errorf("got %v, %v, want %v", changed, err, want)
		}
	}
	st, err := s.Standing(ctx, a, jo.ID)
	if err != nil || !st.NewPassword || len(st.Memberships) != 1 || len(st.Roles) != 1 || st.Roles[0] != role {
		t.Errorf("got %+v, %v", st, err)
	}
	if u, err := store.UserByUnique(ctx, tenant, "number", "7"); err != nil || u.ID != jo.ID {
		t.Errorf("got %v, %v", u.ID, err)
	}
	kim, err := add(t, s, a, importing.Row{Email: "kim@example.com", Attributes: map[string]any{"number": 8.0}})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = s.Edit(ctx, a, kim.ID, administration.Edit{Attributes: map[string]any{"number": 7}}, false)
	if fault, ok := errors.AsType[*importing.Fault](err); !ok || fault.ID != "attributes.taken" {
		t.Errorf("another's number: got %v", err)
	}
	_, _, err = s.Edit(ctx, a, kim.ID, administration.Edit{Attributes: map[string]any{"number": "x", "shoe": 1}}, false)
	if fs, _ := errors.AsType[importing.Faults](err); len(fs) != 2 {
		t.Errorf("got %v, want two faults", err)
	}
}
