package conformance

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"testing"
)

func hostileModules() []module {
	return []module{
		{"oidcc-ensure-registered-redirect-uri", registeredRedirectURI},
		{"oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported", requestURI},
		{"oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported", requestObject},
		{"oidcc-ensure-request-object-with-redirect-uri", requestObjectWithRedirectURI},
	}
}

func registeredRedirectURI(t *testing.T, p *plan) {
	a := p.browser(t).Authorize(t, p.request("redirect_uri", p.client.RedirectURI()+"-not-this-one"))
	if a.Params != nil || a.Page.Status != 400 || len(a.Page.Trail) != 1 {
		t.Errorf("got %d, %v, want an error page and no redirect", a.Page.Status, a.Params)
	}
}

func requestURI(t *testing.T, p *plan) {
	p.fails(t, p.browser(t), p.request("request_uri", "https://rp.example/request.jwt"), "request_uri_not_supported")
}

// unsigned is a request object without a signature.
func unsigned(payload string) string {
	enc := base64.RawURLEncoding.EncodeToString
	return enc([]byte(`{"alg":"none"}`)) + "." + enc([]byte(payload)) + "."
}

// requestObject has state and response mode in the object only, as the suite does. The response
// comes in the way that the object asks for, although the object is otherwise ignored.
func requestObject(t *testing.T, p *plan) {
	asked := p.request("state", "inner")
	object := map[string]string{}
	for name := range asked.Params {
		object[name] = asked.Params.Get(name)
	}
	payload, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	sent := p.request("state", "-", "response_mode", "-")
	sent.Params.Set("request", unsigned(string(payload)))
	b := p.browser(t)
	a := b.Walk(t, asked, b.Get(t, sent.Path()))
	if mode := cmp.Or(p.mode, "query"); a.Error() != "request_not_supported" || a.Mode != mode ||
		a.Params.Get("state") != "inner" {
		t.Errorf("got %v by %s, want request_not_supported by %s with the state of the object", a.Params, a.Mode, mode)
	}
}

// The object names a redirect URI that is not registered. No response may be sent there.
func requestObjectWithRedirectURI(t *testing.T, p *plan) {
	r := p.request()
	r.Params.Set("request", unsigned(`{"redirect_uri":"https://evil.example/"}`))
	a := p.fails(t, p.browser(t), r, "request_not_supported")
	if a.Page.Left != nil && a.Page.Left.Host != "rp.example" {
		t.Errorf("the browser was sent to %s", a.Page.Left)
	}
}
