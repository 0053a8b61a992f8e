package login

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchsafe/vouchsafe/internal/fakeidp"
	"github.com/vouchsafe/vouchsafe/storage"
)

// I2, I3, G9: the code is for the browser in which the stranger came, is tried a few times
// and used once.
func TestStrangersCodes(t *testing.T) {
	t.Parallel()
	f := federate(t, nil, fakeidp.Facebook)
	v := f.visitor()
	v.goes(v.come(fakeidp.Facebook, "", fedJo), "/federated/email")
	v.get("/federated/email")
	if a := v.post("/federated/email", "email",
		"jo@example.com\r\nBcc: x@example.com"); a.status != http.StatusUnprocessableEntity {
		t.Errorf("two lines: got %d", a.status)
	}
	a := v.post("/federated/email", "email", fedJo.Email)
	flow := mustURL(t, a.location()).Query().Get("flow")
	m := f.mails.Next(t, fedJo.Email)
	// A reader of the mail confirms nothing with it in another browser, by link or by code.
	reader := f.visitor()
	if a := reader.visit(m.Link); a.status != http.StatusBadRequest {
		t.Errorf("the link elsewhere: got %d", a.status)
	}
	who := fedJo
	who.Subject = "another"
	reader.goes(reader.come(fakeidp.Facebook, "", who), "/federated/email")
	reader.visit(m.Link)
	token := mustURL(t, m.Link).Query().Get("token")
	for _, fields := range [][]string{{"token", token}, {"flow", flow, "code", m.Code}} {
		if a := reader.post("/federated/confirm", fields...); a.status != http.StatusUnprocessableEntity {
			t.Errorf("for another stranger: got %d %s", a.status, a.location())
		}
	}
	if page := v.visit(m.Link); page.status != http.StatusOK {
		t.Fatalf("the link: got %d", page.status)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	came := map[string]int{}
	for range 8 {
		wg.Go(func() {
			resp, err := v.client.Do(v.request("/federated/confirm", "token", token))
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			came[f.outcome(resp)]++
		})
	}
	wg.Wait()
	if came["/"] < 1 || came["500"] > 0 {
		t.Errorf("in parallel: got %v", came)
	}
	if ids := f.identities(storage.DefaultTenant, fedJo.Email); len(ids) != 1 {
		t.Errorf("got %v", ids)
	}
	v.signedInAs(fedJo.Email)

	guesser := f.visitor()
	who.Subject = "guesser"
	guesser.come(fakeidp.Facebook, "", who)
	guesser.get("/federated/email")
	a = guesser.post("/federated/email", "email", "victim@example.com")
	flow = mustURL(t, a.location()).Query().Get("flow")
	right := f.mails.Next(t, "victim@example.com").Code
	for i := range mostTries {
		if a := guesser.post("/federated/confirm", "flow", flow, "code",
			fmt.Sprintf("%08d", i)); a.status != http.StatusUnprocessableEntity {
			t.Errorf("guess %d: got %d", i, a.status)
		}
	}
	if a := guesser.post("/federated/confirm", "flow", flow, "code", right); a.status != http.StatusUnprocessableEntity {
		t.Errorf("the right one, too late: got %d", a.status)
	}
}

// G13: a provider that hangs or misbehaves ends soon, says so, and leaves passwords alone.
func TestProvidersThatFail(t *testing.T) {
	t.Parallel()
	f := federate(t, nil, fakeidp.Google)
	f.user(storage.DefaultTenant, "local@example.com", "", "correct horse")
	for fault, want := range map[string]string{
		"hang": "can’t reach", "huge": "can’t reach", "status": "can’t reach", "json": "",
		"redirect":  "couldn’t verify the response",
		"signature": "couldn’t verify the response", "audience": "couldn’t verify the response",
		"cancel": "You didn’t sign in with Google",
		"error":  "can’t reach",
	} {
		who := fedJo
		who.Fault = fault
		v := f.visitor()
		query := f.ask("", storage.Interaction{})
		start := time.Now()
		to, _ := v.depart(fakeidp.Google, query, who)
		done := make(chan answer)
		go func() { done <- v.visit(to) }()
		if other := f.visitor(); other.signIn("local@example.com", "correct horse").leads() != "/" {
			t.Errorf("%s: passwords do not work meanwhile", fault)
		}
		a := <-done
		v.goes(a, "/login")
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%s: took %s", fault, took)
		}
		page := v.visit(a.location())
		if page.status != http.StatusOK || !strings.Contains(page.body, want) ||
			!strings.Contains(page.body, `role="alert"`) || !strings.Contains(page.body, `name="i"`) {
			t.Errorf("%s: got %d %s", fault, page.status, page.body)
		}
		v.signedInAs("")
	}
}

// H4: an attacker who claims an address learns nothing about its owner, from no answer on the
// way and from no header.
func TestStrangersLearnNothing(t *testing.T) {
	t.Parallel()
	f := federate(t, nil, fakeidp.Facebook)
	free(&f.login.Config)
	want := map[string]string{}
	i := 0
	for kind, email := range f.people() {
		i++
		v := f.visitor()
		same := func(step string, p answer) {
			t.Helper()
			got := stranger43.ReplaceAllString(toldBy(p, email), "SEALED")
			if want[step] == "" {
				want[step] = got
			} else if diff := cmp.Diff(want[step], got); diff != "" {
				t.Errorf("%s, %s: %s", step, kind, diff)
			}
		}
		same("come", v.come(fakeidp.Facebook, "", fakeidp.Person{Subject: fmt.Sprint(1000 + i), Name: "Jo", Email: email}))
		same("page", v.get("/federated/email"))
		p := v.post("/federated/email", "email", email)
		same("send", p)
		id := flow(t, p)
		same("ask", v.get(p.location()))
		for n := range mostTries + 1 {
			same(fmt.Sprint("wrong ", n), v.post("/federated/confirm", "flow", id, "code", "0000 0000"))
		}
		if m := f.mails.Next(t, email); m.Code == "" {
			t.Errorf("%s: got mail %q", kind, m.Text)
		}
	}
	if len(want) != 4+mostTries+1 {
		t.Errorf("got %d steps", len(want))
	}
}

// stranger43 is what the cookie of a stranger holds, which is never twice the same.
var stranger43 = regexp.MustCompile(`vouchsafe-stranger=[A-Za-z0-9_-]+`)

// BenchmarkStrangers reports the median time of sending a code to an address that has an
// account, and to one that has none. Run it with -benchtime 200x.
func BenchmarkStrangers(b *testing.B) {
	f := federate(b, nil, fakeidp.Facebook)
	free(&f.login.Config)
	people := f.people()
	took := map[string][]time.Duration{}
	browsers := map[string]*visitor{}
	for i, kind := range []string{"known", "unknown"} {
		v := f.visitor()
		v.come(fakeidp.Facebook, "", fakeidp.Person{Subject: fmt.Sprint(i), Name: "Jo", Email: people[kind]})
		v.get("/federated/email")
		browsers[kind] = v
	}
	for b.Loop() {
		for kind, v := range browsers {
			start := time.Now()
			p := v.post("/federated/email", "email", people[kind])
			took[kind] = append(took[kind], time.Since(start))
			flow(b, p)
		}
	}
	for kind, all := range took {
		slices.Sort(all)
		b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, kind+"-ms")
	}
}
