package doors

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/internal/smtptest"
)

// call is a call of the JSON API with a valid body, so that only the credential decides about the
// answer.
type call struct {
	path   string
	body   map[string]any
	status int
}

// guest is a user who goes through all calls of the app, with what the app has got for them.
type guest struct {
	*person
	mails                    *smtptest.Server
	access, refresh, session string
	said                     *vouchsafetest.Reply // the last answer
}

// calls returns all calls in the order in which an app makes them. Each is made after those before
// it have been answered.
func (g *guest) calls(t *testing.T) []func() call {
	newcomer, invited, moved := newAddress(), newAddress(), newAddress()
	const password = "another password of their own"
	flow := func(to string) map[string]any {
		return map[string]any{"flow": g.said.String("flow"), "code": g.code(t, to)}
	}
	of := func(pairs ...string) map[string]any {
		body := map[string]any{}
		for i := 0; i+1 < len(pairs); i += 2 {
			body[pairs[i]] = pairs[i+1]
		}
		return body
	}
	own := func(body map[string]any) map[string]any {
		body["auth_session"] = g.session
		return body
	}
	return []func() call{
		func() call { return call{"/auth/sign-up", of("email", newcomer, "password", password), 202} },
		func() call {
			_ = g.code(t, newcomer) // it is lost
			return call{"/auth/send-code", of("flow", g.said.String("flow")), 202}
		},
		func() call { return call{"/auth/confirm-email", flow(newcomer), 200} },
		func() call { return call{"/auth/confir-email", of("flow", "x", "code", "12345678"), 422} },
		func() call {
			g.at.Command(t, "", "user", "invite", invited, "--tenant", g.at.TenantID)
			link, err := url.Parse(g.mails.Next(t, invited).Link)
			if err != nil {
				t.Fatal(err)
			}
			return call{"/auth/accept-invitation", of("invitation", link.Query().Get("invitation"), "password", password), 200}
		},
		func() call { return call{"/auth/passkey-options", of(), 200} },
		func() call { return call{"/auth/sign-in", of("login", g.Email, "password", g.Password), 200} },
		func() call { return call{"/auth/list-api-keys", own(of()), 200} },
		func() call {
			body := own(of("name", "job"))
			body["scopes"] = []string{"openid"}
			return call{"/auth/add-api-key", body, 201}
		},
		func() call { return call{"/auth/rotate-api-key", own(of("key", g.said.String("id"))), 201} },
		func() call { return call{"/auth/remove-api-key", own(of("key", g.said.String("id"))), 204} },
		func() call { return call{"/auth/change-email", own(of("email", moved)), 202} },
		func() call { return call{"/auth/confirm-change-email", own(flow(moved)), 204} },
		func() call {
			status := http.StatusAccepted
			if g.at.Database != "" { // a production server, which sends no text messages
				status = http.StatusNotFound
			}
			return call{"/auth/change-phone", own(of("phone", "+491701234567")), status}
		},
		func() call { return call{"/auth/confirm-change-phone", own(of("flow", "x", "code", "12345678")), 422} },
		func() call { return call{"/auth/remove-phone", own(of()), 204} },
		func() call { return call{"/auth/list-identities", own(of()), 200} },
		func() call {
			return call{"/auth/unlink-identity", own(of("providerType", "google", "subject", "7")), 404}
		},
		func() call { return call{"/auth/begin-totp", own(of()), 200} },
		func() call {
			return call{"/auth/confirm-totp", own(of("setup", g.said.String("setup"), "otp", "none")), 422}
		},
		func() call { return call{"/auth/remove-totp", own(of()), 204} },
		func() call {
			return call{"/auth/update-password", own(of("old_password", g.Password, "password", password)), 200}
		},
		func() call { return call{"/auth/refresh-tokens", of("refresh_token", g.refresh), 200} },
		func() call { return call{"/auth/logout", of("token", g.refresh), 204} },
		func() call { return call{"/auth/reset-password", of("login", moved), 202} },
		func() call {
			body := flow(moved)
			body["password"] = "a third " + password
			return call{"/auth/confirm-reset", body, 200}
		},
		func() call {
			return call{"/authorize-challenge",
				of("response_type", "code", "scope", "openid", "code_challenge",
					vouchsafetest.Challenge("a verifier of forty-three characters or more"),
					"code_challenge_method", "S256", "login", moved, "password", "a third "+password), 200}
		},
		func() call { return call{"/auth/delete-account", own(of("confirm", "delete")), 204} },
	}
}

// code returns the code in the next mail to the address that has one.
func (g *guest) code(t *testing.T, to string) string {
	t.Helper()
	for {
		if m := g.mails.Next(t, to); m.Code != "" { // notices have no code
			return m.Code
		}
	}
}

// tryApps tries all keys at each call of the API, and then the one that the call is made for, which
// must open it.
func (m *matrix) tryApps(keys []key, mails *smtptest.Server) {
	bodies := m.bodies
	m.bodies = maps.Clone(bodies)
	defer func() { m.bodies = bodies }()
	g := &guest{person: m.scene.guest, mails: mails, access: m.scene.guest.app.Access(),
		session: m.scene.guest.app.String("auth_session")}
	opened := map[string]bool{}
	for _, next := range g.calls(m.T) {
		c := next()
		method := m.put(c)
		m.atOnce(func(work chan<- func()) {
			for _, k := range slices.Concat(keys, g.almost(m.scene)) {
				work <- func() { m.cell(c.path, method, k) }
			}
		})
		m.open(g, c, method)
		opened[c.path] = true
	}
	for path, n := range doors {
		if (n == app || n == appPerson) != opened[path] {
			m.Errorf("%s needs %s: whether its key opens it was tried: %v", path, n, opened[path])
		}
	}
}

// put makes all requests to the call's door carry its body, and returns its method.
func (m *matrix) put(c call) (method string) {
	if c.path == "/authorize-challenge" {
		m.scene.challenge = url.Values{}
		for name, v := range c.body {
			m.scene.challenge.Set(name, v.(string))
		}
		return http.MethodPost
	}
	text, err := json.Marshal(c.body)
	if err != nil {
		m.Fatal(err)
	}
	m.bodies[c.path] = string(text)
	return m.calls[c.path]
}

// almost returns keys that lack little.
func (g *guest) almost(sc *scene) []key {
	without := bearing("the app's token of its person, without what the app keeps", g.access)
	put := without.put
	without.put = func(r *http.Request, f url.Values) {
		put(r, f)
		f.Set("auth_session", "")
	}
	others := bearing("the app's token of its person, with a neighbour's auth_session", g.access)
	others.put = func(r *http.Request, f url.Values) {
		put(r, f)
		f.Set("auth_session", sc.neighbour.app.String("auth_session"))
	}
	return []key{
		without, others,
		bearing("another app's token of the person", g.tokens.Access()),
		shut("the app's id without its secret", func(_ *http.Request, f url.Values) { f.Set("client_id", App.ID()) }),
		basic("a wrong secret of the app", App, "a wrong secret"),
	}
}

// open makes the call with its own key, and keeps what the app is given.
func (m *matrix) open(g *guest, c call, method string) {
	m.Helper()
	k := basic("the app's own secret", App, App.Secret())
	if doors[c.path] == appPerson {
		k = bearing("the app's own token", g.access)
	}
	alive := func(want int) {
		m.Helper()
		if c.path != "/auth/logout" && c.path != "/auth/delete-account" {
			return
		}
		if info := g.at.API(m.T).Userinfo(m.T, g.access); info.Status != want {
			m.Errorf("%s: the person's token has %d, want %d", c.path, info.Status, want)
		}
	}
	alive(http.StatusOK)
	a := m.send(m.request(c.path, method, m.scene.fields(c.path)[0], k))
	if a.StatusCode != c.status {
		m.Fatalf("%s %s with %s: got %d %s, want %d: no key opens it", method, c.path, k.name,
			a.StatusCode, a.raw, c.status)
	}
	alive(http.StatusUnauthorized)
	m.opened[doors[c.path]]++
	g.said = &vouchsafetest.Reply{Status: a.StatusCode, Raw: a.raw}
	if a.raw != "" {
		if err := json.Unmarshal([]byte(a.raw), &g.said.Body); err != nil {
			m.Fatalf("%s: %v: %s", c.path, err, a.raw)
		}
	}
	for to, is := range map[*string]string{&g.access: g.said.Access(), &g.refresh: g.said.Refresh(),
		&g.session: g.said.String("auth_session")} {
		if is != "" {
			*to = is
		}
	}
}

// tryClients lets the victim's client do what was refused to all others. It ends the grant.
func (m *matrix) tryClients() {
	t, api := m.T, m.scene.north.API(m.T)
	again := m.scene.renewed
	m.opened[client]++ // /token, which gave it
	pushed := vouchsafetest.NewRequest(vouchsafetest.Web).Params
	if got := api.As(t, vouchsafetest.Web, "/par", pushed); got.Status != http.StatusCreated {
		t.Errorf("/par: got %d %s, want 201", got.Status, got.Raw)
	}
	if !api.Active(t, vouchsafetest.Web, again.Access()) {
		t.Error("/introspect: the client's own token is not active")
	}
	m.opened[client]++
	if got := api.As(t, vouchsafetest.Web, "/revoke", url.Values{"token": {again.Refresh()}}); got.Status != 200 {
		t.Errorf("/revoke: got %d %s, want 200", got.Status, got.Raw)
	}
	if info := api.Userinfo(t, again.Access()); info.Status != 401 {
		t.Errorf("/revoke: an access token of the grant has %d, want 401", info.Status)
	}
	m.opened[client]++
}
