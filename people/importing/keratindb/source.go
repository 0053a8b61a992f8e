package keratindb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver
	_ "modernc.org/sqlite"             // the driver
)

// Source is an open database of Keratin AuthN.
type Source struct{ db *sql.DB }

// Open opens the database at the URL that DATABASE_URL of AuthN is: sqlite3://…, postgres://… or mysql://…. Errors do
// not quote the URL, which may have a password.
func Open(ctx context.Context, address string) (*Source, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("the URL of the database cannot be read: write it as DATABASE_URL of Keratin AuthN has it")
	}
	var db *sql.DB
	switch u.Scheme {
	case "sqlite3", "sqlite":
		db, err = openSQLite(u)
	case "postgres", "postgresql":
		db, err = sql.Open("pgx", address)
	case "mysql":
		db, err = openMySQL(u)
	default:
		return nil, fmt.Errorf("%.20q is no database of Keratin AuthN: write sqlite3://, postgres:// or mysql://", u.Scheme)
	}
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // an import is in no hurry
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("the database of Keratin AuthN does not answer: %w", err), db.Close())
	}
	return &Source{db}, nil
}

// Close closes the database.
func (s *Source) Close() error { return s.db.Close() }

// openSQLite opens a file for reading. As AuthN does, it takes a name without a dot for that of a file NAME.db in the
// working folder.
func openSQLite(u *url.URL) (*sql.DB, error) {
	path := u.Path
	if u.Opaque != "" {
		path = u.Opaque
	}
	if !strings.Contains(path, ".") {
		path = "./" + strings.TrimLeft(path, "/") + ".db"
	}
	if _, err := os.Stat(path); err != nil { // else the driver would make a file
		return nil, err
	}
	file := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(),
		RawQuery: "mode=ro&_pragma=busy_timeout(10000)"}
	return sql.Open("sqlite", file.String())
}

// mysqlWait bounds how long a MySQL server may take to answer.
const mysqlWait = time.Minute

// openMySQL opens a database of MySQL or MariaDB. AuthN knows no parameters; tls is that of the driver.
func openMySQL(u *url.URL) (*sql.DB, error) {
	c := mysql.NewConfig()
	c.Net, c.Addr, c.DBName = "tcp", u.Host, strings.TrimPrefix(u.Path, "/")
	if u.Port() == "" {
		c.Addr = net.JoinHostPort(u.Hostname(), "3306")
	}
	c.User = u.User.Username()
	c.Passwd, _ = u.User.Password()
	c.ParseTime, c.Loc, c.TLSConfig = true, time.UTC, u.Query().Get("tls")
	c.Timeout, c.ReadTimeout = mysqlWait, mysqlWait
	c.Logger = &mysql.NopLogger{}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}
