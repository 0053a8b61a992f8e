package login

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/account"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// pendingLife is how long a first proof waits for the second.
const pendingLife = 10 * time.Minute

// claimant is somebody who has proven themselves in part: whose sign-in waits for a second
// factor, or who is signed in less strongly than somebody wants.
type claimant struct {
	user    storage.User
	creds   []storage.Credential
	amr     []string         // what they have proven themselves by
	acr     string           // what it comes to
	account *browser.Account // their session; nil: there is none before the second factor
}

// errNobody says that the browser has proven nothing, or too long ago.
var errNobody = errors.New("no sign-in waits in this browser")

// pending is what the browser holds of a sign-in that waits, sealed. Nothing is stored,
// and no session exists: whichever address the browser goes to next, it is nobody.
type pending struct {
	UserID  string   `json:"u"`
	Version int64    `json:"v"` // of the person's credentials
	AMR     []string `json:"m"`
	At      int64    `json:"t"`
	// Asker is a hash of the browser's binding and of the client's request.
	Asker string `json:"b"`
}

const pendingCookie = "pending"

// await remembers the proof and sends the browser to where the second factor is asked for.
func (s *Server) await(w http.ResponseWriter, r *http.Request, in *storage.Interaction, c *claimant) error {
	p := pending{UserID: c.user.ID, Version: c.user.CredentialVersion, AMR: c.amr, At: time.Now().Unix(), Asker: pendingAsker(browser.Binding(w, r), in)}
	browser.SetCookie(w, r, pendingCookie, s.sealPending(c.user.TenantID, p), pendingLife)
	s.observe(r, storage.Event{Kind: storage.EventLoginPending, UserID: c.user.ID, ClientID: clientID(in)})
	return s.toSecondFactor(w, r, in)
}

// pendingAsker ties a proof to the browser that gave it and the request that it was given for:
// what was proven for one client's request does not answer another's.
func pendingAsker(binding string, in *storage.Interaction) string {
	letter := ""
	if in != nil {
		letter = in.Letter
	}
	sum := sha256.Sum256([]byte("pending\x00" + binding + "\x00" + letter))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func (s *Server) sealPending(tenant string, p pending) string {
	plain, err := json.Marshal(p)
	if err != nil {
		panic(err) // strings and numbers
	}
	return s.Secrets.Box(tenant, secret.PendingSignIn).SealString(plain)
}

// waiting opens what await sealed; errNobody.
func (s *Server) waiting(r *http.Request, in *storage.Interaction) (pending, error) {
	var p pending
	plain, err := s.Secrets.Box(web.TenantOf(r.Context()).ID, secret.PendingSignIn).OpenString(browser.Cookie(r, pendingCookie))
	if err != nil || json.Unmarshal(plain, &p) != nil {
		return p, errNobody
	}
	if !browser.Began(r, func(binding string) bool { return p.Asker == pendingAsker(binding, in) }) || !storage.Within(time.Unix(p.At, 0), time.Now(), pendingLife) {
		return p, errNobody
	}
	return p, nil
}

// claimant is who the browser is asked about: the person whose sign-in waits, else the
// one who is signed in; errNobody.
func (s *Server) claimant(r *http.Request, in *storage.Interaction) (*claimant, error) {
	ctx, tenant := r.Context(), web.TenantOf(r.Context()).ID
	c := &claimant{}
	p, err := s.waiting(r, in)
	if err == nil {
		c.user, err = s.Store.User(ctx, tenant, p.UserID)
		if errors.Is(err, storage.ErrNotFound) || err == nil && (c.user.Disabled || c.user.CredentialVersion != p.Version) {
			return nil, errNobody
		}
		c.amr, c.acr = p.AMR, storage.ACROf(p.AMR)
	} else {
		var a browser.Account
		a, err = s.Sessions.Current(r)
		if errors.Is(err, storage.ErrNotFound) {
			return nil, errNobody
		}
		c.account, c.user, c.amr, c.acr = &a, a.User, a.AMR, a.ACR
	}
	if err != nil {
		return nil, err
	}
	c.creds, err = s.Store.CredentialsOf(ctx, tenant, c.user.ID)
	return c, err
}

// missingFactor returns what the claimant lacks for the request (nil for none). Pages that ask for a
// factor say so by asks: then the factor itself is wanted of a user who has to prove themselves
// anew, or who links an identity.
func (s *Server) missingFactor(r *http.Request, in *storage.Interaction, c *claimant, asks bool) people.Missing {
	wish := people.FactorWish{Itself: asks && (in == nil && s.nextOf(r) != "" || c.account != nil && s.waitsToLink(r))}
	if in != nil {
		wish.Rule, wish.ACR = in.Client.SecondFactor, in.ACR
	}
	claim := people.Claimant{User: c.user, Creds: c.creds, AMR: c.amr, ACR: c.acr}
	return s.MissingFactor(r.Context(), s.askerOf(r), claim, wish)
}

// acr is what amr comes to in this browser.
func (s *Server) acr(r *http.Request, user storage.User, creds []storage.Credential, amr []string) string {
	acr := storage.ACROf(amr)
	if acr == storage.ACRPassword && s.remembered(r, user, creds) {
		return storage.ACRRemembered
	}
	return acr
}

// raise ends the second factor's step: the claimant has given what amr says besides. A
// sign-in that waited becomes a session; a session becomes as strong.
func (s *Server) raise(w http.ResponseWriter, r *http.Request, in *storage.Interaction, c *claimant, amr ...string) error {
	all := slices.Clone(c.amr)
	for _, m := range append(amr, "mfa") {
		if !slices.Contains(all, m) {
			all = append(all, m)
		}
	}
	acr := storage.ACROf(all)
	if c.account == nil {
		return s.signedIn(w, r, in, c.user, time.Now(), acr, all...)
	}
	err := s.Sessions.Raise(w, r, *c.account, acr, all...)
	if errors.Is(err, storage.ErrStale) {
		return errNobody
	}
	if err != nil {
		return err
	}
	s.devices.Remember(w, r, knownFor(c.user, acr)...)
	s.observe(r, storage.Event{Kind: storage.EventLoginRaised, UserID: c.user.ID, ClientID: clientID(in),
		Detail: map[string]string{"session": c.account.ID, "amr": strings.Join(all, " ")}})
	return nil
}

// toSecondFactor sends the browser to where a second factor is asked for, and startOver to
// where a sign-in begins.
func (s *Server) toSecondFactor(w http.ResponseWriter, r *http.Request, in *storage.Interaction) error {
	return forward(w, r, in, secondFactorPath)
}

func (s *Server) startOver(w http.ResponseWriter, r *http.Request, in *storage.Interaction) error {
	return forward(w, r, in, "/login")
}

// forward sends the browser to another page of ours with what it came with.
func forward(w http.ResponseWriter, r *http.Request, in *storage.Interaction, page string) error {
	http.Redirect(w, r, elsewhere(r, in, page), http.StatusSeeOther)
	return nil
}

func elsewhere(r *http.Request, in *storage.Interaction, page string) string {
	q := url.Values{}
	if in != nil {
		q.Set("i", in.Letter)
	} else if next := r.FormValue("next"); account.IsPage(next) {
		q.Set("next", next)
	}
	to := web.TenantOf(r.Context()).Path + page
	if len(q) > 0 {
		to += "?" + q.Encode()
	}
	return to
}

// clientID is whose request it is, for the audit trail.
func clientID(in *storage.Interaction) string {
	if in == nil {
		return ""
	}
	return in.Client.ClientID
}
