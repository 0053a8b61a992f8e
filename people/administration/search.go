package administration

import (
	"context"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/filter"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Query says which users a search finds: those that meet both.
type Query struct {
	// Text is what the address, the username, the verified number, a word of the name, the id or the external id of a
	// user begins with, in any case; or what a pairwise client knows the user by. "" for any.
	Text string
	// Filter is one that UserTable has read.
	Filter filter.Filter
	// Table is the UserTable of the tenant.
	Table filter.Table[Listed]
}

// Place is a place in the results of Search. The zero Place is the beginning.
type Place struct {
	Span   int               `json:"s,omitempty"` // of those that Query.spans returns
	Behind storage.UserPlace `json:"b,omitzero"`
	End    bool              `json:"-"` // nothing follows
}

const (
	// A search reads so many users at a time at most, and so many before it returns what it has found until then: fewer
	// if it needs of each what other tables say.
	searchPart         = 500
	searchMost         = 1000
	searchMostStanding = 200
)

// Search returns users of the asker's tenant: at most limit behind the place, and the place behind those. Each user is
// found once. If no index serves the filter, few of the users that are read may match: then the search returns fewer
// than limit, or none, and a place all the same, from which it goes on.
func (s *Accounts) Search(
	ctx context.Context, a people.Asker, q Query, at Place, limit int,
) (found []Listed, behind Place, err error) {
	if q.Text, err = s.named(ctx, a, strings.TrimSpace(q.Text)); err != nil {
		return nil, at, err
	}
	spans, part, left := q.spans(), limit, searchMost
	if q.asksForStanding() {
		left = searchMostStanding
	}
	for ; left > 0 && at.Span < len(spans); part = min(2*part, searchPart) {
		users, err := s.Store.UsersIn(ctx, a.Tenant.ID, spans[at.Span], at.Behind, part)
		if err != nil {
			return nil, at, err
		}
		matching, err := s.matching(ctx, q, spans[:at.Span+1], users)
		if err != nil {
			return nil, at, err
		}
		for _, u := range matching {
			if found = append(found, u.Listed); len(found) == limit {
				at.Behind = u.place
				found, err = s.complete(ctx, a, q, found)
				return found, at, err
			}
		}
		if left -= len(users); len(users) < part {
			at = Place{Span: at.Span + 1}
		} else {
			at.Behind = users[len(users)-1].Place()
		}
	}
	at.End = at.Span >= len(spans)
	found, err = s.complete(ctx, a, q, found)
	return found, at, err
}

// placed is a user who was found, and the place.
type placed struct {
	Listed
	place storage.UserPlace
}

// matching returns those of the users, who were found in the last of the spans, that match the filter and were not
// found before.
func (s *Accounts) matching(
	ctx context.Context, q Query, spans []storage.UserSpan, users []storage.FoundUser,
) (all []placed, err error) {
	for _, u := range users {
		if !foundBefore(spans, u) {
			all = append(all, placed{Listed{User: u.User}, u.Place()})
		}
	}
	if q.asksForStanding() {
		ids := make([]string, len(all))
		for i, u := range all {
			ids[i] = u.ID
		}
		if len(all) == 0 {
			return nil, nil
		}
		standings, err := s.Store.Standings(ctx, all[0].TenantID, ids)
		if err != nil {
			return nil, err
		}
		for i := range all {
			all[i].Standing = standings[all[i].ID]
		}
	}
	matching := all[:0]
	for _, u := range all {
		if err := ctx.Err(); err != nil { // the client has gone: a filter may be long
			return nil, err
		}
		if q.Table.Match(q.Filter, u.Listed) {
			matching = append(matching, u)
		}
	}
	return matching, nil
}

// complete adds to the users that were found what lists show beside, unless the filter has asked for it.
func (s *Accounts) complete(ctx context.Context, a people.Asker, q Query, found []Listed) ([]Listed, error) {
	if q.asksForStanding() {
		return found, nil
	}
	users := make([]storage.User, len(found))
	for i, u := range found {
		users[i] = u.User
	}
	return s.ShowAll(ctx, a.Tenant.ID, users)
}

// asksForStanding reports whether the filter asks for what is not stored with the user.
func (q Query) asksForStanding() bool { return q.Filter.AsksFor(secondFactor, lastSignIn) }
