package administration

import (
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/filter"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/people/username"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/terms"
)

// Fields of users that are read from other tables.
const (
	secondFactor = "status.second_factor"
	lastSignIn   = "status.last_sign_in"
)

// indexed are the fields of users that an index serves, beside nameFields.
var indexed = map[string]storage.UserKey{
	"id": storage.ByID, "external_id": storage.ByExternalID, "email": storage.ByEmail, "username": storage.ByUsername,
}

// nameFields are those whose beginnings are terms of the user.
var nameFields = []string{"profile.name", "profile.given_name", "profile.family_name", "profile.nickname"}

// userColumns are what filters can ask about every tenant's users. They are named as in the API.
var userColumns = filter.Table[Listed]{
	filter.TextColumn("id", strings.ToLower, func(u Listed) string { return u.ID }),
	filter.TextColumn("external_id", filter.Exact, func(u Listed) string { return u.ExternalID }),
	filter.TextColumn("email", foldEmail, func(u Listed) string { return u.EmailKey }),
	filter.BoolColumn("email_verified", func(u Listed) bool { return u.EmailVerified }),
	filter.TextColumn("username", foldUsername, func(u Listed) string { return u.UsernameKey }),
	filter.TextColumn("phone_number", filter.Exact, func(u Listed) string { return u.Phone }),
	filter.BoolColumn("phone_number_verified", func(u Listed) bool { return u.PhoneVerified }),
	filter.TextColumn("profile.name", terms.Fold, func(u Listed) string { return u.Profile.Name }),
	filter.TextColumn("profile.given_name", terms.Fold, func(u Listed) string { return u.Profile.GivenName }),
	filter.TextColumn("profile.middle_name", terms.Fold, func(u Listed) string { return u.Profile.MiddleName }),
	filter.TextColumn("profile.family_name", terms.Fold, func(u Listed) string { return u.Profile.FamilyName }),
	filter.TextColumn("profile.nickname", terms.Fold, func(u Listed) string { return u.Profile.Nickname }),
	filter.TextColumn("profile.locale", nil, func(u Listed) string { return u.Profile.Locale }),
	filter.TextColumn("profile.zoneinfo", nil, func(u Listed) string { return u.Profile.Zoneinfo }),
	filter.TextsColumn("roles", func(u Listed) []string { return u.Roles }),
	filter.BoolColumn("disabled", func(u Listed) bool { return u.Disabled }),
	filter.TextColumn("status.admin_role", filter.Exact, func(u Listed) string { return u.AdminRole }),
	filter.BoolColumn("status.secured", func(u Listed) bool { return !u.SecuredAt.IsZero() }),
	filter.BoolColumn(secondFactor, func(u Listed) bool { return u.Standing.SecondFactor }),
	filter.TimeColumn(lastSignIn, func(u Listed) time.Time { return u.Standing.LastSignIn }),
	filter.TimeColumn("status.created_at", func(u Listed) time.Time { return u.CreatedAt }),
	filter.TimeColumn("status.updated_at", func(u Listed) time.Time { return u.UpdatedAt }),
}

// UserTable returns what filters can ask about the users of a tenant that stores these attributes.
func UserTable(attributes []storage.Attribute) filter.Table[Listed] {
	table := slices.Clip(userColumns)
	for _, a := range attributes {
		kind := map[string]filter.Kind{storage.AttributeNumber: filter.Number, storage.AttributeBoolean: filter.Bool}[a.Type]
		table = append(table, filter.Column[Listed]{
			Field: filter.Field{Name: "attributes." + a.Name, Kind: kind},
			Of:    func(u Listed) []any { return valuesOf(u.Attributes[a.Name]) },
		})
	}
	return table
}

// valuesOf returns the values of an attribute.
func valuesOf(stored any) []any {
	switch stored := stored.(type) {
	case nil:
		return nil
	case []any:
		return stored
	}
	return []any{stored}
}

// foldEmail returns an address, or the beginning of one, as storage.User.EmailKey has it.
func foldEmail(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return r > '~' }) {
		if email, err := address.Read(s); err == nil {
			return email.Key()
		}
	}
	return strings.ToLower(s)
}

// foldUsername returns a username as storage.User.UsernameKey has it.
func foldUsername(s string) string {
	if key, ok := username.Key(s); ok {
		return key
	}
	return strings.ToLower(s)
}
