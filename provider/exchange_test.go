package provider

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/testkeys"
	"github.com/vouchsafe/vouchsafe/people/apikeys"
	"github.com/vouchsafe/vouchsafe/provider/mtls"
	"github.com/vouchsafe/vouchsafe/provider/token"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

const accessTokenType = "urn:ietf:params:oauth:token-type:access_token"

// chain is an app, and services that exchange its tokens one after the other.
type chain struct {
	*tokenServer
	app     *storage.Client
	secrets map[string]string
}

// startChain makes the app, whose tokens the service orders may exchange, and the services orders, stock and watch, of
// which each may exchange the tokens of the one before.
func startChain(s *tokenServer) *chain {
	s.Helper()
	ch := &chain{tokenServer: s, secrets: map[string]string{}}
	ch.app = s.client(ofOrders, func(c *storage.Client) { c.MayAct = []string{"orders"} })
	next := map[string][]string{"orders": {"stock"}, "stock": {"deep"}, "deep": {"deeper"}, "deeper": {"deepest"}}
	for _, id := range []string{"orders", "stock", "deep", "deeper", "deepest"} {
		ch.makes(id, func(c *storage.Client) { c.MayAct = next[id] })
	}
	_, ch.secrets["watch"] = s.service("watch", func(c *storage.Client) { c.MayIntrospect = true })
	return ch
}

// makes adds a service that may exchange tokens.
func (ch *chain) makes(id string, change ...func(*storage.Client)) *storage.Client {
	ch.Helper()
	c, secret := ch.service(id, append([]func(*storage.Client){func(c *storage.Client) {
		c.GrantTypes, c.Scope = []string{"client_credentials", clients.ExchangeGrant}, orderScopes
	}}, change...)...)
	ch.secrets[id] = secret
	return c
}

// exchanges has a service exchange a token.
func (ch *chain) exchanges(by, token string, more ...string) reply {
	ch.Helper()
	return ch.post(exchangeForm(token, more...), basic(by, ch.secrets[by]))
}

func exchangeForm(token string, more ...string) (form url.Values) {
	form = values("grant_type", clients.ExchangeGrant, "subject_token", token, "subject_token_type", accessTokenType)
	for i := 0; i < len(more); i += 2 {
		switch name := more[i]; name {
		case "resource", "audience":
			form[name] = append(form[name], more[i+1])
		default:
			form[name] = []string{more[i+1]}
		}
	}
	return form
}

// given fails the test unless there is a token.
func (ch *chain) given(a reply) string {
	ch.Helper()
	if a.status != http.StatusOK || a.str("issued_token_type") == "" || a.str("refresh_token") != "" {
		ch.Fatalf("got %d %s, want an exchanged token", a.status, a.raw)
	}
	return a.str("access_token")
}

// says returns what introspection says of a token.
func (ch *chain) says(token string) reply {
	ch.Helper()
	return ch.inspect("watch", ch.secrets["watch"], token)
}

// TestServicesActForAUser: each service in a chain gets a token for the next API, which names the user and all that
// act, and has no more than the first.
func TestServicesActForAUser(t *testing.T) {
	t.Parallel()
	for name, database := range databases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ch := startChain(startWithOrders(t, database(t)))
			first := ch.tokens(ch.app, askedFor(orders, calendar))
			a := ch.exchanges("orders", first.str("access_token"), "resource", calendar, "scope", "calendar:read shared")
			second := ch.given(a)
			ch.isAt(a, "calendar:read shared", calendar)
			was, is := ch.access(first), ch.access(a)
			if is.Subject != ch.user.ID || is.ClientID != "orders" || is.SID != ch.session.ID ||
				is.ExpiresAt > was.ExpiresAt || !cmp.Equal(is.Act, &tokens.Actor{Subject: "orders", ClientID: "orders"}) ||
				is.AuthTime != was.AuthTime || a.str("token_type") != "Bearer" || a.str("issued_token_type") != accessTokenType {
				t.Errorf("got %+v after %+v, and %s", is, was, a.raw)
			}
			next := map[string]any{"sub": "stock", "client_id": "stock"}
			if got := payload(t, second)["may_act"]; !cmp.Equal(got, any(next)) {
				t.Errorf("may_act: got %v", got)
			}
			b := ch.exchanges("stock", second, "audience", orders, "audience", calendar, "scope", "shared",
				"requested_token_type", "urn:ietf:params:oauth:token-type:jwt")
			ch.isAt(b, "shared", orders, calendar)
			act := map[string]any{"sub": "stock", "client_id": "stock",
				"act": map[string]any{"sub": "orders", "client_id": "orders"}}
			said := ch.says(ch.given(b))
			if !cmp.Equal(said.body["act"], any(act)) || said.str("client_id") != "stock" || said.str("sub") != ch.user.ID {
				t.Errorf("got %s", said.raw)
			}
			if got := payload(t, b.str("access_token")); strings.Contains(b.str("access_token"), was.GrantID) ||
				!strings.HasPrefix(got["grant_id"].(string), "x.") {
				t.Errorf("the grant can be read: %v", got)
			}
			// A user's information, without what the user allowed to the first app alone.
			third := ch.given(ch.exchanges("orders", first.str("access_token"), "resource", testIssuer))
			if info := ch.do(request("GET", "/userinfo", "", bearer(third))); info.str("sub") != ch.user.ID ||
				info.body["act"] == nil {
				t.Errorf("userinfo: got %d %s", info.status, info.raw)
			}
			// A service that acts for itself.
			own := ch.post(values("grant_type", "client_credentials", "resource", orders), basic("orders", ch.secrets["orders"]))
			c := ch.access(ch.exchanges("stock", own.str("access_token"), "resource", orders, "scope", "orders:read"))
			if c.Subject != "orders" || c.ClientID != "stock" || c.Act.Subject != "stock" {
				t.Errorf("for a service: got %+v", c)
			}
		})
	}
}

// TestAnExchangeGivesNoMore refuses what would give more than the subject's token has, or give it to a client for which
// it was not meant. Others let a token for one API become one for another, or ignored its scopes.
func TestAnExchangeGivesNoMore(t *testing.T) {
	t.Parallel()
	ch := startChain(startWithOrders(t, "sqlite::memory:"))
	first := ch.tokens(ch.app, askedFor(orders, calendar))
	access := first.str("access_token")
	narrow := ch.refresh(ch.app, first.str("refresh_token"), "scope", "openid orders:read", "resource", orders)
	ch.makes("weak", func(c *storage.Client) { c.Scope = "calendar:read" })
	ch.makes("nobody", func(c *storage.Client) { c.GrantTypes = []string{"client_credentials"} })
	ch.app.MayAct = append(ch.app.MayAct, "weak", "nobody")
	// The one claim may_act of the first token names orders alone: it stands.
	ch.put(ch.app)
	later := ch.tokens(ch.app, askedFor(orders, calendar)).str("access_token")
	bad := http.StatusBadRequest
	for name, c := range map[string]struct {
		a    reply
		want string
	}{
		"another scope": {ch.exchanges("orders", access, "scope", "orders:write"), "invalid_scope"},
		"a scope that it lacks": {
			ch.exchanges("orders", narrow.str("access_token"), "scope", "calendar:read"), "invalid_scope"},
		"an API whose scopes it lacks": {
			ch.exchanges("orders", narrow.str("access_token"), "resource", calendar), "invalid_scope"},
		"a scope that the service lacks": {ch.exchanges("weak", later, "scope", "orders:read"), "invalid_scope"},
		"offline_access":                 {ch.exchanges("orders", access, "scope", "offline_access"), "invalid_scope"},
		"a closed API":                   {ch.exchanges("orders", access, "resource", closedAPI), "invalid_target"},
		"an unknown API":                 {ch.exchanges("orders", access, "audience", "elsewhere"), "invalid_target"},
		"a token of another chain":       {ch.exchanges("stock", access), "invalid_request"},
		"a token from before may_act":    {ch.exchanges("weak", access), "invalid_request"},
		"a service without the grant":    {ch.exchanges("nobody", later), "unauthorized_client"},
		"a refresh token":                {ch.exchanges("orders", first.str("refresh_token")), "invalid_request"},
		"an ID token":                    {ch.exchanges("orders", first.str("id_token")), "invalid_request"},
		"an ID token by its name": {ch.exchanges("orders", first.str("id_token"), "subject_token_type",
			"urn:ietf:params:oauth:token-type:id_token"), "invalid_request"},
		"a broken token": {ch.exchanges("orders", access[:len(access)-4]+"AAAA"), "invalid_request"},
		"another tenant's shape": {ch.exchanges("orders", "eyJhbGciOiJub25lIn0.e30."),
			"invalid_request"},
		"a refresh token wanted": {ch.exchanges("orders", access, "requested_token_type",
			"urn:ietf:params:oauth:token-type:refresh_token"), "invalid_request"},
		"an actor of the wrong kind": {ch.exchanges("orders", access, "actor_token", access, "actor_token_type",
			accessTokenType), "invalid_request"},
		"an actor without a type": {ch.exchanges("orders", access, "actor_token", access), "invalid_request"},
		"no subject": {ch.post(values("grant_type", clients.ExchangeGrant), basic("orders", ch.secrets["orders"])),
			"invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.a.status != bad || c.a.str("error") != c.want {
				t.Errorf("got %d %s, want %s", c.a.status, c.a.raw, c.want)
			}
			ch.mannered(c.a)
		})
	}
	ch.fails(ch.post(exchangeForm(access)), http.StatusUnauthorized, "invalid_client")
	ch.fails(ch.post(exchangeForm(access, "client_id", "spa")), bad, "unauthorized_client")
	ch.fails(ch.post(exchangeForm(access), basic("orders", "wrong")), http.StatusUnauthorized, "invalid_client")
	ch.given(ch.exchanges("orders", access)) // nothing of that has spent it

	// A chain has an end.
	next := access
	for _, id := range []string{"orders", "stock", "deep", "deeper"} {
		next = ch.given(ch.exchanges(id, next, "scope", "shared", "resource", orders))
	}
	ch.fails(ch.exchanges("deepest", next), bad, "invalid_request")
}

// TestNothingOutlivesTheSubjectsToken: whatever ends the first token ends those that were given for it, and these give
// no more. At others, a token that was exchanged lived on, and a chain whose beginning was revoked could be extended.
func TestNothingOutlivesTheSubjectsToken(t *testing.T) {
	t.Parallel()
	for name, database := range databases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startWithOrders(t, database(t))
			for what, end := range map[string]func(ch *chain, first reply, second string){
				"the first token is revoked": func(ch *chain, first reply, _ string) {
					ch.revokes(values("client_id", ch.app.ClientID, "token", first.str("access_token")))
				},
				"the second token is revoked": func(ch *chain, _ reply, second string) {
					ch.revokes(values("token", second), basic("orders", ch.secrets["orders"]))
				},
				"the grant is revoked": func(ch *chain, first reply, _ string) {
					ch.revokes(values("client_id", ch.app.ClientID, "token", first.str("refresh_token")))
				},
				"the session ends": func(ch *chain, _ reply, _ string) {
					ch.apply(storage.Change{UserID: ch.user.ID, EndSessions: &storage.SessionFilter{IDs: []string{ch.session.ID}}})
				},
				"the user gets a new password": func(ch *chain, _ reply, _ string) {
					ch.apply(storage.Change{UserID: ch.user.ID, Raise: true})
				},
				"the app is disabled": func(ch *chain, _ reply, _ string) {
					c := *ch.app
					c.Disabled = true
					ch.put(&c)
				},
				"the service between is disabled": func(ch *chain, _ reply, _ string) {
					ch.makes("orders", func(c *storage.Client) { c.Disabled = true })
				},
			} {
				t.Run(what, func(t *testing.T) {
					other := s.elsewhere(t)
					other.signInAs("jo-" + newID())
					ch := startChain(other)
					first := ch.tokens(ch.app, askedFor(orders, calendar),
						func(c *tokens.Code) { c.Scopes = []string{"openid", "orders:read", "calendar:read", "shared"} })
					second := ch.given(ch.exchanges("orders", first.str("access_token"), "scope", "openid shared", "resource",
						testIssuer))
					third := ch.given(ch.exchanges("stock", second))
					if !ch.active(ch.says(third)) || !ch.works(third) {
						t.Fatal("the token does not work before")
					}
					end(ch, first, second)
					if ch.active(ch.says(third)) || ch.works(third) {
						t.Error("the last token still works")
					}
					ch.fails(ch.exchanges("deep", third), http.StatusBadRequest, "invalid_request")
				})
			}
		})
	}
}

// TestServicesActForTheOwnerOfAnAPIKey: a service exchanges a key that a user's program brings, and its token dies with
// the key.
func TestServicesActForTheOwnerOfAnAPIKey(t *testing.T) {
	t.Parallel()
	s := startKeys(t)
	ch := startChain(s)
	for owner, who := range map[string]string{"": s.user.ID, "orders": "orders"} {
		scope := "openid"
		if owner != "" {
			scope = "api"
		}
		key, record := s.apiKey(owner, scope)
		a := ch.exchanges("stock", key, "subject_token_type", token.APIKeyType)
		access := ch.given(a)
		c := s.access(a)
		if c.Subject != who || c.ClientID != "stock" || c.Act.Subject != "stock" || c.Scope != scope ||
			c.Lifetime() > 5*time.Minute {
			t.Errorf("got %+v", c)
		}
		last := ch.given(ch.exchanges("deep", access))
		if said := ch.says(last); !ch.active(said) || said.str("sub") != who {
			t.Errorf("got %s", said.raw)
		}
		if owner == "" && !ch.works(last) {
			t.Error("userinfo refuses the token")
		}
		ch.fails(ch.exchanges("stock", key), http.StatusBadRequest, "invalid_request") // called an access token
		s.apply(storage.Change{UserID: s.user.ID, RemoveAPIKey: &storage.APIKeyName{ID: record.ID, ClientID: owner}})
		if ch.active(ch.says(last)) || ch.active(ch.says(access)) {
			t.Error("the tokens outlive the key")
		}
	}
	ch.fails(ch.exchanges("stock", apikeys.NewSecret(false), "subject_token_type", token.APIKeyType),
		http.StatusBadRequest, "invalid_request")
}

// TestABoundTokenIsExchangedByItsKey: a service that gets a token that is bound to a key can't make one of it that is
// not.
func TestABoundTokenIsExchangedByItsKey(t *testing.T) {
	t.Parallel()
	s := startWithOrders(t, "sqlite::memory:")
	ch := startChain(s)
	holder, thief := s.proves(), s.proves()
	bound := holder.redeems(ch.app, s.code(ch.app, askedFor(orders))).str("access_token")
	free := ch.tokens(ch.app, askedFor(orders)).str("access_token")
	as := basic("orders", ch.secrets["orders"])
	ch.fails(ch.exchanges("orders", bound), http.StatusBadRequest, "invalid_dpop_proof")
	ch.fails(thief.posts(exchangeForm(bound), as), http.StatusBadRequest, "invalid_request")
	for name, a := range map[string]reply{
		"its key": holder.posts(exchangeForm(bound, "resource", orders), as),
		"a token that is bound to none, with a proof": holder.posts(exchangeForm(free, "resource", orders), as),
	} {
		if got := s.access(a).Confirmation.Key(); got != holder.jkt || a.str("token_type") != "DPoP" {
			t.Errorf("%s: got %s for %q", name, a.raw, got)
		}
	}
}

// TestAnotherServiceActs: with actor_token, the service that the token belongs to acts, and has to be allowed to.
func TestAnotherServiceActs(t *testing.T) {
	t.Parallel()
	ch := startChain(startWithOrders(t, "sqlite::memory:"))
	ch.app.MayAct = []string{"orders", "stock"}
	ch.put(ch.app)
	access := ch.tokens(ch.app, askedFor(orders)).str("access_token")
	own := func(id string) string {
		form := values("grant_type", "client_credentials", "scope", "api")
		return ch.post(form, basic(id, ch.secrets[id])).str("access_token")
	}
	acts := func(actor string) reply {
		return ch.exchanges("orders", access, "resource", orders, "actor_token", actor, "actor_token_type", accessTokenType)
	}
	// A service that was merely called with the token of another may not say that the other acts.
	ch.fails(acts(own("stock")), http.StatusBadRequest, "invalid_request")
	ch.makes("stock", func(c *storage.Client) {
		c.MayAct, c.AccessTokenLifetime = []string{"orders"}, storage.Duration(time.Minute)
	})
	actor := own("stock")
	a := acts(actor)
	if c := ch.access(a); c.ExpiresAt > time.Now().Add(time.Minute).Unix() {
		t.Errorf("the token counts until %d, longer than that of its actor", c.ExpiresAt)
	}
	last := ch.given(a)
	if c := ch.access(a); c.ClientID != "orders" || c.Act.Subject != "stock" || c.Act.Act != nil {
		t.Errorf("got %+v", c)
	}
	ch.fails(acts(own("deep")), http.StatusBadRequest, "invalid_request")
	ch.revokes(values("token", actor), basic("stock", ch.secrets["stock"]))
	if ch.active(ch.says(last)) {
		t.Error("the token outlives that of its actor")
	}
	ch.fails(acts(actor), http.StatusBadRequest, "invalid_request")
}

// TestAServiceForSomeUsers: who may not use the service is refused there, which is put on record once, and goes on
// elsewhere.
func TestAServiceForSomeUsers(t *testing.T) {
	t.Parallel()
	ch := startChain(startWithOrders(t, "sqlite::memory:"))
	ch.makes("orders", onlyStaff)
	access := ch.tokens(ch.app, askedFor(orders)).str("access_token")
	for range 3 {
		ch.fails(ch.exchanges("orders", access, "resource", orders), http.StatusBadRequest, "invalid_request")
	}
	if n := ch.events(storage.EventAccessRefused); n != 1 || !ch.works(access) {
		t.Errorf("got %d events; the first token works: %v", n, ch.works(access))
	}
	ch.member(true)
	ch.given(ch.exchanges("orders", access, "resource", orders))
}

// TestPairwiseServicesLearnNoOthersNames: the token of a service names the user, the session and administrators as the
// service knows them, and nothing in it is in another's token.
func TestPairwiseServicesLearnNoOthersNames(t *testing.T) {
	t.Parallel()
	ch := startChain(startWithOrders(t, "sqlite::memory:"))
	ch.app = ch.client(ofOrders, paired("spa", "app.example.com"), func(c *storage.Client) {
		c.MayAct, c.RedirectURIs = []string{"orders"}, []string{testRedirect}
	})
	ch.makes("orders", paired("orders", "orders.example.com"))
	first := ch.tokens(ch.app, askedFor(orders))
	a := ch.exchanges("orders", first.str("access_token"), "resource", orders)
	last, before := ch.given(a), payload(t, first.str("access_token"))
	all := payload(t, last)
	for _, name := range []string{"sub", "sid", "grant_id", "jti"} {
		v, _ := all[name].(string)
		if v == "" || v == before[name] || slices.Contains([]string{ch.user.ID, ch.session.ID}, v) {
			t.Errorf("%s: got %v after %v", name, all[name], before[name])
		}
	}
	if said := ch.says(last); said.str("sub") != all["sub"] {
		t.Errorf("got %s", said.raw)
	}
}

// TestATokenOfACertificateStaysBound: a token that is bound to a certificate is exchanged by its holder alone, and
// gives another one that is bound to it.
func TestATokenOfACertificateStaysBound(t *testing.T) {
	t.Parallel()
	s := certificateServer(t, testkeys.NewAuthority(t, "Trusted", nil))
	mine, stolen := selfSigned(t), selfSigned(t)
	c, secret := s.service("orders", func(c *storage.Client) {
		c.GrantTypes, c.CertificateBound = []string{"client_credentials", clients.ExchangeGrant}, true
	})
	as := func(form url.Values) url.Values {
		form.Set("client_id", c.ClientID)
		form.Set("client_secret", secret)
		return form
	}
	c.TokenEndpointAuthMethod = "client_secret_post"
	s.put(c)
	first := s.presents("/token", as(values("grant_type", "client_credentials")), mine)
	c.CertificateBound = false // the client's own rule no longer binds its tokens
	s.put(c)
	access := first.str("access_token")
	if a := s.presents("/token", as(exchangeForm(access)), stolen); a.str("error") != "invalid_request" {
		t.Errorf("with another certificate: got %d %s", a.status, a.raw)
	}
	s.fails(s.post(as(exchangeForm(access))), http.StatusBadRequest, "invalid_request")
	a := s.presents("/token", as(exchangeForm(access)), mine)
	if a.status != http.StatusOK || s.access(a).Confirmation.Certificate() != mtls.Thumbprint(mine) {
		t.Errorf("got %d %s, want a token that is bound to the certificate", a.status, a.raw)
	}
}
