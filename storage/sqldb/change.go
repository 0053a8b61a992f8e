package sqldb

import (
	"context"
	"errors"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/apps"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/column"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/numbers"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/outbox"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/trail"
)

const (
	useCode = `DELETE FROM codes WHERE tenant_id = $1 AND id = $2 AND expires_at > $3 AND created_at` + notAhead
	// It changes nothing, but locks the row: two changes of one user queue here.
	holdVersion = `
		UPDATE users SET credential_version = credential_version
		WHERE tenant_id = $1 AND id = $2 AND credential_version = $3 AND NOT disabled`
	holdSecured = `
		UPDATE users SET credential_version = credential_version
		WHERE tenant_id = $1 AND id = $2 AND credential_version = $3 AND (NOT disabled OR secured_at <> 0)`
	removeAdded = `
		DELETE FROM credentials
		WHERE tenant_id = $1 AND user_id = $2 AND kind = $3 AND created_at >= $4`
	unlinkAdded   = `DELETE FROM identities WHERE tenant_id = $1 AND user_id = $2 AND created_at >= $3`
	withdrawAdded = `DELETE FROM consents WHERE tenant_id = $1 AND user_id = $2 AND granted_at >= $3`
	forgetCodes   = `DELETE FROM codes WHERE tenant_id = $1 AND user_id = $2 AND user_id <> ''`
	forgetDevices = `
		DELETE FROM codes WHERE tenant_id = $1 AND user_id = $2 AND user_id <> '' AND purpose = 'device-settled'`
	removeCredential  = `DELETE FROM credentials WHERE tenant_id = $1 AND user_id = $2 AND kind = $3 AND id = $4`
	removeCredentials = `DELETE FROM credentials WHERE tenant_id = $1 AND user_id = $2 AND kind = $3`
	unlinkIdentity    = `
		DELETE FROM identities
		WHERE tenant_id = $1 AND provider = $2 AND subject = $3 AND user_id = $4`
)

// Apply implements storage.Changes.
func (s *Store) Apply(ctx context.Context, ch storage.Change) error {
	if s.postgres && isSignIn(&ch) {
		return engine.Named(s.signIn(ctx, &ch), "change user", ch.UserID)
	}
	var left []storage.Removal
	err := trail.Change(ctx, s.engine, func(c conn) error {
		owner, err := holdOwner(c, &ch)
		if err != nil {
			return err
		}
		steps := []func(conn, *storage.Change) error{
			applySpending, applyPerson, applyAdmin, applyUnique, s.applyMemberships, s.applyRoles, applyCredentials,
			applyLinks, applyAPIKeys, apps.Apply, applySessions,
		}
		for _, step := range steps {
			if err := step(c, &ch); err != nil {
				return err
			}
		}
		e := ending{s: s, c: c, ch: &ch, raised: ch.Raise}
		if err := e.end(); err != nil {
			return err
		}
		left = e.left
		if err := s.applyRest(c, &ch, e.Ended); err != nil || !owner {
			return err
		}
		return keepsOwner(c, &ch)
	})
	for i := 0; err == nil && i < len(left); i++ {
		err = s.goOn(ctx, left[i], ch.OnEnd)
	}
	return engine.Named(err, "change user", ch.UserID)
}

// applySpending uses up the codes and the values of the change. It comes first: of two changes that use up the
// same, one waits here for the other.
func applySpending(c conn, ch *storage.Change) error {
	for _, code := range []string{ch.Code, ch.Invitation} {
		if code == "" {
			continue
		}
		if err := engine.Must(c, storage.ErrStale, useCode, ch.TenantID, code, column.Micros(ch.Now)); err != nil {
			return err
		}
	}
	for _, v := range ch.Spend {
		if err := engine.Must(c, storage.ErrStale, spend, ch.TenantID, v.Purpose, column.Hash(v.Value),
			column.Micros(v.ExpiresAt)); err != nil {
			return err
		}
	}
	return nil
}

// applyPerson adds the user or many users, or checks, raises and updates the user.
func applyPerson(c conn, ch *storage.Change) error {
	if ch.Add != nil {
		if err := insertUser(c, *ch.Add); err != nil {
			return err
		}
	}
	if err := insertUsers(c, ch.TenantID, ch.AddAll); err != nil {
		return err
	}
	if err := numbers.Keep(c, ch.TenantID, ch.Numbers); err != nil {
		return err
	}
	var uses [][]any
	for _, u := range ch.LastUses {
		at := column.Micros(u.SignedIn)
		uses = append(uses, []any{ch.TenantID, u.UserID, at, at})
	}
	if err := engine.InsertAll(c, insertLastUses, uses); err != nil {
		return err
	}
	if ch.Version != nil {
		hold := holdVersion
		if ch.Secured {
			hold = holdSecured
		}
		if err := engine.Must(c, storage.ErrStale, hold, ch.TenantID, ch.UserID, *ch.Version); err != nil {
			return err
		}
	}
	if ch.Raise {
		if err := engine.Must(c, storage.ErrNotFound, raiseVersion, ch.TenantID, ch.UserID,
			column.Micros(ch.Now)); err != nil {
			return err
		}
	}
	if ch.Raise || ch.ForgetCodes {
		if _, err := c.Exec(forgetCodes, ch.TenantID, ch.UserID); err != nil {
			return err
		}
	}
	if ch.ForgetDevices {
		if _, err := c.Exec(forgetDevices, ch.TenantID, ch.UserID); err != nil {
			return err
		}
	}
	return applyUpdate(c, ch)
}

// applyCredentials removes, stores and swaps credentials.
func applyCredentials(c conn, ch *storage.Change) error {
	for _, key := range ch.RemoveCredentials {
		query, args := removeCredential, []any{ch.TenantID, ch.UserID, key.Kind, key.ID}
		if key.ID == storage.AllIDs {
			query, args = removeCredentials, args[:3]
		}
		if _, err := c.Exec(query, args...); err != nil {
			return err
		}
	}
	if err := applyRemoveAdded(c, ch); err != nil {
		return err
	}
	for _, cr := range ch.Credentials {
		cr.TenantID, cr.UserID = ch.TenantID, ch.UserID // the user's own, whatever the caller said
		if err := setCredential(c, cr); err != nil {
			return err
		}
	}
	for _, cr := range ch.Swap {
		err := engine.Must(c, storage.ErrStale, swapCredential, ch.TenantID, ch.UserID, cr.Kind, cr.ID, cr.Data,
			column.Micros(cr.UpdatedAt), cr.Was, column.Micros(cr.ExpiresAt))
		if err != nil {
			return err
		}
	}
	return nil
}

// applyRemoveAdded removes credentials, identities and consents that are not older than a point in time.
func applyRemoveAdded(c conn, ch *storage.Change) error {
	if ch.RemoveAdded == nil {
		return nil
	}
	since := column.Micros(ch.RemoveAdded.Since)
	for _, kind := range ch.RemoveAdded.Kinds {
		if _, err := c.Exec(removeAdded, ch.TenantID, ch.UserID, kind, since); err != nil {
			return err
		}
	}
	for _, query := range []string{unlinkAdded, withdrawAdded} {
		if _, err := c.Exec(query, ch.TenantID, ch.UserID, since); err != nil {
			return err
		}
	}
	return nil
}

// applyLinks unlinks and links identities, and stores codes and the consent.
func applyLinks(c conn, ch *storage.Change) error {
	for _, i := range ch.Unlink {
		if i.Provider == storage.AllIDs {
			if _, err := c.Exec(unlinkIdentities, ch.TenantID, ch.UserID); err != nil {
				return err
			}
			continue
		}
		if err := engine.Must(c, storage.ErrNotFound, unlinkIdentity, ch.TenantID, i.Provider, i.Subject,
			ch.UserID); err != nil {
			return err
		}
	}
	for _, i := range ch.Link {
		if _, err := c.Exec(addIdentity, ch.TenantID, i.Provider, i.Subject, ch.UserID, i.Email,
			column.Micros(i.CreatedAt)); err != nil {
			return err
		}
	}
	if len(ch.Unlink) > 0 || ch.RemoveAdded != nil {
		if _, err := c.Exec(leaveUnlinked, ch.TenantID, ch.UserID); err != nil {
			return err
		}
	}
	for _, code := range ch.Codes {
		code.TenantID = ch.TenantID
		if err := setCode(c, code); err != nil {
			return err
		}
	}
	if ch.Consent == nil {
		return nil
	}
	consent := *ch.Consent
	consent.TenantID, consent.UserID = ch.TenantID, ch.UserID
	return engine.Must(c, storage.ErrNotFound, putConsent, consentArgs(consent)...)
}

// applyRest removes the user, and stores the events and deliveries.
func (s *Store) applyRest(c conn, ch *storage.Change, ended storage.Ended) error {
	if ch.Remove {
		if _, err := c.Exec(forgetCodes, ch.TenantID, ch.UserID); err != nil {
			return err
		}
		if err := s.bury(c, ch.TenantID, ch.UserID, ch.Now); err != nil {
			return err
		}
	}
	if ch.OnEnd != nil {
		mails, events := ch.OnEnd(ended)
		if err := outbox.Tell(c, mails, events); err != nil {
			return err
		}
	}
	return outbox.Tell(c, ch.Deliveries, ch.Events)
}

const listAdministrators = `
	SELECT ` + userColumns + ` FROM users
	WHERE tenant_id = $1 AND admin_role <> '' AND id > $2 AND removed_at = 0
	ORDER BY id LIMIT $3`

// Administrators implements storage.Users.
func (s *Store) Administrators(ctx context.Context, tenant, after string, limit int) ([]storage.User, error) {
	all, err := list(ctx, s, listAdministrators, []any{tenant, after, limit}, scanUser)
	return all, engine.Named(err, "administrators after", after)
}

const (
	adminRoleOf = `SELECT admin_role FROM users WHERE tenant_id = $1 AND id = $2 AND removed_at = 0`
	// It changes nothing, but locks all owners: two changes that would each leave the other's owner as the last one
	// queue here. The first comparison lets the engines use the index.
	holdOwners = `
		UPDATE users SET admin_role = admin_role
		WHERE tenant_id = $1 AND admin_role <> '' AND admin_role = 'owner' AND removed_at = 0`
	setAdmin = `
		UPDATE users SET admin_role = $3, updated_at = $4
		WHERE tenant_id = $1 AND id = $2 AND removed_at = 0`
	countOwners = `
		SELECT COUNT(*) FROM users
		WHERE tenant_id = $1 AND admin_role <> '' AND admin_role = 'owner' AND removed_at = 0
			AND (NOT disabled OR secured_at <> 0)`
)

// mayLoseOwner reports whether the change could take a tenant's owner away.
func mayLoseOwner(ch *storage.Change) bool {
	disables := ch.Update != nil && ch.Update.Disabled && ch.Update.SecuredAt.IsZero()
	return ch.Remove || disables || ch.SetAdmin != nil && *ch.SetAdmin != storage.RoleOwner
}

// holdOwner locks what decides whether the tenant keeps an owner, if the change could take one away. It reports
// whether the user is an owner. ErrStale: the user has not the role that the change rests on.
func holdOwner(c conn, ch *storage.Change) (owner bool, err error) {
	if !mayLoseOwner(ch) || ch.Add != nil {
		return false, holdRoleWas(c, ch.TenantID, ch.UserID, ch.RoleWas)
	}
	for {
		role, err := engine.ScanText(c.Row(adminRoleOf, ch.TenantID, ch.UserID))
		if errors.Is(err, storage.ErrNotFound) {
			return false, holdRoleWas(c, ch.TenantID, ch.UserID, ch.RoleWas) // a later step says so
		}
		if err != nil {
			return false, err
		}
		if role == storage.RoleOwner { // before the user alone, so that all changes lock in one order
			if _, err := c.Exec(holdOwners, ch.TenantID); err != nil {
				return false, err
			}
			return true, holdRoleWas(c, ch.TenantID, ch.UserID, ch.RoleWas)
		}
		// A user who becomes an owner at this moment is one of those who are counted: the role is read again.
		err = engine.Must(c, storage.ErrStale, holdRole, ch.TenantID, ch.UserID, role)
		if err == nil {
			return false, holdRoleWas(c, ch.TenantID, ch.UserID, ch.RoleWas)
		}
		if !errors.Is(err, storage.ErrStale) {
			return false, err
		}
	}
}

// keepsOwner returns ErrLastOwner if the tenant has no owner who can sign in.
func keepsOwner(c conn, ch *storage.Change) error {
	n, err := engine.ScanCount(c.Row(countOwners, ch.TenantID))
	if err == nil && n == 0 {
		err = storage.ErrLastOwner
	}
	return err
}

// applyAdmin sets the user's role as an administrator.
func applyAdmin(c conn, ch *storage.Change) error {
	if ch.SetAdmin == nil {
		return nil
	}
	return engine.Must(c, storage.ErrNotFound, setAdmin, ch.TenantID, ch.UserID, *ch.SetAdmin, column.Micros(ch.Now))
}
