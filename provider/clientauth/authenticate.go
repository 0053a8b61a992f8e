package clientauth

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/mtls"
	"github.com/vouchsafe/vouchsafe/storage"
)

// credentials are what a request brought to authenticate its client, by one method.
type credentials struct {
	method    string // as in token_endpoint_auth_method
	clientID  string
	secret    string // client_secret_basic, client_secret_post
	asIs      string // the secret of Basic before it was decoded; "" if that is the same
	assertion *assertion
	// certificates are what the client presented in TLS, if it sent nothing else.
	certificates web.Certificates
}

// Authenticate returns the client that sends the request with its form. The client must use the
// method that it is registered for, or one of the two for secrets if it is registered for none, and
// no second one besides it (RFC 6749 section 2.3); and it must be one of the methods that the
// endpoint takes.
//
// Failures have the same answer and cost, whether the client is unknown or its secret wrong: one
// comparison, one count, one read. It is no secret whether a client exists, because /authorize
// shows it. But guesses for unknown clients should not be cheaper.
func (a *Authenticator) Authenticate(
	ctx context.Context, r *http.Request, form url.Values, methods []string,
) (*storage.Client, error) {
	t := web.TenantOf(ctx)
	creds, err := readCredentials(r, form)
	if err != nil {
		NoteUnauthenticated(ctx, form.Get("client_id"), err)
		return nil, err
	}
	client, err := a.authenticatedClient(ctx, t, creds, time.Now())
	if err == nil && !slices.Contains(methods, creds.method) {
		err = fosite.ErrInvalidClient.WithDescription(
			"This endpoint needs a client that authenticates with " + strings.Join(methods, " or ") + ".",
		)
	}
	if err != nil {
		NoteUnauthenticated(ctx, creds.clientID, err)
	}
	var failed *authError
	if errors.As(err, &failed) {
		reason := "unknown client, wrong credentials, or a method that the client isn't registered for"
		if a.Development && failed.method {
			reason = failed.why // why contains no secret: it says what came and what was expected
		}
		return nil, fosite.ErrInvalidClient.WithDescription("Client authentication failed: " + reason + ".").WithWrap(err)
	}
	if err != nil {
		return nil, err
	}
	return client, nil
}

// authenticatedClient returns the client that the credentials authenticate.
func (a *Authenticator) authenticatedClient(ctx context.Context, t *issuer.Tenant, creds *credentials,
	now time.Time,
) (*storage.Client, error) {
	client, err := a.Clients.Enabled(ctx, t.ID, creds.clientID)
	known := err == nil
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return nil, fmt.Errorf("client: %w", err)
	}
	try := &attempt{by: a, tenant: t.ID, client: creds.clientID}
	admit := func() error { return try.admit(ctx) }
	if known {
		err = a.checkCredentials(ctx, t, client, creds, admit, now)
	} else {
		a.secrets.matchNone(creds.secret)
		err = &authError{why: "no such client"}
	}
	var failed *authError
	if err == nil || !errors.As(err, &failed) {
		try.done(ctx, err)
		return client, err
	}
	if refused := admit(); refused != nil {
		return nil, refused
	}
	if !known {
		return nil, err // it was looked up in storage just now
	}
	// A secret or a key may have been added since the client was read into the cache.
	fresh, loadErr := a.Clients.Fresh(ctx, t.ID, creds.clientID)
	switch {
	case errors.Is(loadErr, storage.ErrNotFound):
		return nil, err
	case loadErr != nil:
		return nil, fmt.Errorf("client: %w", loadErr)
	case fresh.Disabled, reflect.DeepEqual(client, fresh):
		return nil, err
	}
	err = a.checkCredentials(ctx, t, fresh, creds, admit, now)
	try.done(ctx, err)
	return fresh, err
}

// checkCredentials returns nil if the credentials authenticate the client, an *authError if they do not,
// and any other error if it cannot tell.
func (a *Authenticator) checkCredentials(ctx context.Context, t *issuer.Tenant, c *storage.Client, creds *credentials,
	admit func() error, now time.Time,
) error {
	if creds.assertion != nil && creds.assertion.workload {
		return a.checkWorkload(ctx, t, c, creds.assertion, now)
	}
	if creds.method == "none" && creds.certificates.Own != nil && clients.ByCertificate(c.TokenEndpointAuthMethod) {
		creds.method = c.TokenEndpointAuthMethod
	}
	if allowed := methodsOf(c); !slices.Contains(allowed, creds.method) {
		return &authError{"the request uses " + creds.method + ", and the client is registered for " + strings.Join(allowed,
			" or "), true}
	}
	switch creds.method {
	case "none":
		return nil
	case "client_secret_basic", "client_secret_post":
		return a.checkSecret(ctx, c, creds, admit)
	case "private_key_jwt":
		return a.checkAssertion(ctx, t, c, creds.assertion, now)
	case clients.ByAuthority:
		return failed(a.Authorities.ByAuthority(c, creds.certificates, now))
	case clients.BySelfSigned:
		keys, err := a.clientKeys(ctx, c, "")
		if err == nil {
			err = mtls.BySelfSigned(keys, creds.certificates, now)
		}
		return failed(err)
	}
	return &authError{why: "registered for an unknown method"}
}

// failed returns the error of a client whose credentials are wrong for that reason; nil for nil.
func failed(why error) error {
	if why == nil {
		return nil
	}
	return &authError{why: why.Error()}
}

// methodsOf returns the methods that the client may use: the one that it is registered for or, if
// there is none, its secret in either place. RFC 7591 section 2 makes Basic the default, but as
// many libraries send the secret in the form, and some alternate.
func methodsOf(c *storage.Client) []string {
	if c.TokenEndpointAuthMethod == "" {
		return secretMethods
	}
	return []string{c.TokenEndpointAuthMethod}
}

var secretMethods = []string{"client_secret_basic", "client_secret_post"}

// checkSecret compares the secret. Half of all libraries do not encode what they send by Basic,
// although RFC 6749 section 2.3.1 demands it. Their secret is right as it came.
func (a *Authenticator) checkSecret(ctx context.Context, c *storage.Client, creds *credentials,
	admit func() error,
) error {
	ok, err := a.secrets.match(ctx, c.SecretHashes, creds.secret, admit)
	if err == nil && !ok && creds.asIs != "" {
		ok, err = a.secrets.match(ctx, c.SecretHashes, creds.asIs, admit)
	}
	if err == nil && !ok {
		return &authError{why: "the secret is not the client's"}
	}
	return err
}

// readCredentials reads the credentials of a request, which must use exactly one method.
func readCredentials(r *http.Request, form url.Values) (*credentials, error) {
	header := r.Header.Values("Authorization")
	secret, posted := form.Get("client_secret"), form.Has("client_secret")
	asserted := form.Has("client_assertion") || form.Has("client_assertion_type")
	methods := len(header)
	for _, used := range []bool{posted, asserted} {
		if used {
			methods++
		}
	}
	if methods > 1 {
		return nil, fosite.ErrInvalidRequest.WithDescription("Use one method of client authentication, not several.")
	}
	creds := &credentials{method: "none", clientID: form.Get("client_id")}
	switch {
	case len(header) == 1:
		creds.method = "client_secret_basic"
		var ok bool
		id := creds.clientID
		if creds.clientID, creds.secret, creds.asIs, ok = parseBasic(header[0]); !ok {
			return nil, fosite.ErrInvalidClient.WithDescription("The Authorization header has no valid Basic credentials, " +
				"each form-urlencoded (RFC 6749 section 2.3.1).")
		}
		if id != "" && id != creds.clientID {
			return nil, fosite.ErrInvalidRequest.WithDescription("client_id differs from the one in the Authorization header.")
		}
		if creds.secret == "" {
			creds.method = "none" // some libraries send a public client's id this way
		}
	case posted:
		creds.method, creds.secret = "client_secret_post", secret
	case asserted:
		creds.method = "private_key_jwt"
		var err error
		if creds.assertion, err = readAssertion(form); err != nil {
			return nil, fosite.ErrInvalidClient.WithDescription("The client assertion isn't a valid JWT for RFC 7523 " +
				"section 2.2.").WithWrap(err)
		}
		if !creds.assertion.workload {
			creds.clientID = creds.assertion.Subject
		}
	case creds.clientID != "" && form.Get("grant_type") == clients.BearerGrant:
		// The token of a workload is both: what authenticates the client, and what it asks with.
		if signed, err := parseAssertion(form.Get("assertion"), workloadTypes); err == nil {
			creds.method, creds.assertion, signed.workload = "private_key_jwt", signed, true
		}
	}
	if creds.method == "none" {
		var err error
		if creds.certificates, err = web.ClientCertificates(r); err != nil {
			return nil, fosite.ErrInvalidRequest.WithDescription("The client's certificate can't be read: " + err.Error() + ".")
		}
	}
	if creds.clientID == "" {
		return nil, fosite.ErrInvalidClient.WithDescription("The request doesn't name its client: send client_id or " +
			"client credentials.")
	}
	return creds, nil
}

// parseBasic reads Basic credentials. Both halves are form-urlencoded before they are joined (RFC
// 6749 section 2.3.1), so that an id may contain a colon. asIs is the secret before it was decoded,
// or "" if that is the same.
func parseBasic(header string) (id, secret, asIs string, ok bool) {
	scheme, value, found := strings.Cut(header, " ")
	if !found || !strings.EqualFold(scheme, "Basic") {
		return "", "", "", false
	}
	raw, err := base64.StdEncoding.DecodeString(strings.Trim(value, " "))
	if err != nil {
		return "", "", "", false
	}
	rawID, rawSecret, found := strings.Cut(string(raw), ":")
	if !found {
		return "", "", "", false
	}
	id, err = url.QueryUnescape(rawID)
	if err != nil || id == "" || !storage.WellFormed(id) {
		return "", "", "", false
	}
	if strings.Contains(rawID, "+") && !strings.Contains(rawID, "%") {
		id = rawID // ids contain no spaces: these are plus signs that were not encoded
	}
	if secret, err = url.QueryUnescape(rawSecret); err != nil {
		secret = rawSecret // a percent sign that was not encoded
	}
	if !storage.WellFormed(secret) || !storage.WellFormed(rawSecret) {
		return "", "", "", false
	}
	if secret != rawSecret {
		asIs = rawSecret
	}
	return id, secret, asIs, true
}
