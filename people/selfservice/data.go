package selfservice

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/attributes"
	"github.com/vouchsafe/vouchsafe/storage"
)

// mostEvents bounds the events in a download: strangers who guess passwords cause events, too.
const mostEvents = 10_000

// PersonalData is all that is stored about a user, without passwords and keys.
type PersonalData struct {
	Issuer  string    `json:"issuer"`
	Made    time.Time `json:"made_at"`
	Account struct {
		ID            string          `json:"id"`
		ExternalID    string          `json:"external_id,omitempty"`
		Username      string          `json:"username,omitempty"`
		Email         string          `json:"email,omitempty"`
		EmailVerified bool            `json:"email_verified"`
		Phone         string          `json:"phone_number,omitempty"`
		PhoneVerified bool            `json:"phone_number_verified"`
		Profile       storage.Profile `json:"profile"`
		// Attributes are those that the tenant lets users see.
		Attributes map[string]any `json:"attributes,omitempty"`
		Groups     []string       `json:"groups,omitempty"`
		Roles      []string       `json:"roles,omitempty"`
		CreatedAt  time.Time      `json:"created_at"`
		UpdatedAt  time.Time      `json:"updated_at"`
	} `json:"account"`
	Credentials []PersonalCredential `json:"credentials"`
	Identities  []PersonalIdentity   `json:"identities"`
	Sessions    []PersonalSession    `json:"sessions"`
	Apps        []PersonalApp        `json:"apps"`
	APIKeys     []PersonalAPIKey     `json:"api_keys"`
	Activity    []PersonalEvent      `json:"activity"`
	// Truncated says that there was more activity, longer ago.
	Truncated bool `json:"activity_truncated,omitempty"`
}

// PersonalCredential is a credential in PersonalData.
type PersonalCredential struct {
	Kind      string    `json:"kind"`
	Name      string    `json:"name,omitempty"` // of a passkey
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// PersonalIdentity is a linked account at an upstream provider.
type PersonalIdentity struct {
	Provider  string    `json:"provider"`
	Subject   string    `json:"subject"`
	Email     string    `json:"email,omitempty"`
	CreatedAt time.Time `json:"created_at"`
}

// PersonalSession is a session in PersonalData.
type PersonalSession struct {
	ID        string    `json:"id"`
	UserAgent string    `json:"user_agent"`
	IP        string    `json:"ip"`
	AMR       []string  `json:"amr"`
	CreatedAt time.Time `json:"created_at"`
	SeenAt    time.Time `json:"seen_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

// PersonalApp is an app that may use the account.
type PersonalApp struct {
	ClientID string    `json:"client_id"`
	Name     string    `json:"name,omitempty"`
	Scopes   []string  `json:"scopes"`
	Claims   []string  `json:"claims,omitempty"`
	APIs     []string  `json:"apis,omitempty"`
	Since    time.Time `json:"since"`
}

// PersonalAPIKey is an API key of the user, without the key itself.
type PersonalAPIKey struct {
	Name      string     `json:"name"`
	Start     string     `json:"start"`
	Scopes    []string   `json:"scopes"`
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt time.Time  `json:"expires_at"`
	UsedAt    *time.Time `json:"used_at,omitempty"` // to an hour
}

// PersonalEvent is an event about the account.
type PersonalEvent struct {
	At       time.Time         `json:"at"`
	Kind     string            `json:"kind"`
	ClientID string            `json:"client_id,omitempty"`
	IP       string            `json:"ip,omitempty"`
	Detail   map[string]string `json:"detail,omitempty"`
}

// ExportData returns all that is stored about a user, and records that it was asked for.
func (s Service) ExportData(ctx context.Context, a people.Asker, o people.Owner) (PersonalData, error) {
	data, err := s.dataOf(ctx, a, o.User())
	if err != nil {
		return data, err
	}
	s.Observe(ctx, a, storage.Event{Kind: storage.EventDataDownloaded, UserID: o.User().ID})
	return data, nil
}

// dataOf returns all that is stored about a user.
func (s Service) dataOf(ctx context.Context, asker people.Asker, u storage.User) (PersonalData, error) {
	d := PersonalData{
		Issuer: asker.Tenant.Issuer, Made: time.Now().UTC(), Credentials: []PersonalCredential{},
		Identities: []PersonalIdentity{},
		Sessions:   []PersonalSession{}, Apps: []PersonalApp{}, Activity: []PersonalEvent{}, APIKeys: []PersonalAPIKey{},
	}
	a := &d.Account
	a.ID, a.ExternalID = u.ID, u.ExternalID
	a.Username, a.Profile, a.Roles, a.CreatedAt, a.UpdatedAt = u.Username, u.Profile, u.Roles,
		u.CreatedAt, u.UpdatedAt
	a.Email, a.EmailVerified, a.Phone, a.PhoneVerified = u.Email, u.EmailVerified, u.Phone, u.PhoneVerified
	a.Attributes = attributes.Visible(asker.Tenant.Settings.Attributes, u.Attributes)
	belonging, err := s.Store.Belonging(ctx, u.TenantID, u.ID)
	if err != nil {
		return d, err
	}
	a.Groups = belonging.Groups
	for _, r := range belonging.Roles {
		a.Roles = append(slices.Clip(a.Roles), cmp.Or(r.API, r.Client)+"#"+r.Name)
	}
	creds, err := s.Store.CredentialsOf(ctx, u.TenantID, u.ID)
	if err != nil {
		return d, err
	}
	for _, c := range creds {
		one := PersonalCredential{Kind: c.Kind, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt}
		if c.Kind == storage.PasskeyCredential {
			k, _ := s.OpenPasskey(ctx, c)
			one.Name = k.Name
		}
		d.Credentials = append(d.Credentials, one)
	}
	identities, err := s.Store.IdentitiesOf(ctx, u.TenantID, u.ID)
	if err != nil {
		return d, err
	}
	for _, i := range identities {
		d.Identities = append(d.Identities, PersonalIdentity{i.Provider, i.Subject, i.Email, i.CreatedAt})
	}
	sessions, err := s.Sessions(ctx, u)
	if err != nil {
		return d, err
	}
	for _, n := range sessions {
		d.Sessions = append(d.Sessions, PersonalSession{n.ID, n.UserAgent, n.IP, n.AMR, n.CreatedAt, n.SeenAt, n.ExpiresAt})
	}
	apps, err := s.appsIn(ctx, u, sessions)
	if err != nil {
		return d, err
	}
	for _, one := range apps {
		d.Apps = append(d.Apps, PersonalApp{
			ClientID: one.Client.ClientID, Name: one.Client.ClientName, Scopes: one.Scopes, Claims: one.Claims,
			APIs: one.Resources, Since: one.Since,
		})
	}
	keys, err := s.Store.APIKeysOf(ctx, u.TenantID, u.ID, "")
	if err != nil {
		return d, err
	}
	for _, k := range keys {
		one := PersonalAPIKey{k.Name, k.Start, k.Scopes, k.CreatedAt, k.ExpiresAt, nil}
		if !k.UsedAt.IsZero() {
			one.UsedAt = &k.UsedAt
		}
		d.APIKeys = append(d.APIKeys, one)
	}
	d.Activity, d.Truncated, err = s.activityOf(ctx, u)
	return d, err
}

// activityOf returns the user's events, newest first, and whether there are more than mostEvents.
func (s Service) activityOf(ctx context.Context, u storage.User) (all []PersonalEvent, truncated bool, err error) {
	const batch = 500
	all = []PersonalEvent{}
	for before := ""; len(all) < mostEvents; {
		events, err := s.Store.EventsOf(ctx, u.TenantID, u.ID, before, batch)
		if err != nil {
			return nil, false, err
		}
		for _, e := range events {
			all = append(all, PersonalEvent{e.At, e.Kind, e.ClientID, e.IP, e.Detail})
			before = e.ID
		}
		if len(events) < batch {
			return all, false, nil
		}
	}
	return all, true, nil
}
