package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode"
)

// answerEscapes answers a request to the API with escape sequences of terminals in all texts.
func answerEscapes(w http.ResponseWriter, r *http.Request) {
	const evil = "x\u001b]0;y\u0007\r\t\u009b2J"
	problem := func(status int, more map[string]any) {
		w.WriteHeader(status)
		answer := map[string]any{"code": "bad", "title": evil, "instance": evil, "scope": evil}
		maps.Copy(answer, more)
		_ = json.NewEncoder(w).Encode(answer)
	}
	switch _, name, _ := strings.Cut(r.URL.Path, "/clients/"); name {
	case "detail":
		problem(400, map[string]any{"detail": evil})
		return
	case "errors":
		fault := map[string]string{"field": evil, "message": evil}
		problem(422, map[string]any{"errors": []any{fault, fault}})
		return
	case "title":
		problem(400, nil)
		return
	case "instance":
		problem(500, nil)
		return
	case "scope":
		problem(403, map[string]any{"code": "insufficient_scope"})
		return
	}
	thing := map[string]any{"id": evil, "email": evil, "link": evil, "client_id": evil, "client_secret": evil, "kid": evil,
		"alg": evil, "steps": []any{map[string]string{"name": evil, "outcome": evil, "says": evil}},
		"status": map[string]any{"issuer": evil, "secrets": 1}, "error": "bad", "error_description": evil, "accepted": true,
		"log": []string{"> " + evil, "< 250 " + evil}, "claim": evil, "value": evil, "in": []string{evil}, "from": evil,
		"rule": evil}
	if thing["items"] = []any{maps.Clone(thing)}; strings.HasSuffix(r.URL.Path, "/keys") {
		thing["items"] = []any{} // so that all of them are new ones
	}
	if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/tenants/") {
		problem(404, map[string]any{"code": "not_found"})
		return
	}
	_ = json.NewEncoder(w).Encode(thing)
}

// TestAServerMovesNoCursor has a server answer escape sequences: terminals would set titles by them, or hide lines.
func TestAServerMovesNoCursor(t *testing.T) {
	t.Parallel()
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/.well-known/openid-configuration") {
			_ = json.NewEncoder(w).Encode(map[string]string{"issuer": server.URL, "token_endpoint": server.URL + "/token"})
			return
		}
		answerEscapes(w, r)
	}))
	defer server.Close()
	token := []string{"VOUCHSAFE_TOKEN=t"}
	credentials := []string{"VOUCHSAFE_CLIENT_ID=a", "VOUCHSAFE_CLIENT_SECRET=b"}
	for line, want := range map[string]struct {
		code    int
		printed string
		environ []string
	}{
		"client show detail":               {1, "vouchsafe: x ]0;y", token},
		"client show errors":               {1, "\nvouchsafe: x ]0;y", token}, // a line for each
		"client show title":                {1, "vouchsafe: x ]0;y", token},
		"client show instance":             {1, "under x ]0;y", token},
		"client show scope":                {1, "the scope x ]0;y", token},
		"client show wiki":                 {1, "no token: bad x ]0;y", credentials},
		"client add wiki --kind=service":   {0, "client_secret  x ]0;y", token},
		"client add-secret wiki":           {0, "client_secret  x ]0;y", token},
		"user add jo@example.com":          {0, "x ]0;y", token},
		"user invite jo@example.com":       {0, "x ]0;y", token},
		"invitation resend jo@example.com": {0, "x ]0;y", token},
		"key rotate":                       {0, "Made a key for x ]0;y", token},
		"upstream test there":              {0, "x ]0;y", token},
		"tenant add branch":                {0, "x ]0;y", token},

		"user sign-in-as jo@example.com --reason help": {0, "x ]0;y", token},
		"mail test jo@example.com":                     {0, "> x?]0;y", token},
		"claim explain jo@example.com wiki":            {0, "x ]0;y", token},
	} {
		sh := &inside{t, append(want.environ, "VOUCHSAFE_DATA="+t.TempDir())}
		out, errs, code := sh.run("", append(strings.Fields(line), "--server="+server.URL)...)
		printed := errs + out
		if code != want.code || !strings.Contains(printed, want.printed) {
			t.Errorf("%s: got exit %d and %q, want %d and %q", line, code, printed, want.code, want.printed)
		}
		if strings.ContainsFunc(printed, func(r rune) bool { return r != '\n' && unicode.IsControl(r) }) {
			t.Errorf("%s: control characters are printed: %q", line, printed)
		}
	}
}
