package exports

import (
	"fmt"
	"strings"
	"testing"
)

// A file of several realms is read for one, which the administrator names: the administrators of another realm must
// not become users of this tenant.
func TestOneRealmOfSeveralComes(t *testing.T) {
	t.Parallel()
	realm := func(name, user string) string {
		return fmt.Sprintf(`{"id":"1","realm":%q,"roles":{"realm":[{"name":"a"}]},"users":[{"username":%q}],"clients":[{}]}`,
			name, user)
	}
	master, acme := realm("master", "admin"), realm("acme", "ann")
	for _, c := range []struct{ name, realm, file, want string }{
		{"one realm", "", acme, "ann"},
		{"its name", "acme", acme, "ann"},
		{"a list of realms", "", "[" + master + "," + acme + "]", "line 1: it is a list of realms…"},
		{"a list, and a name", "acme", "[" + master + ",\n" + acme + "]", "ann"},
		{"realms one after the other, and a name", "acme", master + "\n" + acme, "ann"},
		{"another name", "corp", "[" + master + "," + acme + "]", `line 1: it has no users of a realm "corp"`},
		{"another name of one", "corp", acme, `line 1: it has no users of a realm "corp"`},
		{"users without a realm, as the API lists them", "", `[{"username":"ann"},{"id":"2","username":"bob"}]`, "ann bob"},
		{"users without a realm, and a name", "acme", `[{"username":"ann"}]`, "ann"},
		{"a list of anything", "", `[[1,[2]],7,null,{"username":"ann"}]`, "line 1: it is not a JSON object " +
			"line 1: it is not a JSON object line 1: it is not a JSON object ann"},
		{"a list that is cut off", "acme", "[" + master + "," + acme[:len(acme)-3], "ann line 1: it is not JSON…"},
	} {
		e, err := Open(Options{Product: "keycloak", Realm: c.realm}, nil)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for r := range e.Read(strings.NewReader(c.file)) {
			if r.Err != nil {
				got = append(got, fmt.Sprintf("line %d: %v", r.Line, r.Err))
			} else {
				got = append(got, r.Row.Username)
			}
		}
		said, start, cut := strings.Join(got, " "), strings.TrimSuffix(c.want, "…"), strings.HasSuffix(c.want, "…")
		if !strings.HasPrefix(said, start) || !cut && said != c.want {
			t.Errorf("%s: got %q, want %q", c.name, said, c.want)
		}
	}
	if _, err := Open(Options{Product: "auth0", Realm: "acme"}, nil); err == nil {
		t.Error("Auth0 has realms")
	}
}
