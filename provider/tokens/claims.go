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

// Claims returns the names of all claims that tokens and userinfo of the tenant may contain, but for those
// that single clients add.
func Claims(t *storage.Tenant) []string {
	return slices.Concat(claims.Standard.Protocol(), claims.Standard.OfUsers(), claims.RulesOf(t, nil).Names())
}

// ClaimsRequest is the claims parameter (OpenID Connect Core section 5.5).
type ClaimsRequest struct {
	IDToken  map[string]*ClaimRequest `json:"id_token"`
	Userinfo map[string]*ClaimRequest `json:"userinfo"`
}

// ClaimRequest is the request for one claim. nil stands for null.
type ClaimRequest struct {
	Essential bool  `json:"essential"`
	Value     any   `json:"value"`
	Values    []any `json:"values"`
}

// Bounds of a claims parameter, because it travels in URLs, letters and codes: bytes, levels of
// nesting, and names.
const (
	maxClaimsRequest = 4 << 10
	maxClaimsDepth   = 6
	maxClaimsNames   = 64
)

// ParseClaimsRequest reads a claims parameter. "" requests nothing. Unknown members are ignored, as
// OpenID Connect Core section 5.5 demands. The text of the error is for the client's developer.
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
	// null would decode to an empty request, but it is not an object.
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

// Within removes claims that the client is not registered for. A claim about the user must belong
// to one of the client's scopes. Otherwise a client that needs no consent could get, by the claims
// parameter, what its registration denies it.
func (c *ClaimsRequest) Within(client *storage.Client, rules claims.Rules) {
	allowed := client.Scopes()
	denied := func(name string, _ *ClaimRequest) bool {
		return rules.AboutUsers(name) && !slices.Contains(allowed, rules.ScopeOf(name))
	}
	maps.DeleteFunc(c.IDToken, denied)
	maps.DeleteFunc(c.Userinfo, denied)
}

// GrantedClaims returns the claims that a grant's claims parameter requests, as far as its client
// is registered for them now.
func GrantedClaims(s *claims.Subject, raw []byte) *ClaimsRequest {
	// The parameter was checked before it was granted. One that cannot be read now requests
	// nothing.
	req, err := ParseClaimsRequest(string(raw))
	if err != nil {
		return &ClaimsRequest{}
	}
	req.Within(s.Client, s.Rules())
	return req
}

// depth returns how deeply brackets outside of strings are nested.
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

// Names returns the requested claims about the user, sorted and each once. The user is asked to consent
// to them.
func (c *ClaimsRequest) Names(rules claims.Rules) []string {
	names := map[string]bool{}
	for _, part := range []map[string]*ClaimRequest{c.IDToken, c.Userinfo} {
		for name := range part {
			if rules.AboutUsers(name) {
				names[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// Allows reports whether the request accepts the value. A request without values accepts any.
func (r *ClaimRequest) Allows(value string) bool {
	if r == nil || (r.Value == nil && r.Values == nil) {
		return true
	}
	return r.Value == value || slices.Contains(r.Values, any(value))
}

// Words returns the requested values that are strings.
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

// UserClaims returns the built-in claims that a client gets of a user in a place ([claims.InIDToken] or
// [claims.InUserinfo]): those that the scopes and the claims request ask for, unless a rule takes their place.
// Claims without a value are left out and never sent empty (OpenID Connect Core section 5.3.2). sub and
// the other claims of the protocol are not among them.
func UserClaims(s *claims.Subject, in string, scopes []string, asked map[string]*ClaimRequest) map[string]any {
	out, rules := make(map[string]any, 24), s.Rules() // room for those of the protocol, too
	add := func(c *claims.Claim) {
		if c == nil || c.Value == nil || rules.Named(c.Name) != nil {
			return
		}
		if v := c.Value(s.User); v != nil {
			out[c.Name] = v
		}
	}
	if in != claims.InIDToken || inIDToken(s.Client) {
		for _, scope := range scopes {
			for _, c := range claims.Standard.OfScope(scope) {
				add(c)
			}
		}
	}
	for name := range asked {
		add(claims.Standard.Named(name))
	}
	return out
}

// Encode returns claims as JSON, together with what rules give for the same scopes and claims request.
func Encode(all map[string]any, s *claims.Subject, in string, scopes []string, asked map[string]*ClaimRequest) (
	[]byte, error,
) {
	plain, err := claims.Encode(all)
	if err != nil {
		return nil, err
	}
	ask := claims.Ask{In: in, Scopes: scopes}
	if len(asked) > 0 {
		ask.Claims = slices.Collect(maps.Keys(asked))
	}
	return claims.Append(plain, s.Give(ask)), nil
}
