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

// NoteUnproven tells the log which client failed to prove itself, and why: its operator
// is told no more than that it failed. id is what the request says, which may be none of
// a client's. What the client sent as a secret is no part of it.
func NoteUnproven(ctx context.Context, id string, err error) {
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
