package keys

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/storage"
)

// lookForDeclared is how often a server looks for algorithms that clients declare and that have no
// key. Keys for clients that a command stores are made at once, by Publish.
const lookForDeclared = time.Minute

// IDTokenAlgorithm returns the algorithm that signs the client's ID tokens: the registered one, or
// RS256, which every client must support (OpenID Connect Core section 15.1); ES256 for FAPI 2.0.
func IDTokenAlgorithm(c *storage.Client) string {
	switch {
	case c.IDTokenSignedResponseAlg != "":
		return c.IDTokenSignedResponseAlg
	case c.FAPI2(): // section 5.4.1 forbids RS256
		return string(jose.ES256)
	}
	return string(jose.RS256)
}

// declaredAlgorithms returns the algorithms that sign what the client receives.
func declaredAlgorithms(c *storage.Client) []string {
	algs := []string{IDTokenAlgorithm(c)}
	for _, alg := range []string{
		c.UserinfoSignedResponseAlg, c.AuthorizationSignedResponseAlg, c.IntrospectionSignedResponseAlg,
	} {
		if alg != "" {
			algs = append(algs, alg)
		}
	}
	return algs
}

// Publish makes the tenant's missing keys for the algorithms that the clients declare. Keys for the
// usual algorithms exist from the first request for the JWK set. Call Publish before the clients
// are stored: a client that caches the set then has the key before its first token.
func (k *Ring) Publish(ctx context.Context, tenant string, registered ...storage.Client) error {
	for i := range registered {
		for _, alg := range declaredAlgorithms(&registered[i]) {
			if slices.Contains(usualAlgorithms, alg) {
				continue
			}
			if _, err := k.Signing(ctx, tenant, alg); err != nil {
				return err
			}
		}
	}
	return nil
}

// Unpublished returns the algorithms that clients declare and for which Publish would make a key,
// because none of the tenant's keys is for them.
func Unpublished(keys []storage.Key, registered ...storage.Client) []string {
	now := time.Now()
	var out []string
	for i := range registered {
		for _, alg := range declaredAlgorithms(&registered[i]) {
			has := func(k storage.Key) bool {
				return k.Algorithm == alg && (k.ExpiresAt.IsZero() || k.ExpiresAt.After(now))
			}
			if !slices.Contains(usualAlgorithms, alg) && !slices.Contains(out, alg) && !slices.ContainsFunc(keys, has) {
				out = append(out, alg)
			}
		}
	}
	return out
}

// Complete returns the tenant's keys. It makes those that are missing for the algorithms that every
// tenant has and that clients declare, so that a client that caches the JWK set knows the key of
// its first token.
func (k *Ring) Complete(ctx context.Context, tenant string) (*Set, error) {
	for _, alg := range k.always {
		if _, err := k.Signing(ctx, tenant, alg); err != nil {
			return nil, err
		}
	}
	set, err := k.sets.Get(ctx, tenant)
	if err != nil {
		return nil, fmt.Errorf("signing keys: %w", err)
	}
	missing := k.missing(set)
	if len(missing) == 0 || !set.declared.over(lookForDeclared) {
		return set, nil
	}
	if err := k.makeDeclared(ctx, tenant, missing); err != nil {
		set.declared.end()
		return nil, err
	}
	return k.sets.Get(ctx, tenant)
}

// LastRead returns the set that was read last, however long ago, for as long as storage cannot be
// read. It returns nil if a key of the algorithms that every tenant has is missing.
func (k *Ring) LastRead(tenant string) *Set {
	last, _ := k.last.Load(tenant)
	set, _ := last.(*Set)
	if set == nil || slices.ContainsFunc(k.always, func(alg string) bool { return set.newest(alg) == nil }) {
		return nil
	}
	return set
}

// makeDeclared makes a key for each of the algorithms that a client declares.
func (k *Ring) makeDeclared(ctx context.Context, tenant string, algs []string) error {
	for _, alg := range algs {
		declared, err := k.Store.DeclaresAlgorithm(ctx, tenant, alg)
		if err != nil {
			return fmt.Errorf("declared algorithms: %w", err)
		}
		if !declared {
			continue
		}
		if _, err := k.Signing(ctx, tenant, alg); err != nil {
			return err
		}
	}
	return nil
}

// missing returns the algorithms for which the set has no published key.
func (k *Ring) missing(set *Set) []string {
	var algs []string
	for _, alg := range clients.SigningAlgorithms {
		if newest := set.newest(string(alg)); newest == nil || !newest.isPublished(time.Now()) {
			algs = append(algs, string(alg))
		}
	}
	return algs
}
