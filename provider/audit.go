package provider

import (
	"context"

	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/storage"
)

// observe records an event that is part of no change.
func (p *Provider) observe(ctx context.Context, e storage.Event) {
	audit.Writer{Store: p.Store, Log: p.Log}.Observe(ctx, oauth.Event(ctx, e))
}
