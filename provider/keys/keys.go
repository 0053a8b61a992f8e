package keys

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/sync/singleflight"

	"github.com/vouchsafe/vouchsafe/internal/cache"
	"github.com/vouchsafe/vouchsafe/internal/jws"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/storage"
)

// usualAlgorithms are the algorithms for which every tenant has a key.
var usualAlgorithms = []string{string(jose.RS256), string(jose.ES256)}

// Config is what a Ring needs.
type Config struct {
	Lifetimes
	Store   Store
	Secrets *secret.Masters
	// Algorithm is an algorithm for which each tenant has a key, besides the usual ones.
	Algorithm string
}

// Lifetimes say how long keys work.
type Lifetimes struct {
	// Rotation is how long a key signs.
	Rotation time.Duration
	// Longest is the longest life of what a key signs. A key stays published for that long after it
	// has signed last.
	Longest time.Duration
}

// Ring holds the signing keys of all tenants, as storage had them at most cache.TTL ago. It unseals
// a private key once, when the key first signs.
type Ring struct {
	Config
	// always are the algorithms for which a tenant has a key from the first request for its JWK
	// set. Keys for other algorithms are made when a client declares them.
	always []string

	sets   cache.Cache[string, *Set]
	making singleflight.Group
	// verified are tokens whose signature has been verified.
	verified verifiedTokens
	// last holds the newest set of each tenant, so that a reload parses new keys only.
	last sync.Map // tenant → *Set
}

// Store is the storage that a Ring needs.
type Store interface {
	storage.Keys
	// DeclaresAlgorithm is the method of storage.Clients.
	DeclaresAlgorithm(ctx context.Context, tenant, alg string) (bool, error)
}

// NewRing returns a Ring without keys. It makes the first keys when they are needed.
func NewRing(c Config) *Ring {
	k := &Ring{Config: c, always: slices.Clone(usualAlgorithms)}
	if !slices.Contains(k.always, c.Algorithm) {
		k.always = append(k.always, c.Algorithm)
	}
	k.sets = cache.Cache[string, *Set]{Load: k.load, Name: func(tenant string) string { return tenant }}
	return k
}

// Sign returns the claims as a compact JWS, signed with the tenant's current key for the algorithm.
func (k *Ring) Sign(ctx context.Context, tenant, alg, typ string, claims []byte) (string, error) {
	key, err := k.Signing(ctx, tenant, alg)
	if err != nil {
		return "", err
	}
	return key.Sign(typ, claims)
}

// Signing returns the key that signs now. It makes the first key for an algorithm. The returned key
// can sign without reading storage.
func (k *Ring) Signing(ctx context.Context, tenant, alg string) (*Key, error) {
	set, err := k.sets.Get(ctx, tenant)
	if err != nil {
		return nil, fmt.Errorf("signing keys: %w", err)
	}
	key := set.signing(alg, time.Now(), k.Longest)
	if key == nil {
		if key, err = k.first(ctx, tenant, alg); err != nil {
			return nil, fmt.Errorf("first %s key: %w", alg, err)
		}
	}
	if _, err := key.unsealed(); err != nil {
		return nil, err
	}
	return key, nil
}

// Verify returns the claims of a JWT that a published key of the tenant has signed with one of the
// algorithms. typ are the accepted values of the header typ, separated by spaces, so that a token
// of one type is never taken for another. The caller checks expiry and audience, and must not
// change the claims, which are shared. The error wraps jws.ErrInvalid, unless storage could not be
// read.
func (k *Ring) Verify(ctx context.Context, tenant, token string, algs []jose.SignatureAlgorithm,
	typ string,
) ([]byte, error) {
	return k.verifyBy(ctx, k.published, tenant, token, algs, typ)
}

// VerifyOld is Verify that also accepts a key which is no longer published. The claims may serve to
// find out what is meant, and must not give access to anything.
func (k *Ring) VerifyOld(ctx context.Context, tenant, token string, algs []jose.SignatureAlgorithm,
	typ string,
) ([]byte, error) {
	return k.verifyBy(ctx, k.known, tenant, token, algs, typ)
}

// verifyBy is Verify with the keys that find returns.
func (k *Ring) verifyBy(ctx context.Context, find func(ctx context.Context, tenant, kid string) (*Key, error),
	tenant, token string, algs []jose.SignatureAlgorithm, typ string,
) ([]byte, error) {
	if len(token) > jws.MaxLength {
		return nil, fmt.Errorf("%w: %d bytes are too many", jws.ErrInvalid, len(token))
	}
	name := verifiedName(tenant, typ, token)
	if v, ok := k.verified.find(name); ok && slices.Contains(algs, v.alg) {
		if _, err := find(ctx, tenant, v.kid); err != nil {
			return nil, err
		}
		return v.claims, nil
	}
	parsed, err := jws.Parse(token, algs)
	if err != nil {
		return nil, err
	}
	if got := jws.Type(parsed); !slices.Contains(strings.Fields(strings.ToLower(typ)), got) {
		return nil, fmt.Errorf("%w: typ %q, want %q", jws.ErrInvalid, got, typ)
	}
	header := parsed.Signatures[0].Protected
	key, err := find(ctx, tenant, header.KeyID)
	if err != nil {
		return nil, err
	}
	if key.Algorithm != header.Algorithm {
		return nil, fmt.Errorf("%w: alg %q with a key for %s", jws.ErrInvalid, header.Algorithm, key.Algorithm)
	}
	claims, err := parsed.Verify(key.public.Key)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", jws.ErrInvalid, err)
	}
	k.verified.keep(name, verified{jose.SignatureAlgorithm(header.Algorithm), header.KeyID, claims})
	return claims, nil
}

// published returns the key with that id while it is published.
func (k *Ring) published(ctx context.Context, tenant, kid string) (*Key, error) {
	if len(kid) != thumbprintLength {
		return nil, fmt.Errorf("%w: unknown kid", jws.ErrInvalid)
	}
	now := time.Now()
	set, err := k.sets.Get(ctx, tenant)
	if err != nil {
		return nil, fmt.Errorf("signing keys: %w", err)
	}
	key := set.published(kid, now)
	// Another replica may have made its first key within this second. That is worth one more read,
	// but at most one a second, because otherwise each made-up kid would cost a query.
	if key == nil && set.asked.over(cache.TTL) {
		if set, err = k.sets.Fresh(ctx, tenant); err != nil {
			return nil, fmt.Errorf("signing keys: %w", err)
		}
		key = set.published(kid, now)
	}
	if key == nil {
		return nil, fmt.Errorf("%w: unknown kid", jws.ErrInvalid)
	}
	return key, nil
}

// known returns the key with that id while it is published, and for storage.KeepKeys afterwards.
func (k *Ring) known(ctx context.Context, tenant, kid string) (*Key, error) {
	if len(kid) != thumbprintLength {
		return nil, fmt.Errorf("%w: unknown kid", jws.ErrInvalid)
	}
	set, err := k.sets.Get(ctx, tenant)
	if err != nil {
		return nil, fmt.Errorf("signing keys: %w", err)
	}
	now := time.Now()
	if key := set.published(kid, now); key != nil {
		return key, nil
	}
	row, err := k.Store.Key(ctx, tenant, kid)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return nil, fmt.Errorf("%w: unknown kid", jws.ErrInvalid)
	case err != nil:
		return nil, fmt.Errorf("signing key: %w", err)
	case !row.ExpiresAt.IsZero() && now.After(row.ExpiresAt.Add(storage.KeepKeys)):
		return nil, fmt.Errorf("%w: a key that ended long ago", jws.ErrInvalid)
	}
	return parseKey(row, k.Secrets.Box(tenant, secret.SigningKey))
}

// Public returns the JWK set: every key that signs, will sign, or has signed tokens that may still
// be valid.
func (s *Set) Public(now time.Time) jose.JSONWebKeySet {
	out := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, key := range s.keys {
		if key.isPublished(now) {
			out.Keys = append(out.Keys, key.public)
		}
	}
	return out
}

// load reads a tenant's keys. It is the Load of the cache.
func (k *Ring) load(ctx context.Context, tenant string) (*Set, error) {
	rows, err := k.Store.Keys(ctx, tenant, time.Now())
	if err != nil {
		return nil, err
	}
	set := &Set{}
	old, _ := k.last.Load(tenant)
	for _, row := range rows {
		if old != nil {
			if i := slices.IndexFunc(old.(*Set).keys, func(o *Key) bool { return o.ID == row.ID }); i >= 0 {
				set.keys = append(set.keys, old.(*Set).keys[i].as(row))
				continue
			}
		}
		key, err := parseKey(row, k.Secrets.Box(tenant, secret.SigningKey))
		if err != nil {
			return nil, err
		}
		set.keys = append(set.keys, key)
	}
	if old != nil {
		set.asked, set.declared = old.(*Set).asked, old.(*Set).declared
	} else {
		set.asked, set.declared = &pause{}, &pause{}
	}
	k.last.Store(tenant, set)
	return set, nil
}

// Set holds a tenant's keys at one moment, ordered by algorithm and sequence. It never changes.
type Set struct {
	keys []*Key
	// asked limits how often an unknown kid causes a read of the keys, and declared how often the
	// algorithms that clients declare are looked up.
	asked, declared *pause
}

// pause limits how often something is done.
type pause struct {
	mu sync.Mutex
	at time.Time
}

// over reports whether it was last done at least length ago. If so, it counts as done now.
func (p *pause) over(length time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.at) < length {
		return false
	}
	p.at = time.Now()
	return true
}

// end makes over true at the next call.
func (p *pause) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at = time.Time{}
}

// signing returns the newest key of the algorithm that may sign already and that stays published as
// long as what it signs is valid. If there is none, it returns a successor that may not sign yet,
// because that is published already. It returns nil if there is no key at all.
func (s *Set) signing(alg string, now time.Time, longest time.Duration) *Key {
	var waiting *Key
	for _, key := range slices.Backward(s.keys) {
		switch {
		case key.Algorithm != alg, !key.ExpiresAt.IsZero() && key.ExpiresAt.Before(now.Add(longest+lastUse)):
		case key.ActiveAt.After(now):
			waiting = key
		default:
			return key
		}
	}
	return waiting
}

// published returns the key with that id if it is published.
func (s *Set) published(kid string, now time.Time) *Key {
	for _, key := range s.keys {
		if key.ID == kid && key.isPublished(now) {
			return key
		}
	}
	return nil
}

// newest returns the key of the algorithm with the highest sequence, or nil.
func (s *Set) newest(alg string) *Key {
	for _, key := range slices.Backward(s.keys) {
		if key.Algorithm == alg {
			return key
		}
	}
	return nil
}

// newestInTime is newest without keys that were made while a clock was ahead. Their predecessors
// would sign for that much longer.
func (s *Set) newestInTime(alg string, now time.Time) *Key {
	for _, key := range slices.Backward(s.keys) {
		if key.Algorithm == alg && !storage.Ahead(key.ActiveAt, now.Add(maxLead)) {
			return key
		}
	}
	return nil
}

// thumbprintLength is the length of a SHA-256 thumbprint (RFC 7638) in base64url.
const thumbprintLength = 43

// Key is a stored key with its parsed public half.
type Key struct {
	storage.Key
	public jose.JSONWebKey
	*private
}

// private is the part of a key that survives reloads: the private half, unsealed once, and the
// encoded headers of what it signs.
type private struct {
	unsealed func() (crypto.Signer, error)
	headers  sync.Map // typ → the encoded header
}

// parseKey returns the Key of a stored record. The private half is unsealed at its first use.
func parseKey(row storage.Key, box *secret.Box) (*Key, error) {
	key := &Key{Key: row, private: &private{}}
	if err := json.Unmarshal(row.Public, &key.public); err != nil {
		return nil, fmt.Errorf("signing key %s: %w", row.ID, err)
	}
	key.unsealed = sync.OnceValues(func() (crypto.Signer, error) { return unseal(row, box) })
	return key, nil
}

// unseal opens the private half, and checks that it belongs to the public half in the same record.
func unseal(row storage.Key, box *secret.Box) (crypto.Signer, error) {
	der, err := box.Open(row.Private)
	if err != nil {
		return nil, fmt.Errorf("signing key %s was sealed with another master secret: give that one too, after the new "+
			"one; if it is lost, vouchsafe key remove -- %s: %w", row.ID, row.ID, err)
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("signing key %s: %w", row.ID, err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("signing key %s: a %T cannot sign", row.ID, key)
	}
	kid, err := thumbprint(signer.Public())
	if err != nil || kid != row.ID {
		return nil, fmt.Errorf("signing key %s: the private half is another key's", row.ID)
	}
	return signer, nil
}

// as returns the key with the current record, whose expiry may have been set since.
func (s *Key) as(row storage.Key) *Key {
	return &Key{Key: row, public: s.public, private: s.private}
}

// isPublished reports whether the key is in the JWK set at that time.
func (s *Key) isPublished(now time.Time) bool {
	return s.ExpiresAt.IsZero() || s.ExpiresAt.After(now)
}

// thumbprint returns the key's id (RFC 7638), which follows from the public key.
func thumbprint(public crypto.PublicKey) (string, error) {
	sum, err := (&jose.JSONWebKey{Key: public}).Thumbprint(crypto.SHA256)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(sum), nil
}
