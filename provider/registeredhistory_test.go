package provider

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/storage"
)

// noKey stands for a request without a proof, and for what is bound to no key.
const noKey = -1

// registrant is a model of a client that registers itself, and of what it holds: docs/registration.md,
// docs/pushed-requests.md and docs/dpop.md in code.
type registrant struct {
	there, denied bool
	bound, pushes bool // what it demands of itself
	requests      []pushedRequest
	codes         []heldCode
}

func (m *registrant) works() bool { return m.there && !m.denied }

// pushedRequest is a request URI.
type pushedRequest struct {
	uri  string
	key  int
	used bool
}

// heldCode is a code, and what came of it.
type heldCode struct {
	code            string
	key             int // that the code is bound to
	redeemed, ended bool
	refresh, access string
	of, at          int // the keys that refresh and access are bound to
}

// registeredHistory is a history of such a client, at two replicas.
type registeredHistory struct {
	outsideHistory
	model  registrant
	said   reply // to the registration
	keys   []*prover
	repeat func() reply // sends the last request with a proof that succeeded again
}

// TestHistoriesOfRegisteredClients does random things with clients that register themselves: they change what they
// demand, push requests, bring their URIs again, redeem codes and refresh with one key, another or none, and send
// requests again. Each answer is compared with a model.
func TestHistoriesOfRegisteredClients(t *testing.T) {
	t.Parallel()
	for name, database := range databases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := startGuest(t, database(t), registersAll)
			seed := rand.Uint64()
			random := rand.New(rand.NewPCG(seed, 2))
			keys := []*prover{g.proves(), g.proves()}
			for i := range map[string]int{"SQLite": 25, "PostgreSQL": 6}[name] {
				h := &registeredHistory{keys: keys}
				h.guest, h.replicas = g, []*guest{g, {&visitor{g.replica(), g.cookies}, g.host}}
				for range 10 + random.IntN(25) {
					if !h.step(random) {
						t.Fatalf("seed %d, history %d ended otherwise than the model: %s", seed, i, strings.Join(h.steps, "; "))
					}
				}
			}
		})
	}
}

// step does one thing, and reports whether it ended as the model says.
func (h *registeredHistory) step(random *rand.Rand) bool {
	at := h.replicas[random.IntN(len(h.replicas))]
	at.ip = fmt.Sprintf("2001:db8:%x::1", addresses.Add(1)) // registrations are limited by address
	key := random.IntN(len(h.keys)+1) - 1
	defer h.share()
	if !h.model.there {
		return h.registersItself(at, random)
	}
	switch random.IntN(16) {
	case 0, 1:
		return h.changes(at, random)
	case 2:
		return h.judged([]string{storage.VerdictAllowed, storage.VerdictDenied, ""}[random.IntN(3)])
	case 3:
		if random.IntN(3) == 0 {
			return h.leaves(at)
		}
	case 4, 5, 6:
		return h.pushesOne(at, key)
	case 7, 8:
		return h.bringsOne(at, random)
	case 9:
		return h.asksPlainly(at, key)
	case 10, 11, 12:
		return h.redeemsOne(at, key, random)
	case 13, 14:
		return h.refreshesOne(at, key, random)
	default:
		return h.usesOne(at, key, random) && h.repeats()
	}
	return true
}

// ended notes what was done, and reports whether it succeeded as wanted.
func (h *registeredHistory) ended(got, want bool, format string, args ...any) bool {
	h.steps = append(h.steps, fmt.Sprintf(format, args...)+fmt.Sprintf(": %t, want %t", got, want))
	return got == want
}

// sends posts a form with a proof by the key, or without one.
func (h *registeredHistory) sends(at *guest, path string, form url.Values, key int) reply {
	if key == noKey {
		return at.form(path, form)
	}
	p := *h.keys[key]
	for {
		line := "DPoP: " + p.sign(p.claims("POST", path, ""))
		a := p.learns(at.form(path, form, line))
		if a.str("error") != "use_dpop_nonce" {
			h.keys[key].nonce = p.nonce
			if a.status < 300 { // a refused request does not spend its proof
				h.repeat = func() reply { return at.form(path, form, line) }
			}
			return a
		}
	}
}

// metadata is what the client registers.
func (h *registeredHistory) metadata(random *rand.Rand) string {
	h.model.bound, h.model.pushes = random.IntN(2) == 0, random.IntN(2) == 0
	return strings.Replace(registration, "{", fmt.Sprintf(`{"dpop_bound_access_tokens": %t,
		"require_pushed_authorization_requests": %t,`, h.model.bound, h.model.pushes), 1)
}

func (h *registeredHistory) registersItself(at *guest, random *rand.Rand) bool {
	h.model = registrant{there: true}
	h.said = at.registers(h.metadata(random))
	created := h.said.status == http.StatusCreated
	if !h.ended(created, true, "registers, bound %t, pushes %t", h.model.bound, h.model.pushes) {
		return false
	}
	h.host.id = h.said.str("client_id")
	h.consents("openid", "offline_access")
	return true
}

// changes replaces the registration; a denied client can't.
func (h *registeredHistory) changes(at *guest, random *rand.Rand) bool {
	was := h.model
	text := strings.Replace(h.metadata(random), "{", `{"client_id": "`+h.host.id+`",`, 1)
	resp := at.manages("PUT", h.said, text)
	if was.denied {
		h.model = was
	}
	raw, _ := io.ReadAll(resp.Body)
	return h.ended(resp.StatusCode == http.StatusOK, !was.denied, "changes to bound %t, pushes %t: %d %.100s",
		h.model.bound, h.model.pushes, resp.StatusCode, raw)
}

func (h *registeredHistory) judged(verdict string) bool {
	if _, err := clients.Judge(h.Context(), h.store, h.stored(), verdict, audit.Actor("cli")); err != nil {
		h.Fatal(err)
	}
	h.model.denied = verdict == storage.VerdictDenied
	h.steps = append(h.steps, fmt.Sprintf("judged %q", verdict))
	return true
}

func (h *registeredHistory) leaves(at *guest) bool {
	resp := at.manages("DELETE", h.said, "")
	h.model.there = h.model.denied
	return h.ended(resp.StatusCode == http.StatusNoContent, !h.model.denied, "leaves")
}

// asked is the client's authorization request.
func (h *registeredHistory) asked() url.Values {
	return values("client_id", h.host.id, "redirect_uri", "http://127.0.0.1:58135/callback", "response_type", "code",
		"scope", "openid offline_access", "code_challenge", s256(testVerifier), "code_challenge_method", "S256")
}

func (h *registeredHistory) pushesOne(at *guest, key int) bool {
	a := h.sends(at, "/par", h.asked(), key)
	if a.status == http.StatusCreated {
		h.model.requests = append(h.model.requests, pushedRequest{uri: a.str("request_uri"), key: key})
	}
	return h.ended(a.status == http.StatusCreated, h.model.works(), "pushes with key %d: %d %.100s", key, a.status, a.raw)
}

// visits goes to the authorization endpoint, and keeps the code that comes.
func (h *registeredHistory) visits(at *guest, q url.Values, key int) (given bool) {
	to, _ := at.visit("/authorize?" + q.Encode())
	u, err := url.Parse(to)
	if err != nil {
		h.Fatal(err)
	}
	code := u.Query().Get("code")
	if code != "" {
		h.model.codes = append(h.model.codes, heldCode{code: code, key: key})
	}
	return code != ""
}

func (h *registeredHistory) bringsOne(at *guest, random *rand.Rand) bool {
	if len(h.model.requests) == 0 {
		return true
	}
	i := random.IntN(len(h.model.requests))
	r := &h.model.requests[i]
	want := h.model.works() && !r.used
	got := h.visits(at, values("client_id", h.host.id, "request_uri", r.uri), r.key)
	r.used = r.used || want
	return h.ended(got, want, "brings request %d", i)
}

// asksPlainly asks without pushing, for a code that is bound to the key.
func (h *registeredHistory) asksPlainly(at *guest, key int) bool {
	q := h.asked()
	if key != noKey {
		q.Set("dpop_jkt", h.keys[key].jkt)
	}
	return h.ended(h.visits(at, q, key), h.model.works() && !h.model.pushes, "asks for key %d", key)
}

// pick returns a code that was given, or nil.
func (h *registeredHistory) pick(random *rand.Rand) (*heldCode, int) {
	if len(h.model.codes) == 0 {
		return nil, 0
	}
	i := random.IntN(len(h.model.codes))
	return &h.model.codes[i], i
}

// redeemsOne redeems a code. What comes with the wrong key, or without one that is demanded, spends nothing.
func (h *registeredHistory) redeemsOne(at *guest, key int, random *rand.Rand) bool {
	c, i := h.pick(random)
	if c == nil {
		return true
	}
	a := h.sends(at, "/token", values("grant_type", "authorization_code", "client_id", h.host.id, "code", c.code,
		"redirect_uri", "http://127.0.0.1:58135/callback", "code_verifier", testVerifier), key)
	want := false
	switch m := &h.model; {
	case !m.works(), m.bound && key == noKey, c.key != noKey && c.key != key:
	case c.redeemed:
		c.ended = true
	default:
		c.redeemed, c.of, c.at, want = true, key, key, true
		c.refresh, c.access = a.str("refresh_token"), a.str("access_token")
	}
	return h.ended(a.status == http.StatusOK && (a.str("token_type") == "DPoP") == (key != noKey), want,
		"redeems code %d with key %d: %d %.100s", i, key, a.status, a.raw)
}

// refreshesOne refreshes a grant. The token of a public client is bound to the key that came with the code.
func (h *registeredHistory) refreshesOne(at *guest, key int, random *rand.Rand) bool {
	c, i := h.pick(random)
	if c == nil || !c.redeemed {
		return true
	}
	a := h.sends(at, "/token", values("grant_type", "refresh_token", "client_id", h.host.id,
		"refresh_token", c.refresh), key)
	want := h.model.works() && !c.ended && (c.of == key || c.of == noKey) && !(c.of == noKey && h.model.bound)
	if want {
		c.refresh, c.access, c.at = a.str("refresh_token"), a.str("access_token"), key
	}
	return h.ended(a.status == http.StatusOK && (a.str("token_type") == "DPoP") == (key != noKey), want,
		"refreshes code %d with key %d: %d %.100s", i, key, a.status, a.raw)
}

// usesOne shows an access token to userinfo, with a proof by the key or as a bearer token.
func (h *registeredHistory) usesOne(at *guest, key int, random *rand.Rand) bool {
	c, i := h.pick(random)
	if c == nil || !c.redeemed {
		return true
	}
	var resp *http.Response
	if key == noKey {
		resp = at.raw(request("GET", "/userinfo", "", bearer(c.access)))
	} else {
		p := *h.keys[key]
		p.tokenServer = at.tokenServer
		resp = p.userinfo(c.access)
	}
	return h.ended(resp.StatusCode == http.StatusOK, h.model.works() && !c.ended && c.at == key,
		"uses the token of code %d with key %d: %d", i, key, resp.StatusCode)
}

// repeats sends such a request once more, as an attacker who has recorded it. It gives nothing, and
// ends nothing: what follows shows that.
func (h *registeredHistory) repeats() bool {
	if h.repeat == nil || !h.model.works() {
		return true
	}
	a := h.repeat()
	return h.ended(a.status < 300, false, "repeats: %d %.100s", a.status, a.raw)
}
