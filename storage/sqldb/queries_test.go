package sqldb

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/vouchsafe/vouchsafe/internal/pgtest"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// queries returns all the texts that this package and those below it run, by the names of their constants: it
// reads their source, so that none can be forgotten.
func queries(t *testing.T) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for _, dir := range []string{".", "apps", "engine", "keys", "numbers", "outbox", "parts", "trail", "uploads"} {
		maps.Copy(all, queriesIn(t, dir))
	}
	for _, text := range revokeQueries {
		if text != "" {
			all["revoke "+strings.Join(strings.Fields(text)[12:], " ")] = text
		}
	}
	if len(all) < 80 {
		t.Fatalf("found %d queries: is this test looking in the right place?", len(all))
	}
	return all
}

// queriesIn returns the constants of a package that are queries.
func queriesIn(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	var parsed []*ast.File
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, f)
	}
	// What is imported is unknown to the checker; constants of text need none of it.
	config := types.Config{Error: func(error) {}}
	pkg, _ := config.Check("sqldb", fset, parsed, nil)
	statement := regexp.MustCompile(`^\s*(SELECT|INSERT|UPDATE|DELETE)\s`)
	all := make(map[string]string)
	for _, name := range pkg.Scope().Names() {
		c, ok := pkg.Scope().Lookup(name).(*types.Const)
		if !ok || c.Val().Kind() != constant.String {
			continue
		}
		if text := constant.StringVal(c.Val()); statement.MatchString(text) {
			all[name] = text
		}
	}
	return all
}

// beginnings are constants that others are made of.
var beginnings = map[string]bool{
	"revokeGrants": true, "redeemPerson": true, "endSession": true, "endSessions": true, "liveGrantBegins": true,
	"joinGroup": true, "giveUser": true, "giveGroup": true, "giveClient": true, "roleNames": true,
	"keepUses": true, "keepSessions": true, "setUser": true, "livingActor": true,
	"factorsOf": true, "usesOfSessions": true, "userKey": true, "clientKey": true, "insertAPIKey": true,
	"signInsCounted": true, "active": true, "intoDays": true, "tallySignIns": true, "latest": true,
	"appLoginsOf": true, "rotated": true, "touched": true,
	"activeCounted": true, "tallyActive": true, "tellExpired": true, "keepTakers": true,
}

// listed reports whether a constant goes on with a list: a group of placeholders for each row, or one of values.
func listed(text string) bool { return into(text) || endsWith(text, "IN") }

// into reports whether a constant goes on with the rows that it inserts.
func into(text string) bool { return endsWith(text, "VALUES") }

func endsWith(text, word string) bool {
	words := strings.Fields(text)
	return words[len(words)-1] == word
}

// zoned is how a query counts the days of a zone other than UTC.
var zoned = regexp.MustCompile(`\(at \+ (CASE[^()]* END|-?\d+)\) / `)

// groups is what a query that goes on with a list ends with. It has placeholders alone.
var groups = regexp.MustCompile(`\(\$\d+(,\$\d+)*\)(,\(\$\d+(,\$\d+)*\))*$`)

func openMigrated(t testing.TB, url string) *Store {
	t.Helper()
	s, err := Open(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// openFile opens a new file of SQLite.
func openFile(t testing.TB) *Store {
	t.Helper()
	return openMigrated(t, "sqlite:"+filepath.Join(t.TempDir(), "vouchsafe.db"))
}

func TestEveryQueryIsRunByTheContract(t *testing.T) {
	t.Parallel()
	known := make(map[string]string)
	for name, text := range queries(t) {
		known[text] = name
	}
	s := openMigrated(t, "sqlite::memory:")
	ran := make(map[string]bool)
	s.OnStatement(func(query string) { // in memory, one at a time
		query = zoned.ReplaceAllString(query, "at / ")
		if start := groups.ReplaceAllString(query, ""); known[query] == "" && known[start] != "" && listed(start) {
			query = start
		}
		ran[query] = true
		if known[query] == "" {
			t.Errorf("this text is no constant: %s", query)
		}
	})
	storagetest.Durable(t, s)
	if _, _, _, err := s.Describe(t.Context()); err != nil {
		t.Error(err)
	}
	s.OnStatement(nil)
	for text, name := range known {
		if !ran[text] && !strings.HasPrefix(name, "revoke ") && !beginnings[name] && !strings.HasSuffix(name, "Postgres") {
			t.Errorf("%s was never run", name)
		}
	}
}

// throughTenant is how SQLite says that it reads all rows of a tenant in a table that grows with its users.
var throughTenant = regexp.MustCompile(
	`^SEARCH (users|sessions|grants|consents|credentials|identities|codes|events)\b.*\(tenant_id=\?\)$`)

// wholeTenant are queries that are about a whole tenant, in parts or up to a limit.
// The index of the owners has administrators alone.
var wholeTenant = map[string]bool{
	"removeTenant": true, "someCredentials": true, "holdOwners": true, "countOwners": true,
}

// TestEveryQueryUsesAnIndex also prepares each on both engines.
func TestEveryQueryUsesAnIndex(t *testing.T) {
	t.Parallel()
	all := queries(t)
	for name := range beginnings {
		delete(all, name)
	}
	for name, text := range all {
		if into(text) { // values alone: there is nothing to find
			delete(all, name)
		} else if write, read, two := strings.Cut(text, ";"); two { // SQLite's own: the plan of each
			all[name], all["read of "+name] = write, read
		} else if listed(text) {
			all[name] += engine.Placeholders(1, 2)
		}
	}
	delete(all, "schemaVersion")     // a table of a few rows, not ours
	delete(all, "pingPostgres")      // the same
	delete(all, "describeSQLite")    // settings of the database
	delete(all, "listMasterSecrets") // another such table
	delete(all, "forgetMasterSecret")
	delete(all, "allWebhooks")    // tables of a few rows, as administrators make them
	delete(all, "waitingClients") // the index has those alone that hear of logouts
	delete(all, "anyHearing")
	for _, name := range []string{"KeepTakers", "KeepRevokedTakers", "TellExpired", "TellExpiredFormer"} {
		delete(all, name) // they are about what is swept, and the few clients that hear of logouts
	}
	delete(all, "listFeeds")
	delete(all, "unusedFeed")
	delete(all, "endFeed")
	delete(all, "countMail") // counts all of a table that is empty when all is well

	t.Run("sqlite", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "x.db")
		openMigrated(t, "sqlite:"+file)
		db, err := sql.Open("sqlite", file)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		for name, text := range all {
			if strings.HasSuffix(name, "Postgres") {
				continue // it is PostgreSQL's own
			}
			rows, err := db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+text, make([]any, 30)...) // more than any has
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			subqueries := map[string]int{}
			for rows.Next() {
				var id, parent, unused int
				var detail string
				if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
					t.Fatal(err)
				}
				if name, ok := strings.CutPrefix(detail, "CO-ROUTINE "); ok {
					subqueries["SCAN "+name] = id
				}
				// "SCAN found" is over the rows of a subquery, or the list of ids in a parameter.
				detail = strings.TrimSuffix(detail, " VIRTUAL TABLE INDEX 1:")
				subquery, of := subqueries[detail]
				if strings.HasPrefix(detail, "SCAN ") && detail != "SCAN found" && detail != "SCAN CONSTANT ROW" &&
					!(of && parent != subquery) {
					t.Errorf("%s: %s", name, detail)
				}
				if throughTenant.MatchString(detail) && !wholeTenant[name] {
					t.Errorf("%s reads all of a tenant: %s", name, detail)
				}
			}
			if err := errors.Join(rows.Err(), rows.Close()); err != nil {
				t.Error(err)
			}
		}
	})

	t.Run("postgres", func(t *testing.T) {
		url, ctx := pgtest.Start(t), t.Context()
		openMigrated(t, url)
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.WithoutCancel(ctx))
		crowd(t, conn)
		for name, text := range all {
			if strings.HasSuffix(name, "SQLite") {
				continue // it is SQLite's own
			}
			described, err := conn.Prepare(ctx, "q", text)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if len(described.ParamOIDs) != params(text) {
				t.Errorf("%s: got %d parameters, want %d", name, len(described.ParamOIDs), params(text))
			}
			// A sweep deletes a thousand rows. Of twenty thousand, as here, it rightly
			// reads all to find them; it must be able to do otherwise.
			small := "on"
			if strings.HasPrefix(strings.ToLower(name), "sweep") {
				small = "off"
			}
			for _, way := range []string{"seqscan", "hashjoin", "mergejoin"} {
				if _, err := conn.Exec(ctx, "SET enable_"+way+" = "+small); err != nil {
					t.Fatal(err)
				}
			}
			var plan []byte
			call := "EXPLAIN (FORMAT JSON) EXECUTE q"
			if n := params(text); n > 0 {
				call += "(" + strings.TrimSuffix(strings.Repeat("NULL, ", n), ", ") + ")"
			}
			if err := conn.QueryRow(ctx, call, pgx.QueryExecModeSimpleProtocol).Scan(&plan); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if err := conn.Deallocate(ctx, "q"); err != nil {
				t.Fatal(err)
			}
			var nodes []struct{ Plan planNode }
			if err := json.Unmarshal(plan, &nodes); err != nil {
				t.Fatal(err)
			}
			nodes[0].Plan.walk(func(n planNode) {
				if n.Type == "Seq Scan" || strings.HasPrefix(n.Type, "Index") && n.Cond == "" {
					t.Errorf("%s: %s on %s %s", name, n.Type, n.Relation, n.Index)
				}
			})
		}
	})
}

type planNode struct {
	Type     string `json:"Node Type"`
	Relation string `json:"Relation Name"`
	Index    string `json:"Index Name"`
	Cond     string `json:"Index Cond"`
	Plans    []planNode

	// With ANALYZE, for each of the loops: what it yields, and what it reads in vain.
	Loops     float64 `json:"Actual Loops"`
	Rows      float64 `json:"Actual Rows"`
	Filtered  float64 `json:"Rows Removed by Filter"`
	Rechecked float64 `json:"Rows Removed by Index Recheck"`
}

func (n planNode) walk(visit func(planNode)) {
	visit(n)
	for _, child := range n.Plans {
		child.walk(visit)
	}
}

// params is the number of a text's parameters.
func params(text string) int {
	seen := make(map[string]bool)
	for _, p := range regexp.MustCompile(`\$\d+`).FindAllString(text, -1) {
		seen[p] = true
	}
	return len(seen)
}

// crowd fills the large tables, so that the planner's choice is that of a real server.
func crowd(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	for _, statement := range []string{
		`INSERT INTO tenants SELECT 't' || n, '', 'h' || n, '', FALSE, 0, '{}' FROM generate_series(1, 600) n`,
		`INSERT INTO removed_tenants SELECT 'r' || n, 'rh' || n, 0 FROM generate_series(1, 600) n`,
		`INSERT INTO clients SELECT 'default', 'c' || n, '{}', '[]', FALSE, FALSE, 0, 0 FROM generate_series(1, 600) n`,
		`INSERT INTO client_origins SELECT 'default', 'o' || n, 'c' || n FROM generate_series(1, 600) n`,
		`INSERT INTO users SELECT 'default', 'u' || n, '', 'n' || n, '', 'e' || n, FALSE, '', FALSE, '{}', '[]', FALSE, 1, ` +
			`0, 0 FROM generate_series(1, 6000) n`,
		`INSERT INTO removed_users SELECT 'default', 'r' || n, 0 FROM generate_series(1, 6000) n`,
		`INSERT INTO credentials SELECT 'default', 'u' || n, 'password', '', 'x', 0, 0 FROM generate_series(1, 6000) n`,
		`INSERT INTO identities SELECT 'default', 'google', 's' || n, 'u' || n, '', 0 FROM generate_series(1, 6000) n`,
		`INSERT INTO sessions SELECT 'default', 's' || n, 'x', 'u' || n, 1, 0, '[]', '', '', '', 0, 0, n, n % 10 FROM ` +
			`generate_series(1, 6000) n`,
		`INSERT INTO consents SELECT 'default', 'u' || n, 'c' || n % 600 + 1, '[]', '[]', 0 FROM generate_series(1, 6000) n`,
		`INSERT INTO grants SELECT 'default', 'g' || n, 'k' || n, 'u' || n, 'c' || n % 600 + 1, 's' || n, FALSE, 1, '[]', ` +
			`'[]', '', 0, '[]', '', 1, 0, 0, n, 0, 0, '' FROM generate_series(1, 6000) n`,
		`INSERT INTO api_keys SELECT 'default', 'k' || n, decode(md5(n::text), 'hex'), '', '', 'u' || n, ` +
			`'c' || n % 600 + 1, 1, '[]', '', 0, n, 0 FROM generate_series(1, 6000) n`,
		`INSERT INTO spent_values SELECT 't' || n % 100 + 1, 'assertion', decode(md5(n::text), 'hex'), n FROM ` +
			`generate_series(1, 6000) n`,
		`INSERT INTO keys SELECT 't' || n, 'k', 'ES256', 1, '', '', 0, n, 0 FROM generate_series(1, 600) n`,
		`INSERT INTO audit SELECT 't' || n % 100 + 1, 'e' || n, 0, '', '', '', '', '', '', '{}' FROM ` +
			`generate_series(1, 6000) n`,
		`INSERT INTO codes SELECT 't' || n % 100 + 1, 'c' || n, 'p', 't' || n, 'u' || n, '', '', '', 0, 0, n FROM ` +
			`generate_series(1, 6000) n`,
		`INSERT INTO mail SELECT 't' || n % 100 + 1, 'm' || n, '', '', '', '', 0, n, 0, '', CASE WHEN n % 50 = 0 THEN 0 ` +
			`ELSE n END, 'mail', n FROM generate_series(1, 6000) n`,
		`INSERT INTO removals SELECT 't' || n % 100 + 1, 'user', 'u' || n, '', '', 0, n FROM generate_series(1, 6000) n`,
		`INSERT INTO marks SELECT 't' || n % 100 + 1, 'm' || n, '', 0 FROM generate_series(1, 6000) n`,
		`INSERT INTO groups SELECT 'default', 'g' || n, 'gk' || n, '', 0, 0 FROM generate_series(1, 2000) n`,
		`INSERT INTO memberships SELECT 'default', 'u' || n, 'gk' || n % 2000 + 1, '', 0 FROM generate_series(1, 6000) n`,
		`INSERT INTO roles SELECT 'default', CASE WHEN n % 50 = 0 THEN 'api' ELSE 'client' END, 'c' || n % 600 + 1, ` +
			`'r' || n, 'rk' || n, '', 0, 0 FROM generate_series(1, 6000) n`,
		`INSERT INTO user_roles SELECT 'default', 'u' || n, 'rk' || n, 0 FROM generate_series(1, 6000) n`,
		`INSERT INTO group_roles SELECT 'default', 'gk' || n % 2000 + 1, 'rk' || n, 0, 'g' || n % 2000 + 1 FROM ` +
			`generate_series(1, 6000) n`,
		`INSERT INTO client_roles SELECT 'default', 'c' || n % 600 + 1, 'rk' || n, 0 FROM generate_series(1, 6000) n`,
		`INSERT INTO unique_values SELECT 'default', 'number', 'v' || n, 'u' || n FROM generate_series(1, 6000) n`,
		`INSERT INTO day_counts SELECT 't' || n % 100 + 1, n, 'active', '', 1 FROM generate_series(1, 6000) n`,
		`INSERT INTO last_days SELECT 't' || n % 100 + 1, 'u' || n, n FROM generate_series(1, 6000) n`,
		`INSERT INTO account_numbers SELECT 't' || n % 100 + 1, n, 'u' || n, 0, 0 FROM generate_series(1, 6000) n`,
		`INSERT INTO account_actives SELECT 't' || n % 100 + 1, 'p' || n, 1 FROM generate_series(1, 6000) n`,
		`INSERT INTO tenant_logins SELECT 't' || n, '', 'e' || n, '', 0 FROM generate_series(1, 600) n`,
		`INSERT INTO tenant_sessions SELECT 't' || n % 100 + 1, 's' || n, '', 0 FROM generate_series(1, 6000) n`,
		`INSERT INTO app_logins SELECT 'default', 'u' || n, 'l' || n, '', '', 0 FROM generate_series(1, 6000) n`,
		`INSERT INTO search_terms SELECT 'default', 'u' || n, 'name' || n FROM generate_series(1, 6000) n`,
		`INSERT INTO answers SELECT 't' || n % 100 + 1, decode(md5(n::text), 'hex'), '', n % 2, '', '', n FROM ` +
			`generate_series(1, 6000) n`,
		`INSERT INTO last_uses SELECT 'default', 'u' || n, 0, 0 FROM generate_series(1, 6000) n`,
		`INSERT INTO webhooks SELECT 't' || n % 100 + 1, 'w' || n, '', '', '[]', FALSE, '', 0, 0, 0 FROM ` +
			`generate_series(1, 6000) n`,
		`INSERT INTO imports SELECT 't' || n % 100 + 1, 'i' || n, CASE WHEN n % 50 = 0 THEN 'adding' ELSE 'done' END, '', ` +
			`n, n, n, '' FROM generate_series(1, 6000) n`,
		`INSERT INTO import_parts SELECT 't' || n % 100 + 1, 'i' || n, 0, '' FROM generate_series(1, 6000) n`,
		`INSERT INTO import_lines SELECT 't' || n % 100 + 1, 'i' || n, 0, '' FROM generate_series(1, 6000) n`,
		`INSERT INTO feeds SELECT 't' || n, 0, 0 FROM generate_series(1, 600) n`,
		`INSERT INTO pairwise_keys SELECT 't' || n, '', 0 FROM generate_series(1, 600) n`,
		`INSERT INTO feed_events SELECT 't' || n % 100 + 1, n, 'e' || n, n FROM generate_series(1, 6000) n`,
		`INSERT INTO webhook_deliveries SELECT 't' || n % 100 + 1, 'w' || n, n, 'e' || n, '', 'u' || n, n, n, 0, ` +
			`CASE WHEN n % 2 = 0 THEN 0 ELSE n END, FALSE, 0, 0, '' FROM generate_series(1, 6000) n`,
		`INSERT INTO session_clients SELECT 'default', 's' || n, 'c' || n % 600 + 1 FROM generate_series(1, 6000) n`,
		`INSERT INTO logouts SELECT 'default', 'c' || n % 600 + 1, 's' || n, 'u' || n, n, n, n, 0, ` +
			`CASE WHEN n % 2 = 0 THEN 0 ELSE n END, FALSE, 0, 0, '' FROM generate_series(1, 6000) n`,
		`UPDATE clients SET hears_logouts = TRUE WHERE id = 'c1'`,
		`ANALYZE`,
		`SET plan_cache_mode = force_generic_plan`,
	} {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}
