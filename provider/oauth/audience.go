package oauth

import "encoding/json"

// Audiences is the claim aud, which is a string or a list of strings (RFC 7519 section 4.1.3).
type Audiences []string

// UnmarshalJSON reads either form.
func (a *Audiences) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*a = Audiences{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(a))
}
