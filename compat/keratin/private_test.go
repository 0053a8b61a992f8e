package keratin_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/vouchsafe/vouchsafe/people/administration"
)

// details are what the app's server learns of an account.
type details struct {
	ID              int64
	Username        string
	Locked, Deleted bool
	LastLogin       string           `json:"last_login_at"`
	PasswordChanged string           `json:"password_changed_at"`
	OAuth           []map[string]any `json:"oauth_accounts"`
}

// account returns the details of an account.
func (w *world) account(number string) details {
	w.t.Helper()
	got := w.app("GET", "/accounts/"+number)
	var body struct{ Result details }
	if err := json.Unmarshal([]byte(got.body), &body); err != nil || got.status != 200 {
		w.t.Fatalf("account %s: got %d %s", number, got.status, got.body)
	}
	return body.Result
}

const notFound = `{"errors":[{"field":"account","message":"NOT_FOUND"}]}`

func TestAccountsOfThePrivateRoutes(t *testing.T) {
	t.Parallel()
	w := start(t)
	name := newName()
	b, claims := w.signedUp(name)
	n := claims.number()
	got := w.account(n)
	at, err := time.Parse(time.RFC3339, got.LastLogin)
	if err != nil || time.Since(at) > time.Minute || got.PasswordChanged == "" || got.Username != name || got.Locked ||
		got.Deleted || got.OAuth == nil || fmt.Sprint(got.ID) != n {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, unknown := range []string{"99", "0", "-1", "x", "+1", "1e3", "18446744073709551616", "1%20"} {
		for _, c := range []string{"GET ", "PATCH ", "PUT ", "DELETE ", "PATCH /lock", "PUT /unlock",
			"PATCH /expire_password", "DELETE /oauth/google"} {
			method, rest, _ := strings.Cut(c, " ")
			w.app(method, "/accounts/"+unknown+rest).want(404, notFound)
		}
	}

	// A new name.
	w.app("PATCH", "/accounts/"+n, "username", "no spaces").refused("username", "FORMAT_INVALID")
	taken := newName()
	w.signedUp(taken)
	w.app("PUT", "/accounts/"+n, "username", taken).refused("username", "TAKEN")
	renamed := newName()
	w.app("PATCH", "/accounts/"+n, "username", renamed).want(200, "")
	b.do("POST", "/session", "username", name, "password", goodPassword).refused("credentials", "FAILED")
	w.app("PATCH", "/accounts/"+n, "username", renamed+"@example.com").want(200, "")
	if got := w.account(n).Username; got != renamed+"@example.com" {
		t.Errorf("got name %s after the address was given", got)
	}
	name = renamed + "@example.com"

	// Locking ends all sessions. Only the right password tells.
	b.do("POST", "/session", "username", name, "password", goodPassword).want(201, "TOKEN")
	w.app("PATCH", "/accounts/"+n+"/lock").want(200, "")
	b.do("GET", "/session/refresh").want(401, "")
	b.do("POST", "/session", "username", name, "password", goodPassword).refused("account", "LOCKED")
	b.do("POST", "/session", "username", name, "password", "wrong").refused("credentials", "FAILED")
	if !w.account(n).Locked || w.signsInAtOurs(name, goodPassword) {
		t.Error("the account is not locked everywhere")
	}
	w.app("PUT", "/accounts/"+n+"/unlock").want(200, "")
	b.do("POST", "/session", "username", name, "password", goodPassword).want(201, "TOKEN")

	// An expired password ends sessions, and is right only to say so.
	w.app("PATCH", "/accounts/"+n+"/expire_password").want(200, "")
	b.do("GET", "/session/refresh").want(401, "")
	b.do("POST", "/session", "username", name, "password", goodPassword).refused("credentials", "EXPIRED")
	b.do("POST", "/session", "username", name, "password", "wrong").refused("credentials", "FAILED")

	// What is left of an archived account is its number.
	w.app("DELETE", "/accounts/"+n+"/oauth/google").want(404, notFound)
	w.app("DELETE", "/accounts/"+n).want(200, "")
	b.do("POST", "/session", "username", name, "password", goodPassword).refused("credentials", "FAILED")
	if got := w.account(n); !got.Deleted || got.Username != "" {
		t.Errorf("got %+v of an archived account", got)
	}
	w.app("PATCH", "/accounts/"+n+"/lock").want(404, notFound)
	w.app("DELETE", "/accounts/"+n).want(404, notFound)
	_, again := w.signedUp(name)
	if again.number() == n {
		t.Error("the number of an archived account was given again")
	}
}

func TestImport(t *testing.T) {
	t.Parallel()
	w := start(t)
	hash, err := bcrypt.GenerateFromPassword([]byte("from before"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	b := w.browser()
	name := newName()
	w.app("POST", "/accounts/import").refused("username", "MISSING", "password", "MISSING")
	got := w.app("POST", "/accounts/import", "username", name, "password", string(hash))
	got.want(201, `{"result":{"id":1}}`)
	w.app("POST", "/accounts/import", "username", name, "password", "x").refused("username", "TAKEN")
	b.do("POST", "/session", "username", name, "password", "from before").want(201, "TOKEN")
	b.do("POST", "/session", "username", name, "password", "from before").want(201, "TOKEN") // hashed anew
	php := strings.Replace(string(hash), "$2a$", "$2y$", 1)
	w.app("POST", "/accounts/import", "username", newName(), "password", php).want(201, `{"result":{"id":2}}`)
	plain := newName()
	w.app("POST", "/accounts/import", "username", plain, "password", "weak", "locked", "true").
		want(201, `{"result":{"id":3}}`)
	b.do("POST", "/session", "username", plain, "password", "weak").refused("account", "LOCKED")
	w.app("PATCH", "/accounts/3/unlock").want(200, "")
	b.do("POST", "/session", "username", plain, "password", "weak").want(201, "TOKEN")
	dear := regexp.MustCompile(`^\$2a\$04`).ReplaceAllString(string(hash), "$$2a$$31")
	w.app("POST", "/accounts/import", "username", newName(), "password", dear).refused("password", "FORMAT_INVALID")
}

func TestStatsAndMetrics(t *testing.T) {
	t.Parallel()
	w := start(t, "TIME_ZONE=Pacific/Kiritimati")
	w.app("GET", "/stats").want(200, `{"actives":{"daily":{},"monthly":{},"weekly":{}}}`)
	b, _ := w.signedUp(newName())
	w.signedUp(newName())
	b.do("GET", "/session/refresh").want(201, "TOKEN")
	zone, err := time.LoadLocation("Pacific/Kiritimati")
	if err != nil {
		t.Fatal(err)
	}
	today := time.Now().In(zone)
	year, week := today.ISOWeek()
	w.app("GET", "/stats").want(200, fmt.Sprintf(`{"actives":{"daily":{%q:2},"monthly":{%q:2},"weekly":{"%d-W%02d":2}}}`,
		today.Format(time.DateOnly), today.Format("2006-01"), year, week))
	metrics := w.app("GET", "/metrics")
	for _, part := range []string{"go_goroutines", `vouchsafe_http_requests_total{route="keratin:/session/refresh"`,
		`http_requests_total{code="201",name="GET /session/refresh"} 1`,
		`http_requests_total{code="201",name="POST /accounts"} 2`,
		`http_request_times_count{name="GET /stats"} 2`} {
		if !strings.Contains(metrics.body, part) {
			t.Errorf("the metrics lack %s", part)
		}
	}
	if got := w.app("GET", "/"); got.status != 200 {
		t.Errorf("got %d for the root", got.status)
	}
}

// TestRefreshesAreActivity: a user who only refreshes a session is active, and leaves one event a day.
func TestRefreshesAreActivity(t *testing.T) {
	t.Parallel()
	w := start(t, "PORT=", "PUBLIC_PORT=")
	b, _ := w.signedUp(newName())
	db, err := sql.Open("sqlite", filepath.Join(w.cfg.Data, "vouchsafe.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.ExecContext(t.Context(), `DELETE FROM audit WHERE kind = 'login.succeeded';
		UPDATE sessions SET auth_time = auth_time - 86400000000`); err != nil {
		t.Fatal(err)
	}
	w.app("GET", "/stats").want(200, `{"actives":{"daily":{},"monthly":{},"weekly":{}}}`)
	for range 3 {
		b.do("GET", "/session/refresh").want(201, "TOKEN")
	}
	w.app("GET", "/stats").want(200, fmt.Sprintf(`{"actives":{"daily":{%q:1},"monthly":{%q:1},"weekly":{%q:1}}}`,
		time.Now().UTC().Format(time.DateOnly), time.Now().UTC().Format("2006-01"),
		administration.WeekName(time.Now().UTC())))
	var n int
	count := db.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM audit WHERE kind = 'session.refreshed'`)
	if err := count.Scan(&n); err != nil || n != 1 {
		t.Errorf("got %d events, %v, want one", n, err)
	}
}

// TestPrivatePasswordsAreNotGuessed sends wrong passwords until none is looked at.
func TestPrivatePasswordsAreNotGuessed(t *testing.T) {
	t.Parallel()
	w := start(t)
	last := 0
	for range 40 {
		req := request(t, "GET", w.private+"/stats")
		req.SetBasicAuth("app", "wrong")
		if last = w.send(w.browser().client, req).status; last == 429 {
			break
		}
	}
	if last != 429 {
		t.Errorf("got %d after many wrong passwords, want 429", last)
	}
}

// TestAdministratorsAreOutOfReach makes an account of the app an owner of the installation: from then on the app's
// server can neither change it nor get a token for it.
func TestAdministratorsAreOutOfReach(t *testing.T) {
	t.Parallel()
	w := start(t)
	name := newName()
	b, claims := w.signedUp(name)
	n := claims.number()
	b.do("GET", "/password/reset", "username", name).want(200, "")
	before := w.hooks.next(t)
	w.makeOwner(name)
	failed := []string{"account", "FAILED"}
	for _, c := range []string{"PATCH ", "PATCH /lock", "PATCH /unlock", "PATCH /expire_password", "DELETE ",
		"DELETE /oauth/google"} {
		method, rest, _ := strings.Cut(c, " ")
		w.app(method, "/accounts/"+n+rest, "username", "x").refused(failed...)
	}
	b.do("POST", "/password", "token", before.form.Get("token"), "password", "another fine secret").
		refused("token", "INVALID_OR_EXPIRED")
	b.do("GET", "/password/reset", "username", name).want(200, "")
	b.do("GET", "/session/token", "username", name).want(200, "")
	other := newName()
	w.signedUp(other)
	b.do("GET", "/password/reset", "username", other).want(200, "")
	if got := w.hooks.next(t); got.form.Get("account_id") == n {
		t.Error("the app got a token for the account of an owner")
	}
	b.do("POST", "/session", "username", name, "password", goodPassword).want(201, "TOKEN")
}
