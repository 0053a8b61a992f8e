package replicas

import (
	"crypto/rand"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest/load"
	"github.com/vouchsafe/vouchsafe/internal/smtptest"
)

// TestMailIsSentOnce: the workers of three replicas claim the same mails. Each mail is sent once,
// and its code works once, at whichever replica it is typed.
func TestMailIsSentOnce(t *testing.T) {
	t.Parallel()
	mails := smtptest.Start(t)
	env := map[string]string{"VOUCHSAFE_SMTP_URL": mails.URL, "VOUCHSAFE_MAIL_FROM": "Vouchsafe <no-reply@id.example>",
		"VOUCHSAFE_STOP_DELAY": "0s"}
	maps.Copy(env, unlimited)
	site, _ := vouchsafetest.StartBehindProxy(t, 3,
		vouchsafetest.Options{Env: env, Clients: []vouchsafetest.Client{load.App}})
	n := vouchsafetest.Rounds(40)
	flows := make([]string, n) // of each person
	people := make([]string, n)
	var wg sync.WaitGroup
	for i := range n {
		people[i] = strings.ToLower(rand.Text()) + "@example.com"
		wg.Go(func() {
			r := load.SignUp(t, site.API(t), people[i], "pw-"+rand.Text())
			for load.WhileItLasts(r.Status, r.Header) == nil { // no room to hash so many at once
				time.Sleep(time.Second)
				r = load.SignUp(t, site.API(t), people[i], "pw-"+rand.Text())
			}
			if flows[i] = r.String("flow"); r.Status != http.StatusAccepted {
				t.Errorf("sign up: got %d %s", r.Status, r.Raw)
			}
		})
	}
	wg.Wait()
	for end := time.Now().Add(time.Minute); len(mails.Waiting()) < n && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
	time.Sleep(3 * time.Second) // for mails that should not come
	count := map[string]int{}
	for _, m := range mails.Waiting() {
		count[m.To]++
	}
	for _, to := range people {
		if count[to] != 1 {
			t.Errorf("a user who signed up got %d mails, want 1", count[to])
		}
	}
	// Every user types the code twice at once.
	for i := range 8 {
		code := mails.Next(t, people[i]).Code
		status := make([]int, 2)
		for j := range status {
			wg.Go(func() {
				status[j] = load.Confirm(t, site.API(t), flows[i], code).Status
			})
		}
		wg.Wait()
		slices.Sort(status) // the other finds the code spent, or the account there
		if status[0] != http.StatusOK || status[1] != http.StatusUnprocessableEntity && status[1] != http.StatusConflict {
			t.Errorf("a mailed code at two replicas at once: got %v, want it to work once", status)
		}
	}
}

// TestMigrationsAtOnceRunOnce: migrations that commands and servers begin at the same time run
// once.
func TestMigrationsAtOnceRunOnce(t *testing.T) {
	t.Parallel()
	s := vouchsafetest.Prepare(t, vouchsafetest.Options{Production: true})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() { s.Command(t, "", "migrate") })
	}
	wg.Go(func() { s.Restart(t) })
	wg.Wait()
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	conn, err := pgx.Connect(t.Context(), s.Database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var all, different int
	if err := conn.QueryRow(t.Context(), "SELECT count(*), count(DISTINCT version_id) FROM goose_db_version").Scan(&all,
		&different); err != nil {
		t.Fatal(err)
	}
	if all != different || all < 3 {
		t.Errorf("got %d migrations of %d versions, want each once", all, different)
	}
	r := vouchsafetest.NewRequest(web)
	s.API(t).Redeem(t, r, s.Browser(t, s.Jo(t)).Code(t, r)).Want(t, 200, "")
}

// TestKeysThatAreRotatedAtOnceAreOneSequence: three processes rotate a key at the same moment. The
// sequence has no gap, and every replica signs with the last key.
func TestKeysThatAreRotatedAtOnceAreOneSequence(t *testing.T) {
	t.Parallel()
	site, replicas := vouchsafetest.StartBehindProxy(t, 3,
		vouchsafetest.Options{Env: map[string]string{"VOUCHSAFE_STOP_DELAY": "0s"}})
	api := site.API(t)
	token := func(s *vouchsafetest.Server) string {
		return s.API(t).Token(t, vouchsafetest.ServicePost, "grant_type", "client_credentials").Want(t, 200, "").Access()
	}
	token(site)
	before := len(api.Keys(t).Keys)
	var made sync.Map
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			// One that came second is told so, and has made none.
			if kid, err := site.Try("key", "rotate", "--alg", "ES256", "--now"); err == nil {
				made.Store(strings.TrimSpace(kid), true)
			} else if !strings.Contains(err.Error(), "exist") && !strings.Contains(err.Error(), "same") {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	n := 0
	made.Range(func(any, any) bool { n++; return true })
	if n == 0 {
		t.Fatal("none of three rotated")
	}
	time.Sleep(time.Second + 100*time.Millisecond)
	kids := map[string]bool{}
	for _, r := range replicas {
		if got := len(r.API(t).Keys(t).Keys); got != before+n {
			t.Errorf("got %d keys at a replica, want %d and the %d that were made", got, before, n)
		}
		kid := vouchsafetest.KeyID(t, token(r))
		kids[kid] = true
		if _, ok := made.Load(kid); !ok {
			t.Errorf("a replica signs with %s, want a key that was made now", kid)
		}
	}
	if len(kids) != 1 {
		t.Errorf("the replicas sign with the keys %v, want one", kids)
	}
}
