package upstreams

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/oauth2"

	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
)

// FuzzUserAPIs has the API of a provider without OpenID say anything of the owner of a
// token. An identity that is accepted has a subject that differs from all others, and an address
// on one line, which is verified only if the very entry that has it says true. All other answers
// are refused by an error that is short and quotes neither token nor code nor secret (G5, O1).
func FuzzUserAPIs(f *testing.F) {
	apis := []struct{ preset, token, user, emails string }{
		{"facebook", "/v23.0/oauth/access_token", "/v23.0/me", ""},
		{"github", "/login/oauth/access_token", "/api/v3/user", "/api/v3/user/emails"},
		{"discord", "/api/oauth2/token", "/api/users/@me", ""},
		{"vk", "/access_token", "/method/users.get", ""},
	}
	for i := range apis {
		for _, user := range []string{
			`{"id":"4711","name":"Jo ` +
				`Doe","first_name":"Jo","email":"jo@example.com","picture":{"data":{"url":"https://a.example/p"}}}`,
			`{"id":4711,"login":"jo","name":"Jo Doe","avatar_url":"https://a.example/p","html_url":"https://github.com/jo"}`,
			`{"id":"4711","username":"jo","global_name":"Jo","avatar":"a_b","email":"jo@example.com",` +
				`"verified":true,"locale":"de"}`,
			`{"response":[{"id":4711,"first_name":"Jo","last_name":"Doe","photo_200":"https://a.example/p"}]}`,
			`{"response":[{"id":1},{"id":2}]}`, `{"response":[{"id":-1}]}`, `{"response":[]}`, `{"error":{"error_code":5}}`,
			`{"id":"47\u000011","email":"a@example.com\r\nBcc: b@example.com","verified":true}`,
			`{"id":"\ud800","verified":"true"}`, "{\"id\":\"\xff\"}", `{"id":"` + strings.Repeat("9", 300) + `"}`,
			`{"id":0}`, `{"id":-1}`, `{"id":1e3}`, `{"id":99999999999999999999}`, `{"id":null}`, `{"id":["1"]}`,
			`{"id":1,"id":2}`, `{"id":"1","ID":"2"}`, `{"id":"../../@me","avatar":"../../x?y#z"}`, `null`, `[]`, ``,
			`{"error":{"message":"access-token-canary"}}`,
			`{"id":"1","name":"` + strings.Repeat("x", 300) + `","picture":"javascript:alert(1)"}`, `{"id":"1","email":{"x":1}}`,
			strings.Repeat(`{"id":`, 10001),
		} {
			f.Add(uint8(i), user, `[{"email":"a@example.com","primary":false,"verified":true},{"email":"jo@example.com",`+
				`"primary":true,"verified":true}]`)
			f.Add(uint8(i), user, `[{"email":"jo@example.com\r\nx","primary":true,"verified":true}]`)
		}
		for _, emails := range []string{`[]`, `null`, `{}`, `[null]`, `[{"email":"jo@example.com","primary":true}]`,
			`[{"email":"a@example.com","primary":true,"verified":true},{"email":"b@example.com",` +
				`"primary":true,"verified":false}]`, `[{"email":"a@example.com","primary":true,"verified":"true"}]`,
			`[{"email":"` + strings.Repeat("x", 400) + `@example.com","primary":true,"verified":true}]`} {
			f.Add(uint8(i), `{"id":4711}`, emails)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, user, emails string) {
		api := apis[int(which)%len(apis)]
		says := answering{api.token: `{"access_token":"` + canary + `","token_type":"bearer"}`, api.user: user}
		if api.emails != "" {
			says[api.emails] = emails
		}
		p, err := New(&http.Client{Transport: says}).provider(storage.Upstream{ID: "u", Preset: api.preset,
			Issuer: idpExample, ClientID: "u"}, "client-secret-canary")
		if err != nil {
			t.Fatal(err)
		}
		id, err := p.Identify(t.Context(),
			upstream.Request{RedirectURI: "https://id.example/callback", State: "s", Verifier: oauth2.GenerateVerifier()},
			upstream.Answer{Code: "code-canary"})
		if err != nil {
			if !errors.Is(err, upstream.ErrRefused) && !errors.Is(err, upstream.ErrUnreachable) {
				t.Errorf("got %v", err)
			}
			if text := err.Error(); len(text) > 500 || strings.Contains(text, "canary") {
				t.Errorf("%q tells too much", text)
			}
			return
		}
		if id.Subject == "" || len(id.Subject) > 255 || !plain(id.Subject) ||
			strings.ContainsRune(id.Subject, utf8.RuneError) {
			t.Errorf("%s: subject %q", api.preset, id.Subject)
		}
		q := id.Profile
		for _, s := range []string{id.Email, q.Name, q.GivenName, q.FamilyName, q.Nickname, q.Locale, q.Picture, q.Profile} {
			if len(s) > 8100 || !plain(s) {
				t.Errorf("%s: took %q", api.preset, s)
			}
		}
		for _, s := range []string{q.Picture, q.Profile} {
			if s != "" && !strings.HasPrefix(s, "https://") {
				t.Errorf("%s: leads to %q", api.preset, s)
			}
		}
		if id.EmailVerified && !saidTrue(api.preset, user, emails, id.Email) {
			t.Errorf("%s: %q is verified by %.200q, %.200q", api.preset, id.Email, user, emails)
		}
	})
}

// plain says whether the text stands on a line.
func plain(s string) bool {
	return utf8.ValidString(s) &&
		!strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) })
}

// saidTrue reads anew what the API has said, by its documentation alone: member by member,
// where the last of a name counts.
func saidTrue(preset, user, emails, email string) bool {
	entries := []json.RawMessage{json.RawMessage(user)}
	verified := "verified"
	switch preset {
	case "facebook":
		return false // says so of none
	case "github":
		if json.Unmarshal([]byte(emails), &entries) != nil {
			return false
		}
	}
	for _, e := range entries {
		has, says := "", false
		d := json.NewDecoder(strings.NewReader(string(e)))
		if t, err := d.Token(); err != nil || t != json.Delim('{') {
			continue
		}
		for d.More() {
			name, err := d.Token()
			if err != nil {
				break
			}
			var v any
			if err := d.Decode(&v); errors.Is(err, io.EOF) || err != nil {
				break
			}
			if s, ok := v.(string); ok && strings.EqualFold(name.(string), "email") {
				has = strings.TrimSpace(s)
			}
			if b, ok := v.(bool); ok && strings.EqualFold(name.(string), verified) {
				says = b
			}
		}
		if has == email && says {
			return true
		}
	}
	return false
}
