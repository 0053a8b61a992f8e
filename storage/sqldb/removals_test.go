package sqldb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/pgtest"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// many has a client with so many grants.
func many(t *testing.T, s *Store, grants int) {
	t.Helper()
	ctx := t.Context()
	for _, err := range []error{
		storagetest.AddUser(ctx, s, storage.User{TenantID: "default", ID: "user", CredentialVersion: 1}, nil, nil),
		s.PutClient(ctx, storage.Client{TenantID: "default", ClientID: "client"}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	const add = `
		INSERT INTO grants (tenant_id, id, code_id, user_id, client_id, session_id, offline, credential_version, scopes, audience,
			claims, auth_time, amr, acr, generation, rotated_at, idle_expires_at, expires_at, created_at, revoked_at, revoked_why)
		VALUES ('default', $1, $1, 'user', 'client', '', TRUE, 1, '[]', '[]', '', 1, '[]', '', 1, 1, 0, 9e15, 1, 0, '')`
	const part = 500 // a transaction has a few seconds, on a busy machine too
	for first := 0; first < grants; first += part {
		err := s.engine.Transact(ctx, func(c conn) error {
			for i := first; i < min(first+part, grants); i++ {
				if _, err := c.Exec(add, fmt.Sprintf("g%06d", i)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestRemovalsYield removes a client with thousands of grants: no part is large, and behind
// each of them others can write, for which its transaction has to have ended.
func TestRemovalsYield(t *testing.T) {
	t.Parallel()
	for _, s := range []*Store{openFile(t), openMigrated(t, pgtest.Start(t))} {
		const grants = 6000
		many(t, s, grants)
		if err := s.RemoveClient(t.Context(), "default", "client", time.Now()); err != nil {
			t.Fatal(err)
		}
		parts, total := 0, int64(0)
		err := s.CarryOn(t.Context(),
			storage.Removal{TenantID: "default", Kind: storage.RemovalClient, ID: "client"}, func(rows int64) {
				if rows > mostPart {
					t.Errorf("got a part of %d rows, want at most %d", rows, mostPart)
				}
				if err := s.Spend(t.Context(), spent(fmt.Sprint("behind ", parts))); err != nil {
					t.Errorf("a write behind part %d: %v", parts, err)
				}
				parts++
				total += rows
			}, nil)
		if err != nil || total != grants || parts < 4 {
			t.Errorf("got %d rows in %d parts, %v, want %d in 4 at least", total, parts, err, grants)
		}
	}
}

// TestAWebhookIsRemovedInParts removes a webhook with thousands of deliveries. It is gone at once.
func TestAWebhookIsRemovedInParts(t *testing.T) {
	t.Parallel()
	for _, s := range []*Store{openFile(t), openMigrated(t, pgtest.Start(t))} {
		ctx, h := t.Context(), storage.Webhook{TenantID: "default", ID: "hook"}
		if err := s.AddWebhook(ctx, h); err != nil {
			t.Fatal(err)
		}
		waitingDeliveries(t, s, h.ID, 6000, "'u' || n")
		ended, end := context.WithCancel(ctx)
		parts := 0
		s.OnStatement(func(query string) {
			if query == removeDeliveries {
				if parts++; parts == 2 {
					end() // the client went away
				}
			}
		})
		if err := s.RemoveWebhook(ended, h.TenantID, h.ID, time.Now()); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Webhook(ctx, h.TenantID, h.ID); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("got %v, want it gone at once", err)
		}
		if all, err := s.AllWebhooks(ctx); len(all) > 0 || err != nil {
			t.Errorf("got %v, %v, want none", all, err)
		}
		err := s.CarryOn(ctx, storage.Removal{TenantID: h.TenantID, Kind: storage.RemovalWebhook, ID: h.ID}, nil, nil)
		left, listing := s.WebhookDeliveries(ctx, h.TenantID, h.ID, 0, 1)
		if err != nil || listing != nil || len(left) > 0 || parts < 4 {
			t.Errorf("got %v, %v, in %d parts, with %v left, want none after 4 at least", err, listing, parts, left)
		}
		if again := s.AddWebhook(ctx, h); again != nil {
			t.Errorf("the row is left: %v", again)
		}
	}
}

// waitingDeliveries has so many deliveries wait for a webhook of the default tenant. user is SQL for the user of
// delivery n.
func waitingDeliveries(t testing.TB, s *Store, webhook string, many int, user string) {
	t.Helper()
	const series = `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < %d) `
	numbers := fmt.Sprintf(series, many)
	_, err := s.put(t.Context(), numbers+`INSERT INTO webhook_deliveries SELECT 'default', '`+webhook+`', n, 'e' || n, `+
		`'login.succeeded', `+user+`, 1, 1, 0, 0, FALSE, 0, 0, '' FROM numbers`)
	if err != nil {
		t.Fatal(err)
	}
}

// TestMigrationsBlockNoReader holds a table as a backup does while the schema is brought up
// to date: other servers read it all the while, and the migration goes on when it is free.
func TestMigrationsBlockNoReader(t *testing.T) {
	t.Parallel()
	url := pgtest.Start(t)
	s := openMigrated(t, url)
	for _, undo := range []string{
		`DELETE FROM goose_db_version WHERE version_id >= 11`, `DROP TABLE ` + strings.Join(tablesSince(t, 11), ", "),
		`ALTER TABLE credentials DROP COLUMN expires_at`,
		`ALTER TABLE tenants DROP COLUMN removed_at, DROP COLUMN version`,
		`ALTER TABLE users DROP COLUMN removed_at, DROP COLUMN external_id, DROP COLUMN attributes,
			DROP COLUMN admin_role, DROP COLUMN searched`,
		`ALTER TABLE sessions DROP COLUMN actor_id, DROP COLUMN actor_session, DROP COLUMN actor_role,
			DROP COLUMN act_reason`,
		`ALTER TABLE clients DROP COLUMN removed_at, DROP COLUMN epoch, DROP COLUMN origin, DROP COLUMN verdict,
			DROP COLUMN outside, DROP COLUMN hears_logouts`,
		`ALTER TABLE grants DROP COLUMN client_epoch, DROP COLUMN used_at`,
		`ALTER TABLE consents DROP COLUMN client_epoch, DROP COLUMN resources`,
		`DROP INDEX grants_client_id, consents_client_user, grants_revoked, removed_users_at`,
	} {
		if _, err := s.put(t.Context(), undo); err != nil {
			t.Fatal(err)
		}
	}
	held, free := make(chan bool), make(chan bool)
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = s.engine.Transact(t.Context(), func(c conn) error {
			_, err := c.Exec("LOCK TABLE users, grants IN ACCESS SHARE MODE")
			close(held)
			<-free
			return err
		})
	})
	<-held
	migrated := make(chan error, 1)
	go func() { migrated <- s.Migrate(context.WithoutCancel(t.Context())) }()
	// It has to come to the table, and wait for it, a few times.
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); {
		if _, err := s.put(t.Context(), `UPDATE users SET updated_at = 0 WHERE id = 'none'`); err != nil {
			t.Fatalf("a writer was held up: %v", err)
		}
	}
	select {
	case err := <-migrated:
		t.Fatalf("migrated, %v, while the table was held", err)
	default:
	}
	close(free)
	wg.Wait()
	if err := <-migrated; err != nil {
		t.Fatal(err)
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

// tablesSince returns the tables that the migrations from that one on make.
func tablesSince(t *testing.T, first int) (tables []string) {
	t.Helper()
	const folder = "../../migrations"
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		number, _, _ := strings.Cut(f.Name(), "_")
		if n, err := strconv.Atoi(number); err != nil || n < first {
			continue
		}
		text, err := os.ReadFile(filepath.Join(folder, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for _, made := range madeTable.FindAllSubmatch(text, -1) {
			tables = append(tables, string(made[1]))
		}
	}
	return tables
}

// madeTable matches the beginning of a table in a migration.
var madeTable = regexp.MustCompile(`(?m)^CREATE TABLE (?:IF NOT EXISTS )?(\w+)`)

// spent returns a value to spend, which is the simplest of writes.
func spent(value string) storage.Spent {
	return storage.Spent{TenantID: "default", Purpose: "test", Value: value, ExpiresAt: time.Unix(1, 0)}
}
