package login

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/vouchsafe/vouchsafe/internal/fakeidp"
	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/upstreams"
	"github.com/vouchsafe/vouchsafe/people/federation"
	"github.com/vouchsafe/vouchsafe/storage"
)

// saying is what a provider's API says of the user who comes from it.
type saying struct {
	mu           sync.Mutex
	user, emails string
}

// RoundTrip answers as the API does.
func (s *saying) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body := s.user
	switch {
	case strings.HasSuffix(r.URL.Path, "token"):
		body = `{"access_token":"a","token_type":"bearer"}`
	case strings.HasSuffix(r.URL.Path, "/emails"):
		body = s.emails
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// FuzzArrivals has a user come back from a provider whose API says anything of the user. The answer is
// always a page or a redirect; a user who is signed in has that very identity; and no such user is
// signed in as jo, whose account was here before, with an address that is proven (G5, G6).
func FuzzArrivals(f *testing.F) {
	kinds := []string{fakeidp.Facebook, fakeidp.GitHub, fakeidp.Discord}
	for i := range kinds {
		for _, user := range []string{
			`{"id":"4711","name":"Jo ` +
				`Doe","first_name":"Jo","email":"ann@example.com","picture":{"data":{"url":"https://a.example/p"}}}`,
			`{"id":4711,"login":"jo","name":"Jo Doe"}`,
			`{"id":"4711","username":"jo","global_name":"Jo","email":"ann@example.com","verified":true}`,
			`{"id":"4712","email":"jo@example.com","verified":true}`,
			`{"id":"1","email":"JO@EXAMPLE.com\u0000","verified":true}`, `{"id":"jo"}`,
			`{"id":"2","email":"ann@example.com\r\nBcc: jo@example.com","verified":true,"global_name":"<script>"}`, `{}`, `null`,
			`[`,
		} {
			for _, email := range []string{"ann@example.com", "jo@example.com", "ｊｏ@example.com", "x",
				"ann@example.com\\u0000"} {
				f.Add(uint8(i), user, `[{"email":"`+email+`","primary":true,"verified":true}]`)
			}
		}
	}
	fed := federate(f, nil, kinds...)
	s := fed.login
	s.PerAddress = limit.Rule{Name: "login-address", Max: 1 << 60, Window: time.Hour}
	says := &saying{}
	s.Federation.Calls = upstreams.New(&http.Client{Transport: says})
	jo := fed.site.verified("jo@example.com", "jo", "the right one")
	l := &letters{federatedSite: fed}
	f.Fuzz(func(t *testing.T, which uint8, user, emails string) {
		kind := kinds[int(which)%len(kinds)]
		says.mu.Lock()
		says.user, says.emails = user, emails
		says.mu.Unlock()
		bound := secret.Token()
		plain, err := json.Marshal(federation.Trip{ID: secret.Token(), Upstream: kind, Browser: browserNamed(bound),
			Until: time.Now().Add(time.Minute)})
		if err != nil {
			t.Fatal(err)
		}
		q := url.Values{"code": {"c"}, "state": {s.Secrets.Box(storage.DefaultTenant, secret.UpstreamTrip).SealString(plain)}}
		r := httptest.NewRequest(http.MethodGet, fed.url+"/upstream/"+kind+"/callback?"+q.Encode(), nil)
		r.Header.Set("Cookie", "vouchsafe-browser="+bound)
		w := httptest.NewRecorder()
		fed.srv.Config.Handler.ServeHTTP(w, r)
		if w.Code >= 500 {
			t.Fatalf("%s: %q, %q: got %d %s", kind, user, emails, w.Code, w.Body)
		}
		back := l.at(storage.DefaultTenant, "", "", "")
		for _, c := range w.Result().Cookies() {
			back.AddCookie(c)
		}
		all, err := s.Sessions.All(back)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range all {
			u := a.User
			ids, err := fed.store.IdentitiesOf(t.Context(), u.TenantID, u.ID)
			if u.ID == jo.ID || err != nil || len(ids) != 1 || ids[0].Provider != kind ||
				!strings.Contains(user, fmt.Sprint(ids[0].Subject)) && !strings.Contains(user, `\`) {
				t.Errorf("%s: %q, %q: signed in as %+v with %+v, %v", kind, user, emails, u, ids, err)
			}
			if kind == fakeidp.Facebook { // says of no address whose it is: a code has to
				t.Errorf("%q is signed in at once", user)
			}
			if strings.ContainsFunc(u.Email+u.Profile.Name+u.Profile.Nickname+u.Profile.Picture, unicode.IsControl) {
				t.Errorf("%s: %q: %+v", kind, user, u)
			}
		}
	})
}
