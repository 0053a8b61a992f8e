// Package libraries names the client libraries that the examples of docs/clients-go.md
// use, so that go.mod keeps them. Tests build the examples in this module, which keeps
// them out of the product's.
package libraries

import (
	_ "github.com/coreos/go-oidc/v3/oidc"
	_ "github.com/go-jose/go-jose/v4"
	_ "github.com/gorilla/sessions"
	_ "github.com/hashicorp/cap/oidc"
	_ "github.com/markbates/goth/gothic"
	_ "github.com/markbates/goth/providers/openidConnect"
	_ "github.com/zitadel/oidc/v3/pkg/client/rp"
	_ "golang.org/x/oauth2"
)
