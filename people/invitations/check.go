package invitations

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/storage"
)

// mostGifts bounds the groups, and the roles, of an invitation.
const mostGifts = 100

// checks collects all that is wrong with what an inviter entered.
type checks struct{ faults importing.Faults }

func (c *checks) wrong(field, rule, format string, args ...any) {
	c.faults = append(c.faults, importing.NewFault(field, field+"."+rule, format, args...))
}

// check returns what the inviter entered as it is sealed, and the address.
func (s *Service) check(ctx context.Context, a people.Asker, w Wanted) (to address.Claimed, c content, err error) {
	var all checks
	to, err = address.Claim(w.Email)
	if err != nil {
		all.wrong("email", "form", "%.320q %v", w.Email, err)
	}
	c = content{Email: to.String(), Life: w.Life, Attributes: w.Attributes, AdminRole: w.AdminRole}
	if c.Life == 0 {
		c.Life = DefaultLife
	}
	if c.Life < time.Minute || c.Life > LongestLife {
		all.wrong("lifetime", "bounds", "an invitation lives for a minute at least, and for 30 days at most")
	}
	if w.AdminRole != "" && !slices.Contains(administration.AdminRoles, w.AdminRole) {
		all.wrong("admin_role", "missing", "there is no such role: write owner, admin, support or auditor")
	}
	if c.Groups, err = s.checkGroups(ctx, a, w.Groups, &all); err != nil {
		return to, c, err
	}
	if c.Roles, err = s.checkRoles(ctx, a, w.Roles, &all); err != nil {
		return to, c, err
	}
	if _, err := s.attributes(a, w.Attributes); err != nil {
		err = importing.AttributeFaults(err)
		fs, ok := errors.AsType[importing.Faults](err)
		if !ok {
			return to, c, err
		}
		all.faults = append(all.faults, fs...)
	}
	return to, c, all.faults.Err()
}

// checkGroups returns the groups with the ids.
func (s *Service) checkGroups(
	ctx context.Context, a people.Asker, ids []string, all *checks,
) (found []group, err error) {
	if len(ids) > mostGifts {
		all.wrong("groups", "many", "there are more than %d groups", mostGifts)
		return nil, nil
	}
	for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
		g, err := s.Store.Group(ctx, a.Tenant.ID, id)
		switch {
		case errors.Is(err, storage.ErrNotFound):
			all.wrong("groups", "missing", "there is no group %.63s", id)
		case err != nil:
			return nil, err
		default:
			found = append(found, group{g.ID, g.CreatedAt})
		}
	}
	return found, nil
}

// checkRoles returns the roles with the names.
func (s *Service) checkRoles(
	ctx context.Context, a people.Asker, names []storage.RoleName, all *checks,
) (found []role, err error) {
	if len(names) > mostGifts {
		all.wrong("roles", "many", "there are more than %d roles", mostGifts)
		return nil, nil
	}
	for _, name := range slices.Compact(slices.SortedFunc(slices.Values(names), storage.CompareRoles)) {
		r, err := s.Store.Role(ctx, a.Tenant.ID, name)
		switch {
		case errors.Is(err, storage.ErrNotFound):
			all.wrong("roles", "missing", "there is no role %.200s", roleText(name))
		case err != nil:
			return nil, err
		default:
			found = append(found, role{r.RoleName, r.CreatedAt})
		}
	}
	return found, nil
}
