package login

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
)

// strangerLife is how long somebody who is not known here has to prove what is missing.
const strangerLife = 15 * time.Minute

// stranger is somebody who came from a provider with an identity that nobody here has, and
// has to prove something before it is anybody's. Sealed it waits in the browser's cookie;
// its ID is spent by what it leads to.
type stranger struct {
	ID       string          `json:"i"`
	Upstream string          `json:"u"`
	Subject  string          `json:"s"`
	Email    string          `json:"e,omitempty"` // as the provider has it
	AMR      []string        `json:"a,omitempty"`
	Profile  storage.Profile `json:"p"`
	Browser  []byte          `json:"b"` // of its binding; empty when an app brought them
	Born     time.Time       `json:"t"`
	// Proven is an address that is proven to be theirs, and has an account here that they
	// have to sign in to; "" while there is no such.
	Proven string `json:"c,omitempty"`
	// ProvenAt is when they proved themselves at the provider, which may not say. It does not wait.
	ProvenAt time.Time `json:"-"`
}

const (
	strangerCookie = "stranger"
	// spentStranger is the purpose of storage.Spent for those who got an account.
	spentStranger = "upstream-stranger"
	// maxCookie is the longest value that browsers surely keep.
	maxCookie = 3600
)

// newStranger is who came, in this browser.
func newStranger(w http.ResponseWriter, r *http.Request, p *upstream.Provider, id upstream.Identity) *stranger {
	return &stranger{
		ID: secret.Token()[:22], Upstream: p.ID, Subject: id.Subject, Email: id.Email, AMR: id.AMR, Profile: id.Profile,
		Browser: bindingHash(browser.Binding(w, r)), Born: time.Now(),
	}
}

// keepStranger has the browser keep who waits; nil lets it forget.
func (s *Server) keepStranger(w http.ResponseWriter, r *http.Request, who *stranger) error {
	if who == nil {
		if browser.Cookie(r, strangerCookie) != "" {
			browser.SetCookie(w, r, strangerCookie, "", 0)
		}
		return nil
	}
	box := s.Secrets.Box(web.TenantOf(r.Context()).ID, secret.UpstreamStranger)
	slim := *who
	for {
		plain, err := json.Marshal(slim)
		if err != nil {
			return err
		}
		sealed := box.SealString(plain)
		if len(sealed) <= maxCookie || slim.Profile == (storage.Profile{}) {
			browser.SetCookie(w, r, strangerCookie, sealed, strangerLife)
			return nil
		}
		slim.Profile = storage.Profile{} // what a browser would not keep can be entered by hand
	}
}

// strangerHere is who waits in this browser, or nil.
func (s *Server) strangerHere(r *http.Request) *stranger {
	var who stranger
	plain, err := s.Secrets.Box(web.TenantOf(r.Context()).ID, secret.UpstreamStranger).OpenString(browser.Cookie(r, strangerCookie))
	if err != nil || json.Unmarshal(plain, &who) != nil {
		return nil
	}
	if !beganTrip(r, who.Browser) || !storage.Within(who.Born, time.Now(), strangerLife) {
		return nil
	}
	return &who
}

// spends is what makes the stranger work once.
func (who *stranger) spends(tenant string) storage.Spent {
	return storage.Spent{TenantID: tenant, Purpose: spentStranger, Value: who.ID, ExpiresAt: who.Born.Add(strangerLife)}
}

// identity is the link to the person who has it.
func (who *stranger) identity(u *storage.User, now time.Time) storage.Identity {
	return storage.Identity{TenantID: u.TenantID, Provider: who.Upstream, Subject: who.Subject, UserID: u.ID, Email: who.Email, CreatedAt: now}
}

// amr is how somebody has proven themselves who came from a provider. Whether they gave
// it more than one factor counts where the tenant says so.
func (s *Server) amr(r *http.Request, said []string) []string {
	amr := []string{"fed"}
	if web.TenantOf(r.Context()).Settings.SecondFactor.TrustUpstream && slices.Contains(said, "mfa") {
		amr = append(amr, "mfa")
	}
	return amr
}
