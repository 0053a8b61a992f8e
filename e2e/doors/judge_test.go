package doors

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/internal/fakeidp"
)

// answer is the answer to the request of a cell.
type answer struct {
	*http.Response
	raw string
	req *http.Request
}

// judge reports what is wrong with the answer.
func (m *matrix) judge(path, method string, k key, open bool, a answer) {
	need := doors[path]
	at := method + " " + path + " with " + k.name
	if a.StatusCode >= 500 {
		m.Errorf("%s: got %d, which says that the server is at fault\n%.300s", at, a.StatusCode, a.raw)
	}
	m.secretive(at, k, a)
	if origin := a.Header.Get("Access-Control-Allow-Origin"); a.Header.Get("Access-Control-Allow-Credentials") != "" ||
		origin == "https://evil.example" {
		m.Errorf("%s: scripts of %s may read the answer with its cookies", at, origin)
	}
	if e, ok := m.endpoints[path]; ok {
		m.judgeByRow(at, method, e, a)
	}
	how := a.success(path)
	reads := method == "GET" || method == "HEAD"
	switch {
	case how == "":
		return
	case method == "OPTIONS" && a.raw == "": // tells what methods there are
		return
	case reads && (need == nothing || need == form || told[path]), path == "/password/score" && method == "POST":
		open = true
	case path == "/auth/openapi.json" || path == "/api/v1/openapi.json" || path == "/jwks" ||
		strings.HasPrefix(path, "/.well-known/"):
		open = open || reads
	case (reads || need == permission && method == "POST") && slices.Contains(k.pages, need):
		open = true
	case reads || method == "POST":
	default: // no other method is good for anything
		open = false
	}
	if !open {
		m.Errorf("%s: got %d, %s, want it refused: the door needs %s\n%.80s", at, a.StatusCode, how, need, a.raw)
		return
	}
	m.mu.Lock()
	m.opened[need]++
	m.mu.Unlock()
}

// judgeByRow says what in the answer is not as the endpoint's row says.
func (m *matrix) judgeByRow(at, method string, e endpoint, a answer) {
	allowed := strings.Join(e.methods, ", ")
	if !slices.Contains(e.methods, method) &&
		(a.StatusCode != http.StatusMethodNotAllowed || a.Header.Get("Allow") != allowed) {
		m.Errorf("%s: got %d with Allow %q, want 405 with %q", at, a.StatusCode, a.Header.Get("Allow"), allowed)
	}
	if public := a.Header.Get("Access-Control-Allow-Origin") == "*"; public != (e.scripts == "any") {
		m.Errorf("%s: that any script may read the answer is %v, want scripts of %q", at, public, e.scripts)
	}
}

// secretive fails the test if the answer contains data of another user.
func (m *matrix) secretive(at string, k key, a answer) {
	for _, who := range []*person{m.scene.victim, m.scene.neighbour, m.scene.gone, m.scene.stranger, m.scene.guest} {
		if k.owner == who {
			continue
		}
		for _, mark := range who.canaries {
			if strings.Contains(a.raw, mark) || strings.Contains(a.Header.Get("Location"), mark) {
				m.Errorf("%s: the answer has %s, which is none of its business", at, mark)
			}
		}
	}
}

// waiting are the pages to which a browser is sent that lacks a proof.
var waiting = []string{"/login", "/select", "/second-factor", "/consent", "/signup", "/signout", "/signed-out", "/"}

// success returns what the answer gives, or "" if it refuses.
func (a answer) success(path string) string {
	switch {
	case a.StatusCode < 200:
		return "an odd answer"
	case a.StatusCode < 300:
		if path == "/introspect" && strings.TrimSpace(a.raw) == `{"active":false}` || path == "/revoke" && a.raw == "" {
			return "" // an answer to a client that may not ask; whether it had an effect is checked at the end
		}
		return "a success"
	case a.StatusCode < 400:
		return a.led()
	}
	return ""
}

// led returns what a redirect gives.
func (a answer) led() string {
	u, err := a.req.URL.Parse(a.Header.Get("Location"))
	if err != nil || a.Header.Get("Location") == "" {
		return "a redirect to nowhere"
	}
	if u.Host != a.req.URL.Host {
		if u.Query().Get("error") != "" && u.Query().Get("code") == "" {
			return ""
		}
		to := u.Query().Get("to")
		if u.Path == "/" && strings.HasPrefix(to, a.req.URL.Path) && !strings.Contains(to, "dev_key") {
			return "" // the way to the developer's page, which TestTheDevelopersPageIsForThisMachine walks
		}
		return "a redirect to " + u.Scheme + "://" + u.Host + u.Path
	}
	inside, _ := strings.CutPrefix(u.Path, "/t/north")
	if slices.Contains(waiting, inside) && !u.Query().Has("done") {
		return ""
	}
	return "a redirect to " + inside
}

// fields returns the fields with which the door's request would have an effect, in several sets if
// one request cannot have all of them.
func (sc *scene) fields(path string) (all []url.Values) {
	v := sc.victim
	authorize := vouchsafetest.NewRequest(vouchsafetest.Web, "prompt", "none").Params
	switch path {
	case "/token":
		redeem := vouchsafetest.Values("grant_type", "authorization_code", "code", sc.code, "redirect_uri",
			vouchsafetest.Web.RedirectURI(), "code_verifier", sc.request.Verifier)
		return []url.Values{redeem, vouchsafetest.Values("grant_type", "refresh_token", "refresh_token", v.tokens.Refresh()),
			vouchsafetest.Values("grant_type", "refresh_token", "refresh_token", sc.bound.Refresh(), "client_id", "public")}
	case "/par":
		return []url.Values{vouchsafetest.NewRequest(vouchsafetest.Web).Params}
	case "/device_authorization":
		return []url.Values{{"client_id": {"web"}, "scope": {"openid"}}}
	case "/introspect", "/revoke":
		return []url.Values{{"token": {v.tokens.Access()}}, {"token": {v.tokens.Refresh()}}, {"token": {v.opaque.Access()}}}
	case "/userinfo":
		return []url.Values{{}}
	case "/authorize-challenge":
		return []url.Values{maps.Clone(sc.challenge)}
	case "/authorize":
		return []url.Values{authorize, {"client_id": {"web"}, "request_uri": {sc.pushed}},
			{"client_id": {"public"}, "request_uri": {sc.pushed}}}
	case "/logout":
		return []url.Values{{"client_id": {"web"}}, {"client_id": {"web"}, "id_token_hint": {sc.stranger.tokens.ID()}}}
	}
	if strings.HasPrefix(path, "/auth/") {
		return []url.Values{{}}
	}
	if path == "/account/identities" { // to a provider to link what one has there
		all = append(all, url.Values{"form": v.fields["form"], "session": v.fields["session"], "add": {fakeidp.Apple}})
	}
	return append(all, url.Values{
		"form": v.fields["form"], "session": v.fields["session"], "i": {sc.letter}, "user": {v.fields.Get("session")},
		"email": {v.Email}, "login": {v.Email}, "password": {"another password of somebody else's"},
		"old_password": {v.Password},
		"sure":         {"1"}, "others": {"1"}, "all": {"1"}, "client": {"web"}, "decision": {"allow"}, "code": {"000000"},
		"name": {"Mallory"}, "phone_number": {"+436601234567"},
		"provider": {fakeidp.Google}, "subject": {v.there.Subject}, "answer": {"link"},
	})
}

// bodies returns the bodies that the calls of the API need, as the program's own reference
// describes them, and their methods.
func (sc *scene) bodies(t *testing.T) (out, calls map[string]string) {
	t.Helper()
	api, v := sc.north.API(t), sc.victim
	reply := api.Do(t, api.Request(t, http.MethodGet, "/auth/openapi.json", "", ""))
	known := map[string]any{
		"email": v.Email, "login": v.Email, "password": "another password of somebody else's", "old_password": v.Password,
		"code": "000000", "confirm": "delete",
		"token": v.app.Refresh(), "refresh_token": v.app.Refresh(), "auth_session": v.app.String("auth_session"),
	}
	paths, _ := reply.Body["paths"].(map[string]any)
	out, calls = map[string]string{}, map[string]string{}
	for path, operations := range paths {
		path = path[max(0, strings.Index(path, "/auth")):]
		all, _ := operations.(map[string]any)
		if len(all) != 1 {
			t.Fatalf("%s has %d methods: which one is to be tried?", path, len(all))
		}
		var call map[string]any
		for method, of := range all {
			calls[path] = strings.ToUpper(method)
			call, _ = of.(map[string]any)
		}
		body := map[string]any{}
		for _, name := range required(reply.Body, call) {
			body[name] = known[name]
			if body[name] == nil {
				body[name] = "x"
			}
		}
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		out[path] = string(text)
	}
	if len(out) < 10 || !strings.Contains(out["/auth/logout"], v.app.Refresh()) {
		t.Fatalf("the reference of the API was not read rightly: %v", out)
	}
	return out, calls
}

// required names the members that a call's body must have.
func required(document, operation map[string]any) []string {
	var find func(v any) []string
	find = func(v any) []string {
		schema, _ := v.(map[string]any)
		if ref, ok := schema["$ref"].(string); ok {
			var at any = document
			for _, step := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
				inner, _ := at.(map[string]any)
				at = inner[step]
			}
			return find(at)
		}
		var names []string
		all, _ := schema["required"].([]any)
		for _, name := range all {
			names = append(names, name.(string))
		}
		return names
	}
	body, _ := operation["requestBody"].(map[string]any)
	content, _ := body["content"].(map[string]any)
	kind, _ := content["application/json"].(map[string]any)
	return find(kind["schema"])
}

// withFields returns the JSON object with the fields in it.
func withFields(object string, fields url.Values) string {
	var body map[string]any
	if err := json.Unmarshal([]byte(object), &body); err != nil {
		panic(err) // it was made here
	}
	for name, values := range fields {
		body[name] = values[0]
	}
	text, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return string(text)
}
