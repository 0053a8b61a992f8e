package jsonapi

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
)

// ETag is a strong entity tag with its quotes (RFC 9110 section 8.8.3). "" is that of a resource
// that does not exist.
type ETag string

// Tagged is an output that knows its entity tag.
type Tagged interface{ ETag() ETag }

// TagOf returns the tag of a representation: of the JSON that is written of it.
func TagOf(v any) (ETag, error) {
	text, err := encode(v)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return ETag(`"` + base64.RawURLEncoding.EncodeToString(sum[:18]) + `"`), nil
}

// Condition is what a request asks of the resource before it changes it: its If-Match and
// If-None-Match. A field of this type in an input gets it.
type Condition struct{ match, noneMatch tags }

// Check returns a Problem with the status 412 and the current tag when the resource is not as the
// request asks. Call it in the transaction that changes the resource.
func (c Condition) Check(current ETag) error {
	if c.match.given && !c.match.holds(current, false) || c.noneMatch.given && c.noneMatch.holds(current, true) {
		return &Problem{
			Status: http.StatusPreconditionFailed, Code: "precondition_failed", Tag: current,
			Detail: "The resource doesn't match If-Match or If-None-Match. Read it again.",
		}
	}
	return nil
}

// CheckTag is Check of what TagOf returned.
func (c Condition) CheckTag(current ETag, err error) error {
	if err != nil {
		return err
	}
	return c.Check(current)
}

// has reports whether the client has the representation with this tag.
func (c Condition) has(current ETag) bool { return c.noneMatch.holds(current, true) }

// tags is the value of If-Match or If-None-Match.
type tags struct {
	given, any bool
	strong     []ETag
	weak       []ETag // without W/
}

// holds reports whether one of the tags is the current one. weakly compares as RFC 9110 section
// 8.8.3.2 says of If-None-Match; otherwise a weak tag is equal to none.
func (t tags) holds(current ETag, weakly bool) bool {
	if current == "" {
		return false
	}
	return t.any || slices.Contains(t.strong, current) || weakly && slices.Contains(t.weak, current)
}

// conditionOf reads the headers. One that cannot be read is an error: to ignore it would change
// what the client did not want to change.
func conditionOf(r *http.Request) (c Condition, err error) {
	if c.match, err = readTags(r, "If-Match"); err == nil {
		c.noneMatch, err = readTags(r, "If-None-Match")
	}
	return c, err
}

// readTags reads If-Match or If-None-Match: a list of entity tags, or * (RFC 9110 sections 13.1.1 and 13.1.2). Several
// lines of a header are one list.
func readTags(r *http.Request, header string) (t tags, err error) {
	lines := r.Header.Values(header)
	rest := strings.TrimSpace(strings.Join(lines, ","))
	if t.given = len(lines) > 0; !t.given {
		return t, nil
	}
	if rest == "*" {
		t.any = true
		return t, nil
	}
	for {
		weak := strings.HasPrefix(rest, "W/")
		tag, after, ok := cutTag(strings.TrimPrefix(rest, "W/"))
		if !ok {
			return t, malformed("The header " + header + " must be * or a list of entity tags in quotes.")
		}
		if weak {
			t.weak = append(t.weak, tag)
		} else {
			t.strong = append(t.strong, tag)
		}
		after = strings.TrimLeft(after, " \t")
		if after == "" {
			return t, nil
		}
		if rest, ok = strings.CutPrefix(after, ","); !ok {
			return t, malformed("The header " + header + " has something between two entity tags.")
		}
		rest = strings.TrimLeft(rest, " \t,")
	}
}

// cutTag cuts a tag in quotes from the beginning of text.
func cutTag(text string) (tag ETag, after string, ok bool) {
	if !strings.HasPrefix(text, `"`) {
		return "", "", false
	}
	end := strings.IndexByte(text[1:], '"')
	if end < 0 || strings.ContainsFunc(text[1:end+1], func(c rune) bool { return c <= ' ' || c == 0x7f }) {
		return "", "", false
	}
	return ETag(text[:end+2]), text[end+2:], true
}
