package pgtest_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/vouchsafe/vouchsafe/internal/pgtest"
)

func TestEveryDatabaseIsEmptyAndItsOwn(t *testing.T) {
	a, b := pgtest.Start(t), pgtest.Start(t)
	if a == b {
		t.Fatalf("got %s twice, want two databases", a)
	}
	run(t, a, "CREATE TABLE x (id TEXT)")
	run(t, b, "CREATE TABLE x (id TEXT)")
}

func TestServerKeepsItsDataAcrossStops(t *testing.T) {
	s := pgtest.StartServer(t)
	url, err := s.NewDatabase()
	if err != nil {
		t.Fatal(err)
	}
	run(t, url, "CREATE TABLE x (id TEXT)")
	for _, immediate := range []bool{false, true} {
		if err := s.Stop(immediate); err != nil {
			t.Fatal(err)
		}
		if conn, err := pgx.Connect(context.Background(), url); err == nil {
			conn.Close(context.Background())
			t.Fatal("the stopped server answers")
		}
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
		run(t, url, "INSERT INTO x VALUES ('1')")
	}
}

func run(t *testing.T, url, statement string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}
