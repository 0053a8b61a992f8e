package keratindb_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/mariadbtest"
	"github.com/vouchsafe/vouchsafe/internal/pgtest"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/people/importing/exports"
	"github.com/vouchsafe/vouchsafe/people/importing/keratindb"
	"github.com/vouchsafe/vouchsafe/storage"
)

// secretKeyBase is the SECRET_KEY_BASE of the databases.
const secretKeyBase = "a secret of the server before"

// database is an empty database of an engine, and its tables as the latest release of Keratin AuthN makes them.
type database struct {
	engine, url string
	db          *sql.DB
	tables      string
}

// databases returns a database of each engine.
func databases(t *testing.T) []database {
	t.Helper()
	file := filepath.Join(t.TempDir(), "authn.db")
	lite := open(t, "sqlite", "file:"+file)
	postgres := pgtest.Start(t)
	maria, my := mariadbtest.Start(t)
	return []database{
		{"SQLite", "sqlite3://localhost" + file, lite, `
			CREATE TABLE accounts (id INTEGER PRIMARY KEY, username TEXT NOT NULL COLLATE NOCASE CONSTRAINT uniq UNIQUE,
				password TEXT NOT NULL, locked BOOLEAN NOT NULL, require_new_password BOOLEAN NOT NULL,
				password_changed_at DATETIME NOT NULL, created_at DATETIME NOT NULL, updated_at DATETIME NOT NULL,
				deleted_at DATETIME, last_login_at DATETIME, totp_secret VARCHAR(255) DEFAULT NULL);
			CREATE TABLE oauth_accounts (id INTEGER PRIMARY KEY, account_id INTEGER, provider TEXT NOT NULL,
				provider_id TEXT NOT NULL, access_token TEXT NOT NULL, created_at DATETIME NOT NULL,
				updated_at DATETIME NOT NULL, email VARCHAR(255) DEFAULT NULL, UNIQUE (provider_id, provider),
				UNIQUE (account_id, provider))`},
		{"PostgreSQL", postgres, open(t, "pgx", postgres), `
			CREATE EXTENSION IF NOT EXISTS citext;
			CREATE TABLE accounts (id SERIAL PRIMARY KEY, username CITEXT UNIQUE DEFAULT NULL, password TEXT DEFAULT NULL,
				locked boolean NOT NULL DEFAULT false, require_new_password boolean NOT NULL DEFAULT false,
				password_changed_at timestamptz DEFAULT NULL, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL,
				deleted_at timestamptz DEFAULT NULL, last_login_at timestamptz DEFAULT NULL, totp_secret TEXT DEFAULT NULL);
			CREATE TABLE oauth_accounts (id SERIAL PRIMARY KEY, account_id INTEGER NOT NULL, provider TEXT NOT NULL,
				provider_id TEXT NOT NULL, access_token TEXT NOT NULL, created_at timestamptz NOT NULL,
				updated_at timestamptz NOT NULL, email VARCHAR(255) DEFAULT NULL, UNIQUE (provider_id, provider),
				UNIQUE (account_id, provider))`},
		{"MySQL", maria, my, `
			CREATE TABLE accounts (id INT(11) NOT NULL AUTO_INCREMENT, username VARCHAR(255) DEFAULT NULL,
				password VARCHAR(255) DEFAULT NULL, locked TINYINT(1) NOT NULL DEFAULT '0',
				require_new_password TINYINT(1) NOT NULL DEFAULT '0', password_changed_at DATETIME DEFAULT NULL,
				created_at DATETIME NOT NULL, updated_at DATETIME NOT NULL, deleted_at DATETIME DEFAULT NULL,
				last_login_at DATETIME DEFAULT NULL, totp_secret VARCHAR(255) DEFAULT NULL, PRIMARY KEY (id),
				UNIQUE KEY index_accounts_on_username (username)) ENGINE=InnoDB DEFAULT CHARSET=utf8;
			CREATE TABLE oauth_accounts (id INT(11) NOT NULL AUTO_INCREMENT, account_id INT(11) NOT NULL,
				provider VARCHAR(255) NOT NULL, provider_id VARCHAR(255) NOT NULL, access_token VARCHAR(255) NOT NULL,
				created_at DATETIME NOT NULL, updated_at DATETIME NOT NULL, email VARCHAR(255) DEFAULT NULL, PRIMARY KEY (id),
				UNIQUE KEY index_oauth_accounts_by_identity (provider_id, provider),
				UNIQUE KEY index_oauth_accounts_by_account_id (account_id, provider))`},
	}
}

// open opens a database.
func open(t *testing.T, driver, source string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // it is thrown away
	return db
}

// fill makes the tables, with six accounts.
func (d database) fill(t *testing.T) {
	t.Helper()
	const hash = "'$2a$07$usesomesillystringfore2uDLvp1Ii2e./U9C8sBjqp8I90dH6hi'"
	row := func(id int, name, hash, locked, renew, signedIn, deleted, app string) string {
		return fmt.Sprintf("INSERT INTO accounts (id, username, password, locked, require_new_password, "+
			"password_changed_at, created_at, updated_at, deleted_at, last_login_at, totp_secret) VALUES (%d, %s, %s, %s, %s, "+
			"'2023-02-01 00:00:00', '2023-01-01 00:00:00', '2023-01-01 00:00:00', %s, %s, %s);", id, name, hash, locked, renew,
			deleted, signedIn, app)
	}
	sealed := "'" + seal(t, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ") + "'"
	gone := "'@A0'"
	if d.engine != "SQLite" { // which cannot forget the name
		gone = "NULL"
	}
	if d.engine == "PostgreSQL" { // where days begin elsewhere
		must(t, d.exec("SET TIME ZONE 'UTC'"))
	}
	must(t, d.exec(d.tables))
	for _, statement := range []string{
		row(1, "'Ann@Example.com'", hash, "false", "false", "'2024-05-06 07:08:09'", "NULL", "NULL"),
		row(2, "'bob'", hash, "true", "true", "NULL", "NULL", "NULL"),
		row(5, gone, "''", "false", "false", "NULL", "'2024-01-01 00:00:00'", "NULL"),
		row(7, "'Zoë'", hash, "false", "false", "NULL", "NULL", sealed),
		row(9, "'kim'", hash, "false", "false", "NULL", "NULL", "'x--y--z'"),
		row(12, "'a b'", hash, "false", "false", "NULL", "NULL", "NULL"),
		`INSERT INTO oauth_accounts (account_id, provider, provider_id, access_token, created_at, updated_at, email)
			VALUES (1, 'google', '110169484474386276334', 'TOKEN', '2023-01-01 00:00:00', '2023-01-01 00:00:00',
			'ann@gmail.com'), (7, 'github', '17', 'TOKEN', '2023-01-01 00:00:00', '2023-01-01 00:00:00', NULL)`,
	} {
		must(t, d.exec(statement))
	}
}

func (d database) exec(statement string) error {
	_, err := d.db.ExecContext(context.Background(), statement)
	return err
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// seal seals a text as Keratin AuthN does.
func seal(t *testing.T, text string) string {
	t.Helper()
	key, err := pbkdf2.Key(sha256.New, secretKeyBase, []byte("db-encryption-key-salt"), 20_000, 128)
	must(t, err)
	block, err := aes.NewCipher(key[:32])
	must(t, err)
	box, err := cipher.NewGCM(block)
	must(t, err)
	nonce := make([]byte, box.NonceSize())
	_, _ = rand.Read(nonce) // it never fails
	plain := "\x04\x08I\"" + string(rune(len(text)+5)) + text + "\x06:\x06ET"
	out := box.Seal(nil, nonce, []byte(plain), nil)
	cut := len(out) - box.Overhead()
	enc := base64.StdEncoding.EncodeToString
	return enc(out[:cut]) + "--" + enc(nonce) + "--" + enc(out[cut:])
}

// rows reads the rows of a database.
func rows(t *testing.T, address string) (all []importing.Read, sum keratindb.Summary) {
	t.Helper()
	source, err := keratindb.Open(t.Context(), address)
	must(t, err)
	defer source.Close()
	sum, err = source.Summary(t.Context())
	must(t, err)
	e, err := exports.Open(exports.Options{Product: "keratin", Numbers: true,
		Sealing:   &exports.Sealing{Base: secretKeyBase},
		Upstreams: []storage.Upstream{{ID: "google", Preset: "google"}, {ID: "github", Preset: "github"}},
	}, nil)
	must(t, err)
	read := int64(0)
	for r := range e.Records(source.Accounts(t.Context(), func() { read++ })) {
		all = append(all, r)
	}
	if read != sum.Accounts {
		t.Errorf("read %d accounts of %d", read, sum.Accounts)
	}
	return all, sum
}

// TestDatabasesOfKeratin reads the same accounts out of a database of each engine.
func TestDatabasesOfKeratin(t *testing.T) {
	t.Parallel()
	for _, d := range databases(t) {
		d.fill(t)
		all, sum := rows(t, d.url)
		if sum != (keratindb.Summary{Accounts: 6, Last: 12, Apps: 2}) || len(all) != 6 {
			t.Fatalf("%s: got %+v, and %d rows", d.engine, sum, len(all))
		}
		var got strings.Builder
		for _, r := range all {
			row, err := json.Marshal(r.Row)
			must(t, err)
			m := r.Row.Moved
			fmt.Fprintf(&got, "%d %s %d %t %s %s skip=%v err=%v\n", r.Line, row, m.Number, m.Expired,
				m.LastSignIn.Format("2006-01-02T15:04:05"), m.PasswordChanged.Format("2006-01-02"), r.Skip, r.Err)
		}
		const hash = `"created_at":"2023-01-01T00:00:00Z","password_hash":"$2a$07$usesomesillystringfore2uDLvp1Ii2e./U9C8sBjqp8I90dH6hi"`
		const never = "0001-01-01T00:00:00 2023-02-01 skip="
		want := `1 {"external_id":"1","email":"Ann@Example.com",` + hash + `,"identities":[{"provider":"google",` +
			`"subject":"110169484474386276334","email":"ann@gmail.com"}]} 1 false 2024-05-06T07:08:09 2023-02-01 ` +
			"skip=<nil> err=<nil>\n" +
			`2 {"external_id":"2","username":"bob","disabled":true,` + hash + `} 2 true ` + never + "<nil> err=<nil>\n"
		if text := got.String(); !strings.HasPrefix(text, want) ||
			!strings.Contains(text, ` 5 false `+never+"the user was deleted there err=<nil>\n") ||
			!strings.Contains(text, `7 {"external_id":"7","username":"Zoë",`+hash+
				`,"identities":[{"provider":"github","subject":"17"}],"totp":{"secret":"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"}} 7 false`) ||
			!strings.Contains(text, "9 {") || !strings.Contains(text, "err=the authenticator app cannot be opened") ||
			strings.Contains(text, "TOKEN") {
			t.Errorf("%s: got\n%s\nwant it to begin with\n%s", d.engine, text, want)
		}
	}
}

// TestManyPagesComeInOrder reads more accounts than one page has, with gaps between their ids.
func TestManyPagesComeInOrder(t *testing.T) {
	t.Parallel()
	d := databases(t)[0]
	must(t, d.exec(d.tables))
	const series = `WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 1200) `
	must(t, d.exec(series+`INSERT INTO accounts SELECT value * 3, 'u' || value, 'x', 0, 0, '2023-01-01', '2023-01-01', '2023-01-01',
		NULL, NULL, NULL FROM n`))
	must(t, d.exec(series+`INSERT INTO oauth_accounts SELECT value, value * 3, 'google', value, 'x', '2023-01-01', '2023-01-01', NULL
		FROM n`))
	all, _ := rows(t, d.url)
	if len(all) != 1200 || !slices.IsSortedFunc(all, func(a, b importing.Read) int { return a.Line - b.Line }) {
		t.Fatalf("got %d rows, or not in order", len(all))
	}
	for _, r := range all {
		if len(r.Row.Identities) != 1 || r.Row.Identities[0].Subject != fmt.Sprint(r.Line/3) {
			t.Fatalf("account %d has %+v", r.Line, r.Row.Identities)
		}
	}
}

// TestOldDatabases reads tables of the first releases, which had fewer columns.
func TestOldDatabases(t *testing.T) {
	t.Parallel()
	for _, d := range databases(t)[:2] {
		old := strings.NewReplacer(", totp_secret VARCHAR(255) DEFAULT NULL", "", ", totp_secret TEXT DEFAULT NULL", "",
			", last_login_at DATETIME", "", ", last_login_at timestamptz DEFAULT NULL", "",
			", email VARCHAR(255) DEFAULT NULL", "").Replace(d.tables)
		must(t, d.exec(old))
		must(t, d.exec(`INSERT INTO accounts (id, username, password, locked, require_new_password, password_changed_at,
			created_at, updated_at) VALUES (3, 'ann', 'x', false, false, '2023-01-01', '2023-01-01', '2023-01-01')`))
		all, sum := rows(t, d.url)
		if len(all) != 1 || sum != (keratindb.Summary{Accounts: 1, Last: 3}) || all[0].Row.Username != "ann" {
			t.Errorf("%s: got %+v, %+v", d.engine, all, sum)
		}
	}
}

// TestDatabasesThatAreNone are refused with what to write, and without the password.
func TestDatabasesThatAreNone(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty.db")
	must(t, database{db: open(t, "sqlite", "file:"+empty)}.exec("CREATE TABLE accounts (id INTEGER)"))
	for address, says := range map[string]string{
		"":                                     "no database",
		"oracle://u:hidden@db/x":               "write sqlite3://, postgres:// or mysql://",
		"mysql://u:hidden@127.0.0.1:1/x":       "does not answer",
		"postgres://u:hidden@127.0.0.1:1/x":    "does not answer",
		"mysql://u:hidden@%zz/x":               "cannot be read",
		"mysql://u:hidden@h/x?tls=no-such":     "no-such",
		"sqlite3://localhost/nowhere/x.db":     "no such file",
		"sqlite3://localhost/nowhere":          "nowhere.db",
		"sqlite:" + url.PathEscape("none.db"):  "none.db",
		"sqlite3://localhost" + empty:          "no column username",
		"sqlite3://localhost" + empty + "/x.y": "",
	} {
		source, err := keratindb.Open(t.Context(), address)
		if err == nil {
			_, err = source.Summary(t.Context())
			_ = source.Close()
		}
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: got %v, want an error with %q", address, err, says)
		}
	}
}
