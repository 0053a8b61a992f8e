package sqldb

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/vouchsafe/vouchsafe/internal/pgtest"
)

// listPage is how many entries the pages of TestListsReadTheirPageAlone have.
const listPage = 10

// pagesOf are the queries of lists, and that of the deliveries that a server takes at a time, each with arguments for
// the first page and for one further on, in the database of crowd and crowdOfOne.
var pagesOf = map[string][][]any{
	"listUsers":          {{"default", "", listPage}, {"default", "u3", listPage}},
	"listAdministrators": {{"default", "", listPage}, {"default", "u3", listPage}},
	"listClients":        {{"default", "", listPage}, {"default", "c3", listPage}},
	"listTenants":        {{"", listPage}, {"t3", listPage}},
	"listGroups":         {{"default", "", listPage}, {"default", "g3", listPage}},
	"members":            {{"default", "g1", "", listPage}, {"default", "g1", "u3", listPage}},
	"rolesOfOwner":       {{"default", "client", "c1", "", listPage}, {"default", "client", "c1", "x3", listPage}},
	"userHolders":        holderPages("u3"),
	"groupHolders":       holderPages("g3"),
	"clientHolders":      holderPages("c3"),
	"usersInEmail":       {{"default", "", "", "z", listPage}, {"default", "e3", "u3", "z", listPage}},
	"usersInUsername":    {{"default", "", "", "z", listPage}, {"default", "n3", "u3", "z", listPage}},
	"usersInID":          {{"default", "", "", "z", listPage}, {"default", "u3", "u3", "z", listPage}},
	"usersInName":        {{"default", "", "", "z", listPage}, {"default", "name3", "u3", "z", listPage}},
	"waitingMail":        {{"t1", "", listPage}, {"t2", "", listPage}, {"t1", "w3", listPage}},
	"deadMail":           {{"t1", "", listPage}, {"t2", "", listPage}, {"t2", "d3", listPage}},
	"listEvents":         {{"default", "z", listPage}, {"default", "a3", listPage}},
	"eventsOf":           {{"default", "u1", "z", listPage}, {"default", "u1", "a3", listPage}},
	"webhookDeliveries":  {{"default", "w", int64(1 << 60), listPage}, {"default", "w", 3000, listPage}},
	"fedEvents":          {{"default", 0, listPage}, {"default", 3000, listPage}},
	"useOf":              {{"default", "c1", 1, listPage}},
}

// holderPages are the arguments of lists of what has the role that all have.
func holderPages(after string) [][]any {
	return [][]any{{"default", "client", "c2", "r1", "", listPage}, {"default", "client", "c2", "r1", after, listPage}}
}

// crowdOfOne adds to crowd much that belongs to one: a group with all users, a role that all have, a tenant with many
// messages that wait and few that were given up, one where it is the other way round, and a client with all grants.
var crowdOfOne = []string{
	`UPDATE users SET admin_role = 'support' WHERE tenant_id = 'default'`,
	`INSERT INTO memberships SELECT 'default', 'u' || n, 'gk1', 'x', 0 FROM generate_series(1, 6000) n`,
	`INSERT INTO roles SELECT 'default', 'client', 'c1', 'x' || n, 'xk' || n, '', 0, 0 FROM generate_series(1, 6000) n`,
	`INSERT INTO user_roles SELECT 'default', 'u' || n, 'rk1', 0 FROM generate_series(2, 6000) n`,
	`INSERT INTO group_roles SELECT 'default', 'gk' || n, 'rk1', 0, 'g' || n FROM generate_series(1, 2000) n ` +
		`ON CONFLICT DO NOTHING`,
	`INSERT INTO client_roles SELECT 'default', 'c' || n, 'rk1', 0 FROM generate_series(1, 600) n ON CONFLICT DO NOTHING`,
	`INSERT INTO mail SELECT 't1', 'w' || n, '', 'x', '', '', 0, n, 0, '', 0, 'mail', n FROM generate_series(1, 6000) n`,
	`INSERT INTO mail SELECT 't2', 'd' || n, '', 'x', '', '', 0, n, 0, '', n, 'mail', n FROM generate_series(1, 6000) n`,
	`INSERT INTO audit SELECT 'default', 'a' || n, n, 'login.failed', '', 'u1', '', '', '', '{}' FROM ` +
		`generate_series(1, 6000) n`,
	`INSERT INTO feed_events SELECT 'default', n, 'a' || n, n FROM generate_series(1, 6000) n`,
	`INSERT INTO webhooks VALUES ('default', 'w', '', '', '[]', FALSE, '', 0, 0, 0)`,
	`INSERT INTO webhook_deliveries SELECT 'default', 'w', n, 'a' || n, '', 'u' || n, n, n, 0, 0, FALSE, 0, 0, '' FROM ` +
		`generate_series(1, 6000) n`,
	`UPDATE grants SET client_id = 'c1' WHERE tenant_id = 'default'`,
	`ANALYZE`,
}

// keyset is how SQLite says that it begins at a place in an index, not at the beginning of what it lists.
var keyset = regexp.MustCompile(`^SEARCH .*[<>]\?`)

// TestListsReadTheirPageAlone reads pages of lists of which one has much: the cost of a page is that of its entries,
// however long the list is, and wherever in it the page is.
func TestListsReadTheirPageAlone(t *testing.T) {
	t.Parallel()
	all := queries(t)
	for name := range pagesOf {
		if all[name] == "" {
			t.Fatalf("there is no query %s", name)
		}
	}
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		file := filepath.Join(t.TempDir(), "x.db")
		openMigrated(t, "sqlite:"+file)
		db, err := sql.Open("sqlite", file)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		for name, pages := range pagesOf {
			rows, err := db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+all[name], pages[0]...)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			var plan []string
			for rows.Next() {
				var id, parent, unused int
				var detail string
				if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
					t.Fatal(err)
				}
				plan = append(plan, detail)
			}
			if err := errors.Join(rows.Err(), rows.Close()); err != nil {
				t.Error(err)
			}
			begins := 0
			for _, detail := range plan {
				if keyset.MatchString(detail) {
					begins++
				}
			}
			if begins != 1 { // none begins each page at the first entry, and two read more than the page
				t.Errorf("%s begins at %d places of indices, want one:\n%s", name, begins, strings.Join(plan, "\n"))
			}
		}
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		url, ctx := pgtest.Start(t), t.Context()
		openMigrated(t, url)
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.WithoutCancel(ctx))
		crowd(t, conn)
		for _, statement := range crowdOfOne {
			if _, err := conn.Exec(ctx, statement); err != nil {
				t.Fatalf("%s: %v", statement, err)
			}
		}
		for name, pages := range pagesOf {
			for _, args := range pages {
				tx, err := conn.Begin(ctx)
				if err != nil {
					t.Fatal(err)
				}
				var raw []byte
				err = tx.QueryRow(ctx, "EXPLAIN (ANALYZE, FORMAT JSON, TIMING OFF) "+all[name], args...).Scan(&raw)
				if err = errors.Join(err, tx.Rollback(ctx)); err != nil { // one of them claims what it reads
					t.Errorf("%s: %v", name, err)
					continue
				}
				var nodes []struct{ Plan planNode }
				if err := json.Unmarshal(raw, &nodes); err != nil {
					t.Fatal(err)
				}
				read := 0.0
				nodes[0].Plan.walk(func(n planNode) {
					if n.Relation != "" || n.Index != "" {
						read += n.Loops * (n.Rows + n.Filtered + n.Rechecked)
					}
				})
				if read > 12*listPage {
					t.Errorf("%s %v reads %.0f rows for a page of %d: %s", name, args, read, listPage, raw)
				}
			}
		}
	})
}
