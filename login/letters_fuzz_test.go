package login

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/fakeidp"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/api"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/apikeys"
	"github.com/vouchsafe/vouchsafe/people/factor"
	"github.com/vouchsafe/vouchsafe/people/federation"
	"github.com/vouchsafe/vouchsafe/people/typed"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
)

// letters are what a visitor is given to hand back: each once, in the order of openers.
type letters struct {
	*federatedSite
	jo     storage.User
	bound  string // the browser that they were given to
	issued []string
}

const (
	pendingLetter = iota
	strangerLetter
	stateLetter
	postedLetter
	setupLetter
	appLetter
	linkLetter
)

// written writes one letter of each kind.
func written(f testing.TB) *letters {
	l := &letters{bound: secret.Token()}
	l.federatedSite = federate(f, nil, fakeidp.OpenID)
	l.login.PerAddress = limit.Rule{Name: "login-address", Max: 1 << 60, Window: time.Hour}
	l.jo = l.user(storage.DefaultTenant, "jo@example.com", "jo", "the right one")
	s, now := l.login, time.Now()
	apps, err := api.New(api.Config{Service: s.Service, Apps: oneApp{}, Federation: s.Federation,
		Keys:   &apikeys.Service{Service: s.Service, Keys: l.store},
		Errors: l.pages.ErrorPage})
	if err != nil {
		f.Fatal(err)
	}
	apps.Register(l.router)
	code := l.newCode(storage.CodeReset, "jo@example.com", l.jo.ID, map[string]string{}, time.Hour)
	if err := l.store.Apply(f.Context(),
		storage.Change{TenantID: storage.DefaultTenant, UserID: l.jo.ID, Now: now,
			Codes: []storage.Code{code.Code}}); err != nil {
		f.Fatal(err)
	}
	l.issued = append(l.issuedAt(f, now), code.Token)
	return l
}

// issuedAt are those that hold the time themselves.
func (l *letters) issuedAt(t testing.TB, now time.Time) []string {
	s := l.login
	seal := func(purpose secret.Purpose, v any) string {
		plain, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return s.Secrets.Box(storage.DefaultTenant, purpose).SealString(plain)
	}
	return []string{
		l.proofOf(l.jo, l.bound, now),
		seal(secret.UpstreamStranger, federation.Stranger{
			ID: secret.Token()[:22], Upstream: fakeidp.OpenID, Subject: "1", Browser: browserNamed(l.bound), Born: now,
		}),
		seal(secret.UpstreamTrip, federation.Trip{
			ID: secret.Token(), Upstream: fakeidp.OpenID, Browser: browserNamed(l.bound), Until: now.Add(15 * time.Minute),
		}),
		seal(secret.UpstreamPosted, map[string]any{
			"u": fakeidp.OpenID, "x": now.Add(time.Minute), "Answer": url.Values{"error": {"access_denied"}},
		}),
		l.sealSetup(l.jo, factor.NewTOTP(), now),
		seal(secret.AuthSession, map[string]any{"c": "app", "i": secret.Token(), "t": now.Unix()}),
	}
}

// P13: what was issued while a clock was ahead does not count until its time has come.
func TestLettersOfAheadOfTime(t *testing.T) {
	t.Parallel()
	l := written(t)
	for ahead, opens := range map[time.Duration]bool{time.Minute: true, time.Hour: false} {
		at := time.Now().Add(ahead)
		for kind, value := range l.issuedAt(t, at) {
			if got := l.opens(t, kind, storage.DefaultTenant, l.bound, value); got != opens {
				t.Errorf("letter %d of %v ahead opens: %v, want %v", kind, ahead, got, opens)
			}
		}
		r := l.at(storage.DefaultTenant, l.bound, "", "")
		plain, err := json.Marshal(map[string]any{
			"u": l.jo.ID, "v": l.jo.CredentialVersion, "t": at.Unix(), "b": l.login.askerOf(r).Browser,
		})
		if err != nil {
			t.Fatal(err)
		}
		sealed := l.login.Secrets.Box(storage.DefaultTenant, secret.ResetReview).SealString(plain)
		if _, err := l.login.ReviewedUser(r.Context(), l.login.askerOf(r), sealed); (err == nil) != opens {
			t.Errorf("the review of %v ahead: %v, want it to open: %v", ahead, err, opens)
		}
	}
}

// at is a request of a browser to a tenant, with the value in a cookie.
func (l *letters) at(tenant, bound, cookie, value string) *http.Request {
	t := &issuer.Tenant{Tenant: storage.Tenant{ID: tenant}, Issuer: l.url}
	r := httptest.NewRequest(http.MethodGet, l.url, nil)
	r = r.WithContext(web.WithTenant(r.Context(), t))
	if bound != "" {
		r.Header.Set("Cookie", "vouchsafe-browser="+bound)
	}
	if cookie != "" {
		r.Header.Add("Cookie", "vouchsafe-"+cookie+"="+value)
	}
	return r
}

// cookies hold the letters that come back in one.
var cookies = map[int]string{pendingLetter: "pending", strangerLetter: strangerCookie}

// opens says whether the value is taken for a letter of that kind.
func (l *letters) opens(t *testing.T, kind int, tenant, bound, value string) bool {
	t.Helper()
	s := l.login
	r := l.at(tenant, bound, cookies[kind], value)
	p, err := upstream.New(storage.Upstream{ID: fakeidp.OpenID}, "")
	if err != nil {
		t.Fatal(err)
	}
	switch kind {
	case pendingLetter:
		_, err = s.Claimant(r.Context(), s.askerOf(r), "")
	case strangerLetter:
		return s.strangerHere(r) != nil
	case stateLetter:
		_, err = s.Federation.OpenTrip(s.askerOf(r), p, value)
	case postedLetter:
		_, err = s.Federation.OpenAnswer(s.askerOf(r), p, value)
	case setupLetter:
		u := l.jo
		u.TenantID = tenant
		_, err = s.OpenTOTPSetup(u, value)
	case appLetter:
		return l.takesAuthSession(r, value)
	case linkLetter:
		if value == "" {
			return false // then digits are asked for
		}
		_, err = s.OpenReset(r.Context(), s.askerOf(r), people.Proof{Token: value})
	}
	return err == nil
}

// oneApp is the protocol's part of an API whose requests all come from the client app.
type oneApp struct{ api.Apps }

func (oneApp) CORS(h http.Handler) http.Handler { return h }

func (oneApp) App(r *http.Request, _ url.Values) (storage.Client, error) {
	return storage.Client{TenantID: web.TenantOf(r.Context()).ID, ClientID: "app"}, nil
}

// takesAuthSession says whether the API takes the value as auth_session, at the tenant of the request.
func (l *letters) takesAuthSession(r *http.Request, value string) bool {
	if value == "" {
		return false // then it begins one
	}
	body, err := json.Marshal(map[string]string{"auth_session": value})
	if err != nil {
		panic(err) // a string
	}
	call := httptest.NewRequest(http.MethodPost, "/auth/passkey-options", bytes.NewReader(body)).WithContext(r.Context())
	call.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	l.router.ServeHTTP(w, call)
	return !strings.Contains(w.Body.String(), "invalid_session")
}

// FuzzLetters cuts a part out of what a visitor was given to hand back, in cookies, hidden
// fields, links and an upstream's state, and puts something else there. What was given opens
// as what it is, for its browser and tenant; nothing else opens as anything (G1, G11, N3).
func FuzzLetters(f *testing.F) {
	l := written(f)
	for i := range l.issued {
		for _, put := range []string{"", "=", "\n", ".", "A", "%00", "~", "\xff"} {
			f.Add(uint8(i), uint16(0), uint16(0), put)
			f.Add(uint8(i), uint16(0xffff), uint16(0), put)
			f.Add(uint8(i), uint16(25), uint16(1), put)
			f.Add(uint8(i), uint16(0), uint16(0xffff), put)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, at, cut uint16, put string) {
		i := int(which) % len(l.issued)
		value := spliced(l.issued[i], at, cut, put)
		for kind := range l.issued {
			comes := value
			if name := cookies[kind]; name != "" { // a header drops what stands around the value
				comes = browser.Cookie(l.at(storage.DefaultTenant, l.bound, name, value), name)
			}
			if kind == linkLetter { // what a mail program takes for a part of a link is left out
				comes = typed.Token(value)
			}
			if got, want := l.opens(t, kind, storage.DefaultTenant, l.bound, value), comes == l.issued[kind]; got != want {
				t.Errorf("as letter %d, %q opens: %v, want %v", kind, value, got, want)
			}
			if l.opens(t, kind, "acme", l.bound, value) {
				t.Errorf("letter %d, %q, opens at another tenant", kind, value)
			}
		}
		for _, other := range []string{"", secret.Token()} {
			for _, kind := range []int{pendingLetter, strangerLetter, stateLetter} {
				if l.opens(t, kind, storage.DefaultTenant, other, value) {
					t.Errorf("letter %d, %q, opens in browser %q", kind, value, other)
				}
			}
		}
	})
}

// spliced is the text with put in the place of what is cut.
func spliced(text string, at, cut uint16, put string) string {
	from := min(int(at), len(text))
	return text[:from] + put + text[min(from+int(cut), len(text)):]
}

// FuzzHandedBack sends any value to the pages, in every place where a letter is handed
// back. A page or a redirect comes of it, never an error of ours, and no user is signed in.
func FuzzHandedBack(f *testing.F) {
	l := written(f)
	places := []struct{ path, cookie string }{
		{"/second-factor", "pending"}, {"/second-factor/setup", "pending"}, {"/federated/email", strangerCookie},
		{"/federated/link", strangerCookie},
		{"/login", "remembered"}, {"/upstream/openid/callback?code=x&state=", ""},
		{"/upstream/openid/callback?error=x&state=", ""}, {"/upstream/openid/callback?posted=", ""},
		{"/reset?token=", ""}, {"/signup/confirm?token=", ""}, {"/login/code/confirm?token=", ""},
		{"/federated/confirm?token=", ""}, {"/setup?token=", ""}, {"/login?i=", ""}, {"/login?next=", ""},
		{"/login?from=openid&why=", ""},
	}
	for place := range places {
		for i := range l.issued {
			f.Add(uint8(place), uint8(i), uint16(0), uint16(0), "")
			f.Add(uint8(place), uint8(i), uint16(10), uint16(5), "\x00\xff%")
		}
		f.Add(uint8(place), uint8(0), uint16(0), uint16(0xffff), "<script>'\"")
	}
	f.Fuzz(func(t *testing.T, place, which uint8, at, cut uint16, put string) {
		where := places[int(place)%len(places)]
		value := spliced(l.issued[int(which)%len(l.issued)], at, cut, put)
		target := l.url + where.path
		if where.cookie == "" {
			target += url.QueryEscape(value)
			where.cookie = "none"
		}
		r := httptest.NewRequest(http.MethodGet, target, nil)
		r.Header.Set("Cookie", "vouchsafe-browser="+l.bound)
		r.Header.Add("Cookie", "vouchsafe-"+where.cookie+"="+value)
		w := httptest.NewRecorder()
		l.srv.Config.Handler.ServeHTTP(w, r)
		if w.Code >= 500 {
			t.Errorf("%s, %q: got %d %s", target, value, w.Code, w.Body)
		}
		back := l.at(storage.DefaultTenant, "", "", "")
		for _, c := range w.Result().Cookies() {
			back.AddCookie(c)
		}
		if all, err := l.login.Sessions.All(back); err != nil || len(all) > 0 {
			t.Errorf("%s, %q: signed in as %v, %v", target, value, all, err)
		}
	})
}
