package crashes

import (
	"database/sql"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// TestErrorsAreReported: a sign-in that fails because of the server is reported to a service with the protocol of
// Sentry, without the user's name, password, cookies and query. internal/sentry takes the envelopes apart.
func TestErrorsAreReported(t *testing.T) {
	t.Parallel()
	got := make(chan string, 10)
	service := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got <- r.URL.Path + "\n" + string(body)
	}))
	t.Cleanup(service.Close)
	s := vouchsafetest.Start(t, vouchsafetest.Options{Shipped: true, Env: map[string]string{
		"VOUCHSAFE_SENTRY_DSN": strings.Replace(service.URL, "http://", "http://public@", 1) + "/7"}})
	jo := s.Person(t)
	b := s.Browser(t, jo)
	page := b.Get(t, "/login?login_hint="+jo.Email)
	db, err := sql.Open("sqlite", "file:"+filepath.Join(s.Setting("VOUCHSAFE_DATA"), "vouchsafe.db")+
		"?mode=rw&_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "ALTER TABLE users RENAME TO elsewhere"); err != nil {
		t.Fatal(err)
	}
	if page = b.SignIn(t, page, jo); page.Status < 500 {
		t.Fatalf("without the table of users: got %d at %s", page.Status, page.URL)
	}
	var report string
	select {
	case report = <-got:
	case <-time.After(time.Minute):
		t.Fatal("there is no report")
	}
	path, body, _ := strings.Cut(report, "\n")
	if path != "/api/7/envelope/" || strings.Count(body, "\n") != 3 || !strings.Contains(body, `"transaction":"/login"`) ||
		!strings.Contains(body, `"environment":"development"`) || !strings.Contains(body, "no such table") {
		t.Errorf("got a report at %s: %s", path, body)
	}
	secrets := []string{jo.Email, jo.Password, "login_hint"}
	for _, c := range b.Cookies() {
		secrets = append(secrets, c.Value)
	}
	for _, secret := range secrets {
		if strings.Contains(report, secret) {
			t.Errorf("the report has %q: %s", secret, report)
		}
	}
}
