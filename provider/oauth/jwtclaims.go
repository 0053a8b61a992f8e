package oauth

import (
	"encoding/json"
	"time"
)

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

// NumericDate is a time in seconds since 1970, possibly with a fraction (RFC 7519 section 2). 0
// stands for a missing claim.
type NumericDate float64

// After reports whether d is later than t.
func (d NumericDate) After(t time.Time) bool { return float64(d) > float64(t.UnixMilli())/1000 }
