package provider

import "github.com/ory/fosite"

// grantTypes is the table of what POST /token gives tokens for.
var grantTypes = map[string]func(*Provider) fosite.TokenEndpointHandler{}
