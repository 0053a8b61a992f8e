package java

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

func TestSpringBootLogin(t *testing.T) {
	shown := section(t, "## Spring Boot: sign-in")
	for version, s := range map[string]*vouchsafetest.Section{
		"spring3": shown,
		"spring4": shown.RequirePKCE(t), // it sends it by itself
	} {
		path := version + "-login/target/app.jar"
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			jar := built(t, path)
			signsIn(t, start(t, vouchsafetest.Shared(t), jar, s))
		})
		t.Run(version+", out of both", func(t *testing.T) {
			t.Parallel()
			jar := built(t, path)
			app := start(t, vouchsafetest.Shared(t), jar, s, "spring.profiles.active=sign-out")
			v := signsIn(t, app)
			signedOut(t, v, app, v.Press(t, v.Open(t, app.URL+"/logout"), "Log Out"))
		})
	}
}

// The sources have the very method that the page shows.
func TestSpringSignOutIsThatOfThePage(t *testing.T) {
	source, err := os.ReadFile("spring/login/SignOut.java")
	if err != nil {
		t.Fatal(err)
	}
	shown := section(t, "## Spring Boot: sign-in").File(t, "SignOut.java")
	if !strings.Contains(words(string(source)), words(shown)) {
		t.Error("spring/login/SignOut.java does not have the method of docs/clients-java.md")
	}
}

// words is a text with one space between its words.
func words(text string) string { return strings.Join(strings.Fields(text), " ") }

func TestSpringBootAPI(t *testing.T) {
	shown := section(t, "## Spring Boot: an API")
	for _, version := range []string{"spring3", "spring4"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			jar := built(t, version+"-api/target/app.jar")
			// A server of its own: the section shows a clients file.
			server := vouchsafetest.Start(t, vouchsafetest.Options{})
			app := start(t, server, jar, shown)
			server.GuardsAPI(t, app.URL+"/", app.ClientID, app.Secret, "reports:read")
			// Without access_token_typ, of which the page says that Spring needs it.
			if got := server.CallsAPI(t, app.URL+"/", "reports:read",
				"https://api.example.com"); got != http.StatusUnauthorized {
				t.Errorf("with a token of typ at+jwt Spring answers %d, want 401: the page can do without access_token_typ now",
					got)
			}
		})
	}
}
