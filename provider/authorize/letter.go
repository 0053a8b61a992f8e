package authorize

import (
	"crypto/rand"
	"encoding/binary"
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

// letter is an authorization request that waits for a user. It is sealed and travels with the browser as
// i; it says what was asked and when, and never changes. What was settled since is read from sessions and
// consents that are younger.
type letter struct {
	id      [16]byte
	started time.Time
	browser [16]byte // of the browser it is bound to: see browser.BindingHash
	query   string   // the request, as it came
	foreign bool     // another browser brings it, or this one long after: see late
}

// letterHeader is how many bytes of a letter stand before the request: id, time and browser.
const letterHeader = 16 + 8 + 16

// revivable is how long a letter whose lifetime is over still lets its request begin anew: for a page
// that was left open over lunch or over night. It says no more then than the link that the client sent
// the browser with. After it the client has forgotten what it asked for, too. For the same reason it may
// come from a browser whose binding was renewed since, or from another: nothing but the request itself
// goes on.
const revivable = 24 * time.Hour

// LetterLifetime returns how long a letter can be of any use, for a lifetime of requests.
func LetterLifetime(request time.Duration) time.Duration { return request + revivable }

// seal returns the letter as the parameter i. Only this tenant opens it, and only for this purpose.
func (s *Server) seal(l *letter, t *issuer.Tenant) string {
	b := make([]byte, 0, letterHeader+len(l.query))
	b = append(b, l.id[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(l.started.UnixMicro()))
	b = append(b, l.browser[:]...)
	b = append(b, l.query...)
	return s.Secrets.Box(t.ID, secret.AuthorizationRequest).SealString(b)
}

// name returns the id of the letter, or "" if there is none.
func (l *letter) name() string {
	if l == nil {
		return ""
	}
	return string(l.id[:])
}

// newLetter binds the request to the browser that brings it.
func newLetter(w http.ResponseWriter, r *http.Request, query string, now time.Time) *letter {
	l := &letter{started: now, browser: browser.BindingHash(browser.Binding(w, r)), query: query}
	rand.Read(l.id[:])
	return l
}

// late reports whether the letter's lifetime is over, or a clock was ahead when it was made:
// nothing is settled for it, and its request has to begin anew.
func (s *Server) late(l *letter) bool {
	return !storage.Within(l.started, time.Now(), s.RequestLifetime)
}

// openLetter opens the i parameter. Only the browser that began the request can: an attacker's request
// would otherwise give the attacker's client this browser's answer (Dex CVE-2022-39222). A letter that is
// late is opened to begin the request anew.
func (s *Server) openLetter(r *http.Request, sealed string) (*letter, error) {
	tenant := web.TenantOf(r.Context())
	b, err := s.Secrets.Box(tenant.ID, secret.AuthorizationRequest).OpenString(sealed)
	if err != nil || len(b) < letterHeader {
		return nil, &web.Problem{Status: http.StatusBadRequest, Code: "invalid_request", Title: "problem.damaged.title",
			Message:   "problem.damaged",
			Developer: "The parameter i can't be read: it was cut off or changed, or the master secret has changed."}
	}
	l := &letter{
		id: [16]byte(b[:16]), started: time.UnixMicro(int64(binary.BigEndian.Uint64(b[16:24]))).UTC(),
		browser: [16]byte(b[24:40]), query: string(b[40:]),
	}
	if time.Since(l.started).Abs() > LetterLifetime(s.RequestLifetime) {
		return nil, expired()
	}
	if l.foreign = !browser.BeganHere(r, l.browser[:]); l.foreign && !s.late(l) {
		return nil, elsewhere()
	}
	return l, nil
}

// expired returns the answer to a letter that is too old.
func expired() error {
	return &web.Problem{Status: http.StatusBadRequest, Code: "invalid_request", Title: "problem.expired.title",
		Message: "problem.expired"}
}

// elsewhere returns the answer to a letter that another browser was given.
func elsewhere() error {
	return &web.Problem{Status: http.StatusBadRequest, Code: "invalid_request", Title: "problem.elsewhere.title",
		Message: "problem.elsewhere",
		Developer: "The browser didn't send the cookie that this request is bound to. Cookies need the issuer's " +
			"own host and, on https, a secure connection. Open the site at the issuer's URL."}
}
