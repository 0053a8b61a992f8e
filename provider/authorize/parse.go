package authorize

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
)

// request says where a request came from.
type request struct {
	letter *letter // nil for a request that just begins
	pushed string  // the id of a request that its client pushed; "" if a browser alone brought it
	signed string  // the id of the request object in which it came; "" for plain parameters
}

// readMarks takes the ids of a pushed and a signed request out of a form that we have sealed.
func (q *request) readMarks(form url.Values) {
	q.pushed, q.signed = form.Get("request_uri"), form.Get("request")
	form.Del("request_uri")
	form.Del("request")
}

// parse reads and checks a request. Errors before the client and its redirect URI are known to belong together are
// web.Problems, those after it refusals; the authorization comes back with both.
func (s *Server) parse(r *http.Request, form url.Values, from request) (*authorization, error) {
	ctx := r.Context()
	a := &authorization{
		tenant: web.TenantOf(ctx), mode: fosite.ResponseModeQuery, started: time.Now(), claims: &tokens.ClaimsRequest{},
		form: form, pushed: from.pushed, signed: from.signed,
	}
	if from.letter != nil {
		a.started = from.letter.started
	}
	oauth.DropEmpty(form)
	if err := s.findClient(ctx, a, form); err != nil {
		return a, err
	}
	if isDevice(a.pushed) {
		return a, s.parseDevice(ctx, a)
	}
	if err := s.openObject(ctx, a); err != nil {
		return a, answerRefusedObject(a, err)
	}
	form = a.form
	web.RequestOf(ctx).SetLocales(strings.Fields(form.Get("ui_locales")))
	if err := checkRedirectURI(a, form); err != nil {
		return a, err
	}
	if err := checkParameters(a, form); err != nil {
		return a, err
	}
	request, err := s.Engine.NewAuthorizeRequest(ctx, forEngine(r, a, form))
	if err != nil {
		return a, err
	}
	a.request = request
	return a, s.readOIDC(ctx, a, form)
}

// forEngine returns the request as fosite reads it. fosite demands a state of eight characters, which the
// standards do not: it gets one that it never sends, and answers carry the client's own. The redirect URI
// is known to be the client's, by rules of our own; fosite gets a registered one.
func forEngine(r *http.Request, a *authorization, form url.Values) *http.Request {
	theirs := url.Values{}
	for _, name := range []string{"client_id", "response_type", "response_mode"} {
		if form.Has(name) {
			theirs.Set(name, form.Get(name))
		}
	}
	if carrier, signed := oauth.SignedMode(a.mode); signed {
		theirs.Set("response_mode", string(carrier)) // fosite knows no other
	}
	theirs.Set("redirect_uri", a.client.RedirectURIs[0])
	theirs.Set("state", "unused-by-us")
	theirs.Set("scope", strings.Join(a.scopes, " "))
	return &http.Request{Method: http.MethodGet, URL: r.URL, Header: http.Header{}, Form: theirs} // it takes the context
}
