package tokens

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/jws"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Origin is what an access token rests on that was exchanged (RFC 8693): it works only while all of this does. The
// token carries it sealed, as its grant_id: two clients could compare grants and tokens, and find out that two names
// are of one user. A release before, which does not know of exchanged tokens, finds no such grant and refuses the
// token.
type Origin struct {
	// GrantID is the grant of the first token, and KeyID the API key that it all began with; "" for none.
	GrantID string `json:"g,omitempty"`
	KeyID   string `json:"k,omitempty"`
	// ClientID is the client that the first token was given to.
	ClientID string `json:"c"`
	// Tokens are the jti of all tokens that were exchanged on the way. None may be revoked.
	Tokens []string `json:"t,omitempty"`
	// Clients are those that the tokens belonged to. All have to be enabled.
	Clients []string `json:"a,omitempty"`
}

// FirstClient returns the client that the first token was given to, which is that of the grant.
func (a *AccessClaims) FirstClient() string {
	if a.Origin != nil {
		return a.Origin.ClientID
	}
	return a.ClientID
}

// OfClient reports whether the subject is a client, which got the first token for itself.
func (a *AccessClaims) OfClient() bool { return a.GrantID == "" && a.FirstClient() == a.Subject }

// Living is an access token, or an API key in the place of one, that was found to work.
type Living struct {
	*AccessClaims
	Client *storage.Client // the token's; for the API key of a user one that is not stored
	Grant  storage.Grant   // empty for a client's own token, and for API keys
	User   *storage.User   // nil for a client
	Key    *storage.PresentedKey
	// IsKey says that it is an API key itself.
	IsKey bool
}

// Rests returns what a token rests on that is given for l.
func (l *Living) Rests() *Origin {
	first := &Origin{GrantID: l.GrantID, KeyID: l.KeyID, ClientID: l.FirstClient()}
	return first.And(l)
}

// And returns o with all that l rests on, and l itself. The grant and the API key are those of o.
func (o *Origin) And(l *Living) *Origin {
	next := *o
	if was := l.AccessClaims.Origin; was != nil {
		next.Tokens, next.Clients = slices.Concat(o.Tokens, was.Tokens), slices.Concat(o.Clients, was.Clients)
	}
	if l.IsKey {
		return &next
	}
	next.Tokens = append(slices.Clone(next.Tokens), l.JTI)
	if l.AccessClaims.Origin != nil || l.Key == nil || l.Key.User == nil { // otherwise the key stands for the client
		next.Clients = append(slices.Clone(next.Clients), l.ClientID)
	}
	return &next
}

// originPrefix begins a grant_id that is a sealed Origin. No id of a grant does.
const originPrefix = "x."

// sealOrigin returns the claims as the token has them.
func (m *Maker) sealOrigin(t *issuer.Tenant, all *AccessClaims) (*AccessClaims, error) {
	if all.Origin == nil {
		return all, nil
	}
	plain, err := json.Marshal(all.Origin)
	if err != nil {
		return nil, fmt.Errorf("encode origin of token: %w", err)
	}
	sealed := *all
	sealed.KeyID = ""
	sealed.GrantID = originPrefix + m.Secrets.Box(t.ID, secret.TokenOrigin).SealString(plain)
	return &sealed, nil
}

// openOrigin fills in what the sealed Origin of a token says. The error wraps jws.ErrInvalid.
func (m *Maker) openOrigin(t *issuer.Tenant, read *AccessClaims) error {
	sealed, ok := strings.CutPrefix(read.GrantID, originPrefix)
	if !ok {
		return nil
	}
	o := &Origin{}
	plain, err := m.Secrets.Box(t.ID, secret.TokenOrigin).OpenString(sealed)
	if err == nil {
		err = json.Unmarshal(plain, o)
	}
	if err != nil {
		return fmt.Errorf("%w: origin: %v", jws.ErrInvalid, err)
	}
	read.Origin, read.GrantID, read.KeyID = o, o.GrantID, o.KeyID
	return nil
}
