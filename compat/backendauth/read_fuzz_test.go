package backendauth

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzReadBody reads bodies: what comes out is an object whose members obey the rules of a new user, or a refusal with
// a status of its own.
func FuzzReadBody(f *testing.F) {
	for _, body := range []string{
		"", "{}", "[]", "null", "1", `"a"`, "{}{}", "\x00", "{",
		`{"email":"a@b.example","login":"a","password":"b","sub":"c"}`,
		`{"login":"a\u0000b"}`, `{"login":"\ud800"}`, "{\"login\":\"\xff\"}", `{"scope":{"a":["b"]}}`, `{"scope":[]}`,
		`{"password":"aB3456"}`, `{"login":"a","login":1}`, `{"scope":null,"login":null}`, " \n{}\t",
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, text string) {
		b, err := readBody(httptest.NewRequest(http.MethodPost, "/user", strings.NewReader(text)))
		if err != nil {
			bad, refusal := err.(*refused)
			if _, invalid := err.(faults); !invalid && (!refusal || bad.status != 400 && bad.status != 413) {
				t.Fatalf("got %v, want a refusal", err)
			}
			return
		}
		var wrong faults
		b.email(&wrong, "email")
		for _, key := range []string{"login", "sub"} {
			got := b.text(&wrong, key, maxLogin)
			if len(got) > maxLogin || strings.ContainsRune(got, 0) || !utf8.ValidString(got) {
				t.Errorf("%s is read as %q", key, got)
			}
		}
		if got := b.tenantPassword(&wrong); got != "" && (len(got) < 6 || strings.Trim(got, "abcdefghijklmnopqrstuvwxyz"+
			"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != "") {
			t.Errorf("the password %q is accepted", got)
		}
		if scope := b.scope(&wrong); scope != nil && (!json.Valid(scope) || scope[0] != '"' && scope[0] != '{') {
			t.Errorf("got the scope %s", scope)
		}
		for _, w := range wrong {
			if w.Message == "" || w.Path == "" || w.Type == "" || w.Context.Key != w.Path {
				t.Errorf("got the fault %+v", w)
			}
		}
	})
}
