package authorize

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/dpop"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/storage"
)

// requestURIPrefix is how each request URI of ours begins (RFC 9126 section 2.2). The sealed request follows.
const requestURIPrefix = "urn:ietf:params:oauth:request_uri:"

// pushedLifetime is how long after a client pushed a request a browser may bring its request URI.
const pushedLifetime = 90 * time.Second

// pushedHeader is how many bytes stand before a sealed request: id and time.
const pushedHeader = 16 + 8

// pushedMark is how many bytes openPushed, marked and bindPushed add to a request, at most.
const pushedMark = 160

// pushedProofs bounds how many proofs of clients without credentials are stored for one address.
var pushedProofs = limit.Rule{Name: "pushed-proofs", Max: 600, Window: 10 * time.Minute}

// Push serves the endpoint for pushed authorization requests (RFC 9126). The client authenticates and posts what it
// would put into the address of the authorization endpoint. The request is checked now, as it is there, and sealed
// into the request URI: nothing is stored. The errors are protocol errors.
func (s *Server) Push(w http.ResponseWriter, r *http.Request) error {
	form, err := oauth.PostForm(w, r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	// Before the client authenticates: a proof without a current nonce must not spend the client's assertion.
	proof, err := s.Proofs.Read(r, "")
	if err != nil {
		return err
	}
	client, err := s.Engine.AuthenticateClient(ctx, r, form)
	if err != nil {
		return err
	}
	web.Note(ctx, "client", client.GetID())
	for _, credential := range []string{"client_secret", "client_assertion", "client_assertion_type"} {
		form.Del(credential)
	}
	switch named := form.Get("client_id"); {
	case form.Has("request_uri"):
		return fosite.ErrInvalidRequest.WithDescription("request_uri can't be pushed (RFC 9126 section 2.1).")
	case named != "" && named != client.GetID():
		return fosite.ErrInvalidRequest.WithDescription("client_id isn't the client that authenticated.")
	}
	form.Set("client_id", client.GetID())
	a, err := s.parse(r, form, request{pushed: "now"})
	if prob, ok := errors.AsType[*web.Problem](err); ok && prob.Developer != "" { // for a page; this is a program
		err = fosite.ErrInvalidRequest.WithDescription(prob.Developer)
	}
	if err != nil {
		return err
	}
	a.asked = a.marked()
	if a.signed == "" && len(a.asked) > oauth.MaxRequest-pushedMark { // openObject has measured a signed request
		return oauth.ErrTooLarge
	}
	if err := s.bindPushed(ctx, a, proof); err != nil {
		return err
	}
	answer, err := s.Engine.NewPushedAuthorizeResponse(ctx, a.request, a)
	if err != nil {
		return err
	}
	return oauth.WriteJSON(w, http.StatusCreated, struct {
		URI       string `json:"request_uri"`
		ExpiresIn int    `json:"expires_in"`
	}{answer.GetRequestURI(), answer.GetExpiresIn()})
}

// bindPushed binds the code to the key of the proof that came with a pushed request (RFC 9449 section 10.1), and spends
// the proof.
func (s *Server) bindPushed(ctx context.Context, a *authorization, proof dpop.Proof) error {
	switch {
	case !proof.Given() || a.client.DPoP == storage.DPoPOff:
		return nil
	case a.jkt != "" && a.jkt != proof.JKT:
		return oauth.ErrInvalidDPoPProof.WithDescription("dpop_jkt isn't the thumbprint of the key of the DPoP proof.")
	}
	if err := proof.AllowedFor(a.client); err != nil {
		return err
	}
	if from := web.RequestOf(ctx).IP; a.client.Public() { // proofs are stored, and any program may name such a client
		err := oauth.Admit(ctx, s.Limits, "Too many requests with a DPoP proof were pushed from this IP address.",
			limit.Networks(from, pushedProofs, limit.Stays)...)
		if err != nil {
			return err
		}
	}
	if a.jkt == "" {
		a.asked += "&dpop_jkt=" + proof.JKT
	}
	return s.Proofs.Spend(ctx, proof)
}

// PushHandlers returns the handlers of pushed requests, for registration with the Engine.
func (s *Server) PushHandlers() fosite.PushedAuthorizeEndpointHandlers {
	return fosite.PushedAuthorizeEndpointHandlers{pushHandler{s}}
}

// pushHandler makes request URIs, in place of fosite's handler, which stores the form with the client's secret.
type pushHandler struct{ *Server }

// HandlePushedAuthorizeEndpointRequest implements fosite.PushedAuthorizeEndpointHandler.
func (h pushHandler) HandlePushedAuthorizeEndpointRequest(
	_ context.Context, r fosite.AuthorizeRequester, answer fosite.PushedAuthorizeResponder,
) error {
	a := r.GetSession().(*authorization)
	b := make([]byte, 16, pushedHeader+len(a.asked))
	rand.Read(b)
	b = binary.BigEndian.AppendUint64(b, uint64(a.started.UnixMicro()))
	b = append(b, a.asked...)
	answer.SetRequestURI(requestURIPrefix + h.Secrets.Box(a.tenant.ID, secret.PushedRequest).SealString(b))
	answer.SetExpiresIn(int(pushedLifetime.Seconds()))
	return nil
}

// isPushed reports whether the query names a request URI of ours.
func isPushed(query url.Values) bool {
	return strings.HasPrefix(query.Get("request_uri"), requestURIPrefix)
}

// openPushed returns the request to which the query's request URI leads, with what readMarks finds. All else that
// stands beside it does not count (RFC 9126 section 4), so that a user or an attacker at the browser can change
// nothing. Whether the URI was used is asked later: before a page is shown, and for a code.
func (s *Server) openPushed(ctx context.Context, query url.Values) (string, error) {
	t := web.TenantOf(ctx)
	sealed := strings.TrimPrefix(query.Get("request_uri"), requestURIPrefix)
	b, err := s.Secrets.Box(t.ID, secret.PushedRequest).OpenString(sealed)
	if err != nil || len(b) < pushedHeader || len(query["request_uri"]) > 1 {
		return "", badRequestURI("The request_uri can't be read: it was cut off or changed, another issuer made it, or the " +
			"master secret has changed.")
	}
	id, asked := base64.RawURLEncoding.EncodeToString(b[:16]), string(b[pushedHeader:])
	at := time.UnixMicro(int64(binary.BigEndian.Uint64(b[16:pushedHeader]))).UTC()
	form, err := url.ParseQuery(asked)
	if err != nil {
		return "", err
	}
	switch named := query["client_id"]; {
	case len(named) != 1 || named[0] != form.Get("client_id"):
		return "", badRequestURI("client_id must be the client that pushed the request; send it beside request_uri " +
			"(RFC 9126 section 4).")
	case !storage.Within(at, time.Now(), pushedLifetime):
		prob := badRequestURI("The request_uri has expired. Push a new request for each sign-in, when it begins.")
		prob.Title, prob.Message = "problem.expired.title", "problem.expired"
		return "", prob
	}
	return asked + "&request_uri=" + id, nil
}

// isFinished reports whether the request with that id has given a code. It does not know while the memory is away: then
// the code alone is used once.
func (s *Server) isFinished(ctx context.Context, t *issuer.Tenant, id string) bool {
	_, err := s.Ephemeral.Get(ctx, finishedKey(t, id))
	return err == nil
}

// usedRequestURI returns the problem of a request URI whose request has given a code.
func usedRequestURI() *web.Problem {
	prob := badRequestURI("The request_uri was used. Push a new request for each sign-in.")
	prob.Title, prob.Message = "problem.signed_in.title", "problem.signed_in"
	return prob
}

// badRequestURI returns a problem about a request URI (RFC 9101 section 7).
func badRequestURI(developer string) *web.Problem {
	prob := badRequest(developer)
	prob.Code = "invalid_request_uri"
	return prob
}
