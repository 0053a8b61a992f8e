package account

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/apikeys"
	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	keysPath     = "/account/api-keys"
	newKeyPath   = keysPath + "/new"
	shownKeyPath = keysPath + "/shown"
)

// keyView is an API key as its user sees it.
type keyView struct {
	ID, Name, Start string
	Wants           []string // what it may do
	Expires         string
	Expired         bool
	Replaced        bool     // another key replaces it
	Used            ui.Stamp // zero if it was never used
}

// keysView is what the page of API keys shows.
type keysView struct {
	Keys     []keyView
	Overlaps []choice // for how long a replaced key may live on
}

// choice is an option of a form.
type choice struct {
	Value, Text string
	Chosen      bool
}

// keysOffered returns apikeys.ErrOff if users of the tenant have no API keys.
func keysOffered(r *http.Request) error {
	if !apikeys.OfUsers(web.TenantOf(r.Context())) {
		return apikeys.ErrOff
	}
	return nil
}

// keysPage shows the user's API keys.
func (s *Server) keysPage(w http.ResponseWriter, r *http.Request) error {
	a, err := s.current(r)
	if err == nil {
		err = keysOffered(r)
	}
	if err != nil {
		return err
	}
	all, err := s.Keys.Of(r.Context(), s.Site.Asker(r), storage.APIKeyOwner{User: &a.User})
	if err != nil {
		return err
	}
	v := s.view(w, r, "apikeys.title", a)
	page := keysView{}
	for _, k := range all {
		one := keyView{ID: k.ID, Name: k.Name, Start: k.Start, Expires: v.Words.Date(k.ExpiresAt),
			Expired: !k.ExpiresAt.After(time.Now()), Replaced: k.ReplacedBy != "", Wants: meaning(r, v.Words, k.Scopes...)}
		if !k.UsedAt.IsZero() {
			one.Used = ui.StampOf(v.Words, k.UsedAt)
		}
		page.Keys = append(page.Keys, one)
	}
	for _, d := range []time.Duration{0, apikeys.Overlap, 7 * 24 * time.Hour} {
		one := choice{d.String(), v.Words.Long(d), d == apikeys.Overlap}
		if d == 0 {
			one.Text = v.Words.Must("apikeys.at_once")
		}
		page.Overlaps = append(page.Overlaps, one)
	}
	faults := ui.FaultsOf(r)
	v.Page, v.Alert = page, cmp.Or(v.Alert, faults.Fault("name"), faults.Fault("scopes"))
	return s.Site.Show(w, http.StatusOK, "account-api-keys", v)
}

// meaning says what scopes of a key allow.
func meaning(r *http.Request, w texts.Words, scopes ...string) []string {
	tenant := &web.TenantOf(r.Context()).Tenant
	return ui.Wishes(w, &tenant.Settings, claims.RulesOf(tenant, nil), scopes, nil, nil)
}

// postKeys replaces or revokes an API key. To revoke one needs no fresh proof: it must be possible in a hurry, and a
// thief of the session gains nothing.
func (s *Server) postKeys(w http.ResponseWriter, r *http.Request) error {
	a, err := s.current(r)
	if err == nil {
		err = keysOffered(r)
	}
	if err != nil {
		return err
	}
	if id := r.PostForm.Get("rotate"); id != "" {
		return s.rotateKey(w, r, id)
	}
	err = s.Keys.Remove(r.Context(), s.Site.Asker(r), storage.APIKeyOwner{User: &a.User}, r.PostForm.Get("remove"))
	if err != nil {
		return s.keysFailed(w, r, err)
	}
	return changed(w, r, keysPath, "key-removed")
}

// rotateKey replaces an API key, and shows the new one once.
func (s *Server) rotateKey(w http.ResponseWriter, r *http.Request, id string) error {
	own, err := s.fresh(r)
	if err != nil {
		return err
	}
	overlap, err := time.ParseDuration(r.PostForm.Get("overlap"))
	if err != nil {
		overlap = -1
	}
	added, err := s.Keys.RotateOfUser(r.Context(), s.Site.Asker(r), own.owner, id, overlap)
	if err != nil {
		return s.keysFailed(w, r, err)
	}
	return s.Site.SendKey(w, r, shownKeyPath, own.User, added.Secret)
}

// keysFailed sends the browser back to the list, which says what is wrong, or returns err.
func (s *Server) keysFailed(w http.ResponseWriter, r *http.Request, err error) error {
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return s.Site.RefuseWith(w, r, keysPath, http.StatusNotFound, ui.Words(r).Must("apikeys.gone"))
	case errors.Is(err, apikeys.ErrReplaced):
		return s.Site.RefuseWith(w, r, keysPath, http.StatusConflict, ui.Words(r).Must(string(apikeys.ErrReplaced)))
	case errors.Is(err, people.ErrChangedMeanwhile):
		return startOver(w, r, err)
	}
	return s.Site.Refuse(w, r, keysPath, err)
}

// newKeyView is what the form for a new API key shows.
type newKeyView struct {
	ui.FormFaults
	Name   string
	Scopes []choice
	Lives  []choice
}

// scopeField is the beginning of the names of the fields that choose a scope. The scope follows.
const scopeField = "scope "

// newKeyPage shows the form for a new API key. It needs a fresh proof before it is filled in.
func (s *Server) newKeyPage(w http.ResponseWriter, r *http.Request) error {
	a, err := s.fresh(r)
	if err == nil {
		err = keysOffered(r)
	}
	if err != nil {
		return err
	}
	v := s.view(w, r, "apikeys.new_title", a.Account)
	tenant := web.TenantOf(r.Context())
	page := newKeyView{FormFaults: ui.FaultsOf(r), Name: ui.Typed(r, "name", ""),
		Lives: livesOf(v.Words, apikeys.LongestLife(tenant), ui.Typed(r, "expires", ""))}
	for _, scope := range apikeys.ScopesOfUser(tenant, &a.User) {
		page.Scopes = append(page.Scopes, choice{scopeField + scope, strings.Join(meaning(r, v.Words, scope), ", "),
			ui.Typed(r, scopeField+scope, "") != ""})
	}
	v.Page = page
	return s.Site.Show(w, http.StatusOK, "account-api-key-new", v)
}

// livesOf returns how long a new key may live, of which the longest is the tenant's.
func livesOf(w texts.Words, longest time.Duration, typed string) (all []choice) {
	const day = 24 * time.Hour
	lives := []time.Duration{7 * day, 30 * day, 90 * day, 180 * day, 365 * day}
	lives = append(slices.DeleteFunc(lives, func(d time.Duration) bool { return d >= longest }), longest)
	for _, d := range lives {
		chosen := typed == d.String() || typed == "" && d == min(apikeys.DefaultLife, longest)
		all = append(all, choice{d.String(), w.Long(d), chosen})
	}
	return all
}

// postNewKey adds an API key, and shows it once.
func (s *Server) postNewKey(w http.ResponseWriter, r *http.Request) error {
	own, err := s.fresh(r)
	if err != nil {
		return err
	}
	n, keep := apikeys.New{Name: r.PostForm.Get("name")}, []string{"name", "expires"}
	for field := range r.PostForm {
		if scope, ok := strings.CutPrefix(field, scopeField); ok {
			n.Scopes, keep = append(n.Scopes, scope), append(keep, field)
		}
	}
	if n.Life, err = time.ParseDuration(r.PostForm.Get("expires")); err != nil || n.Life == 0 {
		n.Life = -1 // which is refused
	}
	added, err := s.Keys.AddOfUser(r.Context(), s.Site.Asker(r), own.owner, n)
	if errors.Is(err, people.ErrChangedMeanwhile) {
		return startOver(w, r, err)
	}
	if err != nil {
		return s.Site.Refuse(w, r, newKeyPath, err, keep...)
	}
	return s.Site.SendKey(w, r, shownKeyPath, own.User, added.Secret)
}

// shownKeyPage shows the API key that was just made, once.
func (s *Server) shownKeyPage(w http.ResponseWriter, r *http.Request) error {
	a, err := s.current(r)
	if err != nil {
		return err
	}
	key := s.Site.TakeKey(w, r, a.User)
	if key == "" {
		return s.Site.Tell(w, r, http.StatusOK, "apikeys.shown_title", "apikeys.shown_gone",
			ui.Link{Page: keysPath, Text: "apikeys.title"})
	}
	v := s.view(w, r, "apikeys.shown_title", a)
	v.Page = key
	return s.Site.Show(w, http.StatusOK, "account-api-key", v)
}
