package provider

import (
	"slices"
	"testing"

	"github.com/vouchsafe/vouchsafe/clients"
)

func TestClientsMayDeclareTheGrantTypesOfTheTokenEndpoint(t *testing.T) {
	t.Parallel()
	if got := startTokens(t).p.token.GrantTypes(); !slices.Equal(got, clients.GrantTypes) {
		t.Errorf("the token endpoint has %v, clients may declare %v", got, clients.GrantTypes)
	}
}
