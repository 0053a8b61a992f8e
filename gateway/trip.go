package gateway

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	// tripLife is how long a user may take to sign in.
	tripLife = time.Hour
	// maxBack bounds where a browser returns to, in bytes: it is part of the authorization request.
	maxBack = 2 << 10
)

// trip is a sign-in on its way. Sealed, it is the state of the authorization request, and the code verifier is made
// of it (RFC 7636): nothing is stored.
type trip struct {
	ID      string        `json:"i"` // 256 random bits
	Browser []byte        `json:"b"` // the hash of the browser's binding
	Host    string        `json:"h"`
	Back    string        `json:"r"` // path and query
	Until   time.Time     `json:"x"`
	ACR     string        `json:"a,omitempty"`
	MaxAge  time.Duration `json:"m,omitempty"`
}

// verifier returns the code verifier of a trip.
func (x *exchange) verifier(tr *trip) string {
	mac := x.s.Secrets.Box(x.t.ID, secret.GatewayTrip).MAC([]byte("verifier\x00" + tr.ID))
	return base64.RawURLEncoding.EncodeToString(mac)
}

// depart sends the browser to sign in.
func (x *exchange) depart(v *refusal) error {
	origin, ok := x.origin()
	if !ok {
		return errors.New("gateway: a rule without its host")
	}
	binding := x.bound()
	if binding == "" { // other tabs may be on their way with the one that is there
		binding = secret.Token()
	}
	x.setCookie(browserCookie, binding, tripLife)
	tr := &trip{ID: secret.Token(), Browser: hashed(binding), Host: x.asked.Host, Back: x.target,
		Until: time.Now().Add(tripLife), MaxAge: v.maxAge}
	if len(tr.Back) > maxBack {
		tr.Back = "/"
	}
	sum := sha256.Sum256([]byte(x.verifier(tr)))
	q := url.Values{
		"response_type": {"code"}, "client_id": {ClientID}, "redirect_uri": {origin + callbackPath}, "scope": {"openid"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	if v.choose {
		q.Set("prompt", "select_account")
	}
	if v.secondFactor {
		tr.ACR = storage.ACRMultiFactor
		q.Set("acr_values", tr.ACR)
	}
	if v.maxAge > 0 {
		q.Set("max_age", strconv.Itoa(int(v.maxAge/time.Second)))
	}
	plain, err := json.Marshal(tr)
	if err != nil {
		return err
	}
	q.Set("state", x.s.Secrets.Box(x.t.ID, secret.GatewayTrip).SealString(plain))
	x.redirect(x.t.URL("/authorize") + "?" + q.Encode())
	return nil
}

// redirect sends the browser to a URL with GET.
func (x *exchange) redirect(to string) {
	x.w.Header()["Location"] = []string{to}
	x.w.WriteHeader(http.StatusSeeOther)
}

// again sends the browser to what it asked for once more. A program has to try again by itself.
func (x *exchange) again() error {
	if origin, ok := x.origin(); ok && x.navigates() {
		x.redirect(origin + x.target)
		return nil
	}
	return &web.Problem{Status: http.StatusServiceUnavailable, Elsewhere: true, RetryAfter: time.Second,
		Program: "The request may pass now. Try again."}
}

// serveOwn serves the paths that are the gateway's own on an app's host.
func (x *exchange) serveOwn(below string) error {
	_, known := x.origin()
	switch {
	case !known, below != "callback" && below != "sign-out" && below != "other-account":
		return &web.Problem{Status: http.StatusNotFound, Elsewhere: true, Message: "problem.no_page"}
	case x.asked.Method != http.MethodGet:
		return &web.Problem{Status: http.StatusMethodNotAllowed, Elsewhere: true, Message: "problem.page_method"}
	case x.bare:
		return &web.Problem{Status: http.StatusForbidden, Elsewhere: true,
			Program: "Send " + ownPath + " to the entry's page."}
	case below == "sign-out":
		// The page asks first. The end of the session there ends the grants of all apps.
		x.redirect(x.t.URL("/logout") + "?client_id=" + ClientID)
		return nil
	case below == "other-account":
		x.target = x.back()
		return x.depart(&refusal{choose: true})
	}
	return x.callback()
}

// back returns where a user who chooses another account comes back to: a path of the same host, or the root.
func (x *exchange) back() string {
	_, query, _ := strings.Cut(x.target, "?")
	q, err := url.ParseQuery(query)
	back := q.Get("back")
	if err != nil || !strings.HasPrefix(back, "/") || strings.HasPrefix(back, ownPath) ||
		strings.ContainsFunc(back, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '\\' }) {
		return "/"
	}
	return back
}

// callback ends a sign-in. The browser goes on to what it asked for: a path of the same host, and of no other.
func (x *exchange) callback() error {
	_, query, _ := strings.Cut(x.target, "?")
	q, err := url.ParseQuery(query)
	if err != nil {
		return x.lost("the query cannot be read")
	}
	tr, why := x.openTrip(q)
	if why != "" {
		return x.lost(why)
	}
	switch {
	case q.Get("error") != "":
		return &web.Problem{Status: http.StatusForbidden, Elsewhere: true, Code: "access_denied",
			Message: "gateway.not_signed_in", Program: "The sign-in ended without success.",
			Developer: "The authorization endpoint answered with an error."}
	case len(q["code"]) != 1:
		return x.lost("there is no code")
	}
	origin, _ := x.origin()
	g, err := x.s.Protocol.Grant(x.r.Context(), ClientID, q.Get("code"), origin+callbackPath, x.verifier(tr))
	var p *web.Problem
	if errors.As(err, &p) && p.Status < 500 {
		return x.lost("the code cannot be redeemed: " + p.Program)
	}
	if err != nil {
		return err
	}
	x.keep(&g)
	if !storage.ReachesACR(g.ACR, tr.ACR) || tr.MaxAge > 0 && time.Since(g.AuthTime) > tr.MaxAge {
		// Without this the browser would go round and round.
		return &web.Problem{Status: http.StatusForbidden, Elsewhere: true, Code: "access_denied",
			Message: "gateway.sign_in_again", Program: "The sign-in is too weak or too old for the rule."}
	}
	x.redirect(origin + tr.Back)
	return nil
}

// openTrip returns the trip that an answer belongs to, or why there is none.
func (x *exchange) openTrip(q url.Values) (tr *trip, why string) {
	if len(q["state"]) != 1 {
		return nil, "there is no state"
	}
	plain, err := x.s.Secrets.Box(x.t.ID, secret.GatewayTrip).OpenString(q.Get("state"))
	if err == nil {
		err = json.Unmarshal(plain, &tr)
	}
	switch binding := x.bound(); {
	case err != nil:
		return nil, "the state is damaged or not ours"
	case tr.Host != x.asked.Host:
		return nil, "the sign-in was begun at another host"
	case !storage.Within(tr.Until.Add(-tripLife), time.Now(), tripLife):
		return nil, "the sign-in took too long"
	case binding == "" || !sameHash(hashed(binding), tr.Browser):
		return nil, "the sign-in was begun in another browser, or its cookie did not come back"
	case q.Get("iss") != x.t.Issuer: // RFC 9207 section 2.4
		return nil, "the answer is another issuer's"
	}
	return tr, ""
}

// lost is the error for an answer that belongs to no sign-in of this browser.
func (x *exchange) lost(why string) error {
	return &web.Problem{Status: http.StatusBadRequest, Elsewhere: true, Message: "gateway.lost",
		Program: "The answer belongs to no sign-in of this browser.", Developer: why}
}
