package clients

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// DN is a distinguished name as RFC 4514 writes it: what is most special comes first, as in CN=app,O=Example,C=DE. Each
// part has its attributes in order, with lower case values: they are compared without regard to case (RFC 4517 section
// 4.2.15).
type DN [][]string

// attributeTypes are the names of attributes that RFC 4514 section 3 and RFC 4519 give, and those that openssl writes
// besides.
var attributeTypes = map[string]string{
	"cn": "2.5.4.3", "sn": "2.5.4.4", "serialnumber": "2.5.4.5", "c": "2.5.4.6", "l": "2.5.4.7", "st": "2.5.4.8",
	"street": "2.5.4.9", "o": "2.5.4.10", "ou": "2.5.4.11", "title": "2.5.4.12", "postalcode": "2.5.4.17",
	"gn":        "2.5.4.42",
	"givenname": "2.5.4.42", "organizationidentifier": "2.5.4.97", "uid": "0.9.2342.19200300.100.1.1",
	"dc": "0.9.2342.19200300.100.1.25", "emailaddress": "1.2.840.113549.1.9.1",
}

// ParseDN reads a distinguished name (RFC 4514 section 3). It returns an error that says what is wrong.
func ParseDN(s string) (name DN, err error) {
	for part := range unescaped(s, ',') {
		var attributes []string
		for pair := range unescaped(part, '+') {
			kind, value, ok := strings.Cut(pair, "=")
			oid := strings.TrimSpace(kind)
			if known := attributeTypes[strings.ToLower(oid)]; known != "" {
				oid = known
			} else if !ok || strings.Trim(oid, "0123456789.") != "" || !strings.Contains(oid, ".") {
				return nil, fmt.Errorf("%q is no attribute: write one such as CN=app", pair)
			}
			if value, err = attributeValue(value); err != nil {
				return nil, err
			}
			attributes = append(attributes, oid+"="+strings.ToLower(value))
		}
		slices.Sort(attributes)
		name = append(name, attributes)
	}
	return name, nil
}

// unescaped returns the parts of s between the separators that no backslash stands before.
func unescaped(s string, separator byte) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		from := 0
		for i := 0; i < len(s); i++ {
			switch s[i] {
			case '\\':
				i++
			case separator:
				if !yield(s[from:i]) {
					return
				}
				from = i + 1
			}
		}
		yield(s[from:])
	}
}

// attributeValue returns the value of an attribute as it is meant (RFC 4514 section 2.4): without spaces around that
// are not escaped.
func attributeValue(s string) (string, error) {
	s = strings.TrimLeft(s, " ")
	for strings.HasSuffix(s, " ") && !strings.HasSuffix(s, `\ `) {
		s = s[:len(s)-1]
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			out.WriteByte(s[i])
			continue
		}
		if i+2 < len(s) {
			if b, err := hex.DecodeString(s[i+1 : i+3]); err == nil {
				out.Write(b)
				i += 2
				continue
			}
		}
		if i++; i == len(s) {
			return "", errors.New("a backslash at the end escapes nothing")
		}
		out.WriteByte(s[i])
	}
	if out.Len() == 0 {
		return "", errors.New("an attribute has no value")
	}
	return out.String(), nil
}

// Names reports whether the DER of a name is that of n.
func (n DN) Names(der []byte) bool {
	var of pkix.RDNSequence
	if rest, err := asn1.Unmarshal(der, &of); err != nil || len(rest) > 0 || len(of) != len(n) {
		return false
	}
	for i, part := range of {
		var attributes []string
		for _, a := range part {
			value, ok := a.Value.(string)
			if !ok {
				return false
			}
			attributes = append(attributes, a.Type.String()+"="+strings.ToLower(value))
		}
		slices.Sort(attributes)
		if !slices.Equal(attributes, n[len(n)-1-i]) {
			return false
		}
	}
	return true
}
