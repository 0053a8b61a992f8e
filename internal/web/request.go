package web

import (
	"context"
	"crypto/x509"
	"io"
	"log/slog"
	"net/http"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
)

// Request is what the log line, the audit trail and the error page know about a request.
type Request struct {
	ID string // a UUIDv7 made by Edge; an id that the client sends is ignored
	IP string // the address of the peer, or the one that a trusted proxy names
	// Route is the pattern that the router matched, or "". Metrics use it.
	Route string
	// LoggedPath is what the log has in the place of a path that names a user; "" for the path itself.
	LoggedPath string
	// Locales are the ui_locales of the authorization request that the request belongs to. They are
	// empty until the protocol has read it and called SetLocales.
	Locales []string
	// Language is the language of the answer, once a page has chosen it.
	Language string
	// body is the body of the request without a bound, for AllowUpload.
	body io.ReadCloser
	// attrs are the attributes that Note has added for the log line.
	attrs []slog.Attr
	// tenant is the request's tenant, once Tenancy has found it.
	tenant *issuer.Tenant
	// answer is the header of the answer.
	answer http.Header
	// certificates reads what the client presented in TLS; nil if certificates count for nothing.
	certificates func(*http.Request) (Certificates, error)
}

// Certificates are what the client of a request presented in TLS, to this server or to a trusted proxy.
type Certificates struct {
	// Own is the client's own certificate. TLS has shown that the client has its private key.
	Own *x509.Certificate
	// Intermediates are those that the client sent with it.
	Intermediates []*x509.Certificate
}

type requestKey struct{}

// RequestOf returns the Request in the context, or an empty one if the context did not pass through
// Edge.
func RequestOf(ctx context.Context) *Request {
	if r, ok := ctx.Value(requestKey{}).(*Request); ok {
		return r
	}
	return &Request{}
}

// SetLocales records the languages that a client's authorization request asks for. The next page or
// message chooses its language anew.
func (r *Request) SetLocales(locales []string) { r.Locales, r.Language = locales, "" }

// SetHeader sets a line in the header of the answer to the request, for code below the handlers.
func SetHeader(ctx context.Context, name, value string) {
	if h := RequestOf(ctx).answer; h != nil {
		h.Set(name, value)
	}
}

// Note adds an attribute to the request's log line. The value must not be a secret.
func Note(ctx context.Context, key, value string) {
	r := RequestOf(ctx)
	r.attrs = append(r.attrs, slog.String(key, value))
}
