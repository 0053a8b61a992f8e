package backendauth_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// TestUsers adds, lists, finds and removes users.
func TestUsers(t *testing.T) {
	t.Parallel()
	w := start(t, "REDIS_PAGE_LENGTH=2")
	a, other := w.register(), w.register()
	before := time.Now().UnixMilli()
	u := a.add(newUser("jo").with("scope", "admin", "employeeId", 7)) // further members are ignored
	if u.ID == "" || u.Login != "jo" || u.Email != "jo@example.com" || u.Tenant != a.ID || u.Scope != "admin" ||
		u.Sub != "sub of jo" || u.RegistrationDate < before || u.LastActivity != u.RegistrationDate {
		t.Errorf("got %+v", u)
	}
	if got := a.send("POST", "/user", newUser("kim")); strings.Contains(got.body, "assword") ||
		strings.Contains(got.body, "scope") {
		t.Errorf("got %s", got.body)
	}
	// backend-auth would overwrite the user: an app could take over an account by its login.
	exists := `{"error":"A user with this login or email already exists"}`
	a.send("POST", "/user", newUser("jo").with("email", "new@example.com")).want(409, exists)
	a.send("POST", "/user", newUser("JO").with("email", "new@example.com")).want(409, exists)
	a.send("POST", "/user", newUser("new").with("email", "Jo@example.com")).want(409, exists)
	a.send("POST", "/user", newUser("x").with("login", "kim@example.com")).want(409, exists)
	other.add(newUser("jo")) // another tenant

	for range 3 {
		a.add(newUser(newName()))
	}
	var page struct {
		Users      []user
		NextCursor string
	}
	var seen []string
	for cursor, pages := "0", 0; pages == 0 || cursor != "0"; pages++ {
		a.send("GET", "/user?cursor="+cursor, nil).into(&page)
		if len(page.Users) > 2 || pages > 3 {
			t.Fatalf("got page %d of %d users", pages, len(page.Users))
		}
		for _, u := range page.Users {
			if seen = append(seen, u.Login); u.Email != u.Login+"@example.com" {
				t.Errorf("got %+v", u)
			}
		}
		cursor = page.NextCursor
	}
	if slices.Sort(seen); len(slices.Compact(seen)) != 5 {
		t.Errorf("got %v in all pages, want 5 users", seen)
	}
	find := func(q string) *answer { return a.send("GET", "/user?q="+url.QueryEscape(q), nil) }
	find("kim").into(&page)
	if len(page.Users) != 1 || page.Users[0].Login != "kim" {
		t.Errorf("got %+v", page.Users)
	}
	for _, none := range []string{"nobody", "ki*", "kimberly"} {
		find(none).want(200, `{"users":[]}`)
	}
	find("ki").invalid("q", `"q" length must be at least 3 characters long`)
	find(strings.Repeat("a", 121)).invalid("q", `"q" length must be less than or equal to 120 characters long`)
	find("").invalid("q", `"q" is not allowed to be empty`)
	a.send("GET", "/user?cursor=x", nil).invalid("cursor", `"cursor" must be a nextCursor of the page before`)

	gone := `{"error":"Specified login does not exist or was already deleted."}`
	a.send("DELETE", "/user/kim", nil).want(200, `{"result":1}`)
	a.send("DELETE", "/user/kim", nil).want(404, gone)
	a.send("DELETE", "/user/", nil).want(404, `{"error":"Cannot DELETE /user"}`)
	other.send("DELETE", "/user/"+seen[4], nil).want(404, gone)
	a.add(newUser("kim")) // the login is free
}

// TestLogins adds users with logins of any text: with those of our own rules they sign in on our pages, too.
func TestLogins(t *testing.T) {
	t.Parallel()
	w := start(t)
	a := w.register()
	for i, login := range []string{
		"a/b", "x y", "100%", "company:jo@example.com", "..", "é", "日本", "jo@other.example", `"`, "?q=1#x", "a%2Fb", "_",
	} {
		a.add(newUser("u"+fmt.Sprint(i)).with("login", login))
		d := a.verify(a.signIn(login, "phone"))
		if d.Login != a.ID+":"+login {
			t.Errorf("got %q, want the login %q in it", d.Login, login)
		}
		if login == ".." { // no client keeps it in a path
			continue
		}
		a.send("DELETE", "/user/"+url.PathEscape(login), nil).want(200, `{"result":1}`)
	}
}

// TestUserInput sends what POST /user refuses.
func TestUserInput(t *testing.T) {
	t.Parallel()
	w := start(t)
	a := w.register()
	send := func(pairs ...any) *answer { return a.send("POST", "/user", newUser("jo").with(pairs...)) }
	a.send("POST", "/user", nil).invalid("email", `"email" is required`, "login", `"login" is required`,
		"password", `"password" is required`, "sub", `"sub" is required`)
	send("email", "jo.example.com").invalid("email", `"email" must be a valid email`)
	send("login", "").invalid("login", `"login" is not allowed to be empty`)
	send("login", "a\x00b").invalid("login", `"login" must be a string without control characters`)
	send("login", strings.Repeat("a", 513)).invalid("login",
		`"login" length must be less than or equal to 512 characters long`)
	send("password", []string{"a"}).invalid("password", `"password" must be a string`)
	send("password", strings.Repeat("a", 1025)).invalid("password",
		`"password" length must be less than or equal to 1024 characters long`)
	send("sub", true).invalid("sub", `"sub" must be a string`)
	send("scope", 1).invalid("scope", `"scope" must be a string or an object`)
	send("scope", []string{"a"}).invalid("scope", `"scope" must be a string or an object`)
	send("scope", strings.Repeat("a", 9000)).invalid("scope",
		`"scope" length must be less than or equal to 8192 characters long`)
	// A cost that would keep the server busy for hours.
	send("password", "$2a$31$"+strings.Repeat("a", 53)).invalid("password",
		`"password" is a bcrypt hash that cannot be used`)
	a.send("GET", "/user?q=jo1", nil).want(200, `{"users":[]}`)
}

// TestScopes keeps a scope as it was: a text, or an object.
func TestScopes(t *testing.T) {
	t.Parallel()
	w := start(t)
	a := w.register()
	for name, scope := range map[string]string{
		"s1": `"company-admin"`, "s2": `{"company":["create","read"],"employee":["read"]}`, "s3": `{"<a&b>":["é"]}`,
		"s4": `""`, "s5": `{}`,
	} {
		u := a.add(newUser(name).with("scope", json.RawMessage(scope)))
		again, err := json.Marshal(u.Scope)
		if err != nil {
			t.Fatal(err)
		}
		var is, want any
		if json.Unmarshal(again, &is) != nil || json.Unmarshal([]byte(scope), &want) != nil ||
			fmt.Sprint(is) != fmt.Sprint(want) {
			t.Errorf("got %s, want %s", again, scope)
		}
		token := a.signIn(name, "phone")
		if got := a.verify(token); fmt.Sprint(got.Scope) != fmt.Sprint(want) {
			t.Errorf("got %v, want %v", got.Scope, want)
		}
		if got := claimsOf(t, token); fmt.Sprint(got["scope"]) != fmt.Sprint(want) {
			t.Errorf("got %v in the token, want %v", got["scope"], want)
		}
	}
	a.add(newUser("s6").with("scope", json.RawMessage("null")))
	if got := claimsOf(t, a.signIn("s6", "phone")); got["scope"] != nil {
		t.Errorf("got %v", got)
	}
}

// TestHashes adds users with the hashes that backend-auth makes, and with passwords of 60 characters that are none.
func TestHashes(t *testing.T) {
	t.Parallel()
	w := start(t)
	a := w.register()
	hash, err := bcrypt.GenerateFromPassword([]byte(goodPassword), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	a.add(newUser("jo").with("password", string(hash)))
	a.signIn("jo", "phone")
	a.signIn("jo", "phone") // hashed anew by then
	// backend-auth takes each text of this length for a hash, and no password opens such an account.
	long := strings.Repeat("correct horse ", 5)[:60]
	a.add(newUser("kim").with("password", long))
	var got struct{ AccessToken string }
	a.send("POST", "/auth", object{"login": "kim", "password": long, "deviceId": "d"}).into(&got)
	// bcrypt looks at the first 72 bytes alone.
	start := strings.Repeat("correct horse ", 6)[:72]
	a.add(newUser("lee").with("password", start+"and more"))
	a.send("POST", "/auth", object{"login": "lee", "password": start + "and else", "deviceId": "d"}).
		want(403, `{"error":"Incorrect password","status":403}`)
	// The hash itself opens nothing.
	a.send("POST", "/auth", object{"login": "jo", "password": string(hash), "deviceId": "d"}).
		want(403, `{"error":"Incorrect password","status":403}`)
}

// TestOneOfManyUsers adds the same login by many requests at once, with an address each.
func TestOneOfManyUsers(t *testing.T) {
	t.Parallel()
	w := start(t)
	a := w.register()
	var wg sync.WaitGroup
	status := make([]int, 8)
	for i := range status {
		wg.Go(func() {
			status[i] = a.send("POST", "/user", newUser("a b").with("email", fmt.Sprintf("u%d@example.com", i))).status
		})
	}
	wg.Wait()
	slices.Sort(status)
	if want := []int{200, 409, 409, 409, 409, 409, 409, 409}; !slices.Equal(status, want) {
		t.Errorf("got %v, want %v", status, want)
	}
	var page struct{ Users []user }
	a.send("GET", "/user", nil).into(&page)
	if len(page.Users) != 1 {
		t.Errorf("got %+v, want one user", page.Users)
	}
}
