package login

import (
	"cmp"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/sessions"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/storage"
)

// consentForm is what the consent page shows.
type consentForm struct {
	Account *ui.Account
	User    string // whose consent it is: another's must not be taken for it
	Wants   []string
	Return  string // where the answer goes, as a host
	// Unverified and Publisher are those of the Interaction. Stay offers to stay connected.
	Unverified, Stay bool
	Publisher        string
	// Device says which device asks; "" for a browser.
	Device string
}

// consentPage asks whether the client may have what it asks for.
func (s *Server) consentPage(w http.ResponseWriter, r *http.Request) error {
	in, account, err := s.asked(r)
	if err != nil {
		return err
	}
	if ui.ActingOf(r) != nil {
		return &web.Problem{Status: http.StatusForbidden, Title: "acting.refused_title", Message: "acting.consent"}
	}
	if account.ID == "" {
		return s.goOn(w, r, in) // the user has signed out meanwhile: another question is next
	}
	v := s.view(w, r, "consent.title", in)
	tenant := &web.TenantOf(r.Context()).Tenant
	rules := claims.RulesOf(tenant, &in.Client)
	page := consentForm{Account: ui.AccountOf(account), User: account.UserID,
		Wants:  ui.Wishes(v.Words, &tenant.Settings, rules, in.Scopes, in.Claims, in.Resources),
		Return: host(in.RedirectURI, v.Words), Unverified: in.Unverified, Publisher: in.Publisher, Stay: in.MayStay}
	if d := in.Device; d != nil {
		page.Device = v.Words.Must("device.asks", d.UserCode, v.Words.Device(d.UserAgent), d.IP)
	}
	v.Page = page
	return s.show(w, http.StatusOK, "consent", v)
}

// decide takes the answer.
func (s *Server) decide(w http.ResponseWriter, r *http.Request) error {
	in, account, err := s.asked(r)
	if err != nil {
		return err
	}
	if account.ID == "" {
		return s.goOn(w, r, in)
	}
	event := storage.Event{UserID: account.UserID, ClientID: in.Client.ClientID}
	switch r.PostForm.Get("answer") {
	case "deny":
		event.Kind = storage.EventConsentDenied
		s.Observe(r.Context(), s.askerOf(r), event)
		http.Redirect(w, r, in.CancelURL, http.StatusSeeOther)
		return nil
	case "allow":
	default:
		return s.site.RefuseWith(w, r, "/consent", http.StatusUnprocessableEntity, "")
	}
	if r.PostForm.Get("user") != account.UserID {
		return s.site.RefuseWith(w, r, "/consent", http.StatusConflict, s.words(r).Must("consent.changed"))
	}
	ctx, tenant := r.Context(), web.TenantOf(r.Context()).ID
	// What was allowed before stays allowed: a client that asks for one thing now and
	// for another then would else ask for ever.
	before, err := s.Store.Consent(ctx, tenant, account.UserID, in.Client.ClientID)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	event.Kind = storage.EventConsentGiven
	now := time.Now()
	allowed := union(before.Scopes, in.Scopes)
	if in.MayStay { // the last answer counts
		allowed = slices.DeleteFunc(allowed, func(s string) bool { return s == offlineAccess })
		if r.PostForm.Get("stay") == "1" {
			allowed = append(allowed, offlineAccess)
		}
	}
	err = s.Store.Apply(ctx, storage.Change{
		TenantID: tenant, UserID: account.UserID, Now: now, Events: []storage.Event{s.askerOf(r).Event(event)},
		Consent: &storage.Consent{
			ClientID: in.Client.ClientID, GrantedAt: now,
			Scopes: allowed, Claims: union(before.Claims, in.Claims),
			Resources: union(before.Resources, in.Resources),
		},
	})
	if errors.Is(err, storage.ErrNotFound) {
		return s.goOn(w, r, in) // the client or the user was removed meanwhile: the request ends there
	}
	if err != nil {
		return err
	}
	in.ContinueURL = cmp.Or(in.AllowURL, in.ContinueURL)
	return s.goOn(w, r, in)
}

// offlineAccess is the scope of clients that stay connected beyond the session.
const offlineAccess = "offline_access"

// asked returns the client's request, and the account that is signed in and has to allow it: the
// zero account if no user is signed in.
func (s *Server) asked(r *http.Request) (*storage.Interaction, sessions.Account, error) {
	in, err := s.site.NeedInteraction(r)
	if err != nil {
		return nil, sessions.Account{}, err
	}
	if on := ui.ActingOf(r); on != nil {
		return in, *on, nil
	}
	account, err := s.Sessions.Current(r)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return nil, sessions.Account{}, err
	}
	return in, account, nil
}

// host says where a redirect URI leads, in the form that users can compare.
func host(redirectURI string, w texts.Words) string {
	u, err := url.Parse(redirectURI)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return w.Must("consent.device")
	}
	if ip := net.ParseIP(u.Hostname()); u.Hostname() == "localhost" || ip != nil && ip.IsLoopback() {
		return w.Must("consent.device")
	}
	return u.Host
}

// union returns a with what only b has.
func union(a, b []string) []string {
	out := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
