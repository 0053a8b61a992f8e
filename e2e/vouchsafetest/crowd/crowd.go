// Package crowd fills a database with many users and what belongs to them.
package crowd

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Crowd is a number of users with their data, made by SQL inside the database: a million in
// minutes.
type Crowd struct {
	Tenant, Client string // must exist
	// People are added with a password each. Sessions, Grants and Consents are spread over them;
	// or, if Of is not 0, over that many people of an earlier crowd whose First was 0; or all
	// belong to Owner, who must exist.
	People, Sessions, Grants, Consents int
	Of                                 int
	Owner                              string
	// Groups are as many groups, and Memberships rows of them: each user is in one of the groups, and then all are in
	// the first.
	Groups, Memberships int
	// Holders are how many of the people have the role holder of Client. If there are any, all groups have it.
	Holders int
	// Events are rows of the audit trail, spread over two years and over the people.
	Events int
	// First is the number of the first row of each kind. Crowds in one database must not overlap.
	First int
}

// crowdPart is how many rows are added at a time.
const crowdPart = 20_000

// crowdKind is one kind of rows. The SQL adds those with the numbers from $1 to $2. In it, hex12(x)
// stands for a number as 12 hexadecimal digits, and owner(n) for the user to which row n belongs.
type crowdKind struct {
	name  string
	count func(Crowd) int
	text  string
}

// The ids are UUIDs of version 7 for times up to $3, which is now in milliseconds.
var crowdKinds = []crowdKind{
	{"people", func(c Crowd) int { return c.People }, `
		INSERT INTO users (tenant_id, id, username, username_key, email, email_key, email_verified, phone, phone_verified,
			profile, searched, roles, disabled, credential_version, created_at, updated_at)
		SELECT $4, person(n), '', '', 'fill' || n || '@example.com', 'fill' || n || '@example.com', TRUE, '', FALSE,
			` + crowdProfile + `, ` + crowdProfile + `, '[]', FALSE, 1, $3 * 1000, $3 * 1000 FROM numbers`},
	{"names", func(c Crowd) int { return c.People }, `
		INSERT INTO search_terms (tenant_id, user_id, term)
		SELECT $4, person(n), 'given' || (n % 100) || ' family' || n FROM numbers WHERE $3 > 0
		UNION ALL SELECT $4, person(n), 'family' || n FROM numbers`},
	{"groups", func(c Crowd) int { return c.Groups }, `
		INSERT INTO groups (tenant_id, id, key, title, created_at, updated_at)
		SELECT $4, 'group-' || hex12(n), 'group-' || hex12(n), 'Group ' || n, $3 * 1000, $3 * 1000 FROM numbers`},
	{"memberships", func(c Crowd) int { return c.Memberships }, `
		INSERT INTO memberships (tenant_id, user_id, group_key, upstream, created_at)
		SELECT $4, owner(n), 'group-' || group(n), '', $3 * 1000 FROM numbers
		WHERE TRUE ON CONFLICT DO NOTHING`},
	{"roles", func(c Crowd) int { return min(1, c.Holders) }, `
		INSERT INTO roles (tenant_id, owner_kind, owner, name, key, title, created_at, updated_at)
		SELECT $4, 'client', $5, 'holder', 'role-' || $5, '', $3 * 1000, $3 * 1000 FROM numbers`},
	{"holders", func(c Crowd) int { return c.Holders }, `
		INSERT INTO user_roles (tenant_id, user_id, role_key, created_at)
		SELECT $4, person(n), 'role-' || $5, $3 * 1000 FROM numbers`},
	{"groups with the role", func(c Crowd) int { return min(c.Groups, c.Groups*c.Holders) }, `
		INSERT INTO group_roles (tenant_id, group_key, role_key, created_at, group_id)
		SELECT $4, 'group-' || hex12(n), 'role-' || $5, $3 * 1000, 'group-' || hex12(n) FROM numbers`},
	{"passwords", func(c Crowd) int { return c.People }, `
		INSERT INTO credentials (tenant_id, user_id, kind, id, data, created_at, updated_at)
		SELECT $4, person(n), 'password', '', CAST('$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2E$c29tZWhhc2hzb21laGFzaHNvbWVoYXNoc29tZWhhc2g' AS BYTES),
			$3 * 1000, $3 * 1000 FROM numbers`},
	{"sessions", func(c Crowd) int { return c.Sessions }, `
		INSERT INTO sessions (tenant_id, id, secret_hash, user_id, credential_version, auth_time, amr, acr, user_agent, ip,
			created_at, seen_at, expires_at, ended_at)
		SELECT $4, uuid($3 - 1000, n), CAST('0123456789abcdef0123456789abcdef' AS BYTES), owner(n), 1, $3 * 1000 - 1000000, '["pwd"]', '',
			'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', '203.0.113.' || (n % 256),
			$3 * 1000 - 1000000, $3 * 1000, $3 * 1000 + 864000000000 + n, 0 FROM numbers`},
	{"grants", func(c Crowd) int { return c.Grants }, `
		INSERT INTO grants (tenant_id, id, code_id, user_id, client_id, session_id, offline, credential_version, scopes, audience,
			claims, auth_time, amr, acr, generation, rotated_at, idle_expires_at, expires_at, created_at, revoked_at, revoked_why)
		SELECT $4, uuid($3 - 500, n), uuid($3 - 600, n), owner(n), $5, '', TRUE, 1, '["openid","offline_access"]', '[]',
			CAST('' AS BYTES), $3 * 1000 - 1000000, '["pwd"]', '', 1, $3 * 1000 - 1000000, $3 * 1000 + 864000000000,
			$3 * 1000 + 864000000000 + n, $3 * 1000 - 1000000, 0, '' FROM numbers`},
	{"consents", func(c Crowd) int { return c.Consents }, `
		INSERT INTO consents (tenant_id, user_id, client_id, scopes, claims, granted_at)
		SELECT $4, person(n), $5, '["openid"]', '[]', $3 * 1000 FROM numbers`},
	{"events", func(c Crowd) int { return c.Events }, `
		INSERT INTO audit (tenant_id, id, at, kind, actor, user_id, client_id, request_id, ip, detail)
		SELECT $4, uuid($3 - 63072000000 + n * 63072000000 / $6, n), ($3 - 63072000000 + n * 63072000000 / $6) * 1000,
			CASE n % 5 WHEN 0 THEN 'login.failed' WHEN 1 THEN 'grant.revoked' WHEN 2 THEN 'session.ended' ELSE 'login.succeeded' END,
			owner(n), owner(n), $5, hex12(n), CASE n % 4 WHEN 0 THEN '2001:db8:' || (n % 9999) || ':1::7' ELSE '203.0.' || (n / 250 % 250) || '.' || (n % 250) END,
			'{"session":"01900000-0000-7000-8000-000000000000","amr":"pwd"}' FROM numbers`},
}

// crowdProfile is the profile of a user.
const crowdProfile = `'{"name":"Given' || (n % 100) || ' Family' || n || '","locale":"en"}'`

var crowdCall = regexp.MustCompile(`(hex12|person|owner|uuid)\(([^(),]*)(?:, ([^()]*))?\)`)

// sqlOf returns the SQL for an engine.
func (k crowdKind) sqlOf(c Crowd, postgres bool) string {
	hex := "printf('%%012x', %s)"
	numbers, binary := "(WITH RECURSIVE c(n) AS (SELECT $1 UNION ALL SELECT n + 1 FROM c WHERE n < $2) SELECT n FROM c)",
		"BLOB"
	if postgres {
		hex, numbers, binary = "lpad(to_hex((%s)::bigint), 12, '0')", "generate_series($1::bigint, $2::bigint) AS n", "BYTEA"
	}
	owner := fmt.Sprintf("person(%d + n %% %d)", c.First, max(1, c.People))
	if c.Of > 0 {
		owner = fmt.Sprintf("person(n %% %d)", c.Of)
	}
	if c.Owner != "" {
		owner = "'" + c.Owner + "'"
	}
	group := fmt.Sprintf("hex12(CASE WHEN n < %d THEN n %% %d ELSE 0 END)", c.People, max(1, c.Groups))
	text := strings.NewReplacer("numbers", numbers, "BYTES", binary, "owner(n)", owner, "group(n)", group).Replace(k.text)
	text = crowdCall.ReplaceAllStringFunc(text, func(call string) string {
		m := crowdCall.FindStringSubmatch(call)
		switch m[1] {
		case "person": // $3 differs from fill to fill
			return "'01900000-0000-7000-8000-' || " + fmt.Sprintf(hex, m[2])
		case "uuid":
			at := fmt.Sprintf(hex, m[2])
			return "substr(" + at + ", 1, 8) || '-' || substr(" + at + ", 9, 4) || '-7000-8000-' || " + fmt.Sprintf(hex, m[3])
		}
		return fmt.Sprintf(hex, m[2])
	})
	// PostgreSQL would otherwise infer a type that is too small.
	return strings.NewReplacer("$3", "CAST($3 AS BIGINT)", "$6", "CAST($6 AS BIGINT)").Replace(text)
}

// Fill puts the crowd into a database: the URL of PostgreSQL, or the path of an SQLite file, whose
// driver the caller must import. told, unless nil, is called after each part.
func (c Crowd) Fill(ctx context.Context, database string, told func(kind string, done, of int)) error {
	exec, done, err := crowdFiller(ctx, database)
	if err != nil {
		return err
	}
	defer done()
	postgres := strings.HasPrefix(database, "postgres")
	now := time.Now().UnixMilli()
	for _, k := range crowdKinds {
		text, count := k.sqlOf(c, postgres), k.count(c)
		for from := 0; from < count; from += crowdPart {
			to := min(from+crowdPart, count)
			all := []any{c.First + from, c.First + to - 1, now, c.Tenant, c.Client, max(1, c.Events)}
			if err := exec(text, all[:params(text)]...); err != nil {
				return fmt.Errorf("fill %s: %w", k.name, err)
			}
			if told != nil {
				told(k.name, to, count)
			}
		}
	}
	return exec("")
}

// params returns the highest number of a parameter in the SQL.
func params(text string) int {
	n := 0
	for i := 1; i <= 6; i++ {
		if strings.Contains(text, fmt.Sprint("$", i)) {
			n = i
		}
	}
	return n
}

// crowdFiller returns a function that runs SQL. The empty text makes the database do the
// maintenance that it would do by itself in time.
func crowdFiller(ctx context.Context, database string) (exec func(query string, args ...any) error,
	done func(), err error) {
	if strings.HasPrefix(database, "postgres") {
		conn, err := pgx.Connect(ctx, database)
		if err != nil {
			return nil, nil, err
		}
		return func(query string, args ...any) error {
			if query == "" {
				if _, err := conn.Exec(ctx, "VACUUM (ANALYZE)"); err != nil {
					return err
				}
				query = "CHECKPOINT"
			}
			_, err := conn.Exec(ctx, query, args...)
			return err
		}, func() { _ = conn.Close(ctx) }, nil
	}
	db, err := sql.Open("sqlite",
		"file:"+database+"?_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)&_pragma=cache_size(-400000)&"+
			"_pragma=busy_timeout(60000)")
	if err != nil {
		return nil, nil, err
	}
	db.SetMaxOpenConns(1)
	return func(query string, args ...any) error {
		if query == "" {
			query = "PRAGMA wal_checkpoint(TRUNCATE)"
		}
		_, err := db.ExecContext(ctx, query, args...)
		return err
	}, func() { _ = db.Close() }, nil
}
