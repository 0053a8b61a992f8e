package provider

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/vouchsafe/vouchsafe/storage"
)

// request is a request to a path of the default tenant. A header is given as "Name: value".
func request(method, path, body string, header ...string) *http.Request {
	r := httptest.NewRequest(method, testIssuer+path, strings.NewReader(body))
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	return r
}

const formType = "Content-Type: application/x-www-form-urlencoded"

// raw sends a request whose answer need not be JSON.
func (s *tokenServer) raw(r *http.Request) *http.Response {
	s.Helper()
	r.RemoteAddr = net.JoinHostPort(s.ip, "4711")
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w.Result()
}

// form posts a form to an endpoint that answers with JSON.
func (s *tokenServer) form(path string, form url.Values, header ...string) reply {
	s.Helper()
	return s.do(request("POST", path, form.Encode(), append(header, formType)...))
}

func (f *failing) Apply(ctx context.Context, c storage.Change) error {
	if err := f.fail("Apply"); err != nil {
		return err
	}
	return f.testStore.Apply(ctx, c)
}

func (f *failing) IsSpent(ctx context.Context, tenant, purpose, value string) (bool, error) {
	if err := f.fail("IsSpent"); err != nil {
		return false, err
	}
	return f.testStore.IsSpent(ctx, tenant, purpose, value)
}

func (f *failing) AllowsOrigin(ctx context.Context, tenant, origin string) (bool, error) {
	if err := f.fail("AllowsOrigin"); err != nil {
		return false, err
	}
	return f.testStore.AllowsOrigin(ctx, tenant, origin)
}
