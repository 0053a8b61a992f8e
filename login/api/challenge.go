package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people/passkey"
	"github.com/vouchsafe/vouchsafe/storage"
)

// ChallengePath is the path of the authorization challenge endpoint.
const ChallengePath = "/authorize-challenge"

// challenged is an answer of the authorization challenge endpoint that is not a code: what
// is wrong, or what more is needed (draft-ietf-oauth-first-party-apps-04 section 5.2.2).
type challenged struct {
	Error       string          `json:"error"`
	Description string          `json:"error_description,omitempty"`
	AuthSession string          `json:"auth_session,omitempty"`
	Methods     []string        `json:"methods,omitempty"` // what would do next, each by itself
	Passkey     json.RawMessage `json:"passkey,omitempty"` // options and state, with the method passkey
	Message     string          `json:"message,omitempty"` // for the user, in their language
	Errors      []jsonapi.Fault `json:"errors,omitempty"`  // what they entered wrongly
}

// challenge serves the authorization challenge endpoint. A first-party app sends the proofs of its user, in as
// many requests as it takes, and gets an authorization code in the end. It is /auth/sign-in in the form of an
// authorization request.
func (s *Server) challenge(w http.ResponseWriter, r *http.Request) {
	a, out, err := s.challengeStep(w, r)
	if err == nil {
		err = jsonapi.Write(w, http.StatusOK, out)
	}
	if err != nil {
		s.challengeFail(w, r, a, err)
	}
}

// codeAnswer is the last answer, which has the authorization code.
type codeAnswer struct {
	Code        string `json:"authorization_code"`
	AuthSession string `json:"auth_session"`
}

// errMoreProof says that the requests so far do not prove the account.
var errMoreProof = errors.New("more proof is needed")

// challengeStep proves what the request brings, and returns the answer with the code if nothing is missing. It returns
// errMoreProof if something is; the asking is nil if it is not known which app asks.
func (s *Server) challengeStep(w http.ResponseWriter, r *http.Request) (*asking, codeAnswer, error) {
	form, err := s.Apps.Form(w, r)
	if err != nil {
		return nil, codeAnswer{}, err
	}
	a, asked, in, err := s.challengeRequest(r, form)
	if err != nil {
		return nil, codeAnswer{}, err
	}
	var f proofFields
	if err := jsonapi.Bind(proofsOf(form, a.kept), &f); err != nil {
		return a, codeAnswer{}, err
	}
	if channel := form.Get("channel"); channel != "" {
		if a.kept.Flow, err = s.StartSignInCode(a.Context(), a.asker, f.Login, channel, ""); err != nil {
			return a, codeAnswer{}, err
		}
		return a, codeAnswer{}, errMoreProof
	}
	if f.empty() && a.kept.Pending == "" {
		return a, codeAnswer{}, errMoreProof
	}
	sess, err := s.appProve(a, f)
	if err != nil {
		return a, codeAnswer{}, err
	}
	a.kept.Flow, a.kept.Request = "", nil
	var out codeAnswer
	if out.Code, err = s.Apps.Code(a.Context(), in.Client, asked, sess); err != nil {
		return a, out, err
	}
	out.AuthSession, err = a.kept.seal(s, a.Request)
	return a, out, err
}

// challengeRequest returns the app's request and the authorization that it asks for. Parameters of earlier
// requests with the same auth_session may be left out, and may not change.
func (s *Server) challengeRequest(r *http.Request, form url.Values) (*asking, url.Values, storage.Interaction, error) {
	if session := form.Get("auth_session"); session != "" && !form.Has("client_id") && !form.Has("client_assertion") &&
		r.Header.Get("Authorization") == "" {
		if kept, err := s.readAuthSession(r, session); err == nil {
			form.Set("client_id", kept.ClientID) // section 5.1
		}
	}
	// Before the app authenticates: a proof without a current nonce must not spend the app's assertion.
	key, spend, err := s.Apps.ProofOf(r)
	if err != nil {
		return nil, nil, storage.Interaction{}, err
	}
	app, err := s.Apps.App(r, form)
	if err != nil {
		return nil, nil, storage.Interaction{}, err
	}
	if err := allowedOrigin(r, app); err != nil {
		return nil, nil, storage.Interaction{}, err
	}
	kept, err := s.openAuthSession(r, app, form.Get("auth_session"))
	if err != nil {
		return nil, nil, storage.Interaction{}, err
	}
	for name, values := range kept.Request {
		if form.Has(name) && !slices.Equal(form[name], values) {
			return nil, nil, storage.Interaction{},
				&jsonapi.Problem{Status: http.StatusBadRequest, Code: "invalid_request",
					Detail: name + " differs from the request that auth_session began with."}
		}
		form[name] = values
	}
	if app.DPoP == storage.DPoPOff {
		key, spend = "", func() error { return nil }
	}
	if err := bindKey(form, kept, key); err != nil {
		return nil, nil, storage.Interaction{}, err
	}
	in, asked, err := s.Apps.Request(r.Context(), app, form)
	if err == nil {
		err = spend()
	}
	if err != nil {
		return nil, nil, in, err
	}
	if len(kept.Request) == 0 {
		kept.Pending, kept.Flow = "", "" // of another authorization
	}
	kept.Request = asked
	a := newAsking(r, app, kept)
	a.in = &in
	return a, asked, in, nil
}

// bindKey binds the code to the key of the request's proof. All requests with one auth_session have to
// prove the same key (draft-ietf-oauth-first-party-apps-04 section 5.3.1).
func bindKey(form url.Values, kept *authSession, key string) error {
	invalid := func(why string) error {
		return &jsonapi.Problem{Status: http.StatusBadRequest, Code: "invalid_dpop_proof", Detail: why}
	}
	switch named := form.Get("dpop_jkt"); {
	case key == "" && kept.Request.Has("dpop_jkt"):
		return invalid("auth_session is bound to a key: send a proof in the header DPoP with each request.")
	case key == "":
		return nil
	case named != "" && named != key:
		return invalid("The key of the proof isn't the one of dpop_jkt or auth_session.")
	}
	form.Set("dpop_jkt", key)
	return nil
}

// proofsOf returns the parameters of the form that prove a user's account, under their names in the JSON API.
func proofsOf(form url.Values, kept *authSession) map[string]any {
	out := map[string]any{}
	for _, name := range []string{"login", "password", "code", "token", "otp", "recovery_code", "new_password"} {
		if form.Has(name) {
			out[name] = form.Get(name)
		}
	}
	if form.Has("code") && kept.Flow != "" {
		out["flow"] = kept.Flow
	}
	if form.Get("remember") == "true" {
		out["remember"] = true
	}
	if form.Has("passkey") {
		out["passkey"] = jsonapi.Value(form.Get("passkey"))
	}
	return out
}

// challengeFail answers with the error, or with the proofs that are missing.
func (s *Server) challengeFail(w http.ResponseWriter, r *http.Request, a *asking, err error) {
	p := s.apiProblem(ui.Words(r), r, err)
	out := challenged{Error: p.Code, Description: texts.ASCII(s.apiProblem(texts.In(texts.Languages()[0]), r, err).Detail),
		Message: p.Detail, Errors: p.Errors}
	status := p.Status
	switch left, wants := p.More.(factorsLeft); {
	case errors.Is(err, errMoreProof):
		status, out.Error, out.Message = http.StatusForbidden, "insufficient_authorization", ""
		out.Description, out.Methods = "More is needed to know who it is: see methods.", s.firstMethods(a)
	case wants && len(left.Factors) == 0:
		out.Error, out.Description = "redirect_to_web", "A second factor has to be set up first, in the browser."
	case p.Code == passwordExpired.Code:
		out.Error, out.Methods = "insufficient_authorization", []string{"new_password"}
	case wants:
		out.Error, out.Methods = "insufficient_authorization", left.Factors
	case status == http.StatusUnprocessableEntity:
		status = http.StatusBadRequest
	}
	if a != nil && status < 500 {
		if err := s.challengeGoesOn(a, &out); err != nil {
			p, out = s.apiProblem(ui.Words(r), r, err), challenged{Error: "server_error"}
			status = p.Status
		}
	}
	web.Note(r.Context(), "error", out.Error)
	if status >= 500 {
		web.Note(r.Context(), "cause", err.Error())
	}
	if p.RetryAfter > 0 {
		w.Header().Set("Retry-After", web.RetryAfter(p.RetryAfter))
	}
	if p.Authenticate != "" {
		w.Header().Set("WWW-Authenticate", p.Authenticate)
	}
	_ = jsonapi.Write(w, status, out)
}

// challengeGoesOn adds to the answer what the app needs for its next request.
func (s *Server) challengeGoesOn(a *asking, out *challenged) (err error) {
	if slices.Contains(out.Methods, storage.MethodPasskey) {
		var c passkey.Challenge
		if c, err = s.appChallenge(a); err != nil {
			return err
		}
		if out.Passkey, err = json.Marshal(c); err != nil {
			return err
		}
	}
	out.AuthSession, err = a.kept.seal(s, a.Request)
	return err
}

// firstMethods returns the methods by which users of the tenant can begin to sign in; only "code" if the app
// has had a code sent.
func (s *Server) firstMethods(a *asking) (all []string) {
	if a.kept.Flow != "" {
		return []string{"code"}
	}
	for _, m := range []struct {
		name string
		is   bool
	}{
		{storage.MethodPassword, a.asker.UsesPasswords()},
		{storage.MethodEmail, s.OffersCodes(a.asker, storage.MethodEmail)},
		{storage.MethodPhone, s.OffersCodes(a.asker, storage.MethodPhone)},
		{storage.MethodPasskey, s.OffersPasskeys(a.asker)},
	} {
		if m.is {
			all = append(all, m.name)
		}
	}
	return all
}
