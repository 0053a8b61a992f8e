package federation

import (
	"encoding/json"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
)

// StrangerLife is how long a user who is not known here has to prove what is missing.
const StrangerLife = 15 * time.Minute

// Stranger is a user who came from a provider with an identity that no account has, and who has to
// prove something before the identity is linked to one. What it leads to spends its ID.
type Stranger struct {
	ID       string          `json:"i"`
	Upstream string          `json:"u"`
	Subject  string          `json:"s"`
	Email    string          `json:"e,omitempty"` // as the provider has it
	AMR      []string        `json:"a,omitempty"`
	Profile  storage.Profile `json:"p"`
	// Groups are the tenant's groups that the provider says the user is in. It says nothing about them unless
	// GroupsSaid.
	Groups     []string  `json:"g,omitempty"`
	GroupsSaid bool      `json:"h,omitempty"`
	Browser    string    `json:"b"` // see people.Asker; "" when an app brought the user
	Born       time.Time `json:"t"`
	// Proven is an address that is proven to be the user's, and has an account here that the user
	// has to sign in to; "" for none.
	Proven string `json:"c,omitempty"`
}

const (
	// spentStranger is the purpose of storage.Spent for strangers who got an account.
	spentStranger = "upstream-stranger"
	// maxCookie is the longest value that browsers surely keep.
	maxCookie = 3600
)

// newStranger returns the user of the identity. browser is "" for a user who came by an app's token.
func newStranger(p *upstream.Provider, id upstream.Identity, browser string) *Stranger {
	return &Stranger{
		ID: secret.Token()[:22], Upstream: p.ID, Subject: id.Subject, Email: id.Email, AMR: id.AMR, Profile: id.Profile,
		Groups: id.Groups, GroupsSaid: id.GroupsSaid, Browser: browser, Born: time.Now(),
	}
}

// SealStranger seals a stranger for the browser to keep, without the profile and the groups if a
// browser would not keep these: the user can enter the one, and gets the others at the next sign-in.
func (s *Service) SealStranger(a people.Asker, who *Stranger) (string, error) {
	box := s.Secrets.Box(a.Tenant.ID, secret.UpstreamStranger)
	slim := *who
	for {
		plain, err := json.Marshal(slim)
		if err != nil {
			return "", err
		}
		sealed := box.SealString(plain)
		if len(sealed) <= maxCookie || slim.Profile == (storage.Profile{}) && !slim.GroupsSaid {
			return sealed, nil
		}
		slim.Profile, slim.Groups, slim.GroupsSaid = storage.Profile{}, nil, false
	}
}

// OpenStranger returns the stranger who waits in the asker's browser; nil for none.
func (s *Service) OpenStranger(a people.Asker, sealed string) *Stranger {
	var who Stranger
	plain, err := s.Secrets.Box(a.Tenant.ID, secret.UpstreamStranger).OpenString(sealed)
	if err != nil || json.Unmarshal(plain, &who) != nil {
		return nil
	}
	if who.Browser == "" || !a.Began(who.Browser) || !storage.Within(who.Born, time.Now(), StrangerLife) {
		return nil
	}
	return &who
}

// spends returns what makes the stranger work once.
func (who *Stranger) spends(tenant string) storage.Spent {
	return storage.Spent{TenantID: tenant, Purpose: spentStranger, Value: who.ID, ExpiresAt: who.Born.Add(StrangerLife)}
}

// identity returns the link to the account of u.
func (who *Stranger) identity(u *storage.User, now time.Time) storage.Identity {
	return storage.Identity{
		TenantID: u.TenantID, Provider: who.Upstream, Subject: who.Subject, UserID: u.ID, Email: who.Email, CreatedAt: now,
	}
}
