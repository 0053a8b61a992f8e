// Package pairwise makes the subject identifiers by which pairwise clients know users (OpenID Connect Core section
// 8.1), and finds the user of one.
//
// An identifier is a keyed hash of the client's sector and the user's id, followed by the id, encrypted under that hash
// (the construction of AES-SIV, RFC 5297, with HMAC-SHA-256). Clients of a sector see the same identifier; two sectors
// cannot tell that theirs are of one user. Nothing is stored for each user, and an administrator who is shown an
// identifier finds its user without a search.
//
// The key of a tenant is random and stored, sealed under the master secrets. It is made once and never replaced:
// neither a new master secret nor new signing keys change by what clients know their users.
package pairwise

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Service has the keys of all tenants. Its exported fields are required.
type Service struct {
	Store   storage.PairwiseKeys
	Secrets *secret.Masters

	keys sync.Map // by tenant; a key never changes
}

// key is what is derived from the key of a tenant.
type key struct {
	mac   []byte
	block cipher.Block
}

// Names returns how the clients of a sector know the users of the tenant. The tenant gets its key if it has none.
func (s *Service) Names(ctx context.Context, tenant, sector string) (Names, error) {
	k, err := s.key(ctx, tenant)
	if errors.Is(err, storage.ErrNotFound) {
		k, err = s.make(ctx, tenant)
	}
	if err != nil {
		return Names{}, fmt.Errorf("pairwise key: %w", err)
	}
	return Names{k, sector}, nil
}

// IDOf returns the id of the user, or of the session, that a client knows by the name; "" if the tenant gave no client
// such a name. It does not check the sector: the name comes from a token that was made here, or an administrator asks.
func (s *Service) IDOf(ctx context.Context, tenant, name string) (string, error) {
	if !Looks(name) {
		return "", nil
	}
	k, err := s.key(ctx, tenant)
	if errors.Is(err, storage.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("pairwise key: %w", err)
	}
	return k.open(name), nil
}

// key returns the tenant's key. storage.ErrNotFound: it has none.
func (s *Service) key(ctx context.Context, tenant string) (*key, error) {
	if k, ok := s.keys.Load(tenant); ok {
		return k.(*key), nil
	}
	sealed, err := s.Store.PairwiseKey(ctx, tenant)
	if err != nil {
		return nil, err
	}
	root, err := s.Secrets.Box(tenant, secret.PairwiseKey).Open(sealed)
	if err != nil {
		return nil, err
	}
	k, err := derive(root)
	if err == nil {
		s.keys.Store(tenant, k)
	}
	return k, err
}

// make gives the tenant a key, unless another replica just has.
func (s *Service) make(ctx context.Context, tenant string) (*key, error) {
	root := make([]byte, 32)
	rand.Read(root)
	sealed := s.Secrets.Box(tenant, secret.PairwiseKey).Seal(root)
	err := s.Store.AddPairwiseKey(ctx, tenant, sealed, time.Now())
	if err != nil && !errors.Is(err, storage.ErrExists) {
		return nil, err
	}
	return s.key(ctx, tenant)
}

// derive returns the keys that a tenant's key stands for.
func derive(root []byte) (*key, error) {
	mac, err := hkdf.Key(sha256.New, root, nil, "vouchsafe pairwise hash", 32)
	if err != nil {
		return nil, err
	}
	enc, err := hkdf.Key(sha256.New, root, nil, "vouchsafe pairwise id", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(enc)
	return &key{mac, block}, err
}

// Names gives the users and sessions of a tenant the names by which the clients of one sector know them. The zero Names
// leaves ids as they are.
type Names struct {
	key    *key
	sector string
}

// User returns the name of a user.
func (n Names) User(id string) string { return n.seal("user", id) }

// Session returns the name of a session: its id would tell two sectors that one browser was at both.
func (n Names) Session(id string) string { return n.seal("session", id) }

// Means reports whether a client that says name means the user with the id.
func (n Names) Means(name, id string) bool {
	return subtle.ConstantTimeCompare([]byte(n.User(id)), []byte(name)) == 1
}

// ID returns the id of the user that has the name, or "" if no client of the sector knows a user by it.
func (n Names) ID(name string) string {
	if n.key == nil {
		return name
	}
	if id := n.key.open(name); id != "" && n.Means(name, id) {
		return id
	}
	return ""
}

const (
	hashSize = 16
	// idSize is the size of a UUID.
	idSize = 16
	// length is that of a name of a UUID: 32 bytes in base64url.
	length = 43
	// otherPrefix begins the name of an id that is no UUID.
	otherPrefix = "."
)

// strict refuses base64 with bits set that are not used: a name has one spelling.
var strict = base64.RawURLEncoding.Strict()

// Looks reports whether s has the form of a name. No id of ours has.
func Looks(s string) bool { return len(s) == length || strings.HasPrefix(s, otherPrefix) }

func (n Names) seal(kind, id string) string {
	if n.key == nil || id == "" {
		return id
	}
	prefix, plain := otherPrefix, []byte(id)
	if u, err := uuid.Parse(id); err == nil && u.String() == id {
		prefix, plain = "", u[:]
	}
	h := hmac.New(sha256.New, n.key.mac)
	for _, part := range []string{kind, n.sector} {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	h.Write(plain)
	sealed := make([]byte, hashSize+len(plain))
	copy(sealed, h.Sum(nil)[:hashSize])
	cipher.NewCTR(n.key.block, sealed[:hashSize]).XORKeyStream(sealed[hashSize:], plain)
	return prefix + strict.EncodeToString(sealed)
}

// open returns the id of a name, or "".
func (k *key) open(name string) string {
	text, other := strings.CutPrefix(name, otherPrefix)
	if strings.ContainsAny(text, "\r\n") { // the decoder skips line breaks
		return ""
	}
	sealed, err := strict.DecodeString(text)
	if err != nil || len(sealed) <= hashSize || !other && len(sealed) != hashSize+idSize {
		return ""
	}
	plain := make([]byte, len(sealed)-hashSize)
	cipher.NewCTR(k.block, sealed[:hashSize]).XORKeyStream(plain, sealed[hashSize:])
	if other {
		return string(plain)
	}
	return uuid.UUID(plain).String()
}
