// Package api calls the management API of a server for commands.
//
// The server is named by its issuer. Whose doing it is, an access token says: one that the operator has, or one that
// the package gets for a client by its secret, from the token endpoint that the discovery document names. Secrets and
// tokens go to https addresses of that issuer only, or to this machine.
package api

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	// patience bounds one request, from the look-up of the name to the last byte.
	patience = 30 * time.Second
	// mostTries bounds how often a request is sent that the server asks to repeat.
	mostTries = 5
	// longestWait bounds how long the server may ask to wait before that.
	longestWait = 30 * time.Second
)

// Config names a server, and whose doing the commands are.
type Config struct {
	// Server is the issuer of the default tenant; or that of the tenant, for one with a host of its own.
	Server string
	// Tenant is the id of the tenant: its issuer is at /t/ID below the server, but for the default tenant.
	Tenant string
	Credentials
	// RootCAs are the trusted certificate authorities; nil for those of the system.
	RootCAs *x509.CertPool
	// Agent is the User-Agent header.
	Agent string
}

// Client calls the management API of one tenant.
type Client struct {
	issuer string
	agent  string
	http   *http.Client
	tokens tokens
	// Pause waits before a request is sent again.
	Pause func(ctx context.Context, d time.Duration) error
}

// New returns a Client for the API of the tenant. It calls nothing.
func New(c Config) (*Client, error) {
	issuer, err := issuerOf(c.Server, c.Tenant)
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone() // with the proxy of the environment
	transport.TLSClientConfig = &tls.Config{RootCAs: c.RootCAs, MinVersion: tls.VersionTLS12}
	to := &Client{issuer: issuer, agent: c.Agent, Pause: wait, http: &http.Client{
		Transport: transport, Timeout: patience,
		// A token must not be sent to an address that another one names.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	to.tokens = tokens{Credentials: c.Credentials, issuer: issuer, agent: c.Agent, http: to.http}
	return to, to.tokens.check()
}

// Issuer returns the issuer of the tenant.
func (c *Client) Issuer() string { return c.issuer }

// issuerOf returns the issuer of a tenant of the server.
func issuerOf(server, tenant string) (string, error) {
	u, err := url.Parse(server)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "", fmt.Errorf("--server %q: write the issuer of the server, such as https://id.example.com", server)
	case u.Scheme == "http" && !loopback(u.Hostname()), u.Scheme != "http" && u.Scheme != "https":
		return "", fmt.Errorf("--server %q: write an https URL; tokens are sent in clear to this machine only", server)
	}
	issuer := strings.TrimSuffix(u.String(), "/")
	if tenant != storage.DefaultTenant && !strings.HasSuffix(u.Path, "/t/"+tenant) {
		issuer += "/t/" + url.PathEscape(tenant)
	}
	return issuer, nil
}

// loopback reports whether the host is this machine.
func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// wait returns after d, or when ctx is done.
func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Call is a request to the API.
type Call struct {
	Method, Path string // Path is below /api/v1, escaped
	In           any    // the body; nil for none
}

// Do sends a request, and reads its answer into out, unless that is nil. A POST is carried out once, however often it
// has to be sent. The header is that of the answer.
func (c *Client) Do(ctx context.Context, r Call, out any) (http.Header, error) {
	var body []byte
	if r.In != nil {
		var err error
		if body, err = json.Marshal(r.In); err != nil {
			return nil, err
		}
	}
	key := ""
	if r.Method == http.MethodPost {
		key = rand.Text()
	}
	renewed := false
	for try := 1; ; try++ {
		resp, err := c.send(ctx, r, body, key)
		if err != nil {
			if try < mostTries && interrupted(err) && c.Pause(ctx, time.Second) == nil {
				continue
			}
			return nil, c.unreachable(err)
		}
		problem, err := c.read(resp, out)
		switch {
		case err != nil:
			return nil, err
		case problem == nil:
			return resp.Header, nil
		case problem.Status == http.StatusUnauthorized && !renewed && c.tokens.renew():
			renewed = true // it expired, or was revoked, in the middle of a long run
			continue
		}
		d, ok := problem.again(resp.Header, try)
		if !ok {
			return resp.Header, problem
		}
		if err := c.Pause(ctx, d); err != nil {
			return nil, err
		}
	}
}

// send sends a request once.
func (c *Client) send(ctx context.Context, r Call, body []byte, key string) (*http.Response, error) {
	token, err := c.tokens.get(ctx)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, c.issuer+"/api/v1"+r.Path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	h := req.Header
	h.Set("Authorization", "Bearer "+token)
	h.Set("Accept", "application/json")
	h.Set("User-Agent", c.agent)
	if key != "" {
		h.Set("Idempotency-Key", key)
	}
	if r.Method == http.MethodPatch {
		h.Set("Content-Type", "application/merge-patch+json")
	} else if body != nil {
		h.Set("Content-Type", "application/json")
	}
	return c.http.Do(req)
}

// read reads an answer into out, or returns the problem that it is.
func (c *Client) read(resp *http.Response, out any) (*Problem, error) {
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, c.unreachable(err)
	case len(body) > maxAnswer:
		return nil, fmt.Errorf("%s: the answer is too large", c.issuer)
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		return nil, fmt.Errorf("%s leads elsewhere, to %.200q: write the issuer itself after --server", c.issuer,
			resp.Header.Get("Location"))
	case resp.StatusCode >= 300:
		p := &Problem{server: c.issuer}
		if json.Unmarshal(body, p) != nil || p.Code == "" {
			return nil, fmt.Errorf("%s answers %d, and not as a Vouchsafe server does: is this the issuer, and does a proxy "+
				"let /api/v1 through?", c.issuer, resp.StatusCode)
		}
		p.Status = resp.StatusCode
		return p, nil
	case out == nil || resp.StatusCode == http.StatusNoContent:
		return nil, nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return nil, fmt.Errorf("%s answers %d, and what isn't the JSON of this release: %w", c.issuer, resp.StatusCode, err)
	}
	return nil, nil
}

// interrupted reports whether a connection broke, so that another one may do.
func interrupted(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.EPIPE)
}

// unreachable returns why the server was not reached, with what the operator can do.
func (c *Client) unreachable(err error) error {
	var own *credentialError
	var authority x509.UnknownAuthorityError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &own), errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &authority):
		return fmt.Errorf("%s: its certificate is signed by an authority that this machine doesn't trust: name the "+
			"authority's certificate with --extra-ca-file", c.issuer)
	case errors.As(err, &certificate):
		return fmt.Errorf("%s: its certificate isn't valid: %w", c.issuer, certificate.Err)
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return fmt.Errorf("%s can't be reached: %w", c.issuer, err)
}

// Path returns a path with escaped segments.
func Path(segments ...string) string {
	var b strings.Builder
	for _, s := range segments {
		b.WriteString("/" + url.PathEscape(s))
	}
	return b.String()
}

// retryAfter returns how long the header asks to wait; 0 if it does not say.
func retryAfter(h http.Header) time.Duration {
	n, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || n < 0 {
		return 0
	}
	return time.Duration(n) * time.Second
}

// Get reads what is at a path.
func (c *Client) Get(ctx context.Context, path string, out any) error {
	_, err := c.Do(ctx, Call{Method: http.MethodGet, Path: path}, out)
	return err
}

// Send sends a request with a body, which may be nil, and reads the answer into out, unless that is nil.
func (c *Client) Send(ctx context.Context, method, path string, in, out any) error {
	_, err := c.Do(ctx, Call{Method: method, Path: path, In: in}, out)
	return err
}

// Remove removes what is at a path.
func (c *Client) Remove(ctx context.Context, path string) error {
	return c.Send(ctx, http.MethodDelete, path, nil, nil)
}
