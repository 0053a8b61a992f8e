package doors

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/internal/prooftest"
)

// key is a credential, and the needs that it satisfies. All other doors must stay shut to it.
type key struct {
	name string
	// opens are the needs that it satisfies.
	opens []need
	// pages are the needs of doors whose page it may read, and no more.
	pages []need
	// put adds it to the request. fields are the request's own, to be changed.
	put func(r *http.Request, fields url.Values)
	// owner is the user whose data an answer may contain; nil if it may contain no user's.
	owner *person
	// browser is the user whose browser sends the request, with all its cookies; nil for none.
	browser *person
}

// shut returns a key that opens nothing.
func shut(name string, put func(r *http.Request, fields url.Values)) key {
	return key{name: name, put: put}
}

func cookies(all []*http.Cookie) func(r *http.Request, _ url.Values) {
	return func(r *http.Request, _ url.Values) {
		for _, c := range all {
			r.AddCookie(c)
		}
	}
}

// from sets the headers of a form that a page of origin sends.
func from(r *http.Request, site, origin string) {
	r.Header.Set("Sec-Fetch-Site", site)
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		r.Header.Set("Origin", origin)
	}
}

func bearing(name, token string) key {
	return shut(name, func(r *http.Request, _ url.Values) { r.Header.Set("Authorization", "Bearer "+token) })
}

func basic(name string, c vouchsafetest.Client, secret string) key {
	return shut(name, func(r *http.Request, _ url.Values) { vouchsafetest.Basic(c.ID(), secret)(r) })
}

// keys returns all keys. The first three are tried with every method.
func (sc *scene) keys(t *testing.T) []key {
	t.Helper()
	v := sc.victim
	origin := sc.north.Origin()
	own := cookies(v.browser.Cookies())
	whole := key{name: "the victim's own session", opens: []need{form, account, permission}, owner: v, browser: v,
		put: func(r *http.Request, f url.Values) {
			own(r, f)
			from(r, "same-origin", origin)
		}}
	all := []key{whole, shut("nothing", func(*http.Request, url.Values) {})}
	all = append(all, sc.sessions(t)...)
	all = append(all, sc.clients(t)...)
	all = append(all, sc.proofs(t)...)
	return append(all, sc.tokens()...)
}

// sessions returns the keys that browsers have.
func (sc *scene) sessions(t *testing.T) []key {
	t.Helper()
	v, n := sc.victim, sc.neighbour
	origin := sc.north.Origin()
	own := cookies(v.browser.Cookies())
	change := func(name string, put func(r *http.Request, fields url.Values)) key {
		return key{name: name, pages: []need{account, permission}, owner: v, browser: v,
			put: func(r *http.Request, f url.Values) {
				own(r, f)
				put(r, f)
			}}
	}
	others := func(name string, all []*http.Cookie, fields url.Values, who *person) key {
		return key{name: name, owner: who, put: func(r *http.Request, f url.Values) {
			cookies(all)(r, f)
			from(r, "same-origin", origin)
			f.Set("form", fields.Get("form")) // its own: the session that is named is the victim's
		}, opens: []need{form}}
	}
	neighbour := others("a neighbour's session", n.browser.Cookies(), n.fields, n)
	neighbour.opens, neighbour.pages, neighbour.browser = append(neighbour.opens, permission), []need{account}, n
	return []key{
		neighbour,
		others("a session that was signed out", sc.goneCookies, sc.gone.fields, nil),
		others("a session of another tenant", sc.stranger.browser.Cookies(), sc.stranger.fields, sc.stranger),
		others("a session of another tenant, renamed", renamed(sc.stranger.browser.Cookies(), v.browser.Cookies()),
			sc.stranger.fields, nil),
		change("the victim's cookies, from another site", func(r *http.Request, _ url.Values) {
			from(r, "cross-site", "https://evil.example")
		}),
		change("the victim's cookies, from a sister's site", func(r *http.Request, _ url.Values) {
			from(r, "same-site", "https://evil.localhost")
		}),
		change("the victim's cookies, from nowhere", func(r *http.Request, _ url.Values) { from(r, "cross-site", "null") }),
		change("the victim's cookies, without an origin", func(*http.Request, url.Values) {}),
		change("the victim's cookies, without the form's token", func(r *http.Request, f url.Values) {
			from(r, "same-origin", origin)
			f.Del("form")
		}),
		change("the victim's cookies, with another's form", func(r *http.Request, f url.Values) {
			from(r, "same-origin", origin)
			f.Set("form", n.fields.Get("form"))
		}),
		shut("the victim's form without cookies", func(r *http.Request, _ url.Values) { from(r, "same-origin", origin) }),
	}
}

// renamed returns the cookies under the names of others, in their order.
func renamed(values, names []*http.Cookie) []*http.Cookie {
	var out []*http.Cookie
	for i, c := range names {
		if i < len(values) {
			out = append(out, &http.Cookie{Name: c.Name, Value: values[i].Value})
		}
	}
	return out
}

// clients returns the keys that programs have for themselves.
func (sc *scene) clients(t *testing.T) []key {
	t.Helper()
	k := vouchsafetest.Keyed()[0]
	abroad := k.Assertion(t, sc.south.AssertionClaims(k.ID()))
	return []key{
		basic("a wrong client secret", vouchsafetest.Web, "a wrong secret"),
		basic("another client of the tenant", vouchsafetest.Other, vouchsafetest.Other.Secret()),
		basic("a client of another tenant", foreign, foreign.Secret()),
		basic("a disabled client", vouchsafetest.Disabled, vouchsafetest.Disabled.Secret()),
		basic("a service", vouchsafetest.Service, vouchsafetest.Service.Secret()),
		shut("a public client", func(_ *http.Request, f url.Values) { f.Set("client_id", vouchsafetest.Public.ID()) }),
		shut("the client's id alone", func(_ *http.Request, f url.Values) { f.Set("client_id", vouchsafetest.Web.ID()) }),
		shut("the client's secret in the query", func(r *http.Request, _ url.Values) {
			r.URL.RawQuery = url.Values{"client_id": {"web"}, "client_secret": {vouchsafetest.Web.Secret()}}.Encode()
		}),
		shut("an assertion for another tenant", func(_ *http.Request, f url.Values) {
			maps.Copy(f, url.Values{"client_assertion_type": {vouchsafetest.AssertionType}, "client_assertion": {abroad}})
		}),
	}
}

// tokens returns the keys that clients have for users.
func (sc *scene) tokens() []key {
	v, n, s := sc.victim, sc.neighbour, sc.stranger
	good := bearing("the victim's access token", v.tokens.Access())
	good.opens, good.owner = []need{bearer}, v
	opaque := bearing("the victim's opaque token", v.opaque.Access())
	opaque.opens, opaque.owner = []need{bearer}, v
	theirs := bearing("a neighbour's access token", n.tokens.Access())
	theirs.opens, theirs.owner = []need{bearer}, n
	apps := bearing("a neighbour's access token of the app", n.app.Access())
	apps.opens, apps.owner = []need{bearer}, n
	ofApp := bearing("the victim's access token of the app, with a neighbour's auth_session", v.app.Access())
	ofApp.opens, ofApp.owner = []need{bearer}, v
	put := ofApp.put
	ofApp.put = func(r *http.Request, f url.Values) {
		put(r, f)
		f.Set("auth_session", n.app.String("auth_session"))
	}
	return []key{
		good, opaque, theirs, apps, ofApp,
		bearing("an access token of another tenant", s.tokens.Access()),
		bearing("an opaque token of another tenant", s.opaque.Access()),
		bearing("an app's access token of another tenant", s.app.Access()),
		bearing("an expired access token", sc.brief.Access()),
		bearing("a revoked access token", sc.revoked.Access()),
		bearing("a service's access token", sc.service.Access()),
		bearing("an ID token", v.tokens.ID()),
		bearing("a refresh token", v.tokens.Refresh()),
		bearing("an authorization code", sc.code),
		bearing("a sealed request", sc.letter),
		bearing("a form's token", v.fields.Get("form")),
		shut("an access token in the query", func(r *http.Request, _ url.Values) {
			r.URL.RawQuery = strings.TrimPrefix(r.URL.RawQuery+"&access_token="+url.QueryEscape(v.tokens.Access()), "&")
		}),
	}
}

// proofs returns the keys that have to do with proofs of possession (RFC 9449), and with registrations.
func (sc *scene) proofs(t *testing.T) []key {
	t.Helper()
	bound := sc.bound.Access()
	with := func(name, scheme string, proof func(r *http.Request) string) key {
		return shut(name, func(r *http.Request, _ url.Values) {
			r.Header.Set("Authorization", scheme+" "+bound)
			if proof != nil {
				r.Header.Set("DPoP", proof(r))
			}
		})
	}
	own := with("the victim's bound token with its key", "DPoP", func(r *http.Request) string {
		return sc.prover.Proof(r.Method, r.URL.String(), bound)
	})
	own.opens, own.owner = []need{bearer}, sc.victim
	thief := prooftest.New(t)
	return []key{
		own,
		with("the victim's bound token as a bearer token", "Bearer", nil),
		with("the victim's bound token without a proof", "DPoP", nil),
		with("the victim's bound token with another key", "DPoP", func(r *http.Request) string {
			return thief.Proof(r.Method, r.URL.String(), bound)
		}),
		with("the victim's bound token with a proof for another URL", "DPoP", func(r *http.Request) string {
			return sc.prover.Proof(r.Method, sc.north.Issuer+"/elsewhere", bound)
		}),
		with("the victim's bound token with its key as a bearer token", "Bearer", func(r *http.Request) string {
			return sc.prover.Proof(r.Method, r.URL.String(), bound)
		}),
		shut("a proof alone", func(r *http.Request, f url.Values) {
			f.Set("client_id", vouchsafetest.Public.ID())
			r.Header.Set("DPoP", thief.Proof(r.Method, r.URL.String(), ""))
		}),
		bearing("a registration access token", sc.registration),
	}
}
