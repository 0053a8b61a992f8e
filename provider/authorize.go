package provider

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

// authorize is the dispatcher: the only place that knows what comes next. It parses
// the request, and either sends the browser to the page that settles the first unmet
// check, or to the client with a code.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) error {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodPost:
		return p.authorizePost(w, r)
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		return &web.Problem{Status: http.StatusMethodNotAllowed, Message: "problem.method"}
	}
	w.Header().Set("Cache-Control", "no-store")
	query := r.URL.RawQuery
	var resumed *letter
	cancelled, late := false, false
	if here, err := url.ParseQuery(query); err == nil && isLetter(here) {
		if resumed, err = p.openLetter(r, here.Get("i")); err != nil {
			return err
		}
		query, cancelled = resumed.query, here.Get("cancel") == "1" && !resumed.foreign
		if late = p.late(resumed); late {
			resumed = nil // the same request, as if it had just come: all is asked for and proven again
		}
	}
	if len(query) > oauth.MaxRequest {
		return tooLong()
	}
	form, err := url.ParseQuery(query)
	if err != nil {
		return &web.Problem{Status: http.StatusBadRequest, Code: "invalid_request", Message: "problem.damaged_address",
			Developer: "The query is not application/x-www-form-urlencoded: a % must be followed by two hexadecimal digits, and parameters are separated by &.", Err: err}
	}
	a, err := p.parseAuthorization(r, form, resumed)
	a.late = late
	if err == nil && cancelled {
		err = fosite.ErrAccessDenied.WithDescription("The person declined.")
	}
	if err == nil {
		err = p.decide(w, r, a, resumed, query)
	}
	if no := oauth.Refusal(err); no != nil && a.proven {
		web.Note(r.Context(), "error", no.ErrorField)
		return a.answer(url.Values{"error": {no.ErrorField}, "error_description": {oauth.Legible(oauth.Description(no))}}).write(w, r, p.Pages)
	}
	return p.asPageError(err)
}

// isLetter says whether the query is one that our pages send the browser back with. A
// client's request always names the client: what else it calls i is a parameter that is
// not understood, and passed over (RFC 6749 section 3.1).
func isLetter(query url.Values) bool { return query.Get("i") != "" && query.Get("client_id") == "" }

// authorizePost takes the request from a form and makes it a GET: a form that another
// site posts does not bring the session's cookie, the redirect that follows does.
func (p *Provider) authorizePost(w http.ResponseWriter, r *http.Request) error {
	if !oauth.IsForm(r) {
		return &web.Problem{Status: http.StatusUnsupportedMediaType, Code: "invalid_request", Message: "problem.unreadable",
			Developer: "POST /authorize takes application/x-www-form-urlencoded (OIDC Core 3.1.2.1)."}
	}
	r.Body = http.MaxBytesReader(w, r.Body, oauth.MaxRequest)
	if err := r.ParseForm(); err != nil {
		var tooBig *http.MaxBytesError
		if errors.As(err, &tooBig) {
			return tooLong()
		}
		return &web.Problem{Status: http.StatusBadRequest, Code: "invalid_request", Message: "problem.unreadable", Err: err}
	}
	r.PostForm.Del("i") // letters come by GET only
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", web.TenantOf(r.Context()).Path+"/authorize?"+r.PostForm.Encode())
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

func tooLong() error {
	return &web.Problem{Status: http.StatusRequestURITooLong, Code: "invalid_request", Message: "problem.too_long",
		Developer: "An authorization request may have " + strconv.Itoa(oauth.MaxRequest) + " bytes. Keep state in the application and send a reference to it."}
}

// decide sends the browser to the page that comes next, or to the client.
func (p *Provider) decide(w http.ResponseWriter, r *http.Request, a *authorization, resumed *letter, query string) error {
	if err := p.findAccount(r, a); err != nil {
		return err
	}
	unmet, err := p.next(r.Context(), a)
	if err != nil {
		return err
	}
	if unmet == nil {
		return p.issue(w, r, a, resumed)
	}
	if slices.Contains(a.prompts, "none") {
		return unmet.reason.WithDescription("prompt=none was asked, and a page would be needed.")
	}
	if resumed == nil {
		resumed = newLetter(w, r, query, a.started)
	}
	if a.aside { // pages are about the current account
		p.Sessions.Prefer(w, r, a.account.ID)
	}
	to := a.tenant.Path + unmet.page(p.Pages) + "?i=" + resumed.seal(p, a.tenant)
	if a.late {
		to += "&late=1"
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// findAccount finds whose account answers: the browser's current one, unless the request is
// about somebody else who is signed in there. Whoever was chosen or signed in since the
// request began is the answer to its question, right or wrong.
func (p *Provider) findAccount(r *http.Request, a *authorization) error {
	current, err := p.Sessions.Current(r)
	switch {
	case err == nil:
		a.account = &current
	case !errors.Is(err, storage.ErrNotFound):
		return err
	}
	if a.subjects() != nil && (a.account == nil || !a.meant(current.UserID) && !since(current.Chosen, a.started)) {
		all, err := p.Sessions.All(r)
		if err != nil {
			return err
		}
		if i := slices.IndexFunc(all, func(other browser.Account) bool { return a.meant(other.UserID) }); i >= 0 {
			a.account, a.aside = &all[i], true
		}
	}
	if a.account != nil {
		web.Note(r.Context(), "user", a.account.UserID)
	}
	return nil
}

// issue gives the client its code. A request that a person settled gives one code:
// going back and through its end again shortly after gives the same, later none.
func (p *Provider) issue(w http.ResponseWriter, r *http.Request, a *authorization, resumed *letter) error {
	resp, err := p.fosite.NewAuthorizeResponse(r.Context(), a.request, a)
	if err != nil {
		return err
	}
	params := url.Values(resp.GetParameters())
	if resumed != nil {
		sealed, err := p.once(r.Context(), a, resumed, params.Get("code"))
		if err != nil {
			return err
		}
		params.Set("code", sealed)
	}
	return a.answer(params).write(w, r, p.Pages)
}

// replay is how long a finished request gives its code once more: a second click on a
// button cancels the answer to the first.
const replay = 10 * time.Second

// once is the code that the request gave first.
func (p *Provider) once(ctx context.Context, a *authorization, l *letter, sealed string) (string, error) {
	key, box := "authorized:"+a.tenant.ID+":"+string(l.id[:]), p.Secrets.Box(a.tenant.ID, secret.AuthorizedOnce)
	err := p.Ephemeral.Put(ctx, key, box.Seal([]byte(sealed)), p.RequestLifetime)
	if err == nil || !errors.Is(err, storage.ErrExists) {
		return sealed, nil // without memory of it, sign-in goes on: the grant's unique code is what counts
	}
	done := &web.Problem{Status: http.StatusBadRequest, Code: "invalid_request", Title: "problem.signed_in.title",
		Message: "problem.signed_in"}
	kept, err := p.Ephemeral.Get(ctx, key)
	if err != nil {
		return "", done
	}
	first, err := box.Open(kept)
	if err != nil {
		return "", done
	}
	c, err := p.tokens.OpenCode(a.tenant, string(first), time.Now())
	if err != nil || time.Since(c.IssuedAt) > replay || c.SessionID != a.account.ID {
		return "", done
	}
	return string(first), nil
}

// asPageError is err for a person at a browser: a refusal that cannot be sent to the
// client becomes a page.
func (p *Provider) asPageError(err error) error {
	if no := oauth.Refusal(err); no != nil {
		prob := badRequest(oauth.Description(no))
		prob.Code = no.ErrorField
		return prob
	}
	return err
}

// codeHandler makes the code, in place of fosite's handlers, which store three rows
// for it.
type codeHandler struct{ p *Provider }

// HandleAuthorizeEndpointRequest implements fosite.AuthorizeEndpointHandler.
func (h codeHandler) HandleAuthorizeEndpointRequest(_ context.Context, ar fosite.AuthorizeRequester, resp fosite.AuthorizeResponder) error {
	sealed, err := h.p.giveCode(ar.GetSession().(*authorization))
	if err != nil {
		return err
	}
	resp.AddParameter("code", sealed)
	ar.SetResponseTypeHandled("code")
	return nil
}

// giveCode is a code of the authorization, which nothing stands in the way of any more.
func (p *Provider) giveCode(a *authorization) (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", err
	}
	c := &tokens.Code{
		ID: id.String(), ClientID: a.client.ClientID, RedirectURI: a.sentURI,
		Challenge: a.challenge, Nonce: a.nonce, Scopes: a.scopes, Audience: a.client.Audience,
		UserID: a.account.UserID, SessionID: a.account.ID, CredentialVersion: a.account.CredentialVersion,
		AuthTime: a.account.AuthTime, AMR: a.account.AMR, ACR: a.answerACR(), IssuedAt: time.Now(),
	}
	if a.rawClaims != "" {
		c.Claims = json.RawMessage(a.rawClaims)
	}
	return p.tokens.SealCode(a.tenant, c)
}
