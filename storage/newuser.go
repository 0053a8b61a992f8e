package storage

// NewUser is a user who is added together with others (Changes.AddUsers).
type NewUser struct {
	User
	Credentials []Credential
	Identities  []Identity
}
