package administration

import (
	"slices"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/filter"
	"github.com/vouchsafe/vouchsafe/people/username"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/terms"
)

// afterBeginning follows all texts that begin with what stands before it.
const afterBeginning = "\U0010FFFF"

// beginning returns the span of keys that begin with the text.
func beginning(by storage.UserKey, text string) storage.UserSpan {
	return storage.UserSpan{By: by, From: text, To: text + afterBeginning}
}

// everyone is the span of all users.
var everyone = beginning(storage.ByID, "")

// spans returns where the users are that the query may find, each span once.
func (q Query) spans() []storage.UserSpan {
	if text := strings.TrimSpace(q.Text); text != "" {
		return textSpans(text)
	}
	if all, ok := filter.Plan(q.Filter, spanOf); ok {
		var spans []storage.UserSpan
		for _, span := range all {
			if !slices.Contains(spans, span) {
				spans = append(spans, span)
			}
		}
		return spans
	}
	return []storage.UserSpan{everyone}
}

// textSpans returns the spans of keys that begin with a text that was typed.
func textSpans(text string) []storage.UserSpan {
	spans := []storage.UserSpan{beginning(storage.ByEmail, foldEmail(text))}
	if key, ok := username.Key(text); ok {
		spans = append(spans, beginning(storage.ByUsername, key))
	}
	if strings.HasPrefix(text, "+") {
		number := strings.NewReplacer(" ", "", "-", "", "/", "", "(", "", ")", "", ".", "").Replace(text)
		spans = append(spans, beginning(storage.ByPhone, number))
	}
	spans = append(spans, beginning(storage.ByID, strings.ToLower(text)), beginning(storage.ByExternalID, text))
	if term := terms.Beginning(text); term != "" {
		spans = append(spans, beginning(storage.ByName, term))
	}
	return spans
}

// How many users are in a span, at a guess: see filter.Plan.
const (
	atMostOne = 1 + iota
	some
	many
)

// spanOf returns the span of users that meet a condition, or more, and its weight.
func spanOf(c filter.Condition) (storage.UserSpan, int) {
	text, _ := c.Value.(string)
	for _, name := range nameFields {
		if term := terms.Beginning(text); c.Field == name && term != "" &&
			(c.Op == filter.Equal || c.Op == filter.StartsWith) {
			return beginning(storage.ByName, term), some
		}
	}
	by, ok := indexed[c.Field]
	if !ok {
		return storage.UserSpan{}, 0
	}
	switch c.Op {
	case filter.Equal: // no key has control characters
		return storage.UserSpan{By: by, From: text, To: text + "\x01"}, atMostOne
	case filter.StartsWith:
		return beginning(by, text), some
	case filter.Greater, filter.NotLess:
		return storage.UserSpan{By: by, From: text, To: afterBeginning}, many
	case filter.Less, filter.NotGreater:
		return storage.UserSpan{By: by, To: text + "\x01"}, many
	}
	return storage.UserSpan{}, 0
}

// foundBefore reports whether the user, who was found in the last of the spans, was found before: in an earlier span,
// or by a lesser key. A user who is found by a key of a name that has changed is found by no other: that counts as
// well, until the new names are indexed.
func foundBefore(spans []storage.UserSpan, u storage.FoundUser) bool {
	last, keysBy := len(spans)-1, map[storage.UserKey][]string{} // each is made once: names are slow to fold
	for i, span := range spans {
		if keysBy[span.By] == nil {
			keysBy[span.By] = keysOf(span.By, &u.User)
		}
		if i < last && slices.ContainsFunc(keysBy[span.By], span.Has) {
			return true
		}
	}
	keys := keysBy[spans[last].By]
	i := slices.IndexFunc(keys, spans[last].Has)
	return i < 0 || keys[i] != u.Key
}

// keysOf returns the user's keys of a kind, in order.
func keysOf(by storage.UserKey, u *storage.User) []string {
	switch by {
	case storage.ByEmail:
		return []string{u.EmailKey}
	case storage.ByUsername:
		return []string{u.UsernameKey}
	case storage.ByPhone:
		if u.PhoneVerified {
			return []string{u.Phone}
		}
	case storage.ByID:
		return []string{u.ID}
	case storage.ByExternalID:
		return []string{u.ExternalID}
	case storage.ByName:
		return terms.Of(u.Profile)
	}
	return nil
}
