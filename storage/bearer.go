package storage

// Bearer is what a living access token of a tenant stands for. Package provider reads it from a request, and
// package admin decides by it what the request may do.
type Bearer struct {
	Client Client // that got the token; enabled
	// User and Grant are those of a token that a user allowed; nil for one that the client got for itself.
	User     *User
	Grant    *Grant
	Scopes   []string
	Audience []string
}
