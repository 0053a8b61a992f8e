package provider

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

// D1: nothing but one strict form, posted, is read.
func TestTokenTakesAFormInTheBodyOnly(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	c := s.client()
	code := s.code(c)
	form := values("grant_type", "authorization_code", "client_id", "spa", "code", code, "redirect_uri", testRedirect,
		"code_verifier", testVerifier)
	request := func(method, query, contentType, body string) reply {
		r := httptest.NewRequest(method, testIssuer+"/token"+query, strings.NewReader(body))
		if contentType != "" {
			r.Header.Set("Content-Type", contentType)
		}
		return s.do(r)
	}
	const formType = "application/x-www-form-urlencoded"
	a := request("GET", "?"+form.Encode(), "", "")
	s.fails(a, http.StatusMethodNotAllowed, "invalid_request")
	if got := a.header.Get("Allow"); got != "POST" {
		t.Errorf("Allow: got %q, want POST", got)
	}
	s.fails(request("PUT", "", formType, form.Encode()), http.StatusMethodNotAllowed, "invalid_request")

	var buf bytes.Buffer
	mw := multipart.NewWriter(&buf)
	for name := range form {
		_ = mw.WriteField(name, form.Get(name))
	}
	_ = mw.Close()
	without := func(name string) url.Values {
		f := values()
		for n := range form {
			if n != name {
				f.Set(n, form.Get(n))
			}
		}
		return f
	}
	for name, a := range map[string]reply{
		"all in the query":     request("POST", "?"+form.Encode(), formType, ""),
		"client_id in query":   request("POST", "?client_id=spa", formType, without("client_id").Encode()),
		"credentials in query": request("POST", "?client_secret=x", formType, form.Encode()),
		"verifier in query":    request("POST", "?code_verifier="+testVerifier, formType, without("code_verifier").Encode()),
		"JSON": request("POST", "", "application/json",
			`{"grant_type":"authorization_code","code":"`+code+`"}`),
		"text":            request("POST", "", "text/plain", form.Encode()),
		"no type":         request("POST", "", "", form.Encode()),
		"multipart":       request("POST", "", mw.FormDataContentType(), buf.String()),
		"bad escapes":     request("POST", "", formType, form.Encode()+"&x=%zz"),
		"repeated":        request("POST", "", formType, form.Encode()+"&code="+code),
		"repeated, empty": request("POST", "", formType, form.Encode()+"&code="),
		"NUL":             request("POST", "", formType, form.Encode()+"&x=%00"),
		"not UTF-8":       request("POST", "", formType, form.Encode()+"&x=%ff"),
		"empty":           request("POST", "", formType, ""),
	} {
		t.Run(name, func(t *testing.T) {
			s := s.elsewhere(t)
			s.fails(a, http.StatusBadRequest, "invalid_request")
		})
	}
	s.fails(request("POST", "", formType, "x="+strings.Repeat("y", oauth.MaxForm)),
		http.StatusRequestEntityTooLarge, "invalid_request")

	// Nothing of that was executed.
	if a := request("POST", "", formType+"; charset=utf-8", form.Encode()); a.status != http.StatusOK {
		t.Errorf("the code after all that: got %d %s, want tokens", a.status, a.raw)
	}
}

// D2: grant types that do not exist here, and those that a client may not use.
func TestGrantTypesThatAreNotThereOrNotTheClients(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	c := s.client(func(c *storage.Client) { c.GrantTypes = []string{"authorization_code"} })
	for _, name := range []string{"password", "implicit", "AUTHORIZATION_CODE", "authorization_code refresh_token",
		" authorization_code", "urn:ietf:params:oauth:grant-type:saml2-bearer"} {
		a := s.post(values("grant_type", name, "client_id", "spa", "username", "jo", "password", "x", "code", s.code(c)))
		s.fails(a, http.StatusBadRequest, "unsupported_grant_type")
	}
	s.fails(s.post(values("client_id", "spa")), http.StatusBadRequest, "invalid_request")
	s.fails(s.post(values("grant_type", "", "client_id", "spa")), http.StatusBadRequest, "invalid_request")
	s.fails(s.refresh(c, "vrt_x"), http.StatusBadRequest, "unauthorized_client")
	s.fails(s.post(values("grant_type", "client_credentials", "client_id", "spa")),
		http.StatusBadRequest, "unauthorized_client")

	service, secret := s.service("service")
	a := s.post(values("grant_type", "authorization_code", "code", s.code(service), "redirect_uri", testRedirect,
		"code_verifier", testVerifier), basic("service", secret))
	s.fails(a, http.StatusBadRequest, "unauthorized_client")
}

// The answer has what RFC 6749 section 5.1 and OIDC Core 3.1.3.3 want, and no more.
func TestTokenAnswer(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	a := s.tokens(s.client())
	if got := a.header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control: got %q, want no-store", got)
	}
	if got := a.header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type: got %q, want application/json", got)
	}
	if a.str("token_type") != "Bearer" || a.body["expires_in"] != 600.0 ||
		a.str("scope") != "openid profile offline_access api" {
		t.Errorf("got %s", a.raw)
	}
	if len(a.body) != 6 || a.str("refresh_token") == "" || a.str("id_token") == "" {
		t.Errorf("got %s, want six members", a.raw)
	}
}

// failing is a store that does not answer, at one call.
type failing struct {
	testStore
	mu   sync.Mutex
	call string
}

var errDown = fmt.Errorf("connection refused at 10.0.0.7: %w", storage.ErrUnavailable)

func (f *failing) fail(call string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.call == call || f.call == "all" {
		return errDown
	}
	return nil
}

func (f *failing) set(call string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.call = call
}

func (f *failing) Client(ctx context.Context, tenant, id string) (storage.Client, error) {
	if err := f.fail("Client"); err != nil {
		return storage.Client{}, err
	}
	return f.testStore.Client(ctx, tenant, id)
}

func (f *failing) User(ctx context.Context, tenant, id string) (storage.User, error) {
	if err := f.fail("User"); err != nil {
		return storage.User{}, err
	}
	return f.testStore.User(ctx, tenant, id)
}

func (f *failing) Keys(ctx context.Context, tenant string, since time.Time) ([]storage.Key, error) {
	if err := f.fail("Keys"); err != nil {
		return nil, err
	}
	return f.testStore.Keys(ctx, tenant, since)
}

func (f *failing) RedeemCode(ctx context.Context, g storage.Grant,
	also *storage.Belonging,
) (storage.User, error) {
	if err := f.fail("RedeemCode"); err != nil {
		return storage.User{}, err
	}
	return f.testStore.RedeemCode(ctx, g, also)
}

func (f *failing) Rotate(ctx context.Context, tenant, id, client string, gen int64, idle,
	now time.Time, also *storage.Belonging,
) (storage.Grant, storage.User, error) {
	if err := f.fail("Rotate"); err != nil {
		return storage.Grant{}, storage.User{}, err
	}
	return f.testStore.Rotate(ctx, tenant, id, client, gen, idle, now, also)
}

func (f *failing) Grant(ctx context.Context, tenant, id string) (storage.Grant, error) {
	if err := f.fail("Grant"); err != nil {
		return storage.Grant{}, err
	}
	return f.testStore.Grant(ctx, tenant, id)
}

func (f *failing) LiveGrant(ctx context.Context, tenant, id, jti string,
	now time.Time, also *storage.Belonging,
) (storage.Grant, storage.User, error) {
	if err := f.fail("LiveGrant"); err != nil {
		return storage.Grant{}, storage.User{}, err
	}
	return f.testStore.LiveGrant(ctx, tenant, id, jti, now, also)
}

func (f *failing) Spend(ctx context.Context, v storage.Spent) error {
	if err := f.fail("Spend"); err != nil {
		return err
	}
	return f.testStore.Spend(ctx, v)
}

func (f *failing) Record(ctx context.Context, e storage.Event) error {
	if err := f.fail("Record"); err != nil {
		return err
	}
	return f.testStore.Record(ctx, e)
}

// startFailing serves on a store that can be made to fail, with nothing kept in caches.
func startFailing(t *testing.T) (*tokenServer, *failing) {
	t.Helper()
	f := &failing{}
	s := startTokens(t, func(c *Config) {
		f.testStore = c.Store.(testStore)
		c.Store = f
	})
	return s, f
}

func (s *tokenServer) unavailable(a reply) {
	s.Helper()
	s.fails(a, http.StatusServiceUnavailable, "temporarily_unavailable")
	if a.header.Get("Retry-After") == "" {
		s.Error("no Retry-After with 503")
	}
	if strings.Contains(a.raw, "10.0.0.7") {
		s.Errorf("got %s, which tells about storage", a.raw)
	}
}

// P3, D3: while storage does not answer it is 503, nothing else, and nothing is burnt.
func TestStorageOutageBurnsNothing(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"all", "Client", "Keys", "RedeemCode"} {
		t.Run("code, "+call, func(t *testing.T) {
			s, f := startFailing(t)
			c := s.client()
			code := s.code(c)
			s = s.replica() // which has read nothing yet
			f.set(call)
			s.unavailable(s.redeem(c, code))
			s.unavailable(s.redeem(c, code))
			f.set("")
			if a := s.redeem(c, code); a.status != http.StatusOK {
				t.Errorf("after the outage: got %d %s, want tokens", a.status, a.raw)
			}
		})
	}
	for _, call := range []string{"all", "Client", "Keys", "Rotate"} {
		t.Run("refresh, "+call, func(t *testing.T) {
			s, f := startFailing(t)
			c := s.client()
			token := s.tokens(c).str("refresh_token")
			s = s.replica() // which has read nothing yet
			f.set(call)
			s.unavailable(s.refresh(c, token))
			f.set("")
			if a := s.refresh(c, token); a.status != http.StatusOK {
				t.Errorf("after the outage: got %d %s, want tokens", a.status, a.raw)
			}
		})
	}
	t.Run("refresh of a spent token, Grant", func(t *testing.T) {
		s, f := startFailing(t)
		c := s.client()
		token := s.tokens(c).str("refresh_token")
		s.refresh(c, token)
		f.set("Grant")
		s.unavailable(s.refresh(c, token))
		f.set("LiveGrant")
		s.unavailable(s.refresh(c, token))
		f.set("")
		if a := s.refresh(c, token); a.status != http.StatusOK {
			t.Errorf("after the outage: got %d %s, want tokens", a.status, a.raw)
		}
	})
	t.Run("wrong verifier, RedeemCode", func(t *testing.T) {
		s, f := startFailing(t)
		c := s.client()
		code := s.code(c)
		f.set("RedeemCode")
		s.unavailable(s.post(values("grant_type", "authorization_code", "client_id", "spa", "code", code,
			"redirect_uri", testRedirect)))
	})
	t.Run("an audit trail that fails undoes nothing", func(t *testing.T) {
		s, f := startFailing(t)
		c := s.client()
		code := s.code(c)
		s.redeem(c, code)
		f.set("Record")
		s.fails(s.redeem(c, code), http.StatusBadRequest, "invalid_grant")
	})
}

func TestErrorsOfStorageKeepTheirMeaning(t *testing.T) {
	t.Parallel()
	if e := oauth.AsError(fmt.Errorf("redeem code: %w", errDown)); e.CodeField != http.StatusServiceUnavailable ||
		errors.Is(e, tokens.ErrCodeInvalid) {
		t.Errorf("got %v", e)
	}
}
