package threats

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

func authenticationRows() []row {
	return []row{
		{"D4 wrong secrets", d4},
		{"D4 the time of a wrong secret", d4Time},
		{"D5 methods", d5},
		{"D6 Basic", d6},
		{"D9 a flood of secrets", d9},
		{"E9 none for a confidential client", e9},
	}
}

// credentials requests a token with nothing but what prepare adds.
func credentials(t *testing.T, api *vouchsafetest.API, prepare func(*http.Request),
	pairs ...string,
) *vouchsafetest.Reply {
	t.Helper()
	form := vouchsafetest.Values(append([]string{"grant_type", "client_credentials"}, pairs...)...)
	reply := api.Form(t, "/token", form, prepare)
	vouchsafetest.CheckToken(t, reply)
	return reply
}

func nothing(*http.Request) {}

func d4(t *testing.T, s *vouchsafetest.Server) {
	api := s.API(t)
	service := vouchsafetest.Service
	wrong := credentials(t, api, vouchsafetest.Basic(service.ID(), "wrong")).Want(t, 401, "invalid_client")
	unknown := credentials(t, api, vouchsafetest.Basic("nobody", "wrong")).Want(t, 401, "invalid_client")
	if wrong.Raw != unknown.Raw {
		t.Errorf("got %s for a wrong secret and %s for an unknown client, want the same", wrong.Raw, unknown.Raw)
	}
	for _, reply := range []*vouchsafetest.Reply{wrong, unknown} {
		if !strings.HasPrefix(reply.Header.Get("WWW-Authenticate"), "Basic ") {
			t.Errorf("got WWW-Authenticate %q, want Basic", reply.Header.Get("WWW-Authenticate"))
		}
	}
	// Guessing is limited for its address, and locks out no other client.
	limited := false
	for range 100 {
		if reply := credentials(t, api, vouchsafetest.Basic(service.ID(), "wrong")); reply.Status != 401 {
			limited = reply.Status == 429
			break
		}
	}
	if !limited {
		t.Error("got 100 guesses from one address, want fewer")
	}
	credentials(t, s.API(t), vouchsafetest.Basic(service.ID(), service.Secret())).Want(t, 200, "")
	credentials(t, api, vouchsafetest.Basic(vouchsafetest.Inspector.ID(),
		vouchsafetest.Inspector.Secret())).Want(t, 200, "")
}

func d5(t *testing.T, s *vouchsafetest.Server) {
	api := s.API(t)
	keyed := vouchsafetest.Keyed()[0]
	assertion := func() []string {
		return []string{"client_assertion_type", vouchsafetest.AssertionType, "client_assertion",
			keyed.Assertion(t, s.AssertionClaims(keyed.ID()))}
	}
	basic, post := vouchsafetest.ServiceBasic, vouchsafetest.ServicePost
	for name, reply := range map[string]*vouchsafetest.Reply{
		"basic and post": credentials(t, api, vouchsafetest.Basic(basic.ID(), basic.Secret()), "client_id",
			basic.ID(), "client_secret", basic.Secret()),
		"basic and assertion": credentials(t, api, vouchsafetest.Basic(keyed.ID(), "x"), assertion()...),
		"post and assertion": credentials(t, api, nothing,
			append(assertion(), "client_id", keyed.ID(), "client_secret", "x")...),
		"post, registered basic": credentials(t, api, nothing, "client_id", basic.ID(), "client_secret", basic.Secret()),
		"basic, registered post": credentials(t, api, vouchsafetest.Basic(post.ID(), post.Secret())),
		"none, registered basic": credentials(t, api, nothing, "client_id", basic.ID()),
		"none, registered key":   credentials(t, api, nothing, "client_id", keyed.ID()),
		"empty secret":           credentials(t, api, vouchsafetest.Basic(basic.ID(), "")),
		"another's id beside": credentials(t, api, vouchsafetest.Basic(basic.ID(), basic.Secret()),
			"client_id", post.ID()),
		"nobody": credentials(t, api, nothing),
	} {
		if reply.Status == 200 || reply.Error() != "invalid_client" && reply.Error() != "invalid_request" {
			t.Errorf("%s: got %d %s, want invalid_client or invalid_request", name, reply.Status, reply.Raw)
		}
	}
	// A secret sent for a client that has none.
	r := vouchsafetest.NewRequest(vouchsafetest.Public)
	code := jo(t, s).Code(t, r)
	form := vouchsafetest.Values("grant_type", "authorization_code", "code", code, "redirect_uri", r.Client.RedirectURI(),
		"code_verifier", r.Verifier)
	reply := api.Form(t, "/token", form, vouchsafetest.Basic(r.Client.ID(), "made-up"))
	reply.Want(t, 401, "invalid_client")
	api.Redeem(t, r, code).Want(t, 200, "")
}

func d6(t *testing.T, s *vouchsafetest.Server) {
	api := s.API(t)
	enc := base64.StdEncoding.EncodeToString
	for _, header := range []string{
		"Basic", "Basic ", "Basic !!!", "Basic " + enc([]byte("no colon")), "Basic " + enc([]byte(":")),
		"Basic " + enc([]byte(":secret")),
		"Basic " + enc([]byte("%zz:secret")), "Basic " + enc([]byte("service:%")), "Basic " + enc([]byte("a+b:c+d")),
		"Basic " + enc([]byte("a:b:c:d")),
		"Basic " + enc([]byte("ünïcödé:pässwörd")), "Basic " + enc([]byte("\xff\xfe:\x00")),
		"Basic " + enc([]byte(strings.Repeat("x", 10000)+":y")),
		"Bearer abc", "Digest username=x", "basic " + enc([]byte("service:wrong")),
		"Basic " + enc([]byte("service:wrong")) + " trailing", "\x7f",
	} {
		if strings.ContainsRune(header, '\x7f') {
			continue // Go's client refuses to send it
		}
		reply := credentials(t, api, func(r *http.Request) { r.Header.Set("Authorization", header) })
		if !slices.Contains([]int{400, 401, 429}, reply.Status) {
			t.Errorf("Authorization %.40q: got %d %s, want 401", header, reply.Status, reply.Raw)
		}
	}
	reply := credentials(t, api, func(r *http.Request) {
		r.Header["Authorization"] = []string{"Basic " + enc([]byte("service:x")), "Basic " + enc([]byte("service:y"))}
	})
	if reply.Status != 400 && reply.Status != 401 {
		t.Errorf("two Authorization headers: got %d %s", reply.Status, reply.Raw)
	}
}

// d9: wrong secrets must not cost so much that right ones wait. An administrator chose the secret
// of this client, so that it has a slow hash. CPU time is compared, because it is the server's own
// on a busy machine.
func d9(t *testing.T, s *vouchsafetest.Server) {
	own := vouchsafetest.Start(t, vouchsafetest.Options{Production: s.Database != "", Hashes: true})
	flooder, other := own.API(t), own.API(t)
	service := vouchsafetest.Service
	wrong := func() int { return credentials(t, flooder, vouchsafetest.Basic(service.ID(), "wrong")).Status }
	right := func() {
		credentials(t, other, vouchsafetest.Basic(service.ID(), service.Secret())).Want(t, 200, "")
	}
	right()
	began, hashed := own.Metric(t, "process_cpu_seconds_total"), 0
	for ; wrong() == 401; hashed++ {
		if hashed == 100 {
			t.Fatal("got 100 guesses from one address, want fewer")
		}
	}
	hash := (own.Metric(t, "process_cpu_seconds_total") - began) / float64(hashed)
	const flood = 300
	began = own.Metric(t, "process_cpu_seconds_total")
	for i := range flood {
		if wrong(); i%100 == 0 {
			right()
		}
	}
	each := (own.Metric(t, "process_cpu_seconds_total") - began) / flood
	t.Logf("a wrong secret costs %.1f ms, and in a flood %.1f ms", 1000*hash, 1000*each)
	if each > hash/3 {
		t.Errorf("a wrong secret costs %.1f ms in a flood, and %.1f ms outside: it is hashed all the same", 1000*each,
			1000*hash)
	}
}

func e9(t *testing.T, s *vouchsafetest.Server) {
	b, api := jo(t, s), s.API(t)
	reply := tokens(t, s, b, vouchsafetest.NewRequest(web))
	form := vouchsafetest.Values("grant_type", "refresh_token", "refresh_token", reply.Refresh(), "client_id", web.ID())
	api.Form(t, "/token", form).Want(t, 401, "invalid_client")
	for _, path := range []string{"/introspect", "/revoke"} {
		api.Form(t, path, vouchsafetest.Values("token", reply.Refresh(), "client_id", web.ID())).Want(t, 401,
			"invalid_client")
		api.Form(t, path, vouchsafetest.Values("token", reply.Refresh())).Want(t, 401, "invalid_client")
	}
	api.Renew(t, web, reply.Refresh()).Want(t, 200, "")
}

// d4Time: a wrong secret takes as long as an unknown client. That holds for secrets that Vouchsafe
// made; one that an administrator chose costs a slow hash. Paying it for unknown clients as well,
// whose ids are no secrets, would only help floods.
func d4Time(t *testing.T, s *vouchsafetest.Server) {
	median := func(id func() string) time.Duration {
		var took []time.Duration
		for range 15 {
			api := s.API(t)
			credentials(t, api, nothing) // the connection is there
			start := time.Now()
			credentials(t, api, vouchsafetest.Basic(id(), "wrong-"+rand.Text())).Want(t, 401, "invalid_client")
			took = append(took, time.Since(start))
		}
		slices.Sort(took)
		return took[len(took)/2]
	}
	var wrong, unknown time.Duration
	for range 4 { // a busy machine is not busy in the same way four times
		wrong = median(vouchsafetest.Inspector.ID)
		unknown = median(func() string { return "nobody-" + rand.Text() })
		if wrong < 5*unknown && unknown < 5*wrong {
			return
		}
	}
	t.Errorf("a wrong secret takes %v, an unknown client %v", wrong, unknown)
}
