package sqldb

import (
	"context"
	"strconv"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// revokeGrants is what every text of revokeQueries begins with.
const revokeGrants = `
	UPDATE grants SET revoked_at = $2, revoked_why = $3
	WHERE tenant_id = $1 AND revoked_at = 0`

// filterColumns are the columns of a GrantFilter, in the order of its fields. Two
// indices leave ” out.
var filterColumns = [...]string{"id", "code_id", "user_id", "client_id", "session_id"}

// revokeQueries holds one text for each set of fields that a filter may give, by the
// bits of the fields: one text for all sets could use no index.
var revokeQueries = func() (queries [1 << len(filterColumns)]string) {
	for set := 1; set < len(queries); set++ {
		text, n := revokeGrants, 3
		for i, column := range filterColumns {
			if set&(1<<i) == 0 {
				continue
			}
			n++
			text += ` AND ` + column + ` = $` + strconv.Itoa(n)
			if column == "code_id" || column == "session_id" {
				text += ` AND ` + column + ` <> ''`
			}
		}
		queries[set] = text
	}
	return queries
}()

// Revoke implements storage.Grants.
func (s *Store) Revoke(ctx context.Context, tenant string, which storage.GrantFilter, why string, now time.Time) (n int64, err error) {
	err = s.engine.write(ctx, func(c conn) error {
		n, err = revoke(c, tenant, which, why, now)
		return err
	})
	return n, named(err, "revoke grants of", tenant)
}

func revoke(c conn, tenant string, which storage.GrantFilter, why string, now time.Time) (int64, error) {
	set, args := 0, []any{tenant, micros(now), why}
	for i, value := range [...]string{which.ID, which.CodeID, which.UserID, which.ClientID, which.SessionID} {
		if value != "" {
			set |= 1 << i
			args = append(args, value)
		}
	}
	if set == 0 {
		return 0, nil // the empty filter names none
	}
	return c.exec(revokeQueries[set], args...)
}
