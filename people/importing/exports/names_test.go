package exports

import (
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/people/importing"
)

// Users that have a username alone come with it. Users that have a phone number alone are refused with a line that
// says why. nothing is what a product does not have.
func TestUsersWithoutAnEmailAddress(t *testing.T) {
	t.Parallel()
	const nothing, id = "", "0a5b8e1e-3f53-4b0c-9a53-0d7a5e0f8a01"
	for product, records := range map[string]struct{ username, phone string }{
		"keycloak": {`{"users":[{"id":"` + id + `","username":"kim"}]}`,
			`{"users":[{"id":"` + id + `","attributes":{"phoneNumber":["+436601234567"]}}]}`},
		"auth0": {`{"user_id":"auth0|1","username":"kim"}`,
			`{"user_id":"sms|1","name":"+436601234567","phone_number":"+436601234567","phone_verified":true}`},
		"firebase": {nothing, `{"users":[{"localId":"1","phoneNumber":"+436601234567"}]}`},
		"supabase": {nothing, "id,email,phone,phone_confirmed_at,encrypted_password\n" + id + ",,436601234567,2023-01-01,\n"},
		"kratos": {`[{"id":"` + id + `","traits":{"username":"kim"}}]`,
			`[{"id":"` + id + `","traits":{"phone":"+436601234567"}}]`},
		"django":    {`[{"model":"auth.user","pk":1,"fields":{"username":"kim","password":"","email":""}}]`, nothing},
		"wordpress": {`[{"ID":1,"user_login":"kim","user_email":"","user_pass":""}]`, nothing},
		"laravel":   {"id,name,email,username,password\n1,Kim,,kim,\n", nothing},
		"aspnet": {`[{"Id":"1","UserName":"kim","Email":null}]`,
			`[{"Id":"1","UserName":null,"PhoneNumber":"+436601234567","PhoneNumberConfirmed":true}]`},
		"pocketid": {"id,username,email\n" + id + ",kim,\n", nothing},
		"keratin":  {"id,username,password\n1,kim,\n", nothing},
	} {
		if got := checkOne(t, product, records.username); records.username != nothing && got != "kim" {
			t.Errorf("%s, a username alone: %s", product, got)
		}
		if got := checkOne(t, product, records.phone); records.phone != nothing &&
			!strings.Contains(got, "the user has only a phone number") {
			t.Errorf("%s, a phone number alone: %s", product, got)
		}
	}
}

// checkOne reads an export of one user, and returns the username or why the user cannot come.
func checkOne(t *testing.T, product, export string) (got string) {
	t.Helper()
	if export == "" {
		return ""
	}
	e, err := Open(Options{Product: product, Upstreams: tenant}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for r := range e.Read(strings.NewReader(export)) {
		if r.Err != nil {
			return "unread: " + r.Err.Error()
		}
		c, err := r.Row.Check(importing.Rules{Tenant: "default", Now: time.Now()})
		if err != nil {
			return err.Error()
		}
		got = c.User.Username
	}
	return got
}
