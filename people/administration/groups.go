package administration

import (
	"context"
	"strings"
	"time"
	"unicode"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/storage"
)

// maxTitle bounds the title of a group or a role, in bytes.
const maxTitle = 200

// checkTitle adds a fault if the title cannot be shown in a line.
func checkTitle(fs *importing.Faults, title string) {
	if len(title) > maxTitle || !storage.WellFormed(title) || strings.ContainsFunc(title, unicode.IsControl) {
		*fs = append(*fs, importing.NewFault("title", "title.form",
			"title is longer than %d bytes, or has control characters", maxTitle))
	}
}

// AddGroup adds a group. What is wrong with the id or the title is an error of type importing.Faults.
// storage.ErrExists: there is such a group.
func (s *Accounts) AddGroup(ctx context.Context, a people.Asker, id, title string) (storage.Group, error) {
	var fs importing.Faults
	if !storage.ValidGroupID(id) {
		fs = append(fs, importing.NewFault("id", "group.form", "%.80q is no group id: %s", id, storage.GroupIDRule))
	}
	checkTitle(&fs, title)
	at := now()
	g := storage.Group{TenantID: a.Tenant.ID, ID: id, Title: title, CreatedAt: at, UpdatedAt: at}
	if err := fs.Err(); err != nil {
		return g, err
	}
	return g, s.Store.AddGroup(ctx, g, groupEvent(a, storage.EventGroupAdded, id))
}

// RenameGroup gives the group, as it was read, another title. Its id stays: apps and rules know the group by it.
// storage.ErrStale: it has changed since.
func (s *Accounts) RenameGroup(
	ctx context.Context, a people.Asker, g storage.Group, title string,
) (storage.Group, error) {
	if g.Title == title {
		return g, nil
	}
	var fs importing.Faults
	checkTitle(&fs, title)
	if err := fs.Err(); err != nil {
		return g, err
	}
	was := g.UpdatedAt
	g.TenantID, g.Title, g.UpdatedAt = a.Tenant.ID, title, now()
	return g, s.Store.UpdateGroup(ctx, g, was, groupEvent(a, storage.EventGroupChanged, g.ID))
}

// RemoveGroup removes the group. Its members lose what it gave them. storage.ErrStale: the group has changed since it
// was read with its UpdatedAt, unless that is zero.
func (s *Accounts) RemoveGroup(ctx context.Context, a people.Asker, g storage.Group) error {
	g.TenantID = a.Tenant.ID
	return s.Store.RemoveGroup(ctx, g, time.Now(), groupEvent(a, storage.EventGroupRemoved, g.ID))
}

// groupEvent returns an event about the group.
func groupEvent(a people.Asker, kind, id string) storage.Event {
	return a.Event(storage.Event{Kind: kind, Detail: map[string]string{"group": id}})
}

// Join makes the user a member of the group. It reports false if an administrator has done so before.
func (s *Accounts) Join(ctx context.Context, a people.Asker, userID, group string) (bool, error) {
	return s.changed(ctx, a, userID, Edit{Join: []string{group}})
}

// Leave ends the user's membership in the group, also one that an upstream provider gave: that one may come back
// with the user's next sign-in there. It reports false if the user was no member.
func (s *Accounts) Leave(ctx context.Context, a people.Asker, userID, group string) (bool, error) {
	return s.changed(ctx, a, userID, Edit{Leave: []string{group}})
}

// changed makes the edit, and reports whether there was anything to change.
func (s *Accounts) changed(ctx context.Context, a people.Asker, userID string, e Edit) (bool, error) {
	_, changed, err := s.Edit(ctx, a, userID, e, false)
	return changed, err
}
