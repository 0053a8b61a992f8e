package importing

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
)

// A batch costs the same few statements whatever its size, and whatever was imported before.
func TestABatchIsAFewStatements(t *testing.T) {
	t.Parallel()
	store := memory(t)
	var file strings.Builder
	const batches = 3
	for i := range batches * batchSize {
		fmt.Fprintf(&file, `{"email":"user%d@example.com","phone_number":"+43660%07d","password_hash":`+
			`"$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"}`+"\n", i, i)
	}
	var statements atomic.Int64
	store.OnStatement(func(string) { statements.Add(1) })
	n, err := Import(t.Context(), store, command, ReadRows(strings.NewReader(file.String()), false), Options{})
	if err != nil || n.Added != batches*batchSize || n.WithHash != n.Added {
		t.Fatalf("got %+v, %v", n, err)
	}
	// Users, credentials and events, eight in a statement; those who were removed; the events around the import.
	if got, want := statements.Load(), int64(batches*(3*batchSize/8+1)+2); got != want {
		t.Errorf("got %d statements for %d batches, want %d", got, batches, want)
	}
}

// One user who is there costs a batch some reads, and no row more than that user is passed over.
func TestABatchWithOneUserWhoIsThere(t *testing.T) {
	t.Parallel()
	store := memory(t)
	add := func(from, to int) Counts {
		t.Helper()
		var file strings.Builder
		for i := from; i < to; i++ {
			fmt.Fprintf(&file, "{\"email\":\"user%d@example.com\"}\n", i)
		}
		n, err := Import(t.Context(), store, command, ReadRows(strings.NewReader(file.String()), false), Options{})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	add(40, 41)
	insertions := 0
	store.OnStatement(func(query string) {
		if strings.Contains(query, "INSERT INTO users") {
			insertions++
		}
	})
	if n := add(0, batchSize); n.Added != batchSize-1 || n.There != 1 {
		t.Errorf("got %+v", n)
	}
	if most := 2 * batchSize / 8; insertions > most {
		t.Errorf("users were inserted by %d statements, want at most %d: once in vain, and once without the user", insertions,
			most)
	}
}
