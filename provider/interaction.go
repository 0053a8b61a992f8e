package provider

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

// letter is an authorization request that waits for a person. It is sealed and
// travels with the browser as i; it says what was asked and when, and never changes.
// What was settled since is read from sessions and consents that are younger.
type letter struct {
	id      [16]byte
	started time.Time
	browser [16]byte // of the browser it is bound to: see bindingHash
	query   string   // the request, as it came
}

const letterHeader = 16 + 8 + 16

func (l *letter) seal(p *Provider, t *web.Tenant) string {
	b := make([]byte, 0, letterHeader+len(l.query))
	b = append(b, l.id[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(l.started.UnixMicro()))
	b = append(b, l.browser[:]...)
	b = append(b, l.query...)
	return p.Secrets.Box(t.ID, secret.AuthorizationRequest).SealString(b)
}

// newLetter binds the request to the browser that brings it.
func newLetter(w http.ResponseWriter, r *http.Request, query string, now time.Time) *letter {
	l := &letter{started: now, browser: bindingHash(browser.Binding(w, r)), query: query}
	rand.Read(l.id[:])
	return l
}

func bindingHash(binding string) [16]byte {
	sum := sha256.Sum256([]byte(binding))
	return [16]byte(sum[:16])
}

// beganHere says whether the hash is that of a binding of the request's browser.
func beganHere(r *http.Request, hash []byte) bool {
	return browser.Began(r, func(binding string) bool {
		h := bindingHash(binding)
		return subtle.ConstantTimeCompare(h[:], hash) == 1
	})
}

// openLetter opens the i parameter. Only the browser that began the request can: a
// request begun by somebody else would otherwise get them this browser's answer
// (Dex CVE-2022-39222).
func (p *Provider) openLetter(r *http.Request, sealed string) (*letter, error) {
	tenant := web.TenantOf(r.Context())
	b, err := p.Secrets.Box(tenant.ID, secret.AuthorizationRequest).OpenString(sealed)
	if err != nil || len(b) < letterHeader {
		return nil, &web.Problem{Status: http.StatusBadRequest, Code: "invalid_request", Title: "This sign-in cannot go on",
			Message:   "The link is damaged or was not made here. Go back to the application and start again.",
			Developer: "The parameter i does not open: it was cut or changed, or the master secret changed meanwhile."}
	}
	l := &letter{id: [16]byte(b[:16]), started: time.UnixMicro(int64(binary.BigEndian.Uint64(b[16:24]))).UTC(), browser: [16]byte(b[24:40]), query: string(b[40:])}
	if time.Since(l.started) > p.RequestLifetime {
		return nil, &web.Problem{Status: http.StatusBadRequest, Code: "invalid_request", Title: "This sign-in took too long",
			Message: "For your safety it has expired. Go back to the application and start again."}
	}
	if !beganHere(r, l.browser[:]) {
		return nil, &web.Problem{Status: http.StatusBadRequest, Code: "invalid_request", Title: "This sign-in belongs to another browser",
			Message:   "It was begun in another browser, or this one refuses cookies. Allow cookies for this site, go back to the application and start again.",
			Developer: "The request is bound to the browser by a cookie that did not come back. Cookies need the issuer's own host and, on https, a secure connection."}
	}
	return l, nil
}

// Interaction opens the letter that a page was given as i, by query or by form. Its
// errors are for people (web.Problem). The client is looked up anew each time, so that
// one disabled in mid-flow is refused at every step.
func (p *Provider) Interaction(r *http.Request) (storage.Interaction, error) {
	sealed := r.FormValue("i")
	l, err := p.openLetter(r, sealed)
	if err != nil {
		return storage.Interaction{}, err
	}
	form, err := url.ParseQuery(l.query)
	if err != nil {
		return storage.Interaction{}, err
	}
	a, err := p.parseAuthorization(r, form, l)
	if err != nil {
		return storage.Interaction{}, p.asPageError(err)
	}
	tenant := web.TenantOf(r.Context())
	next := tenant.Path + "/authorize?i=" + sealed
	return storage.Interaction{
		TenantID: tenant.ID, Letter: sealed, Started: l.started, Client: *a.client,
		Scopes: a.scopes, Claims: a.claims.names(), RedirectURI: a.redirectURI,
		LoginHint: form.Get("login_hint"), UILocales: strings.Fields(form.Get("ui_locales")),
		Display: form.Get("display"), Prompt: a.prompts, ACR: a.leastACR(),
		ContinueURL: next, CancelURL: next + "&cancel=1",
	}, nil
}
