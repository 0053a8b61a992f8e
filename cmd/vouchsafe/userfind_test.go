package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/users"
)

func TestUsersAreFound(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t)
	sh.file(t, "people.jsonl", `{"email":"ada@example.com","profile":{"name":"Ada Lovelace"}}
{"email":"jose@example.com","email_verified":true,"profile":{"name":"José García Márquez"},"external_id":"E-7"}
{"username":"love","disabled":true}
`)
	sh.do(t, "user", "import", "people.jsonl")
	for _, c := range []struct {
		args string
		want string
	}{
		{"find|garcia M", "jose@example.com"}, {"find|LOVE", "love ada@example.com"}, {"find|jose@", "jose@example.com"},
		{"find|E-7", "jose@example.com"}, {"find|velace", ""}, {"find|love|--filter|disabled eq true", "love"},
		{"list|--filter|email_verified eq true or username pr", "jose@example.com love"},
		{"list|--filter|email pr|--unverified", "ada@example.com"}, {"list|--filter|email pr|--limit|1", "ada@example.com"},
	} {
		var views []users.UserView
		args := append([]string{"user"}, strings.Split(c.args, "|")...)
		if err := json.Unmarshal([]byte(sh.do(t, append(args, "--json")...)), &views); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, v := range views {
			got = append(got, v.Email+v.Username)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: got %v, want %s", c.args, got, c.want)
		}
	}
	out := sh.do(t, "user", "find", "garc")
	if !strings.HasPrefix(out, "EMAIL ") || !strings.Contains(out, "José García") {
		t.Errorf("got %s, want a table", out)
	}
	if got := sh.fails(t, 1, "user", "find", "x", "--filter", "nmae pr"); !strings.Contains(got, "character 1 of") {
		t.Errorf("got %s, want the place of what is wrong", got)
	}
	sh.fails(t, 2, "user", "list", "--filter", "id pr", "--after", "x")
}
