package storage

// NewUser is a user who is added together with others, as imports do: see AddAll of Change.
type NewUser struct {
	User
	Credentials []Credential
	Identities  []Identity
	// Unique is as in a Change.
	Unique map[string]string
}
