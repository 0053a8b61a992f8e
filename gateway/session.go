package gateway

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/gateway/rules"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/storage"
)

// session returns the caller that the cookie of the app's host stands for. It returns storage.ErrNotFound if there is
// none, or if its grant does not live any more.
func (x *exchange) session() (*caller, error) {
	c, err := x.r.Cookie(x.cookieName(sessionCookie))
	if err != nil {
		return nil, storage.ErrNotFound
	}
	plain, err := x.s.Secrets.Box(x.t.ID, secret.GatewaySession).OpenString(c.Value)
	if err != nil {
		return nil, storage.ErrNotFound
	}
	host, rest, _ := strings.Cut(string(plain), "\n")
	id, actor, ok := strings.Cut(rest, "\n")
	if !ok || host != x.asked.Host || actor != "" && !x.t.Settings.SignInAs.Enabled {
		return nil, storage.ErrNotFound
	}
	return x.s.grants.Get(x.r.Context(), grantKey{x.t.ID, id, actor})
}

// keep gives the browser the cookie of a grant, for this host alone.
func (x *exchange) keep(g *storage.Grant) {
	value := x.s.Secrets.Box(x.t.ID, secret.GatewaySession).SealString(
		[]byte(x.asked.Host + "\n" + g.ID + "\n" + g.ActorID))
	x.setCookie(sessionCookie, value, 0)
}

// loadGrant reads a grant and its user if the grant lives. It is the Load of the cache.
func (s *Server) loadGrant(ctx context.Context, k grantKey) (*caller, error) {
	who := &caller{actor: k.actor}
	g, user, err := s.Store.LiveGrant(ctx, k.tenant, k.id, "", time.Now(), &who.belonging)
	if err == nil && g.ClientID != ClientID {
		err = storage.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	who.key, who.user, who.subject = user.ID, &user, user.ID
	who.session, who.sid, who.acr, who.amr, who.authTime = g.SessionID, g.SessionID, g.ACR, g.AMR, g.AuthTime
	return who, nil
}

// bearerOf returns the caller of an access token or an API key. What the user belongs to is read only if the rule
// looks at it.
func (s *Server) bearerOf(
	ctx context.Context, tenant string, b storage.Bearer, rule *rules.Rule,
) (who *caller, err error) {
	who = &caller{key: "client\x00" + b.Client.ClientID, client: b.Client.ClientID, scopes: b.Scopes, token: true}
	if b.User == nil {
		return who, nil
	}
	who.key, who.user, who.subject = b.User.ID, b.User, b.Subject // as its client knows the user
	if g := b.Grant; g != nil {                                   // an API key comes from no sign-in
		who.session, who.sid, who.acr, who.amr, who.authTime = g.SessionID, b.SID, g.ACR, g.AMR, g.AuthTime
	}
	if rule.NeedsBelonging() {
		who.belonging, err = s.Store.Belonging(ctx, tenant, b.User.ID)
	}
	return who, err
}

// Cookies of the gateway on the hosts of apps.
const (
	sessionCookie = "vouchsafe-gateway"
	browserCookie = "vouchsafe-gateway-browser"
)

// cookieName returns the name of a cookie. No other host of the domain can set a cookie whose name begins with
// __Host-.
func (x *exchange) cookieName(name string) string {
	if x.t.Secure {
		return "__Host-" + name
	}
	return name
}

// setCookie sets a cookie for the host of the app.
func (x *exchange) setCookie(name, value string, age time.Duration) {
	http.SetCookie(x.w, &http.Cookie{
		Name: x.cookieName(name), Value: value, Path: "/", MaxAge: int(age / time.Second), Secure: x.t.Secure,
		HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// bindingLength is the length of what secret.Token returns.
const bindingLength = 43

// bound returns the value that ties a sign-in to the browser, or "".
func (x *exchange) bound() string {
	c, err := x.r.Cookie(x.cookieName(browserCookie))
	if err != nil || len(c.Value) != bindingLength {
		return ""
	}
	return c.Value
}

// hashed returns the hash under which a trip names a binding.
func hashed(binding string) []byte {
	sum := sha256.Sum256([]byte(binding))
	return sum[:]
}

func sameHash(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }
