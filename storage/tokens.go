package storage

// Tokens are what a client gets for a user (RFC 6749 section 5.1, OIDC Core
// 3.1.3.3). They are never stored: package provider makes them, and package login
// hands them to the apps that call its JSON API.
type Tokens struct {
	AccessToken  string `json:"access_token" doc:"The access token."`
	TokenType    string `json:"token_type" doc:"Bearer."`
	ExpiresIn    int64  `json:"expires_in" doc:"The access token's lifetime, in seconds."`
	RefreshToken string `json:"refresh_token,omitempty" doc:"For /auth/refresh-tokens, if the client is registered for refresh_token."`
	IDToken      string `json:"id_token,omitempty" doc:"Who the user is, as a JWT; with the scope openid."`
	Scope        string `json:"scope,omitempty" doc:"The granted scopes, separated by spaces."`
}
