package login

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	// reviewLife is how long the browser of a reset may look over the account.
	reviewLife   = 15 * time.Minute
	reviewCookie = "review"
)

// review lets the browser in which an account's password was reset see what else opens the
// account, and take it away. It is nobody's session.
type review struct {
	UserID  string `json:"u"`
	Version int64  `json:"v"` // of the person's credentials, after the reset
	At      int64  `json:"t"`
	Browser string `json:"b"`
}

// mayReview notes it.
func (s *Server) mayReview(w http.ResponseWriter, r *http.Request, u storage.User) {
	plain, err := json.Marshal(review{u.ID, u.CredentialVersion, time.Now().Unix(), browser.Binding(w, r)})
	if err != nil {
		panic(err) // strings and numbers
	}
	browser.SetCookie(w, r, reviewCookie, s.Secrets.Box(u.TenantID, secret.ResetReview).SealString(plain), reviewLife)
}

// reviewing is whose account the browser may look over; storage.ErrNotFound.
func (s *Server) reviewing(r *http.Request) (u storage.User, err error) {
	tenant := web.TenantOf(r.Context()).ID
	var rv review
	plain, err := s.Secrets.Box(tenant, secret.ResetReview).OpenString(browser.Cookie(r, reviewCookie))
	if err != nil || json.Unmarshal(plain, &rv) != nil || rv.Browser != browser.Bound(r) || !storage.Within(time.Unix(rv.At, 0), time.Now(), reviewLife) {
		return u, storage.ErrNotFound
	}
	u, err = s.Store.User(r.Context(), tenant, rv.UserID)
	if err == nil && (u.Disabled || u.CredentialVersion != rv.Version) {
		err = storage.ErrNotFound
	}
	return u, err
}

// opener is something, beside the password, that opens an account or stands in its way.
type opener struct {
	Name, Detail string
	// Key names it in the form; "" when the mailbox alone must not take it away.
	Key string
	// Asked says that it is asked for when somebody signs in.
	Asked bool

	remove func(ch *storage.Change)
}

// openersOf are all that a person has. What is asked for as a second factor stays: who reads
// the mailbox does not have it, and must not get around it.
func (s *Server) openersOf(r *http.Request, u storage.User) ([]opener, error) {
	creds, err := s.Store.CredentialsOf(r.Context(), u.TenantID, u.ID)
	if err != nil {
		return nil, err
	}
	ids, err := s.Store.IdentitiesOf(r.Context(), u.TenantID, u.ID)
	if err != nil {
		return nil, err
	}
	say := s.words(r)
	var all []opener
	for _, c := range creds {
		switch c.Kind {
		case storage.PasskeyCredential:
			k, _ := s.openPasskey(r, c)
			o := opener{Name: say.Must("review.passkey", people.PasskeyName(say, k)), Detail: say.Must("review.since", say.Date(c.CreatedAt))}
			if onlyFactor(creds) {
				o.Asked = true
			} else {
				o.Key, o.remove = "passkey "+c.ID, func(ch *storage.Change) {
					ch.RemoveCredentials = append(ch.RemoveCredentials, storage.CredentialKey{Kind: c.Kind, ID: c.ID})
				}
			}
			all = append(all, o)
		case storage.TOTPCredential:
			all = append(all, opener{Name: say.Must("review.app"), Detail: say.Must("review.since", say.Date(c.CreatedAt)), Asked: true})
		}
	}
	for _, i := range ids {
		name, _ := s.upstreamName(r, i.Provider)
		o := opener{Name: say.Must("review.identity", name), Detail: say.Must("review.since", say.Date(i.CreatedAt)), Key: "identity " + i.Provider + " " + i.Subject}
		if i.Email != "" {
			o.Detail = i.Email + " · " + o.Detail
		}
		o.remove = func(ch *storage.Change) { ch.Unlink = append(ch.Unlink, i) }
		all = append(all, o)
	}
	if u.PhoneVerified && offers(r, storage.MethodPhone) {
		all = append(all, opener{Name: say.Must("review.phone", u.Phone), Key: "phone", remove: func(ch *storage.Change) {
			without := u
			without.Phone, without.PhoneVerified, without.UpdatedAt = "", false, time.Now()
			ch.Update = &without
		}})
	}
	return all, nil
}

// onlyFactor says that passkeys are all that is asked for as a second factor.
func onlyFactor(creds []storage.Credential) bool {
	return storage.HasSecondFactor(creds) && !slices.ContainsFunc(creds, func(c storage.Credential) bool { return c.Kind == storage.TOTPCredential })
}

// reviewPage is what the page after a reset shows.
type reviewPage struct {
	Lead    string
	Openers []opener
	Removes bool // something can be taken away
}

// resetDonePage says that the reset is done, and what else opens the account. Nobody is signed
// in by a reset: who has the mailbox does not have the second factor.
func (s *Server) resetDonePage(w http.ResponseWriter, r *http.Request) error {
	return s.showReview(w, r, http.StatusOK, "")
}

func (s *Server) showReview(w http.ResponseWriter, r *http.Request, status int, alert string) error {
	title, lead := "reset.done_title", "reset.done"
	if r.FormValue("opened") != "" {
		title, lead = "review.opened_title", "review.opened"
	}
	u, err := s.reviewing(r)
	if errors.Is(err, storage.ErrNotFound) {
		return s.say(w, r, http.StatusOK, title, lead, ui.Link{Page: "/login", Text: "signin.button"})
	}
	if err != nil {
		return err
	}
	openers, err := s.openersOf(r, u)
	if err != nil {
		return err
	}
	if len(openers) == 0 {
		return s.say(w, r, http.StatusOK, title, lead, ui.Link{Page: "/login", Text: "signin.button"})
	}
	in, err := s.interaction(r)
	if err != nil {
		return err
	}
	v := s.view(w, r, title, in)
	page := reviewPage{Lead: v.Words.Must(lead), Openers: openers, Removes: slices.ContainsFunc(openers, func(o opener) bool { return o.Key != "" })}
	v.Page, v.Alert = page, alert
	if r.FormValue("removed") != "" {
		v.Done = v.Words.Must("review.removed")
	}
	return s.show(w, status, "review", v)
}

// reviewed takes away what was ticked.
func (s *Server) reviewed(w http.ResponseWriter, r *http.Request) error {
	u, err := s.reviewing(r)
	if errors.Is(err, storage.ErrNotFound) {
		return s.say(w, r, http.StatusUnprocessableEntity, "confirm.gone_title", "review.late", ui.Link{Page: "/login", Text: "signin.button"})
	}
	if err != nil {
		return err
	}
	openers, err := s.openersOf(r, u)
	if err != nil {
		return err
	}
	ch := storage.Change{Events: []storage.Event{s.event(r, storage.Event{Kind: storage.EventAccountReviewed, UserID: u.ID})}}
	var names []string
	for _, o := range openers {
		if o.Key != "" && r.PostForm.Get("remove "+o.Key) != "" {
			o.remove(&ch)
			names = append(names, o.Name)
		}
	}
	if len(names) == 0 {
		return s.showReview(w, r, http.StatusUnprocessableEntity, s.words(r).Must("review.nothing"))
	}
	if ch.Deliveries, err = s.told(r, u, "review.told", strings.Join(names, ", ")); err != nil {
		return err
	}
	switch err := s.LeavingAWayIn(r.Context(), s.askerOf(r), u, ch); {
	case errors.Is(err, people.ErrLastWayIn):
		return s.showReview(w, r, http.StatusConflict, s.words(r).Must("identity.last"))
	case err != nil:
		return ui.ChangedMeanwhile(err)
	}
	return seeOther(w, r, "/reset/done", "removed", "1")
}
