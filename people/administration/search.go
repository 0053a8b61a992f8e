package administration

import (
	"context"
	"strings"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Place is a place in the results of Search. The zero Place is the beginning.
type Place struct {
	By    storage.UserKey `json:"b"`
	After string          `json:"a"`
	End   bool            `json:"-"` // nothing follows
}

// Search returns users of the asker's tenant whose address, username, verified number or id begins with the text,
// in any case: at most limit behind the place, and the place behind those. Each user is found once.
func (s *Accounts) Search(
	ctx context.Context, a people.Asker, text string, at Place, limit int,
) ([]Listed, Place, error) {
	text = strings.ToLower(strings.TrimSpace(text))
	var found []Listed
	for _, by := range storage.UserKeys() {
		for by >= at.By {
			if at.By != by {
				at = Place{By: by}
			}
			users, err := s.Store.UsersFrom(ctx, a.Tenant.ID, by, text, at.After, limit)
			if err != nil {
				return nil, at, err
			}
			for _, u := range users {
				at.After = by.Of(&u)
				if foundBefore(&u, by, text) {
					continue
				}
				one, err := s.Show(ctx, u)
				if err != nil {
					return nil, at, err
				}
				if found = append(found, one); len(found) == limit {
					return found, at, nil
				}
			}
			if len(users) < limit {
				break
			}
		}
	}
	return found, Place{End: true}, nil
}

// foundBefore reports whether an earlier kind of key has found the user.
func foundBefore(u *storage.User, by storage.UserKey, text string) bool {
	for earlier := range by {
		if key := earlier.Of(u); key != "" && strings.HasPrefix(key, text) {
			return true
		}
	}
	return false
}

// Show returns a user who was read as lists show one.
func (s *Accounts) Show(ctx context.Context, u storage.User) (Listed, error) {
	standings, err := s.Store.Standings(ctx, u.TenantID, u.ID, u.ID)
	return Listed{u, standings[u.ID]}, err
}
