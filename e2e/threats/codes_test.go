package threats

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

func codeRows() []row {
	return []row{
		{"C1 a code used twice", c1},
		{"C3 an expired code", c3},
		{"C4 another client's code", c4},
		{"C5 challenges", c5},
		{"C6 a verifier left out after a wrong one", c6},
		{"C7 a verifier without a challenge", c7},
		{"C8 verifiers", c8},
		{"C9 guesses", c9},
		{"C10 codes in other places", c10},
		{"C11 a code in another browser", c11},
	}
}

// wantDead fails the test if the tokens still work for anything.
func wantDead(t *testing.T, s *vouchsafetest.Server, c vouchsafetest.Client, reply *vouchsafetest.Reply) {
	t.Helper()
	api := s.API(t)
	if info := api.Userinfo(t, reply.Access()); info.Status != 401 ||
		!strings.Contains(info.Header.Get("WWW-Authenticate"), "invalid_token") {
		t.Errorf("user info: got %d %q, want 401 invalid_token", info.Status, info.Header.Get("WWW-Authenticate"))
	}
	if c.Method() != "none" && api.Active(t, c, reply.Access()) {
		t.Error("introspection calls the access token active")
	}
	if reply.Refresh() != "" {
		if c.Method() != "none" && api.Active(t, c, reply.Refresh()) {
			t.Error("introspection calls the refresh token active")
		}
		api.Renew(t, c, reply.Refresh()).Want(t, 400, "invalid_grant")
	}
}

// wantAlive fails the test unless the access token works.
func wantAlive(t *testing.T, s *vouchsafetest.Server, reply *vouchsafetest.Reply) {
	t.Helper()
	if info := s.API(t).Userinfo(t, reply.Access()); info.Status != 200 {
		t.Errorf("user info: got %d %s, want 200", info.Status, info.Raw)
	}
}

func c1(t *testing.T, s *vouchsafetest.Server) {
	for _, c := range []vouchsafetest.Client{web, vouchsafetest.Public, vouchsafetest.Opaque} {
		for _, wait := range []time.Duration{0, time.Second} {
			b, api := jo(t, s), s.API(t)
			r := vouchsafetest.NewRequest(c)
			code := b.Code(t, r)
			first := api.Redeem(t, r, code).Want(t, 200, "")
			time.Sleep(wait)
			api.Redeem(t, r, code).Want(t, 400, "invalid_grant")
			wantDead(t, s, c, first)
			api.Redeem(t, r, code).Want(t, 400, "invalid_grant")
		}
	}
	// What the refresh token gave meanwhile ends, too.
	b, api := jo(t, s), s.API(t)
	r := vouchsafetest.NewRequest(web)
	code := b.Code(t, r)
	second := api.Renew(t, web, api.Redeem(t, r, code).Want(t, 200, "").Refresh()).Want(t, 200, "")
	api.Redeem(t, r, code).Want(t, 400, "invalid_grant")
	wantDead(t, s, web, second)
}

func c3(t *testing.T, s *vouchsafetest.Server) {
	own := vouchsafetest.Start(t,
		vouchsafetest.Options{Production: s.Database != "", Env: map[string]string{"VOUCHSAFE_CODE_LIFETIME": "1s"}})
	b := jo(t, own)
	r := vouchsafetest.NewRequest(web)
	code := b.Code(t, r)
	time.Sleep(1500 * time.Millisecond)
	own.API(t).Redeem(t, r, code).Want(t, 400, "invalid_grant")
}

func c4(t *testing.T, s *vouchsafetest.Server) {
	b, api := jo(t, s), s.API(t)
	for _, thief := range []vouchsafetest.Client{vouchsafetest.Other, vouchsafetest.Public, vouchsafetest.Post} {
		for _, owner := range []vouchsafetest.Client{web, vouchsafetest.Native} {
			r := vouchsafetest.NewRequest(owner)
			code := b.Code(t, r)
			stolen := *r
			stolen.Client = thief
			api.Redeem(t, &stolen, code).Want(t, 400, "invalid_grant")
			api.Redeem(t, r, code).Want(t, 200, "") // the owner is not harmed
		}
	}
}

func c5(t *testing.T, s *vouchsafetest.Server) {
	b := jo(t, s)
	for _, c := range []vouchsafetest.Client{vouchsafetest.Public, vouchsafetest.Native, vouchsafetest.Strict} {
		wantError(t, b.Authorize(t, vouchsafetest.Plain(c)), "invalid_request")
	}
	if a := b.Authorize(t, vouchsafetest.Plain(web)); a.Code() == "" {
		t.Errorf("a client with credentials: got %v, want a code without a challenge", a.Params)
	}
	good := vouchsafetest.Challenge("verifier")
	for _, more := range [][]string{
		{"code_challenge_method", "plain"}, {"code_challenge_method", "-"}, {"code_challenge_method", ""},
		{"code_challenge_method", "s256"}, {"code_challenge_method", "S512"},
		{"code_challenge", ""}, {"code_challenge", good[:42]}, {"code_challenge", good + "A"},
		{"code_challenge", good[:42] + "="}, {"code_challenge", good[:42] + "+"},
		{"code_challenge", good[:42] + " "}, {"code_challenge", strings.Repeat("A", 128)},
	} {
		wantError(t, b.Authorize(t, vouchsafetest.NewRequest(vouchsafetest.Public, more...)), "invalid_request")
		wantError(t, b.Authorize(t, vouchsafetest.NewRequest(web, more...)), "invalid_request")
	}
}

func c6(t *testing.T, s *vouchsafetest.Server) {
	b, api := jo(t, s), s.API(t)
	for _, c := range []vouchsafetest.Client{web, vouchsafetest.Strict, vouchsafetest.Public} {
		r := vouchsafetest.NewRequest(c)
		code := b.Code(t, r)
		with := func(verifier string) *vouchsafetest.Reply {
			again := *r
			again.Verifier = verifier
			return api.Redeem(t, &again, code)
		}
		with("").Want(t, 400, "invalid_grant")
		with(strings.Repeat("w", 43)).Want(t, 400, "invalid_grant")
		with("").Want(t, 400, "invalid_grant")
		with(r.Verifier).Want(t, 400, "invalid_grant") // it was burnt by the first guess
	}
}

func c7(t *testing.T, s *vouchsafetest.Server) {
	b := jo(t, s)
	r := vouchsafetest.Plain(web)
	code := b.Code(t, r)
	r.Verifier = strings.Repeat("v", 43)
	s.API(t).Redeem(t, r, code).Want(t, 400, "invalid_grant")
}

func c8(t *testing.T, s *vouchsafetest.Server) {
	b, api := jo(t, s), s.API(t)
	for verifier, good := range map[string]bool{
		strings.Repeat("a", 43): true, strings.Repeat("a", 128): true, strings.Repeat("aZ09-._~", 6): true,
		strings.Repeat("a", 42): false, strings.Repeat("a", 129): false, strings.Repeat("a", 42) + "!": false,
		strings.Repeat("a", 42) + " ": false,
		strings.Repeat("a", 42) + "ä": false, strings.Repeat("a", 42) + "+": false, strings.Repeat("a", 42) + "\x00": false,
	} {
		r := vouchsafetest.NewRequest(web)
		r.Verifier = verifier
		r.Params.Set("code_challenge", vouchsafetest.Challenge(verifier))
		reply := api.Redeem(t, r, b.Code(t, r))
		if good {
			reply.Want(t, 200, "")
		} else if reply.Error() != "invalid_grant" && reply.Error() != "invalid_request" {
			t.Errorf("verifier %q: got %d %s, want invalid_grant", verifier, reply.Status, reply.Raw)
		}
	}
}

func c9(t *testing.T, s *vouchsafetest.Server) {
	b, api := jo(t, s), s.API(t)
	r := vouchsafetest.NewRequest(web)
	code := b.Code(t, r)
	guesses := []string{"", "x", code[:len(code)-1], code[1:], code + "A", code + "=", code + "\n", "\n" + code,
		code[:10] + "\n" + code[10:], strings.ToUpper(code), code + code, strings.Repeat("A", len(code)),
		strings.Repeat("A", 100000)}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for _, c := range alphabet { // the last character has bits that a lax decoder ignores
		if last := code[:len(code)-1] + string(c); last != code {
			guesses = append(guesses, last)
		}
	}
	for range 200 {
		i, c := rand.IntN(len(code)), alphabet[rand.IntN(len(alphabet))]
		if changed := code[:i] + string(c) + code[i+1:]; changed != code {
			guesses = append(guesses, changed)
		}
	}
	for _, guess := range guesses {
		reply := api.Redeem(t, r, guess)
		if reply.Status < 400 || reply.Status > 413 || reply.Error() != "invalid_grant" &&
			reply.Error() != "invalid_request" {
			t.Errorf("code %.60q: got %d %s, want invalid_grant", guess, reply.Status, reply.Raw)
		}
	}
	api.Redeem(t, r, code).Want(t, 200, "")
}

func c10(t *testing.T, s *vouchsafetest.Server) {
	b := jo(t, s)
	for _, mode := range []string{"query", "form_post"} {
		a := b.Authorize(t, vouchsafetest.NewRequest(web, "response_mode", mode))
		if got := a.Page.Header.Get("Referrer-Policy"); got != "no-referrer" {
			t.Errorf("%s: got Referrer-Policy %q on the answer with the code, want no-referrer", mode, got)
		}
		if strings.Contains(s.Log(), a.Code()) {
			t.Errorf("%s: the code stands in the log", mode)
		}
		s.API(t).Redeem(t, a.Request, a.Code()).Want(t, 200, "")
		if strings.Contains(s.Log(), a.Code()) || strings.Contains(s.Log(), a.Request.Verifier) {
			t.Errorf("%s: the code or the verifier stands in the log", mode)
		}
	}
}

func c11(t *testing.T, s *vouchsafetest.Server) {
	attacker, victim := s.Browser(t, s.Person(t)), jo(t, s)
	rs, rv := vouchsafetest.NewRequest(web), vouchsafetest.NewRequest(web)
	stolen := attacker.Code(t, rs)
	victim.Code(t, rv)
	// The victim's client redeems the injected code with the verifier of its own request.
	s.API(t).Redeem(t, rv, stolen).Want(t, 400, "invalid_grant")
}
