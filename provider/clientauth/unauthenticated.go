package clientauth

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
)

// NoteUnauthenticated notes on the request's log line which client failed to authenticate, and why. The
// client itself gets less. id is the id in the request, which may not be that of any client. No
// secret that the client sent is logged.
func NoteUnauthenticated(ctx context.Context, id string, err error) {
	if id != "" {
		web.Note(ctx, "client", strings.ToValidUTF8(id[:min(len(id), clients.MaxID)], ""))
	}
	var failed *authError
	var refused *fosite.RFC6749Error
	switch {
	case errors.As(err, &failed):
		web.Note(ctx, "why", failed.why)
	case errors.As(err, &refused):
		why := oauth.Description(refused)
		if cause := refused.Unwrap(); cause != nil {
			why = cmp.Or(cause.Error(), why)
		}
		web.Note(ctx, "why", why)
	}
}

// authError says why a client was not authenticated. It is for the log. In development mode the
// client sees it, too, if it used another method than it is registered for.
type authError struct {
	why    string
	method bool
}

// Error implements error.
func (e *authError) Error() string { return "client not believed: " + e.why }
