package threats

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

func entryRows() []row {
	return []row{
		{"H13 fields that are not asked for", h13},
		{"H15 stored HTML", h15},
		{"H16 JSON of other types", h16},
		{"M5 M7 numbers, depth and languages", m7},
		{"M6 requests that are never finished", m6},
	}
}

// h13 registers a user with more fields than the form has.
func h13(t *testing.T, s *vouchsafetest.Server) {
	w := socialOf(t, s)
	b := w.Browser(t, vouchsafetest.Person{Email: newAddress("example.com"), Password: "a new password 6Wp"})
	victim := w.member(t)
	extra := url.Values{
		"email_verified": {"true"}, "admin": {"1"}, "roles": {"admin"}, "tenant": {"default"}, "tenant_id": {"default"},
		"id": {"1"}, "sub": {"1"},
		"user_id": {"1"}, "disabled": {"0"}, "phone_number_verified": {"true"}, "profile": {`{"email_verified":true}`},
	}
	f := b.Get(t, "/signup").Forms(t)[0]
	for name, values := range extra {
		f.Fields[name] = values
	}
	f.Fields.Set("email", b.Person.Email)
	f.Fields.Set("password", b.Person.Password)
	page := b.Submit(t, f, firstOf(f))
	wantSignedOut(t, "before the address is proven", b)
	types(t, b, page, mails.Next(t, b.Person.Email).Code)

	// The same for what users may change about themselves.
	profile := b.Get(t, "/account/profile")
	own := url.Values{"name": {"Sam"}, "email": {victim.Email}, "username": {"root"}, "phone_number": {"+436601234567"}}
	for name, values := range extra {
		own[name] = values
	}
	fill(t, b, profile, own)
	r := vouchsafetest.NewRequest(web, "prompt", "none", "scope", "openid profile email phone")
	info := w.API(t).Userinfo(t, w.API(t).Redeem(t, r, b.Code(t, r)).Want(t, 200, "").Access())
	if info.String("email") != b.Person.Email || info.String("sub") == "1" || info.Body["phone_number"] != nil ||
		info.Body["admin"] != nil || info.Body["roles"] != nil {
		t.Errorf("got %s", info.Raw)
	}
	for _, member := range []string{`"email_verified":true`, `"roles":["admin"]`, `"tenant":"default"`,
		`"id":"1"`, `"admin":true`} {
		body := fmt.Sprintf(`{"client_id":"app","email":%q,"password":"a new password 6Wp",%s}`,
			newAddress("example.com"), member)
		if reply := signInAPI(t, w.Server, "/auth/sign-up", body); reply.Status != 400 {
			t.Errorf("%s: got %d %s, want 400", member, reply.Status, reply.Raw)
		}
	}
}

// h15 looks for HTML in all pages that show what users entered.
func h15(t *testing.T, s *vouchsafetest.Server) {
	const payload = `"'><img src=x onerror=alert(1)><script>alert(1)</script>`
	client := vouchsafetest.Third.With(vouchsafetest.Client{"client_id": "named", "client_name": payload})
	id := "stored-" + s.Name
	w := newSocial(t, s, id, map[string]any{"name": payload})
	w.Command(t, client.Secret()+"\n", "client", "add", "named", "--kind", "web", "--name", payload,
		"--redirect-uri", client.RedirectURI(),
		"--scope", "openid", "--secret-stdin", "--tenant", id)
	p := w.member(t, "--name", payload, "--given-name", payload)
	b := w.Browser(t, p)
	b.Header.Set("User-Agent", payload)
	page := b.Get(t, vouchsafetest.NewRequest(client).Path())
	pages := []*vouchsafetest.Page{page, b.SignIn(t, page, p)}
	if !strings.Contains(pages[1].Text(t), "alert(1)") {
		t.Errorf("the consent page does not name the client: the test shows nothing")
	}
	for _, path := range []string{"/", "/account", "/account/profile", "/account/sessions", "/account/activity",
		"/account/apps", "/account/data", "/signout", "/select", "/login?other=1", "/signup", "/forgot"} {
		pages = append(pages, b.Get(t, path))
	}
	shown := 0
	for _, page := range pages {
		shown += strings.Count(page.Text(t), "alert(1)")
		if strings.Contains(page.Body, "<img src=x") || strings.Contains(page.Body, "<script>alert") {
			t.Errorf("%s holds the payload as HTML", page.URL.Path)
		}
		for n := range page.Document(t).Descendants() {
			for _, a := range n.Attr {
				if strings.HasPrefix(a.Key, "on") {
					t.Errorf("%s has an attribute %s", page.URL.Path, a.Key)
				}
			}
		}
	}
	if shown < 5 {
		t.Errorf("the payload was shown %d times: the test shows nothing", shown)
	}
	faults := s.Faults(t,
		vouchsafetest.Third.With(vouchsafetest.Client{"client_id": "logo", "logo_uri": "javascript:alert(1)"}),
		vouchsafetest.Third.With(vouchsafetest.Client{"client_id": "terms", "tos_uri": "data:text/html,x"}),
		vouchsafetest.Third.With(vouchsafetest.Client{"client_id": "policy", "policy_uri": "http://third.example/x"}),
	)
	for _, id := range []string{"logo", "terms", "policy"} {
		if len(faults[id]) == 0 {
			t.Errorf("the URI of %s was taken", id)
		}
	}
}

func h16(t *testing.T, s *vouchsafetest.Server) {
	w := socialOf(t, s)
	p := w.member(t)
	for _, body := range []string{
		`{"client_id":"app","login":["` + p.Email + `"],"password":"x"}`,
		`{"client_id":"app","login":{"$ne":null},"password":{"$ne":null}}`,
		`{"client_id":"app","login":1,"password":true}`,
		`{"client_id":"app","login":"a","login":"` + p.Email + `","password":"` + p.Password + `"}`,
		`{"client_id":"app","Login":"` + p.Email + `","password":"` + p.Password + `"}`, `[]`, `null`, `"x"`, `{`, ``,
		`{"client_id":"app"}{}`,
		"{\"client_id\":\"app\",\"login\":\"\xff\",\"password\":\"x\"}", `{"client_id":["app"],"login":"a","password":"x"}`,
		`{"client_id":"app","__proto__":{}}`,
	} {
		if reply := signInAPI(t, w.Server, "/auth/sign-in", body); reply.Status != 400 || reply.Access() != "" {
			t.Errorf("%.60q: got %d %s, want 400", body, reply.Status, reply.Raw)
		}
	}
	for _, email := range []string{"a@b\r\nBcc: evil@example.com", "a@example.com\x00", "a@example.com,b@example.com",
		"<a@example.com>", "a b@example.com", "@", strings.Repeat("a", 300) + "@example.com"} {
		b := w.Browser(t, vouchsafetest.Person{})
		f := b.Get(t, "/signup").Forms(t)[0]
		f.Fields.Set("email", email)
		f.Fields.Set("password", "a new password 6Wp")
		if page := b.Submit(t, f, firstOf(f)); page.Status < 400 || page.Status > 499 {
			t.Errorf("%.40q: got %d at %s, want it refused", email, page.Status, page.URL.Path)
		}
	}
	b := w.Browser(t, vouchsafetest.Person{})
	f := b.Get(t, "/login").Forms(t)[0]
	f.Fields["login"] = []string{newAddress("example.com"), p.Email}
	f.Fields.Set("password", p.Password)
	b.Submit(t, f, nil)
	wantSignedOut(t, "two names in one form", b)
}

// m7: input that takes other programs long to read.
func m7(t *testing.T, s *vouchsafetest.Server) {
	w := socialOf(t, s)
	for _, body := range []string{
		strings.Repeat("[", 50000), `{"client_id":` + strings.Repeat(`{"a":`, 10000),
		`{"client_id":"app","login":1e999999999}`,
		`{"client_id":"app","login":` + strings.Repeat("9", 50000) + `}`, `{"client_id":"app","login":"\ud800"}`,
		`{"client_id":"app","login":"\u0000","password":"x"}`,
	} {
		if reply := signInAPI(t, w.Server, "/auth/sign-in", body); reply.Status < 400 || reply.Status > 499 {
			t.Errorf("%.30q: got %d, want it refused", body, reply.Status)
		}
	}
	for _, wish := range []string{strings.Repeat("en-", 20000), strings.Repeat("a,", 20000),
		"de;q=" + strings.Repeat("0", 30000), strings.Repeat("x-a-", 4000), "*;q=1e400", "\xff\xfe"} {
		b := w.Browser(t, vouchsafetest.Person{})
		b.Header.Set("Accept-Language", wish)
		if page := b.Get(t, "/login"); page.Status != 200 && page.Status != 431 {
			t.Errorf("Accept-Language %.20q: got %d", wish, page.Status)
		}
		plain := w.Browser(t, vouchsafetest.Person{})
		if len(wish) < 20000 {
			if page := plain.Get(t, "/login?ui_locales="+url.QueryEscape(wish)); page.Status >= 500 {
				t.Errorf("ui_locales %.20q: got %d", wish, page.Status)
			}
		}
	}
}
