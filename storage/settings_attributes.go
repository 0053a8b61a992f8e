package storage

// Types of an Attribute.
const (
	AttributeString  = "string"
	AttributeNumber  = "number"
	AttributeBoolean = "boolean"
	AttributeDate    = "date" // 2006-01-02
	AttributeList    = "list" // of strings
)

// Values of Attribute.See and Attribute.Edit.
const (
	ByOwner         = "owner" // the user, and administrators
	ByAdministrator = "administrator"
)

// Attribute is something that a tenant stores about its users, beside their profile.
type Attribute struct {
	// Name is its name in files, in the API and as the source of claims: small letters, digits and _.
	Name string `json:"name" yaml:"name"`
	// Title is shown to users and administrators in place of the name.
	Title string `json:"title,omitempty" yaml:"title,omitempty"`
	// Type is string (the default), number, boolean, date or list.
	Type string `json:"type,omitempty" yaml:"type,omitempty"`
	// Required refuses a user without a value when an administrator adds the user, and changes of attributes that
	// leave none. Users who sign up have none yet.
	Required bool `json:"required,omitempty" yaml:"required,omitempty"`
	// Unique refuses a value that another user of the tenant has. It is for strings, numbers and dates.
	Unique bool `json:"unique,omitempty" yaml:"unique,omitempty"`
	// Pattern is a regular expression (RE2) that a whole string, or each string of a list, must match.
	Pattern string `json:"pattern,omitempty" yaml:"pattern,omitempty"`
	// See and Edit are owner or administrator (the default): who sees the value, and who sets it.
	See  string `json:"see,omitempty" yaml:"see,omitempty"`
	Edit string `json:"edit,omitempty" yaml:"edit,omitempty"`
}
