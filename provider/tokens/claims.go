package tokens

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/vouchsafe/vouchsafe/storage"
)

// scopeClaims are the claims that a scope asks for (OIDC Core 5.4).
var scopeClaims = map[string][]string{
	"profile": {
		"name", "family_name", "given_name", "middle_name", "nickname", "preferred_username", "profile",
		"picture", "website", "gender", "birthdate", "zoneinfo", "locale", "updated_at",
	},
	"email":   {"email", "email_verified"},
	"address": {"address"},
	"phone":   {"phone_number", "phone_number_verified"},
}

// ProtocolClaims are those that the protocol sets. None of them can come from a
// person's record.
var ProtocolClaims = []string{"iss", "sub", "aud", "azp", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "at_hash"}

// Claims are all that tokens and userinfo may hold.
var Claims = slices.Concat(ProtocolClaims, scopeClaims["profile"], scopeClaims["email"], scopeClaims["address"], scopeClaims["phone"])

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
	for scope, names := range scopeClaims {
		if slices.Contains(allowed, scope) {
			continue
		}
		for _, name := range names {
			delete(c.IDToken, name)
			delete(c.Userinfo, name)
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
			if slices.Contains(Claims, name) && !slices.Contains(ProtocolClaims, name) {
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

// UserClaims are the person's claims that the scopes and the claims request ask for.
// What is not known is left out, never sent empty (OIDC Core 5.3.2). sub is not among
// them, nor is any other claim of the protocol.
func UserClaims(u *storage.User, scopes []string, asked map[string]*ClaimRequest) map[string]any {
	out := map[string]any{}
	add := func(name string) {
		if v := userClaim(u, name); v != nil {
			out[name] = v
		}
	}
	for _, scope := range scopes {
		for _, name := range scopeClaims[scope] {
			add(name)
		}
	}
	for name := range asked {
		add(name)
	}
	return out
}

// userClaim is one claim of the person with its JSON type (OIDC Core 5.1); nil when
// it is not known or no claim of a person.
func userClaim(u *storage.User, name string) any {
	str := func(s string) any {
		if s == "" {
			return nil
		}
		return s
	}
	switch name {
	case "name":
		return str(u.Profile.Name)
	case "given_name":
		return str(u.Profile.GivenName)
	case "family_name":
		return str(u.Profile.FamilyName)
	case "middle_name":
		return str(u.Profile.MiddleName)
	case "nickname":
		return str(u.Profile.Nickname)
	case "preferred_username":
		return str(u.Username)
	case "profile":
		return str(u.Profile.Profile)
	case "picture":
		return str(u.Profile.Picture)
	case "website":
		return str(u.Profile.Website)
	case "gender":
		return str(u.Profile.Gender)
	case "birthdate":
		return str(u.Profile.Birthdate)
	case "zoneinfo":
		return str(u.Profile.Zoneinfo)
	case "locale":
		return str(u.Profile.Locale)
	case "updated_at":
		if u.UpdatedAt.IsZero() {
			return nil
		}
		return u.UpdatedAt.Unix()
	case "email":
		return str(u.Email)
	case "email_verified":
		if u.Email == "" {
			return nil
		}
		return u.EmailVerified
	case "phone_number":
		return str(u.Phone)
	case "phone_number_verified":
		if u.Phone == "" {
			return nil
		}
		return u.PhoneVerified
	case "address":
		if u.Profile.Address == nil || *u.Profile.Address == (storage.Address{}) {
			return nil
		}
		return u.Profile.Address
	}
	return nil
}
