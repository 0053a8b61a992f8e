package federation

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// syncGroups has the user be a member of those groups that the provider has just said, as far as the provider
// decides: memberships from administrators and other providers stay. Groups that do not exist are passed over.
func (s *Service) syncGroups(ctx context.Context, a people.Asker, userID string, who *Stranger) error {
	if !who.GroupsSaid {
		return nil
	}
	all, err := s.Store.MembershipsOf(ctx, a.Tenant.ID, userID)
	if err != nil {
		return err
	}
	var ch storage.Change
	var have []string
	note := func(kind, group string) {
		ch.Events = append(ch.Events, a.Event(storage.Event{
			Kind: kind, UserID: userID, Detail: map[string]string{"group": group, "upstream": who.Upstream},
		}))
	}
	for _, m := range all {
		if m.Upstream != who.Upstream {
			continue
		}
		have = append(have, m.GroupID)
		if !slices.Contains(who.Groups, m.GroupID) {
			ch.Leave = append(ch.Leave, storage.Membership{GroupID: m.GroupID, Upstream: who.Upstream})
			note(storage.EventGroupLeft, m.GroupID)
		}
	}
	for _, group := range who.Groups {
		if slices.Contains(have, group) {
			continue
		}
		if _, err := s.Store.Group(ctx, a.Tenant.ID, group); errors.Is(err, storage.ErrNotFound) {
			s.Note(ctx, "missing_group", group)
			continue
		} else if err != nil {
			return err
		}
		ch.Join = append(ch.Join, storage.Membership{GroupID: group, Upstream: who.Upstream})
		note(storage.EventGroupJoined, group)
	}
	if len(ch.Events) == 0 {
		return nil
	}
	ch.TenantID, ch.UserID, ch.Now = a.Tenant.ID, userID, time.Now()
	return s.Store.Apply(ctx, ch)
}
