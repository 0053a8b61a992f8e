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

// lookForDeclared is how long a server goes by what it found that clients declare. What a command
// stores is published at once, without that.
const lookForDeclared = time.Minute

// IDTokenAlgorithm returns the client's, or the one that every client must know (OIDC Core 15.1).
func IDTokenAlgorithm(c *storage.Client) string {
	if c.IDTokenSignedResponseAlg == "" {
		return string(jose.RS256)
	}
	return c.IDTokenSignedResponseAlg
}

// declaredAlgorithms are those that have to sign what the client is given.
func declaredAlgorithms(c *storage.Client) []string {
	algs := []string{IDTokenAlgorithm(c)}
	if c.UserinfoSignedResponseAlg != "" {
		algs = append(algs, c.UserinfoSignedResponseAlg)
	}
	return algs
}

// Publish makes the keys of the tenant that the clients declare and that it has none of yet;
// those that every tenant has are there from the first look at the JWK set. Call it before the
// clients are stored: a client that keeps the set then has the key before its first token.
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

// Unpublished are those that clients declare and that none of the tenant's keys is of,
// beside those that every tenant has keys of: Publish would make some.
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

// Complete are the tenant's keys, with one of each algorithm that there is always one of, and of
// each that a client declares: a JWK set that is kept knows the key of the first token.
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

// LastRead is the set that was read last, however long ago: for while none can be read. Nil
// when it has not all keys of those that each set has.
func (k *Ring) LastRead(tenant string) *Set {
	last, _ := k.last.Load(tenant)
	set, _ := last.(*Set)
	if set == nil || slices.ContainsFunc(k.always, func(alg string) bool { return set.newest(alg) == nil }) {
		return nil
	}
	return set
}

// makeDeclared makes keys of those of the algorithms that a client declares.
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

// missing are the algorithms that no published key is of.
func (k *Ring) missing(set *Set) []string {
	var algs []string
	for _, alg := range clients.SigningAlgorithms {
		if newest := set.newest(string(alg)); newest == nil || !newest.isPublished(time.Now()) {
			algs = append(algs, string(alg))
		}
	}
	return algs
}
