package login

import (
	"bytes"
	"encoding/json"
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

// mostEvents bounds the events in a download: strangers who guess passwords make them too.
const mostEvents = 10_000

// personalData is all that is kept about a person, without what proves them.
type personalData struct {
	Issuer  string    `json:"issuer"`
	Made    time.Time `json:"made_at"`
	Account struct {
		ID            string          `json:"id"`
		Username      string          `json:"username,omitempty"`
		Email         string          `json:"email,omitempty"`
		EmailVerified bool            `json:"email_verified"`
		Phone         string          `json:"phone_number,omitempty"`
		PhoneVerified bool            `json:"phone_number_verified"`
		Profile       storage.Profile `json:"profile"`
		Roles         []string        `json:"roles,omitempty"`
		CreatedAt     time.Time       `json:"created_at"`
		UpdatedAt     time.Time       `json:"updated_at"`
	} `json:"account"`
	Credentials []personalCredential `json:"credentials"`
	Identities  []personalIdentity   `json:"identities"`
	Sessions    []personalSession    `json:"sessions"`
	Apps        []personalApp        `json:"apps"`
	Activity    []personalEvent      `json:"activity"`
	// Truncated says that there was more activity, longer ago.
	Truncated bool `json:"activity_truncated,omitempty"`
}

type personalCredential struct {
	Kind      string    `json:"kind"`
	Name      string    `json:"name,omitempty"` // of a passkey
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

type personalIdentity struct {
	Provider  string    `json:"provider"`
	Subject   string    `json:"subject"`
	Email     string    `json:"email,omitempty"`
	CreatedAt time.Time `json:"created_at"`
}

type personalSession struct {
	ID        string    `json:"id"`
	UserAgent string    `json:"user_agent"`
	IP        string    `json:"ip"`
	AMR       []string  `json:"amr"`
	CreatedAt time.Time `json:"created_at"`
	SeenAt    time.Time `json:"seen_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

type personalApp struct {
	ClientID string    `json:"client_id"`
	Name     string    `json:"name,omitempty"`
	Scopes   []string  `json:"scopes"`
	Claims   []string  `json:"claims,omitempty"`
	Since    time.Time `json:"since"`
}

type personalEvent struct {
	At       time.Time         `json:"at"`
	Kind     string            `json:"kind"`
	ClientID string            `json:"client_id,omitempty"`
	IP       string            `json:"ip,omitempty"`
	Detail   map[string]string `json:"detail,omitempty"`
}

// dataPage offers the download.
func (s *Server) dataPage(w http.ResponseWriter, r *http.Request) error {
	a, err := s.fresh(r)
	if err != nil {
		return err
	}
	return s.show(w, http.StatusOK, "account-data", s.accountView(w, r, "account.data", a))
}

// postData gives it.
func (s *Server) postData(w http.ResponseWriter, r *http.Request) error {
	a, err := s.fresh(r)
	if err != nil {
		return err
	}
	data, err := s.dataOf(r, a.User)
	if err != nil {
		return err
	}
	if err := s.record(r, storage.Event{Kind: storage.EventDataDownloaded, UserID: a.UserID}); err != nil {
		return err
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetIndent("", "  ")
	if err := enc.Encode(data); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Disposition", `attachment; filename="account-`+data.Made.Format(time.DateOnly)+`.json"`)
	_, _ = w.Write(buf.Bytes()) // the browser has gone
	return nil
}

// dataOf is what is kept about a person.
func (s *Server) dataOf(r *http.Request, u storage.User) (personalData, error) {
	ctx := r.Context()
	d := personalData{Issuer: web.TenantOf(ctx).Issuer, Made: time.Now().UTC(), Credentials: []personalCredential{}, Identities: []personalIdentity{}, Sessions: []personalSession{}, Apps: []personalApp{}, Activity: []personalEvent{}}
	a := &d.Account
	a.ID, a.Username, a.Profile, a.Roles, a.CreatedAt, a.UpdatedAt = u.ID, u.Username, u.Profile, u.Roles, u.CreatedAt, u.UpdatedAt
	a.Email, a.EmailVerified, a.Phone, a.PhoneVerified = u.Email, u.EmailVerified, u.Phone, u.PhoneVerified
	creds, err := s.Store.CredentialsOf(ctx, u.TenantID, u.ID)
	if err != nil {
		return d, err
	}
	for _, c := range creds {
		one := personalCredential{Kind: c.Kind, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt}
		if c.Kind == storage.PasskeyCredential {
			k, _ := s.openPasskey(r, c)
			one.Name = k.Name
		}
		d.Credentials = append(d.Credentials, one)
	}
	identities, err := s.Store.IdentitiesOf(ctx, u.TenantID, u.ID)
	if err != nil {
		return d, err
	}
	for _, i := range identities {
		d.Identities = append(d.Identities, personalIdentity{i.Provider, i.Subject, i.Email, i.CreatedAt})
	}
	sessions, err := s.sessionsOf(r, u)
	if err != nil {
		return d, err
	}
	for _, n := range sessions {
		d.Sessions = append(d.Sessions, personalSession{n.ID, n.UserAgent, n.IP, n.AMR, n.CreatedAt, n.SeenAt, n.ExpiresAt})
	}
	apps, err := s.appsOf(r, u, sessions)
	if err != nil {
		return d, err
	}
	for _, one := range apps {
		d.Apps = append(d.Apps, personalApp{one.client.ClientID, one.client.ClientName, one.scopes, one.claims, one.since})
	}
	d.Activity, d.Truncated, err = s.activityOf(r, u)
	return d, err
}

func (s *Server) activityOf(r *http.Request, u storage.User) (all []personalEvent, truncated bool, err error) {
	const batch = 500
	all = []personalEvent{}
	for before := ""; len(all) < mostEvents; {
		events, err := s.Store.EventsOf(r.Context(), u.TenantID, u.ID, before, batch)
		if err != nil {
			return nil, false, err
		}
		for _, e := range events {
			all = append(all, personalEvent{e.At, e.Kind, e.ClientID, e.IP, e.Detail})
			before = e.ID
		}
		if len(events) < batch {
			return all, false, nil
		}
	}
	return all, true, nil
}
