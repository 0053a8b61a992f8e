package provider

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/secret"
)

// decision is what became of a part of fosite, and why. ARCHITECTURE.md has the same in words.
type decision struct {
	// part is its name in fosite.
	part string
	// defect says what is wrong with it.
	defect string
	// shows says whether an engine has the defect.
	shows func(t *testing.T, e engine) bool
	// stateless has fosite introspect tokens by their signature alone.
	stateless bool
}

// decisions has a row for each handler, strategy and writer of fosite that is replaced or left out,
// and for each defect of those that are used, which is made good before or after them.
var decisions = []decision{
	{
		part: "pkce.Handler", defect: "a wrong verifier deletes the challenge, and the next request needs none",
		shows: pkceIsForgotten,
	},
	{
		part: "oauth2.AuthorizeExplicitGrantHandler", defect: "a code is stored before anyone redeems it",
		shows: codeIsStored,
	},
	{part: "openid.OpenIDConnectExplicitHandler", defect: "a second row for each code", shows: codeIsStored},
	{
		part: "oauth2.RefreshTokenGrantHandler", defect: "another client ends the owner's grant with a spent token",
		shows: strangerEndsGrant,
	},
	{
		part: "openid.OpenIDConnectRefreshHandler", defect: "a refreshed ID token repeats the nonce (OIDC Core 12.2)",
		shows: nonceIsRepeated,
	},
	{part: "oauth2.ClientCredentialsGrantHandler", defect: "each token is stored", shows: ownTokenIsStored},
	{
		part: "openid.DefaultStrategy", defect: "a nonce of less than eight characters is an error",
		shows: shortNonceFails,
	},
	{
		part: "oauth2.DefaultJWTStrategy", defect: "access tokens are of the type JWT, as ID tokens are (RFC 9068)",
		shows: accessTokenIsAnyJWT,
	},
	{
		part: "oauth2.HMACSHAStrategy", defect: "a token with another last character works, too",
		shows: tokenIsMalleable,
	},
	{part: "oauth2.CoreValidator", defect: "any client learns about any token", shows: strangerIntrospects},
	{
		part: "oauth2.StatelessJWTValidator", defect: "an ID token counts as an access token",
		shows: idTokenIsActive, stateless: true,
	},
	{
		part: "oauth2.TokenRevocationHandler", defect: "revoking an access token ends the refresh token",
		shows: revokingEndsGrant,
	},
	{
		part: "fosite.DefaultClientAuthenticationStrategy", defect: "several methods of authentication in one request",
		shows: twoMethodsAreTaken,
	},
	{
		part: "fosite.NewIntrospectionRequest", defect: "only Basic is taken as client authentication",
		shows: formSecretIsRefused,
	},
	{
		part: "fosite.WriteIntrospectionError", defect: "every token is inactive while the store is down",
		shows: lostStoreIsInactive,
	},
	{
		part: "fosite.WriteRevocationResponse", defect: "a token counts as revoked while the store is down",
		shows: lostStoreIsRevoked,
	},
	{
		part: "fosite.WriteAccessError", defect: "401 without WWW-Authenticate (RFC 6749 section 5.2)",
		shows: noChallenge,
	},
	{
		part: "fosite.WriteAuthorizeResponse", defect: "no iss (RFC 9207), and a script without a hash in form_post",
		shows: noIssuer,
	},
	{part: "fosite.WriteAuthorizeError", defect: "no iss (RFC 9207)", shows: noIssuerInError},
	{
		part: "fosite.NewAccessRequest", defect: "an unknown grant type is invalid_request",
		shows: unknownGrantIsInvalid,
	},
	{part: "fosite.NewAuthorizeRequest", defect: "a state is compulsory", shows: stateIsCompulsory},
	{
		part: "fosite.NewAuthorizeRequest", defect: "of parameters that are repeated, the first is taken",
		shows: firstOfTwoIsTaken,
	},
	{
		part: "fosite.NewAuthorizeRequest", defect: "an unsigned request object is believed",
		shows: unsignedObjectIsBelieved,
	},
	{
		part:   "fosite.MatchRedirectURIWithClientRedirectURIs",
		defect: "loopback addresses match with another scheme and a user", shows: loopbackIsLoose,
	},
	{part: "openid.OpenIDConnectRequestValidator", defect: "max_age=0 is ignored", shows: maxAgeIsIgnored},
	{
		part: "oauth2.AuthorizeImplicitGrantTypeHandler", defect: "OAuth 2.1 has no implicit grant",
		shows: implicitWorks,
	},
	{part: "openid.OpenIDConnectImplicitHandler", defect: "OAuth 2.1 has no implicit grant", shows: implicitWorks},
	{part: "openid.OpenIDConnectHybridHandler", defect: "an ID token in a URL", shows: hybridWorks},
	{
		part: "par.PushedAuthorizeHandler", defect: "the client's secret is stored with the request",
		shows: pushedSecretIsKept,
	},
}

// TestDefectsOfFosite puts the same question to fosite's own part and to Vouchsafe. fosite has to show
// the defect: once it does not, its part can be used. Vouchsafe must not: a part of fosite's that is
// put back fails here.
func TestDefectsOfFosite(t *testing.T) {
	t.Parallel()
	for _, d := range decisions {
		t.Run(d.part+", "+d.defect, func(t *testing.T) {
			t.Parallel()
			if !d.shows(t, startStock(t, d.stateless)) {
				t.Errorf("fosite's own %s has not the defect any more: it can be used", d.part)
			}
			if d.shows(t, startOwn(t)) {
				t.Errorf("Vouchsafe has the defect of %s: %s", d.part, d.defect)
			}
		})
	}
}

// Each of the decisions stands in ARCHITECTURE.md, with its reason.
func TestDecisionsAboutFositeAreWrittenDown(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range decisions {
		if !strings.Contains(string(text), "`"+d.part+"`") {
			t.Errorf("ARCHITECTURE.md does not say what became of `%s`", d.part)
		}
	}
}

func pkceIsForgotten(t *testing.T, e engine) bool {
	code := answers(asks(e)).Get("code")
	if a := redeems(e, code, strings.Repeat("wrong", 10)); a.status == http.StatusOK {
		t.Fatal("a wrong verifier is taken at once")
	}
	return redeems(e, code, "").status == http.StatusOK
}

func codeIsStored(t *testing.T, e engine) bool {
	tokensOf(t, e) // all that is read or made once is there
	return e.writes(func() {
		if answers(asks(e)).Get("code") == "" {
			t.Error("no code")
		}
	}) > 0
}

func strangerEndsGrant(t *testing.T, e engine) bool {
	first := tokensOf(t, e).RefreshToken
	second := renews(e, "web", first).str("refresh_token")
	if a := renews(e, "other", first); a.status == http.StatusOK {
		t.Fatal("another client gets tokens")
	}
	return renews(e, "web", second).status != http.StatusOK
}

func nonceIsRepeated(t *testing.T, e engine) bool {
	a := renews(e, "web", tokensOf(t, e).RefreshToken)
	return payload(t, a.str("id_token"))["nonce"] != nil
}

func ownTokenIsStored(t *testing.T, e engine) bool {
	ask := func() {
		if a := posts(e, "/token", "svc", "grant_type", "client_credentials", "scope", "api"); a.status != http.StatusOK {
			t.Errorf("no token: got %d %v", a.status, a.body)
		}
	}
	ask()
	return e.writes(ask) > 0
}

func shortNonceFails(_ *testing.T, e engine) bool {
	code := answers(asks(e, "nonce", "abc")).Get("code")
	return redeems(e, code, testVerifier).status != http.StatusOK
}

func accessTokenIsAnyJWT(t *testing.T, e engine) bool {
	head, _, _ := strings.Cut(e.jwt(t), ".")
	raw, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil {
		t.Fatal(err)
	}
	var header struct{ Typ string }
	if err := json.Unmarshal(raw, &header); err != nil {
		t.Fatal(err)
	}
	return header.Typ != "at+jwt"
}

// tokenIsMalleable changes the last character of each part of a refresh token.
func tokenIsMalleable(t *testing.T, e engine) bool {
	token := tokensOf(t, e).RefreshToken
	for end := range token {
		if end+1 < len(token) && token[end+1] != '.' || token[end] == '.' {
			continue
		}
		for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" {
			other := token[:end] + string(c) + token[end+1:]
			if other != token && posts(e, "/introspect", "web", "token", other).body["active"] == true {
				return true
			}
		}
	}
	return false
}

func strangerIntrospects(t *testing.T, e engine) bool {
	return posts(e, "/introspect", "other", "token", tokensOf(t, e).RefreshToken).body["active"] == true
}

func idTokenIsActive(t *testing.T, e engine) bool {
	return posts(e, "/introspect", "web", "token", tokensOf(t, e).IDToken).body["active"] == true
}

func revokingEndsGrant(t *testing.T, e engine) bool {
	all := tokensOf(t, e)
	if a := posts(e, "/revoke", "web", "token", all.AccessToken); a.status != http.StatusOK {
		t.Fatalf("got %d %v", a.status, a.body)
	}
	return renews(e, "web", all.RefreshToken).status != http.StatusOK
}

func twoMethodsAreTaken(_ *testing.T, e engine) bool {
	a := posts(e, "/token", "svc", "grant_type", "client_credentials", "scope", "api", "client_secret", stockSecret)
	return a.status == http.StatusOK
}

func formSecretIsRefused(t *testing.T, e engine) bool {
	token := tokensOf(t, e).AccessToken
	a := posts(e, "/introspect", "", "client_id", "posts", "client_secret", stockSecret, "token", token)
	return a.status != http.StatusOK
}

func lostStoreIsInactive(t *testing.T, e engine) bool {
	token := tokensOf(t, e).AccessToken
	posts(e, "/introspect", "web", "token", token)
	e.lose()
	a := posts(e, "/introspect", "web", "token", token)
	return a.status == http.StatusOK && a.body["active"] == false
}

func lostStoreIsRevoked(t *testing.T, e engine) bool {
	token := tokensOf(t, e).RefreshToken
	e.lose()
	return posts(e, "/revoke", "web", "token", token).status == http.StatusOK
}

func noChallenge(_ *testing.T, e engine) bool {
	resp := e.handle(request("POST", "/token", "grant_type=client_credentials", formType, basic("svc", "wrong")))
	return resp.StatusCode == http.StatusUnauthorized && resp.Header.Get("WWW-Authenticate") == ""
}

func noIssuer(t *testing.T, e engine) bool {
	q := answers(asks(e))
	if q.Get("code") == "" {
		t.Fatal("no code")
	}
	return q.Get("iss") == ""
}

func noIssuerInError(t *testing.T, e engine) bool {
	q := answers(asks(e, "scope", "openid unknown"))
	if q.Get("error") != "invalid_scope" {
		t.Fatalf("got %v, want invalid_scope", q)
	}
	return q.Get("iss") == ""
}

func unknownGrantIsInvalid(_ *testing.T, e engine) bool {
	return posts(e, "/token", "web", "grant_type", "unknown").str("error") == "invalid_request"
}

func stateIsCompulsory(_ *testing.T, e engine) bool {
	return answers(asks(e, "state", "")).Get("code") == ""
}

func firstOfTwoIsTaken(_ *testing.T, e engine) bool {
	return answers(asks(e, "state", "a-state-that-is-long-enough", "state", "and-another-such-state")).Get("code") != ""
}

func unsignedObjectIsBelieved(_ *testing.T, e engine) bool {
	encode := base64.RawURLEncoding.EncodeToString
	object := encode([]byte(`{"alg":"none"}`)) + "." + encode([]byte(`{"state":"a-state-of-the-object"}`)) + "."
	return answers(asks(e, "request", object)).Get("code") != ""
}

func loopbackIsLoose(_ *testing.T, e engine) bool {
	return answers(asks(e, "client_id", "native", "redirect_uri", "http://evil@127.0.0.1:9999/cb")).Get("code") != ""
}

func maxAgeIsIgnored(_ *testing.T, e engine) bool {
	return answers(asks(e, "max_age", "0")).Get("code") != ""
}

func implicitWorks(_ *testing.T, e engine) bool {
	return answers(asks(e, "response_type", "token")).Get("access_token") != ""
}

func hybridWorks(_ *testing.T, e engine) bool {
	return answers(asks(e, "response_type", "code id_token")).Get("id_token") != ""
}

func pushedSecretIsKept(t *testing.T, e engine) bool {
	form := values("client_id", "posts", "client_secret", stockSecret, "redirect_uri", testRedirect,
		"response_type", "code", "state", "a-state-that-is-long-enough", "scope", "openid")
	resp := e.handle(request("POST", "/par", form.Encode(), formType))
	stock, ok := e.(*stockEngine)
	if !ok {
		var answer struct {
			URI string `json:"request_uri"`
		}
		if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || resp.StatusCode != http.StatusCreated {
			t.Fatalf("push: got %d %v, want 201", resp.StatusCode, err)
		}
		own := e.(*ownEngine)
		_, sealed, _ := strings.Cut(answer.URI, "request_uri:")
		asked, err := own.p.Secrets.Box(own.tenant.ID, secret.PushedRequest).OpenString(sealed)
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Contains(asked, []byte(stockSecret)) || !bytes.Contains(asked, []byte("client_id=posts"))
	}
	if raw, _ := io.ReadAll(resp.Body); len(stock.store.PARSessions) == 0 {
		t.Fatalf("nothing was pushed: got %d %s", resp.StatusCode, raw)
	}
	for _, pushed := range stock.store.PARSessions {
		if pushed.GetRequestForm().Get("client_secret") != "" {
			return true
		}
	}
	return false
}
