package sentry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/vouchsafe/vouchsafe/internal/web"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start starts a Reporter that reports to the service, and returns a log that it reports of.
func start(t *testing.T, s *service) (*Reporter, *slog.Logger) {
	t.Helper()
	dsn, err := ParseDSN(strings.Replace(s.URL, "http://", "http://abc123:old-secret@", 1) + "/base/42")
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	r := New(Config{DSN: dsn, Version: "1.2.3", Environment: "production", Log: quiet,
		Client: &http.Client{Transport: transport}})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { r.Run(ctx); close(done) }()
	t.Cleanup(func() { stop(); <-done; transport.CloseIdleConnections() })
	return r, slog.New(r.Handler(quiet.Handler()))
}

// secrets are parts of requests and errors that no report may have.
var secrets = []string{"jo@example.com", "hunter2", "c2Vzc2lvbg", "192.0.2.7", "2001:db8::7", "eyJhbGciOi", "s3cret",
	"01a22ba6-4048-7dbd-ad08-d5d57bf5f9b4", "Jo Smith", "+49 170 1234567", "old-secret", "/private/path"}

// TestReportsOfRequests: a panic and a failure of a handler are reported with the route and a stack, and with nothing
// of the request but its method and id. It has what other products sent by mistake: Proxy-Authorization (sentry-go
// 859), and messages that no scrubber looked at (unkey 6803).
func TestReportsOfRequests(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	_, log := start(t, s)
	page := func(w http.ResponseWriter, _ *http.Request, p *web.Problem) { w.WriteHeader(p.Status) }
	edge := &web.Edge{Log: log, Errors: page}
	h := edge.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		web.RequestOf(r.Context()).Route = "/things/{id}"
		switch r.URL.Path {
		case "/private/path/panic":
			none := strings.Fields("")
			_ = none[len(r.URL.Path)]
		case "/private/path/spoken":
			panic("no account of jo@example.com with hunter2")
		}
		web.Fail(page, w, r, fmt.Errorf("read user 01a22ba6-4048-7dbd-ad08-d5d57bf5f9b4 of jo@example.com: %w",
			&url.Error{Op: "Get", URL: "https://idp.example/token?code=s3cret", Err: errors.New("connection refused")}))
	}))
	for _, path := range []string{"panic", "spoken", "fail"} {
		r := httptest.NewRequest(http.MethodPost, "/private/path/"+path+"?code=s3cret&login_hint=jo@example.com",
			strings.NewReader("password=hunter2&email=jo@example.com"))
		r.Header = http.Header{"Cookie": {"__Host-session=c2Vzc2lvbg"}, "Authorization": {"Bearer eyJhbGciOi.x"},
			"Proxy-Authorization": {"Basic s3cret"},
			"X-Forwarded-For":     {"192.0.2.7"}, "User-Agent": {"Jo Smith"}, "Referer": {"https://a.example/?t=s3cret"},
			"Content-Type": {"application/x-www-form-urlencoded"}}
		r.RemoteAddr = "192.0.2.7:1234"
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		got := s.next(t)
		x := got.event.Exception.Values[0]
		if w.Code != 500 || got.event.Transaction != "/things/{id}" || got.event.Tags["method"] != "POST" ||
			got.event.Tags["request_id"] != w.Header().Get("X-Request-Id") || got.event.Release != "vouchsafe@1.2.3" {
			t.Errorf("%s: got %d and the report %+v", path, w.Code, got.event)
		}
		for _, secret := range append(secrets, "User-Agent", "Cookie") {
			if strings.Contains(got.raw, secret) {
				t.Errorf("%s: the report has %q: %s", path, secret, got.raw)
			}
		}
		switch path {
		case "panic":
			if x.Type != "panic: runtime.boundsError" || !strings.HasPrefix(x.Value, "runtime error: index out of range") {
				t.Errorf("got %s: %s", x.Type, x.Value)
			}
			isTrace(t, x.Trace)
		case "spoken":
			if x.Type != "panic: string" || x.Value != "The log has its value." {
				t.Errorf("got %s: %s", x.Type, x.Value)
			}
		case "fail":
			const want = "read user [value] of [email]: Get [text]: connection refused"
			if x.Type != "Answer 500" || x.Value != want {
				t.Errorf("got %s: %s, want %s", x.Type, x.Value, want)
			}
		}
	}
	select {
	case got := <-s.got:
		t.Errorf("one report too many: %s", got.raw)
	case <-time.After(50 * time.Millisecond):
	}
}

// isTrace checks that the frames end where the panic was, with places in this repository.
func isTrace(t *testing.T, trace *stacktrace) {
	t.Helper()
	if trace == nil {
		t.Fatal("there is no stack")
	}
	seen := ""
	for _, f := range trace.Frames {
		if f.Filename == "internal/sentry/sentry_test.go" && f.InApp && strings.HasPrefix(f.Function, "TestReports") {
			seen = f.Function
		}
	}
	if last := trace.Frames[len(trace.Frames)-1]; seen == "" || last.Function != seen && last.Module != "runtime" {
		t.Errorf("the stack does not end in this test: %+v", trace.Frames)
	}
}

// TestTextsAreCleared of everything that may be a secret or name a user.
func TestTextsAreCleared(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"connection refused": "connection refused",
		`ERROR: duplicate key "users_email" (SQLSTATE 23505)`:      "ERROR: duplicate key [text] (SQLSTATE 23505)",
		"dial tcp 192.0.2.7:5432: i/o timeout":                     "dial tcp [address]:5432: i/o timeout",
		"dial tcp [2001:db8::7]:5432: i/o timeout":                 "dial tcp [[address]]:5432: i/o timeout",
		"550 <jo@example.com>: no such user":                       "550 <[email]>: no such user",
		"get https://jo:hunter2@idp.example/private/path?a=s3cret": "get https://idp.example/[path]",
		"GET /callback?code=s3cret failed":                         "GET /callback?[query] failed",
		"password=hunter2 host=db":                                 "[value] [value]",
		"token eyJhbGciOiJub25lIn0.eyJzdWIiOiJqbyJ9.":              "token [value]",
		"session c2Vzc2lvbgabcdefghijklmnop":                       "session [value]",
		"user 01a22ba6-4048-7dbd-ad08-d5d57bf5f9b4 is gone":        "user [value] is gone",
		`parsing "Jo Smith`:                                        "parsing [text]",
		"text to +49 170 1234567 failed":                           "text to [number] failed",
		"line\nbreak \xff":                                         "line\nbreak ",
	} {
		got := cleared(text)
		if got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if got := cleared(strings.Repeat("long ", 1<<20)); len(got) > maxText+8 {
		t.Errorf("a text has %d bytes", len(got))
	}
}

// FuzzCleared: whatever stands around them, addresses and tokens are gone, and no text is long.
func FuzzCleared(f *testing.F) {
	f.Add("read ", ": ")
	f.Add("\"", "' =?\x00")
	f.Fuzz(func(t *testing.T, before, after string) {
		got := cleared(before + " jo@example.com eyJhbGciOiJub25lIn0abc123 " + after)
		if strings.Contains(got, "jo@example.com") || strings.Contains(got, "eyJhbGciOi") || len(got) > maxText+8 {
			t.Errorf("%q", got)
		}
	})
}

// TestFloodsAreReportedOnce: the same error is reported once a minute, and of others no more than there is room for.
// The service may take as long as it likes: no line of the log waits.
func TestFloodsAreReportedOnce(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	s := newService(t, func(http.ResponseWriter, *http.Request) { <-hold })
	_, log := start(t, s)
	began := time.Now()
	for range 10_000 {
		log.Error("the same", "error", "once")
	}
	for i := range 1000 {
		log.Error(fmt.Sprintf("another %d", i))
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("writing lines took %s while the service hangs", took)
	}
	log.Warn("no error")
	close(hold)
	n, same := 0, 0
	for quiet := time.After(time.Minute); n < maxWaiting+1; n++ {
		select {
		case got := <-s.got:
			if got.event.Exception.Values[0].Type == "the same" {
				same++
			}
			continue
		case <-quiet:
		}
		break
	}
	if same != 1 || n < maxWaiting {
		t.Errorf("got %d reports, %d of them of the same error", n, same)
	}
}

// TestTheServiceIsLeftAlone while it says so, and after it could not be reached.
func TestTheServiceIsLeftAlone(t *testing.T) {
	t.Parallel()
	limits := func(value string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Sentry-Rate-Limits", value) }
	}
	after := func(value string, status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", value)
			w.WriteHeader(status)
		}
	}
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		wait   time.Duration
	}{
		"too many":     {after("", 429), pause},
		"Retry-After":  {after("120", 429), 2 * time.Minute},
		"for ever":     {after("99999999999999", 429), longestPause},
		"errors":       {limits("60:transaction:key, 90:default;error:organization"), 90 * time.Second},
		"all":          {limits("70::key"), 70 * time.Second},
		"others":       {limits("60:session:key"), 0},
		"nonsense":     {after("NaN", 200), 0},
		"no project":   {after("", 404), pause},
		"out of order": {after("", 500), pause},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t, test.answer)
			dsn, err := ParseDSN(strings.Replace(s.URL, "http://", "http://abc123@", 1) + "/base/42")
			if err != nil {
				t.Fatal(err)
			}
			transport := &http.Transport{}
			defer transport.CloseIdleConnections()
			stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			r := New(Config{DSN: dsn, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
				Client: &http.Client{Transport: transport, CheckRedirect: stay}})
			r.deliver(t.Context(), r.newEvent(time.Now(), "error"))
			if left := time.Until(r.until); left > test.wait || left < test.wait-time.Minute/2 && test.wait > 0 {
				t.Errorf("no report is sent for %s, want %s", left, test.wait)
			}
			r.deliver(t.Context(), r.newEvent(time.Now(), "error"))
			if n := len(s.got); (n == 1) != (test.wait > 0) {
				t.Errorf("%d reports were sent", n)
			}
		})
	}
}

// TestACrashIsReported before the program ends.
func TestACrashIsReported(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	r, _ := start(t, s)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		defer r.Crash()
		panic(errors.New("jo@example.com"))
	}()
	if got := s.next(t); got.event.Level != "fatal" || strings.Contains(got.raw, "jo@") ||
		got.event.Exception.Values[0].Type != "panic: *errors.errorString" {
		t.Errorf("got %s", got.raw)
	}
}

func TestDSNs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"https://abc@sentry.example.com/1":           "https://sentry.example.com/api/1/envelope/",
		"https://abc:def@o1.ingest.example/4/":       "https://o1.ingest.example/api/4/envelope/",
		"http://abc@[::1]:9000/base/path/my-prj":     "http://[::1]:9000/base/path/api/my-prj/envelope/",
		"":                                           "is no DSN",
		"https://hunter2":                            "has no key",
		"https://sentry.example.com/1":               "has no key",
		"https://abc@sentry.example.com":             "has no project",
		"https://abc@sentry.example.com/hunter2%25/": "has no project",
		"https://hunter2@sentry.example.com/1?a=b":   "is no DSN",
		"ftp://hunter2@sentry.example.com/1":         "is no DSN",
		"https://hunter2%0d%0a@h.example/1":          "has no key",
		"https://hunter2@h.example/1%2f..":           "has no project",
		"hunter2\x7f":                                "is no DSN",
	} {
		got, err := ParseDSN(text)
		if err != nil && (!strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "hunter2")) ||
			err == nil && got.url != want {
			t.Errorf("%q: got %q, %v, want %s", text, got.url, err, want)
		}
	}
}
