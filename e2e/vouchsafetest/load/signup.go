package load

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/internal/smtptest"
)

// mailPatience is longer than the lease of internal/outbox, after which it sends again what a fault
// has interrupted.
const mailPatience = 2 * time.Minute

// codeTries is how many wrong codes are accepted. A user who requested more codes than that,
// because answers were lost, may not get to the right one.
const codeTries = 5

// signUp makes an account: it fills in the form and enters the mailed code.
func (l *Load) signUp() {
	g := &registration{email: strings.ToLower(rand.Text()) + "@example.com", password: "pw-" + rand.Text(),
		tried: map[string]bool{}}
	sent, _ := l.ask("sign up", func() *vouchsafetest.Reply {
		g.requests++
		return SignUp(l.t, l.apps, g.email, g.password)
	}, 202)
	l.mu.Lock()
	l.registered = append(l.registered, g)
	l.mu.Unlock()
	if sent == nil {
		return
	}
	g.flow = sent.String("flow")
	// A refused request may have caused a mail. Only the code of the last one is right.
	for {
		code, ok := l.nextCode(g)
		if !ok {
			return
		}
		g.tried[code] = true
		reply, repeated := l.ask("confirm", func() *vouchsafetest.Reply {
			return Confirm(l.t, l.apps, g.flow, code)
		}, 200, 409, 422)
		switch {
		case reply == nil:
			g.lost = code
			return
		case len(g.tried) > codeTries:
			return
		case reply.Status != 200 && !repeated && (g.requests == 1 || len(g.tried) == g.requests):
			l.t.Errorf("a code that was not used before: got %d %s", reply.Status, reply.Raw)
		case reply.Status == 422 && !repeated:
			continue
		}
		g.code, g.told = code, reply.Status == 200
		if !g.told {
			g.lost = code // it is wrong, or was spent by a request that was refused
		}
		return
	}
}

// nextCode waits for a mailed code that was not entered yet.
func (l *Load) nextCode(g *registration) (code string, ok bool) {
	for l.pause(20 * time.Millisecond) {
		if code, ok := l.newCode(g); ok {
			return code, true
		}
	}
	return "", false
}

func (l *Load) newCode(g *registration) (code string, ok bool) {
	for _, m := range l.mailsTo(g.email) {
		if !g.tried[m.Code] {
			return m.Code, true
		}
	}
	return "", false
}

func (l *Load) mailsTo(address string) []smtptest.Message {
	return slices.DeleteFunc(l.Mails.Waiting(), func(m smtptest.Message) bool { return !strings.EqualFold(m.To, address) })
}

// SignUp requests an account at the JSON API.
func SignUp(t testing.TB, api *vouchsafetest.API, email, password string) *vouchsafetest.Reply {
	t.Helper()
	return api.Do(t, api.JSON(t, "/auth/sign-up",
		map[string]any{"client_id": App.ID(), "email": email, "password": password}))
}

// Confirm enters a mailed code.
func Confirm(t testing.TB, api *vouchsafetest.API, flow, code string) *vouchsafetest.Reply {
	t.Helper()
	return api.Do(t, api.JSON(t, "/auth/confirm-email", map[string]any{"client_id": App.ID(), "flow": flow, "code": code}))
}

// verifySignUps checks that every user who was told of an account has it, that every user who was
// told of a code can use it, that no address has two accounts, and that no mail was sent twice.
func (l *Load) verifySignUps() {
	l.t.Helper()
	l.awaitMails()
	accounts, tries := l.accounts(), l.tries()
	var cut []*registration
	for _, g := range l.registered {
		n, kept := tries[g.flow]
		switch {
		case g.flow == "", g.told, accounts[g.email] > 0:
		case !kept && g.requests > 1: // a refused request was carried out late, and has replaced it
		case !kept, l.goOn(g, n):
			cut = append(cut, g)
		}
	}
	accounts = l.accounts()
	for _, g := range cut {
		if accounts[g.email] == 0 {
			l.t.Errorf("a user was told that a code is on its way, and none of the %d that came makes an account; "+
				"they asked %d times", len(g.tried), g.requests)
		}
	}
	told := 0
	for _, g := range l.registered {
		ids := map[string]bool{}
		mails := l.mailsTo(g.email)
		for _, m := range mails {
			ids[m.ID] = true
		}
		if len(ids) != len(mails) || len(mails) > g.requests {
			l.t.Errorf("a user who asked %d times for a code got %d mails, of which %d differ",
				g.requests, len(mails), len(ids))
		}
		if n := accounts[g.email]; n > 1 || g.told && n != 1 {
			l.t.Errorf("a user who signed up has %d accounts; was told of one: %v", n, g.told)
		}
		if g.told {
			told++
			if len(mails) == 0 {
				l.t.Error("a user signed up without a mail")
			}
		}
	}
	if told == 0 {
		l.t.Fatal("no user signed up: there is nothing to verify")
	}
	entered := slices.DeleteFunc(slices.Clone(l.registered), func(g *registration) bool { return g.code == "" })
	for _, g := range some(entered, 40) {
		l.verifySignUp(g, accounts[g.email] == 1)
	}
	l.t.Logf("%d registrations, of which %d were answered with an account, %d after the load",
		len(l.registered), told, len(cut))
}

// goOn finishes a registration that had no account when the load ended: one of the mailed codes
// must be right and not spent. It reports whether all of them could be tried, after which the
// account must exist. tries is how many tries the server has counted, including those of refused
// requests.
func (l *Load) goOn(g *registration, tries int) bool {
	l.t.Helper()
	for again := g.lost; tries < codeTries; tries++ {
		code, ok := again, again != ""
		if again = ""; !ok {
			code, ok = l.newCode(g)
		}
		if !ok {
			return true
		}
		g.tried[code] = true
		switch r := Confirm(l.t, l.apps, g.flow, code); r.Status {
		case 200:
			g.code, g.told = code, true
			return true
		case 409, 422: // 409: a refused request was carried out late
		default:
			l.t.Errorf("a code after the load: got %d %s, want 200, 409 or 422", r.Status, r.Raw)
			return false
		}
	}
	return false
}

// verifySignUp checks that the code is spent, and that the user can sign in if the account exists,
// even if the answer that made it was lost.
func (l *Load) verifySignUp(g *registration, has bool) {
	l.t.Helper()
	if r := Confirm(l.t, l.apps, g.flow, g.code); r.Status != 422 {
		l.t.Errorf("a code of a registration that is done: got %d %s, want 422", r.Status, r.Raw)
	}
	if !has {
		return
	}
	in := l.apps.Do(l.t, l.apps.JSON(l.t, "/auth/sign-in",
		map[string]any{"client_id": App.ID(), "login": g.email, "password": g.password}))
	if in.Status != 200 {
		l.t.Errorf("a user who has signed up signs in: got %d %s", in.Status, in.Raw)
	}
}

// awaitMails waits until no mail is left to be sent. Mails that are sent twice have been by then.
func (l *Load) awaitMails() {
	l.t.Helper()
	began := time.Now()
	l.query(func(ctx context.Context, c *pgx.Conn) error {
		for left := 1; left > 0; time.Sleep(50 * time.Millisecond) {
			if err := c.QueryRow(ctx, "SELECT count(*) FROM mail").Scan(&left); err != nil {
				return fmt.Errorf("%d mails wait to be sent: %w", left, err)
			}
		}
		return nil
	})
	l.t.Logf("all mails were sent after %v", time.Since(began).Round(time.Millisecond))
}

// tries returns how often each unspent code was tried, by its flow.
func (l *Load) tries() map[string]int {
	l.t.Helper()
	out := map[string]int{}
	l.query(func(ctx context.Context, c *pgx.Conn) error {
		rows, err := c.Query(ctx, "SELECT id, tries FROM codes")
		if err != nil {
			return err
		}
		var flow string
		var n int
		_, err = pgx.ForEachRow(rows, []any{&flow, &n}, func() error {
			out[flow] = n
			return nil
		})
		return cmp.Or(err, rows.Err())
	})
	return out
}

// query reads from the database itself.
func (l *Load) query(ask func(ctx context.Context, c *pgx.Conn) error) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), mailPatience)
	defer cancel()
	config, err := pgx.ParseConfig(l.site.Setting("VOUCHSAFE_DATABASE_URL"))
	if err != nil {
		l.t.Fatal(err)
	}
	config.ConnectTimeout = 3 * time.Second // one of several servers may not answer
	c, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		l.t.Fatal(err)
	}
	defer c.Close(context.WithoutCancel(ctx))
	if err := ask(ctx, c); err != nil {
		l.t.Fatal(err)
	}
}

// accounts returns how many accounts each address has.
func (l *Load) accounts() map[string]int {
	l.t.Helper()
	n := map[string]int{}
	for line := range strings.Lines(l.site.Command(l.t, "", "user", "export")) {
		var person struct{ Email string }
		if err := json.Unmarshal([]byte(line), &person); err != nil {
			l.t.Fatal(err)
		}
		n[strings.ToLower(person.Email)]++
	}
	return n
}
