package tokens

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Claims returns the names of all claims that tokens and userinfo may hold.
func Claims() []string { return slices.Concat(claims.Standard.Protocol(), claims.Standard.OfUsers()) }

// ClaimsRequest is the claims parameter (OIDC Core 5.5).
type ClaimsRequest struct {
	IDToken  map[string]*ClaimRequest `json:"id_token"`
	Userinfo map[string]*ClaimRequest `json:"userinfo"`
}

// ClaimRequest is one asked for; nil for null.
type ClaimRequest struct {
	Essential bool  `json:"essential"`
	Value     any   `json:"value"`
	Values    []any `json:"values"`
}

// Bounds of a claims parameter. It travels in URLs, letters and codes.
const (
	maxClaimsRequest = 4 << 10
	maxClaimsDepth   = 6
	maxClaimsNames   = 64
)

// ParseClaimsRequest reads a claims parameter; "" asks for nothing. Members that are
// not understood are ignored, as OIDC Core 5.5 demands. The error is for the client's
// developer.
func ParseClaimsRequest(raw string) (*ClaimsRequest, error) {
	req := &ClaimsRequest{}
	if raw == "" {
		return req, nil
	}
	if len(raw) > maxClaimsRequest {
		return nil, fmt.Errorf("the claims parameter has %d bytes; at most %d are taken", len(raw), maxClaimsRequest)
	}
	if !utf8.ValidString(raw) || depth(raw) > maxClaimsDepth {
		return nil, errors.New("the claims parameter is nested too deeply or is not UTF-8")
	}
	// null would decode to nothing asked for; it is not the object demanded.
	if !bytes.HasPrefix(bytes.TrimLeft([]byte(raw), " \t\r\n"), []byte("{")) {
		return nil, errors.New("the claims parameter is not a JSON object")
	}
	if err := json.Unmarshal([]byte(raw), req); err != nil {
		return nil, errors.New("the claims parameter is not JSON of the form that OIDC Core 5.5 describes")
	}
	if len(req.IDToken)+len(req.Userinfo) > maxClaimsNames {
		return nil, fmt.Errorf("the claims parameter names more than %d claims", maxClaimsNames)
	}
	return req, nil
}

// Within leaves out what the client is not registered for. A person's claim has to come
// with one of the client's scopes: by the claims parameter, a client of the operator's
// own would otherwise get, unasked, what its registration keeps from it.
func (c *ClaimsRequest) Within(client *storage.Client) {
	allowed := client.Scopes()
	for _, scope := range claims.Standard.Scopes() {
		if slices.Contains(allowed, scope) {
			continue
		}
		for _, claim := range claims.Standard.OfScope(scope) {
			delete(c.IDToken, claim.Name)
			delete(c.Userinfo, claim.Name)
		}
	}
}

// GrantedClaims are the claims that a grant's claims parameter asks for, within what its
// client is registered for now.
func GrantedClaims(client *storage.Client, raw []byte) *ClaimsRequest {
	// It was read before it was granted: what cannot be read now asks for nothing.
	req, err := ParseClaimsRequest(string(raw))
	if err != nil {
		return &ClaimsRequest{}
	}
	req.Within(client)
	return req
}

// depth is how deeply brackets nest outside of strings.
func depth(raw string) (deepest int) {
	level, quoted, escaped := 0, false, false
	for i := range len(raw) {
		switch c := raw[i]; {
		case escaped:
			escaped = false
		case quoted && c == '\\':
			escaped = true
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			level++
			deepest = max(deepest, level)
		case c == '}' || c == ']':
			level--
		}
	}
	return deepest
}

// Names are the claims asked for beyond those of the protocol, each once, sorted:
// what a person is asked to consent to.
func (c *ClaimsRequest) Names() []string {
	names := map[string]bool{}
	for _, part := range []map[string]*ClaimRequest{c.IDToken, c.Userinfo} {
		for name := range part {
			if c := claims.Standard.Named(name); c != nil && c.Value != nil {
				names[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// Allows says whether the value is one of those that the request insists on. A
// request that names none allows any.
func (r *ClaimRequest) Allows(value string) bool {
	if r == nil || (r.Value == nil && r.Values == nil) {
		return true
	}
	return r.Value == value || slices.Contains(r.Values, any(value))
}

// Words are the values that are asked for, as far as they are strings.
func (r *ClaimRequest) Words() []string {
	if r == nil {
		return nil
	}
	var out []string
	for _, v := range append([]any{r.Value}, r.Values...) {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// UserClaims returns the user's claims that the scopes and the claims request ask for. What is not
// known is left out, never sent empty (OIDC Core 5.3.2). sub is not among them, nor is any other
// claim of the protocol.
func UserClaims(u *storage.User, scopes []string, asked map[string]*ClaimRequest) map[string]any {
	out := map[string]any{}
	add := func(c *claims.Claim) {
		if c == nil || c.Value == nil {
			return
		}
		if v := c.Value(u); v != nil {
			out[c.Name] = v
		}
	}
	for _, scope := range scopes {
		for _, c := range claims.Standard.OfScope(scope) {
			add(c)
		}
	}
	for name := range asked {
		add(claims.Standard.Named(name))
	}
	return out
}
