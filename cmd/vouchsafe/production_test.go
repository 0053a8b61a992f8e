package main

import (
	"context"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/apps"
	"github.com/vouchsafe/vouchsafe/internal/pgtest"
	"github.com/vouchsafe/vouchsafe/internal/redistest"
)

// newProduction is a shell with the settings of a production server.
func newProduction(t *testing.T, database string, env ...string) *shell {
	return newShell(t, append([]string{
		"VOUCHSAFE_DATABASE_URL=" + database, "VOUCHSAFE_SECRET=" + goodSecret,
		"VOUCHSAFE_ISSUER=https://id.example.com", "VOUCHSAFE_STOP_DELAY=0s",
	}, env...)...)
}

func TestReplicasStartAtOnceOnAnEmptyDatabase(t *testing.T) {
	t.Parallel()
	sh := newProduction(t, pgtest.Start(t))
	sh.file(t, "clients.yaml", clientsBefore)
	sh.env = append(sh.env, "VOUCHSAFE_CLIENTS=clients.yaml")
	var replicas []*running
	for range 4 {
		replicas = append(replicas, sh.start(t))
	}
	for i, r := range replicas {
		r.serves(t)
		if status, body := r.get(t, r.ops+"/readyz"); status != 200 || !strings.Contains(body, `"status":"ready"`) {
			t.Errorf("replica %d: got %d %s", i, status, body)
		}
		// No set-up link, no greeting: the readers of a production server's log
		// are not always its operators.
		if r.out.String() != "" {
			t.Errorf("replica %d printed %s", i, r.out)
		}
	}
	var clients []apps.ClientView
	if sh.read(t, &clients, "client", "list", "--json"); len(clients) != 3 {
		t.Errorf("got %d clients, want 3", len(clients))
	}
	if out := sh.do(t, "client", "diff", "clients.yaml"); out != "" {
		t.Errorf("the file is not applied: %s", out)
	}
}

func TestProductionHasNoPlaygroundAndTakesNoSamples(t *testing.T) {
	t.Parallel()
	sh := newProduction(t, pgtest.Start(t))
	sh.do(t, "migrate")
	sh.fails(t, 1, "client", "show", "playground")
	sh.file(t, "clients.yaml", "clients:\n  - client_id: web\n    client_secret: sample-secret-of-web\n    "+
		"redirect_uris: [https://web.example/callback]\n")
	for _, env := range []string{"VOUCHSAFE_DEVELOPMENT=false", "VOUCHSAFE_DEVELOPMENT=true"} {
		sh.env = append(sh.env, env)
		if errs := sh.fails(t, 1, "serve", "--clients", "clients.yaml"); !strings.Contains(errs,
			"clients.yaml:3:20 client_secret: is a published sample secret") {
			t.Errorf("%s: got %s", env, errs)
		}
	}
	// Unless it is named, no file of the folder is read.
	r := sh.serve(t)
	if strings.Contains(r.err.String(), "clients.yaml") {
		t.Error("./clients.yaml was applied")
	}
}

func TestCommandsDoNotMigrateProduction(t *testing.T) {
	t.Parallel()
	sh := newProduction(t, pgtest.Start(t))
	if errs := sh.fails(t, 1, "user", "list"); !strings.Contains(errs, "vouchsafe migrate") {
		t.Errorf("got %s", errs)
	}
	sh.do(t, "migrate")
	sh.do(t, "user", "list")
}

// An operator who starts the server for the first time has to learn which setting to look at.
func TestWhatCannotBeReachedIsNamedByItsSetting(t *testing.T) {
	t.Parallel()
	database, unserved := pgtest.Start(t), "127.0.0.1:1"
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	missing, closed, stranger := *u, *u, *u
	missing.Path, closed.Host = "/nowhere", unserved
	stranger.User, stranger.RawQuery = url.User("stranger"), "" // TLS is tried first, of which there is none
	for what, c := range map[string]struct{ url, cause string }{
		"no such database": {missing.String(), `database "nowhere" does not exist`},
		"no such server":   {closed.String(), "connection refused"},
		"no such user":     {stranger.String(), `role "stranger" does not exist`},
	} {
		sh := newProduction(t, c.url)
		for _, command := range []string{"serve", "migrate", "user list", "key rotate"} {
			if errs := sh.fails(t, 1, strings.Fields(command)...); !strings.Contains(errs, "VOUCHSAFE_DATABASE_URL") ||
				strings.Count(errs, c.cause) != 1 || strings.Contains(errs, "TLS") {
				t.Errorf("%s, %s: got %s, want the cause once", what, command, errs)
			}
		}
	}
	r := newProduction(t, database, "VOUCHSAFE_REDIS_URL=redis://"+unserved).serve(t)
	eventually(t, "the log says that Redis does not answer", func() bool {
		return strings.Contains(r.err.String(), "VOUCHSAFE_REDIS_URL") &&
			strings.Contains(r.err.String(), "connection refused")
	})
	r.stop(t)
}

// What a wrong request is told by the page in development, its operator finds in the log;
// without the values that it came with.
func TestLogSaysWhatErrorPagesKeepToThemselves(t *testing.T) {
	t.Parallel()
	sh := newShell(t, "VOUCHSAFE_DEVELOPMENT=false")
	sh.file(t, "clients.yaml", clientsBefore)
	r := sh.serve(t)
	elsewhere := strings.Replace(r.issuer, "localhost", "127.0.0.1", 1)
	for path, why := range map[string]string{
		"/authorize?client_id=spa&redirect_uri=https://unheard.example/": "This redirect_uri isn't registered for the client.",
		"/authorize?client_id=unknown":                                   "There's no enabled client with this client_id.",
		elsewhere + "/token":                                             "The request's Host isn't the issuer's.",
	} {
		status, body := r.get(t, path)
		if status != 400 && status != 421 || strings.Contains(html.UnescapeString(body), why) {
			t.Errorf("%s: got %d %s", path, status, body)
		}
		eventually(t, "the log says: "+why, func() bool { return strings.Contains(r.err.String(), `"why":"`+why) })
	}
	// Signing out goes on all the same, and ends at a page of ours.
	res, err := http.Get(r.issuer + "/logout?client_id=spa&post_logout_redirect_uri=https://unheard.example/")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if at := res.Request.URL; at.Host != strings.TrimPrefix(r.issuer, "http://") || at.Path != "/signed-out" {
		t.Errorf("signing out with an address that no client registered ended at %s", at)
	}
	eventually(t, "the log says what was wrong with the address", func() bool {
		return strings.Contains(r.err.String(), `"why":"This post_logout_redirect_uri isn't registered for the client.`)
	})
	// The id of a client is no secret, and is what its operator looks for.
	if strings.Contains(r.err.String(), "unheard") {
		t.Error("the log holds an address that was sent")
	}
}

// A primary that became a standby answers as ever, and takes no writes.
func TestReadinessOfADatabaseThatTakesNoWrites(t *testing.T) {
	t.Parallel()
	db := pgtest.StartServer(t)
	url, err := db.NewDatabase()
	if err != nil {
		t.Fatal(err)
	}
	r := newProduction(t, url).serve(t)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for _, step := range []struct {
		setting string
		status  int
		want    string
	}{
		{"off", 200, `"database":{"status":"ok"}`},
		{"on", 503, "takes no writes"},
		{"off", 200, `"database":{"status":"ok"}`},
	} {
		for _, statement := range []string{"ALTER SYSTEM SET default_transaction_read_only = " + step.setting,
			"SELECT pg_reload_conf()"} {
			if _, err := conn.Exec(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		eventually(t, "readyz says that default_transaction_read_only is "+step.setting, func() bool {
			status, body := r.get(t, r.ops+"/readyz")
			return status == step.status && strings.Contains(body, step.want)
		})
	}
	r.stop(t)
}

func TestReadinessNamesWhatFails(t *testing.T) {
	t.Parallel()
	db := pgtest.StartServer(t)
	url, err := db.NewDatabase()
	if err != nil {
		t.Fatal(err)
	}
	redis := redistest.StartServer(t)
	r := newProduction(t, url, "VOUCHSAFE_REDIS_URL="+redis.URL()).serve(t)
	if status, body := r.get(t, r.ops+"/readyz"); status != 200 || !strings.Contains(body, `"redis":{"status":"ok"}`) {
		t.Errorf("got %d %s", status, body)
	}
	if err := redis.Stop(); err != nil {
		t.Fatal(err)
	}
	// People sign in without Redis: no reason to send them away from every replica.
	eventually(t, "readyz says that Redis fails", func() bool {
		status, body := r.get(t, r.ops+"/readyz")
		return status == 200 && strings.Contains(body, `"status":"degraded"`) &&
			strings.Contains(body, `"redis":{"status":"failing"`)
	})
	if err := db.Stop(false); err != nil {
		t.Fatal(err)
	}
	eventually(t, "readyz says that the database fails, and why", func() bool {
		status, body := r.get(t, r.ops+"/readyz")
		return status == 503 && strings.Contains(body, `"status":"unavailable"`) &&
			strings.Contains(body, `"database":{"status":"failing","error":"`)
	})
	if status, _ := r.get(t, r.ops+"/healthz"); status != 200 {
		t.Errorf("the process is well, and healthz says %d", status)
	}
	if err := db.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is ready again", func() bool {
		status, _ := r.get(t, r.ops+"/readyz")
		return status == 200
	})
	r.stop(t)
}
