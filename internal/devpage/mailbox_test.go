package devpage

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/mux"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

func read(t *testing.T, b *Mailbox, peer, path string) *httptest.ResponseRecorder {
	t.Helper()
	router := mux.NewRouter()
	p := &Page{
		Issuer: "http://localhost:8080", Mailbox: b, Key: key,
		Errors: func(w http.ResponseWriter, _ *http.Request, p *web.Problem) { w.WriteHeader(p.Status) },
	}
	p.Register(router)
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Host, r.RemoteAddr = "localhost:8080", peer+":50000"
	r.AddCookie(&http.Cookie{Name: keyCookie, Value: key})
	r = r.WithContext(web.WithTenant(r.Context(), tenantAt(storage.DefaultTenant)))
	w := httptest.NewRecorder()
	router.ServeHTTP(w, r)
	return w
}

func TestMailboxShowsWhatWasSent(t *testing.T) {
	b := &Mailbox{}
	if got := read(t, b, "127.0.0.1", "/dev/mail").Body.String(); !strings.Contains(got, "No messages yet") {
		t.Errorf("an empty mailbox shows %s", got)
	}
	const link = "http://localhost:8080/reset?token=a&b=c"
	b.Add(Letter{ID: "1", To: "jo@example.com", Subject: "Reset <b>", Text: "<script>x</script> open " + link + ".\n",
		HTML: `<!doctype html><html><head lang=en><script>x</script></head><body>hello</body></html>`, At: time.Now()})
	b.Add(Letter{ID: "2", To: "+491701234567", Text: "123 is your code", At: time.Now()})
	list := read(t, b, "127.0.0.1", "/dev/mail").Body.String()
	for _, want := range []string{"Reset &lt;b&gt;", `href="/dev/mail/1"`, "jo@example.com",
		"123 is your code", "491701234567"} {
		if !strings.Contains(list, want) {
			t.Errorf("%q is not in the list:\n%s", want, list)
		}
	}
	one := read(t, b, "127.0.0.1", "/dev/mail/1")
	for _, want := range []string{`<a href="http://localhost:8080/reset?token=a&amp;` +
		`b=c">http://localhost:8080/reset?token=a&amp;b=c</a>.`, "&lt;script&gt;x", `src="/dev/mail/1/html"`} {
		if !strings.Contains(one.Body.String(), want) {
			t.Errorf("%q is not in the message:\n%s", want, one.Body)
		}
	}
	if policy := one.Header().Get("Content-Security-Policy"); strings.Contains(policy, "script-src") ||
		strings.Contains(policy, "unsafe") {
		t.Errorf("got policy %q", policy)
	}
	if got := read(t, b, "127.0.0.1", "/dev/mail/2").Body.String(); strings.Contains(got, "<iframe") {
		t.Error("a message without HTML has a frame for it")
	}
	html := read(t, b, "127.0.0.1", "/dev/mail/1/html")
	if policy := html.Header().Get("Content-Security-Policy"); !strings.Contains(policy,
		"sandbox allow-popups allow-popups-to-escape-sandbox") || strings.Contains(policy, "script") ||
		strings.Contains(policy, "same-origin") {
		t.Errorf("a mail's HTML has the policy %q", policy)
	}
	if got := html.Body.String(); !strings.HasPrefix(got, `<!doctype html><html><head lang=en><base target="_blank">`) {
		t.Errorf("links do not open beside the frame: %s", got)
	}
	var all []Letter
	if err := json.Unmarshal(read(t, b, "127.0.0.1", "/dev/mail.json?to=JO@example.com").Body.Bytes(), &all); err != nil ||
		len(all) != 1 || all[0].ID != "1" {
		t.Errorf("got %+v, %v, want the mail to jo", all, err)
	}
	for _, path := range []string{"/dev/mail", "/dev/mail.json", "/dev/mail/1", "/dev/mail/1/html",
		"/dev/mail/3", "/dev/mail/3/html"} {
		if got := read(t, b, "192.0.2.1", path).Code; got != http.StatusNotFound {
			t.Errorf("another machine got %d for %s", got, path)
		}
	}
	if got := read(t, nil, "127.0.0.1", "/dev/mail").Code; got != http.StatusNotFound {
		t.Errorf("got %d, want no mailbox where a server takes mails", got)
	}
}

func TestMailboxIsBounded(t *testing.T) {
	b := &Mailbox{}
	for i := range mailboxSize + 5 {
		b.Add(Letter{ID: fmt.Sprint(i)})
	}
	b.Add(Letter{ID: "100", Text: "again"})
	if all := b.all(""); len(all) != mailboxSize || all[0].Text != "again" || all[len(all)-1].ID != "5" {
		t.Errorf("got %d letters, first %+v, last %+v", len(all), all[0], all[len(all)-1])
	}
}
