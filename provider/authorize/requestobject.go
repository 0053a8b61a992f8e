package authorize

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/jws"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	// objectLife is how far in the future exp of a request object may be.
	objectLife = time.Hour
	// objectSkew is how far the clocks of clients may differ.
	objectSkew = 30 * time.Second
	// maxRequestObject bounds what is read of a request object that is refused, in bytes of its JSON.
	maxRequestObject = 4 << 10
)

// requestObject has the claims of a request object that are no parameters of the request (RFC 9101 section 4).
type requestObject struct {
	Issuer    string            `json:"iss"`
	Subject   string            `json:"sub"`
	Audience  oauth.Audiences   `json:"aud"`
	ClientID  string            `json:"client_id"`
	ExpiresAt oauth.NumericDate `json:"exp"`
	NotBefore oauth.NumericDate `json:"nbf"`
	IssuedAt  oauth.NumericDate `json:"iat"`
}

// notParameters are the members of a request object that never count as parameters: claims about the object itself,
// and credentials of the client.
var notParameters = []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_secret", "client_assertion",
	"client_assertion_type"}

// openObject replaces the form by what the client has signed, if it sent a request object (RFC 9101 section 6). What
// stands beside the object does not count. The authorization names the object then.
func (s *Server) openObject(ctx context.Context, a *authorization) error {
	value := a.form["request"]
	switch {
	case len(value) == 0:
		return nil
	case len(value) > 1:
		return fosite.ErrInvalidRequest.WithDescription("The parameter request appears more than once.")
	case a.form.Has("request_uri"):
		return fosite.ErrInvalidRequest.WithDescription("Send request or request_uri, not both (RFC 9101 section 5).")
	}
	form, err := s.readObject(ctx, a, value[0])
	if err != nil {
		return err
	}
	if len(form.Encode()) > oauth.MaxRequest-pushedMark {
		return fosite.ErrInvalidRequestObject.WithDescription("The request object is too long.")
	}
	signed, _ := jws.Signed(value[0]) // the signature does not identify it: others can be derived from one of ECDSA
	sum := sha256.Sum256([]byte(signed))
	a.form, a.signed = form, base64.RawURLEncoding.EncodeToString(sum[:16])
	if a.pushed == "" && s.isFinished(ctx, a.tenant, a.signed) {
		prob := badRequest("The request object was used. Sign a new one for each sign-in.")
		prob.Code = fosite.ErrInvalidRequestObject.ErrorField
		prob.Title, prob.Message = "problem.signed_in.title", "problem.signed_in"
		return prob
	}
	return nil
}

// readObject returns the parameters in a request object of the client.
func (s *Server) readObject(ctx context.Context, a *authorization, object string) (url.Values, error) {
	c := a.client
	if strings.HasSuffix(object, ".") || !clients.HasJWKS(c) && c.JWKSURI == "" {
		return nil, fosite.ErrRequestNotSupported.WithDescription("Request objects have to be signed by a key of the " +
			"client: register jwks or jwks_uri, or send the parameters themselves.")
	}
	invalid := func(err error) error {
		web.Note(ctx, "why", err.Error())
		return fosite.ErrInvalidRequestObject.WithDescription("The request object isn't valid: " + err.Error() + ".")
	}
	if strings.Count(object, ".") == 4 {
		return nil, invalid(errors.New("it is encrypted, which isn't supported"))
	}
	parsed, err := jws.Parse(object, clients.AssertionAlgorithms)
	if err != nil {
		web.Note(ctx, "why", err.Error())
		return nil, fosite.ErrInvalidRequestObject.WithDescription("The request object is no JWT that is signed by a " +
			"supported algorithm; see request_object_signing_alg_values_supported.")
	}
	if typ := jws.Type(parsed); !slices.Contains([]string{"", "jwt", "oauth-authz-req+jwt"}, typ) {
		return nil, invalid(errors.New("typ has to be oauth-authz-req+jwt"))
	}
	if err := s.Signed(ctx, c, parsed, c.RequestObjectSigningAlg); err != nil {
		web.Note(ctx, "why", err.Error())
		return nil, fosite.ErrInvalidRequestObject.WithDescription("The request object isn't signed by a key and an " +
			"algorithm that the client is registered for.")
	}
	form, err := readSigned(a.tenant, c, parsed, time.Now())
	if err != nil {
		return nil, invalid(err)
	}
	return form, nil
}

// readSigned checks the claims of a request object whose signature is the client's, and returns its parameters.
func readSigned(t *issuer.Tenant, c *storage.Client, parsed *jose.JSONWebSignature, now time.Time) (url.Values, error) {
	plain := parsed.UnsafePayloadWithoutVerification()
	var o requestObject
	members := map[string]any{}
	read := json.NewDecoder(bytes.NewReader(plain))
	read.UseNumber()
	if json.Unmarshal(plain, &o) != nil || read.Decode(&members) != nil {
		return nil, errors.New("its claims can't be read")
	}
	if err := o.check(t, c, now); err != nil {
		return nil, err
	}
	form := url.Values{}
	for name, value := range members {
		if slices.Contains(notParameters, name) {
			continue
		}
		if name == "request" || name == "request_uri" {
			return nil, errors.New("it has " + name + " (RFC 9101 section 4)")
		}
		if err := addParameter(form, name, value); err != nil {
			return nil, err
		}
	}
	form.Set("client_id", c.ClientID)
	oauth.DropEmpty(form)
	return form, nil
}

// check checks the claims about the object itself. The audience must be this server and nothing else: another one in
// the list could use the object here.
func (o *requestObject) check(t *issuer.Tenant, c *storage.Client, now time.Time) error {
	ours := []string{t.Issuer, t.URL("/authorize"), t.URL("/par")}
	foreign := func(aud string) bool { return !slices.Contains(ours, aud) }
	switch {
	case o.Issuer != c.ClientID:
		return errors.New("iss isn't the client's id")
	case o.ClientID != "" && o.ClientID != c.ClientID:
		return errors.New("client_id isn't the one beside the request object")
	case o.Subject == c.ClientID: // RFC 9101 section 10.8: it could be a client assertion
		return errors.New("sub is the client's id")
	case len(o.Audience) == 0 || slices.ContainsFunc(o.Audience, foreign):
		return errors.New("aud isn't the issuer")
	case !o.ExpiresAt.After(now.Add(-objectSkew)):
		return errors.New("it has expired, or has no exp")
	case o.ExpiresAt.After(now.Add(objectLife + objectSkew)):
		return errors.New("exp is more than an hour away")
	case o.NotBefore.After(now.Add(objectSkew)):
		return errors.New("nbf is in the future")
	case o.IssuedAt.After(now.Add(objectSkew)):
		return errors.New("iat is in the future")
	}
	return nil
}

// addParameter adds a member of a request object to a form, as the client would have sent it by itself: a text, a
// number (max_age), an object (claims) or a list of texts (resource).
func addParameter(form url.Values, name string, value any) error {
	switch v := value.(type) {
	case nil:
	case string:
		form.Set(name, v)
	case json.Number:
		form.Set(name, v.String())
	case bool:
		form.Set(name, fmt.Sprint(v))
	case map[string]any:
		text, err := json.Marshal(v)
		if err != nil {
			return err
		}
		form.Set(name, string(text))
	case []any:
		for _, one := range v {
			text, ok := one.(string)
			if !ok {
				return errors.New(name + " is a list of other things than texts")
			}
			form.Add(name, text)
		}
	}
	return nil
}

// answerRefusedObject makes the refusal of a request object answerable, where the redirect URI beside it is the
// client's. It returns another error if that is not.
func answerRefusedObject(a *authorization, err error) error {
	if oauth.Refusal(err) == nil || !a.form.Has("redirect_uri") {
		return err
	}
	if wrong := checkRedirectURI(a, a.form); wrong != nil {
		return wrong
	}
	wanted := answerWishes(a.form)
	a.state, a.hasState = wanted.State, wanted.State != ""
	if slices.Contains(oauth.ResponseModes, fosite.ResponseModeType(wanted.ResponseMode)) {
		a.mode = fosite.ResponseModeType(wanted.ResponseMode)
	}
	return err
}

// answerWish is how a client wants to be answered: by which response mode, with which state.
type answerWish struct {
	State        string `json:"state"`
	ResponseMode string `json:"response_mode"`
}

// answerWishes reads how the client wants to be answered. A request object that is refused was not believed, but
// the client that sent it waits for the answer in the way that the object says, which counts before what
// stands beside it. An attacker who could make it up could as well write the parameters beside it.
func answerWishes(form url.Values) answerWish {
	var out answerWish
	if states := form["state"]; len(states) == 1 {
		out.State = states[0]
	}
	if modes := form["response_mode"]; len(modes) == 1 {
		out.ResponseMode = modes[0]
	}
	objects := form["request"]
	if len(objects) != 1 {
		return out
	}
	_, rest, _ := strings.Cut(objects[0], ".")
	payload, _, ok := strings.Cut(rest, ".")
	if !ok || len(payload) > base64.RawURLEncoding.EncodedLen(maxRequestObject) {
		return out
	}
	plain, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return out
	}
	inner := out
	if json.Unmarshal(plain, &inner) != nil { // encrypted, or no request object at all
		return out
	}
	if !slices.Contains(oauth.ResponseModes, fosite.ResponseModeType(inner.ResponseMode)) {
		inner.ResponseMode = out.ResponseMode
	}
	return inner
}
