// Package mariadbtest starts a real MariaDB for tests of what reads databases of MySQL: one server for each test
// process, in a temporary folder and on a free port. What else runs on the machine does not matter.
package mariadbtest

import (
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	_ "github.com/go-sql-driver/mysql" // the driver

	"github.com/vouchsafe/vouchsafe/internal/testdaemon"
)

// Where the package mariadb-server-core of Debian has the server, and the tables that it needs.
const (
	program = "/usr/sbin/mariadbd"
	tables  = "/usr/share/mysql/mysql_system_tables.sql"
)

// password is that of the only user, root. It has characters that a URL has to escape.
const password = "p@ss/word"

// setup makes the only user, after the server's own tables.
const setup = `FLUSH PRIVILEGES;
CREATE USER 'root'@'%' IDENTIFIED BY '` + password + `';
GRANT ALL ON *.* TO 'root'@'%';
`

// shared is the server of this process. It ends with the process.
var shared = sync.OnceValues(run)

// Start returns the URL of a new, empty database on the server of this process, in the form that Keratin AuthN has for
// DATABASE_URL, and a connection to it that can send several statements at once.
func Start(t testing.TB) (url string, db *sql.DB) {
	t.Helper()
	d, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	name := "test_" + strings.ToLower(rand.Text()[:16])
	server, err := sql.Open("mysql", source(d, ""))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	if _, err := server.ExecContext(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	if db, err = sql.Open("mysql", source(d, name)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close the database: %v", err)
		}
	})
	return fmt.Sprintf("mysql://root:p%%40ss%%2Fword@127.0.0.1:%d/%s", d.Port, name), db
}

// source returns the address of a database as the driver reads it.
func source(d *testdaemon.Daemon, name string) string {
	return fmt.Sprintf("root:%s@tcp(127.0.0.1:%d)/%s?multiStatements=true", password, d.Port, name)
}

// run makes the tables of a server, and starts it.
func run() (*testdaemon.Daemon, error) {
	d, err := testdaemon.New("mariadb", "mysql", "nobody")
	if err != nil {
		return nil, err
	}
	users, err := d.WriteFile("users.sql", setup)
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	data := filepath.Join(d.Folder, "data")
	server := []string{program, "--no-defaults", "--datadir=" + data, "--skip-log-bin", "--skip-name-resolve",
		"--bind-address=127.0.0.1", "--port=" + strconv.Itoa(d.Port), "--socket=" + filepath.Join(d.Folder, "socket"),
		"--innodb-log-file-size=4M", "--innodb-buffer-pool-size=16M", "--innodb-flush-log-at-trx-commit=0"}
	// --bootstrap reads statements, one at each line, and ends.
	make := fmt.Sprintf(`mkdir -p %[1]s/mysql && (echo "USE mysql;"; cat %[2]s %[3]s) | %[4]s --bootstrap`,
		data, tables, users, strings.Join(server, " "))
	if err := d.Run("sh", "-c", make); err != nil {
		return nil, errors.Join(errors.New("these tests need mariadb-server-core: run make setup"), err, d.Close())
	}
	d.Command, d.Last = server, "KILL"
	d.Ready = testdaemon.Listening("127.0.0.1:" + strconv.Itoa(d.Port))
	if err := d.Start(); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}
