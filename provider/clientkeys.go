package provider

import (
	"context"

	"github.com/go-jose/go-jose/v4"

	"github.com/vouchsafe/vouchsafe/storage"
)

func (p *Provider) clientKeys(ctx context.Context, c *storage.Client, kid string) ([]jose.JSONWebKey, error) {
	return nil, nil
}
