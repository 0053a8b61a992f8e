package people

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/vouchsafe/vouchsafe/people/attributes"
	"github.com/vouchsafe/vouchsafe/people/claims"
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
	Since    time.Time `json:"since"`
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
func (s *Service) ExportData(ctx context.Context, a Asker, o Owner) (PersonalData, error) {
	data, err := s.dataOf(ctx, a, o.user)
	if err != nil {
		return data, err
	}
	s.Observe(ctx, a, storage.Event{Kind: storage.EventDataDownloaded, UserID: o.user.ID})
	return data, nil
}

// dataOf returns all that is stored about a user.
func (s *Service) dataOf(ctx context.Context, asker Asker, u storage.User) (PersonalData, error) {
	d := PersonalData{
		Issuer: asker.Tenant.Issuer, Made: time.Now().UTC(), Credentials: []PersonalCredential{},
		Identities: []PersonalIdentity{},
		Sessions:   []PersonalSession{}, Apps: []PersonalApp{}, Activity: []PersonalEvent{},
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
			k, _ := s.openPasskey(ctx, c)
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
		d.Apps = append(d.Apps, PersonalApp{one.Client.ClientID, one.Client.ClientName, one.Scopes, one.Claims, one.Since})
	}
	d.Activity, d.Truncated, err = s.activityOf(ctx, u)
	return d, err
}

// activityOf returns the user's events, newest first, and whether there are more than mostEvents.
func (s *Service) activityOf(ctx context.Context, u storage.User) (all []PersonalEvent, truncated bool, err error) {
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

// MaxProfileField bounds what a field of the profile holds, in characters.
const MaxProfileField = 200

const formattedAddress = "address.formatted"

// ProfileValues returns the profile's values by the names of their fields.
func ProfileValues(p storage.Profile) map[string]string {
	p = withAddress(p)
	values := map[string]string{}
	for _, c := range claims.Standard.All() {
		if c.Text != nil {
			values[c.Name] = *c.Text(&p)
		}
	}
	return values
}

// EditProfile returns the profile with the given values, by the names of their fields, and with
// an address of its own. A formatted address that was not given goes when another part of the
// address changed: it describes the former one.
func EditProfile(p storage.Profile, values map[string]string) storage.Profile {
	p = withAddress(p)
	before := *p.Address
	for _, c := range claims.Standard.All() {
		if value, ok := values[c.Name]; ok && c.Text != nil {
			*c.Text(&p) = value
		}
	}
	if _, given := values[formattedAddress]; !given && *p.Address != before {
		p.Address.Formatted = ""
	}
	return p
}

// UpdateProfile stores what users say about themselves, and returns the user as it is then.
// typed are values of the attributes that users edit themselves. Names to sign in with, roles and the like are no
// part of a profile. It tells the user by mail, unless nothing changed. Its refusal is ErrChangedMeanwhile.
func (s *Service) UpdateProfile(
	ctx context.Context, a Asker, u storage.User, p storage.Profile, typed map[string]string,
) (storage.User, error) {
	p, err := cleanProfile(p)
	if err != nil {
		return u, err
	}
	// What the asker's session knows of the user may be a moment old.
	if u, err = s.Store.User(ctx, u.TenantID, u.ID); err != nil {
		return u, err
	}
	own, err := attributes.ChangeOwn(a.Tenant.Settings.Attributes, u.Attributes, typed)
	if err != nil {
		return u, faultsOfAttributes(err)
	}
	if sameProfile(u.Profile, p) && maps.EqualFunc(u.Attributes, own.Values, sameValue) {
		return u, nil
	}
	u.Profile, u.Attributes, u.UpdatedAt = p, own.Values, time.Now()
	mails, err := s.changeNotice(a, u, "notice.profile")
	if err != nil {
		return u, err
	}
	changed := a.Event(storage.Event{Kind: storage.EventProfileChanged, UserID: u.ID})
	err = s.Apply(ctx, u, storage.Change{
		Update: &u, Unique: own.Unique, Deliveries: mails, Events: []storage.Event{changed},
	})
	if errors.Is(err, storage.ErrExists) { // of what users edit here, only these are unique
		var taken Faults
		for _, attribute := range attributes.EditableByOwner(a.Tenant.Settings.Attributes) {
			if attribute.Unique && typed[attribute.Name] != "" {
				taken = append(taken, Fault{Field: AttributeField + attribute.Name, Text: "profile.attribute_taken"})
			}
		}
		return u, taken
	}
	return u, err
}

// AttributeField is what the name of an attribute's field begins with, in forms.
const AttributeField = "attribute."

// faultsOfAttributes returns what is wrong with the values of attributes as Faults.
func faultsOfAttributes(err error) error {
	wrong, ok := errors.AsType[attributes.Faults](err)
	if !ok {
		return err
	}
	var all Faults
	for _, f := range wrong {
		all = append(all, Fault{Field: AttributeField + f.Name, Text: "profile.attribute_form"})
	}
	return all
}

// sameValue reports whether two values of an attribute are the same.
func sameValue(a, b any) bool { return attributes.Text(a) == attributes.Text(b) }

// sameProfile reports whether the profiles say the same.
func sameProfile(a, b storage.Profile) bool {
	a, b = withAddress(a), withAddress(b)
	if *a.Address != *b.Address {
		return false
	}
	a.Address, b.Address = nil, nil
	return a == b
}

// withAddress returns p with an address of its own.
func withAddress(p storage.Profile) storage.Profile {
	address := storage.Address{}
	if p.Address != nil {
		address = *p.Address
	}
	p.Address = &address
	return p
}

// cleanProfile returns the profile without spaces around its values, or the faults of the values
// that cannot be shown or followed.
func cleanProfile(p storage.Profile) (storage.Profile, error) {
	p = withAddress(p)
	var faults Faults
	for _, c := range claims.Standard.All() {
		if c.Text == nil {
			continue
		}
		value := c.Text(&p)
		*value = strings.TrimSpace(strings.ReplaceAll(*value, "\r\n", "\n"))
		if text, args := checkProfileText(c.Form, *value); text != "" {
			faults = append(faults, Fault{Field: c.Name, Text: text, Args: args})
		}
	}
	if *p.Address == (storage.Address{}) {
		p.Address = nil
	}
	if faults != nil {
		return p, faults
	}
	return p, nil
}

// checkProfileText returns the id of the text that says what is wrong with a value, and what
// stands in the text; "" for a good value.
func checkProfileText(form claims.Form, value string) (text string, args []any) {
	unprintable := func(c rune) bool { return misleads(c) && (c != '\n' || form != claims.Lines) }
	switch {
	case utf8.RuneCountInString(value) > MaxProfileField:
		return "profile.long", []any{MaxProfileField}
	case !utf8.ValidString(value), strings.ContainsFunc(value, unprintable):
		return "profile.unprintable", nil
	}
	return form.Fault(value), nil
}

// misleads reports whether a character shows nothing, or changes the order in which the text
// around it is shown. It accepts joiners, which some languages need.
func misleads(c rune) bool {
	return unicode.IsControl(c) || c >= '\u202a' && c <= '\u202e' || c >= '\u2066' && c <= '\u2069'
}

// DeleteAccount deletes a user with all that belongs to the account. The id is never given to another
// user, so that no app takes a stranger for this one. Its refusal is ErrChangedMeanwhile.
func (s *Service) DeleteAccount(ctx context.Context, a Asker, o Owner) error {
	u := o.user
	mails, err := s.notice(a, u, "account-deleted", map[string]string{}) // it cannot be undone
	if err != nil {
		return err
	}
	removed := a.Event(storage.Event{Kind: storage.EventUserRemoved, UserID: u.ID})
	err = s.Apply(ctx, u, storage.Change{Remove: true, Deliveries: mails, Events: []storage.Event{removed}})
	if errors.Is(err, storage.ErrNotFound) {
		err = ErrChangedMeanwhile
	}
	return err
}

// Overview is how the subjects of a user's account stand.
type Overview struct {
	PasswordChanged            time.Time // zero without a password
	HasSecondFactor            bool
	Passkeys, Identities, Apps int
	Sessions                   int
}

// Overview returns how the subjects of the user's account stand.
func (s *Service) Overview(ctx context.Context, u storage.User) (o Overview, err error) {
	creds, err := s.Store.CredentialsOf(ctx, u.TenantID, u.ID)
	if err != nil {
		return o, err
	}
	o.HasSecondFactor = storage.HasSecondFactor(creds)
	for _, c := range creds {
		switch c.Kind {
		case storage.PasswordCredential:
			o.PasswordChanged = c.UpdatedAt
		case storage.PasskeyCredential:
			o.Passkeys++
		}
	}
	identities, err := s.Identities(ctx, u)
	if err != nil {
		return o, err
	}
	sessions, err := s.Sessions(ctx, u)
	if err != nil {
		return o, err
	}
	apps, err := s.appsIn(ctx, u, sessions)
	o.Identities, o.Sessions, o.Apps = len(identities), len(sessions), len(apps)
	return o, err
}
