package sqldb

// Before sessions and grants are deleted for their age, last_uses takes over when their users signed in and were
// active. The conditions are those of the statements that delete, whose names begin with sweep.
const (
	keepExpiredSessions = keepSessions + `
			WHERE expires_at <= $1 AND expires_at >= $2 ORDER BY expires_at LIMIT $3)` + intoLastUses
	keepEndedSessions = keepSessions + `
			WHERE ended_at <= $1 AND ended_at >= $2 AND ended_at <> 0 ORDER BY ended_at LIMIT $3)` + intoLastUses
	keepExpiredGrants = keepUses + `0, MAX(` + grantActive + `) FROM grants WHERE (tenant_id, id) IN (
			SELECT tenant_id, id FROM grants
			WHERE expires_at <= $1 AND expires_at >= $2 ORDER BY expires_at LIMIT $3)` + intoLastUses
	keepRevokedGrants = keepUses + `0, MAX(` + grantActive + `) FROM grants WHERE (tenant_id, id) IN (
			SELECT tenant_id, id FROM grants
			WHERE revoked_at <= $1 AND revoked_at >= $2 AND revoked_at <> 0 ORDER BY revoked_at LIMIT $3)` + intoLastUses

	keepUses = `
		INSERT INTO last_uses (tenant_id, user_id, signed_in_at, active_at)
		SELECT tenant_id, user_id, `
	keepSessions = keepUses + `MAX(auth_time), MAX(` + sessionActive + `) FROM sessions WHERE (tenant_id, id) IN (
			SELECT tenant_id, id FROM sessions`
	intoLastUses = `
		GROUP BY tenant_id, user_id ORDER BY tenant_id, user_id
		ON CONFLICT (tenant_id, user_id) DO UPDATE SET
			signed_in_at = CASE WHEN excluded.signed_in_at > last_uses.signed_in_at
				THEN excluded.signed_in_at ELSE last_uses.signed_in_at END,
			active_at = CASE WHEN excluded.active_at > last_uses.active_at
				THEN excluded.active_at ELSE last_uses.active_at END`
)
