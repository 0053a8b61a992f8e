package exports

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/storage"
)

// supabase reads the table auth.users as CSV or JSON, and as further files auth.identities and auth.mfa_factors.
// It reads what the admin API lists, too, which has no password hashes.
var supabase = product{arrays: []string{"users"}, user: supabaseUser, further: supabaseMore}

type supabaseRecord struct {
	ID            text                       `json:"id"`
	Email         text                       `json:"email"`
	Hash          text                       `json:"encrypted_password"`
	EmailVerified moment                     `json:"email_confirmed_at"`
	Phone         text                       `json:"phone"`
	PhoneVerified moment                     `json:"phone_confirmed_at"`
	Data          nested[supabaseProfile]    `json:"raw_user_meta_data"`
	APIData       nested[supabaseProfile]    `json:"user_metadata"`
	Created       moment                     `json:"created_at"`
	Banned        text                       `json:"banned_until"`
	Deleted       moment                     `json:"deleted_at"`
	Anonymous     flag                       `json:"is_anonymous"`
	Identities    nested[[]supabaseIdentity] `json:"identities"`
	Factors       nested[[]supabaseFactor]   `json:"factors"`
}

type supabaseProfile struct {
	Name     text `json:"name"`
	FullName text `json:"full_name"`
	Picture  text `json:"picture"`
	Avatar   text `json:"avatar_url"`
}

type supabaseIdentity struct {
	UserID   text `json:"user_id"`
	Provider text `json:"provider"`
	Subject  text `json:"provider_id"` // of versions since 2023; before, it was the id
	OldID    text `json:"id"`
	Data     nested[struct {
		Sub   text `json:"sub"`
		Email text `json:"email"`
	}] `json:"identity_data"`
}

type supabaseFactor struct {
	UserID text `json:"user_id"`
	Kind   text `json:"factor_type"`
	Status text `json:"status"`
	Secret text `json:"secret"`
}

// supabaseUser reads a user.
func supabaseUser(f *files, raw json.RawMessage) (read importing.Read, ok bool, err error) {
	var u supabaseRecord
	if err := json.Unmarshal(raw, &u); err != nil {
		return read, true, err
	}
	profile, row := u.Data.val, &read.Row
	if profile == (supabaseProfile{}) {
		profile = u.APIData.val
	}
	*row = importing.Row{
		Email: string(u.Email), EmailVerified: !u.EmailVerified.IsZero(), CreatedAt: u.Created.Time,
		Profile: storage.Profile{Name: string(or(profile.FullName, profile.Name)),
			Picture: string(or(profile.Avatar, profile.Picture))},
	}
	if u.Phone != "" { // without the plus
		row.Phone, row.PhoneVerified = "+"+strings.TrimPrefix(string(u.Phone), "+"), !u.PhoneVerified.IsZero()
	}
	setID(row, u.ID)
	switch {
	case !u.Deleted.IsZero():
		return skipped(*row, "the user was deleted there")
	case bool(u.Anonymous):
		return skipped(*row, "the user is anonymous")
	}
	setHash(row, u.Hash)
	row.Disabled = bannedUntil(u.Banned, time.Now())
	for _, i := range u.Identities.val {
		i.link(func(a account) { f.link(&read, a) })
	}
	e := &extra{}
	for _, factor := range u.Factors.val {
		factor.addTo(e)
	}
	if row.TOTP = e.totp; len(e.lost) > 0 {
		lost(&read, "%s", e.lost[0])
	}
	f.addTo(&read, u.ID)
	return read, true, nil
}

// or returns the first that is not empty.
func or(a, b text) text {
	if a != "" {
		return a
	}
	return b
}

// bannedUntil reports whether the date until which a user is banned is to come, or is infinity.
func bannedUntil(until text, now time.Time) bool {
	return until == "infinity" || dateOf(string(until)).After(now)
}

// link calls to with the account, unless it is the address or number of the user itself.
func (i *supabaseIdentity) link(to func(account)) {
	if i.Provider != "email" && i.Provider != "phone" {
		to(account{i.Provider, or(or(i.Subject, i.Data.val.Sub), i.OldID), i.Data.val.Email})
	}
}

// addTo adds the factor to what is known of a user.
func (s *supabaseFactor) addTo(e *extra) {
	switch {
	case s.Status != "verified":
	case s.Kind == "totp" && s.Secret != "" && e.totp == nil:
		e.totp = &importing.TOTP{Secret: string(s.Secret)}
	default:
		e.lost = append(e.lost, "a second factor is not imported: only one authenticator app of each user is, if the "+
			"file has their secrets")
	}
}

// supabaseMore reads a row of auth.identities or of auth.mfa_factors.
func supabaseMore(f *files, raw json.RawMessage) error {
	var factor supabaseFactor
	if err := json.Unmarshal(raw, &factor); err != nil {
		return err
	}
	if factor.Kind != "" {
		factor.addTo(f.of(factor.UserID))
		return nil
	}
	var identity supabaseIdentity
	if err := json.Unmarshal(raw, &identity); err != nil {
		return err
	}
	if identity.Provider == "" || identity.UserID == "" {
		return errColumns("auth.identities or auth.mfa_factors")
	}
	identity.link(func(a account) {
		e := f.of(identity.UserID)
		e.identities = append(e.identities, a)
	})
	return nil
}
