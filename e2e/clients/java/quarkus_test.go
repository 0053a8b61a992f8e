package java

import (
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

func TestQuarkusLogin(t *testing.T) {
	shown := section(t, "## Quarkus: sign-in")
	for name, pkce := range map[string]bool{"as shown": false, "with PKCE": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			jar := built(t, "quarkus-login/target/quarkus-app/quarkus-run.jar")
			s, more := shown, ""
			if pkce {
				s, more = shown.RequirePKCE(t), "quarkus.oidc.authentication.pkce-required=true"
			}
			app := start(t, vouchsafetest.Shared(t), jar, s, more)
			v := signsIn(t, app)
			signedOut(t, v, app, v.Open(t, app.URL+"/logout"))
		})
	}
}

func TestQuarkusAPI(t *testing.T) {
	t.Parallel()
	jar := built(t, "quarkus-api/target/quarkus-app/quarkus-run.jar")
	app := start(t, vouchsafetest.Shared(t), jar, section(t, "## Quarkus: an API"))
	app.Server.GuardsAPI(t, app.URL+"/", app.ClientID, app.Secret, "reports:read")
}
