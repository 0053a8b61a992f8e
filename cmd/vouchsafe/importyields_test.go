package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb"
)

// TestImportsLetServersWrite imports users into the file of an embedded server, which
// writes all the while: between two batches it has its turn.
func TestImportsLetServersWrite(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t)
	sh.do(t, "user", "list")
	const people = 1600
	var rows strings.Builder
	for i := range people {
		fmt.Fprintf(&rows, `{"email":"p%d@example.com"}`+"\n", i)
	}
	sh.file(t, "people.jsonl", rows.String())
	server, err := sqldb.Open(t.Context(), "sqlite:"+filepath.Join(sh.dir, "data", "vouchsafe.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	ctx, stop := context.WithCancel(t.Context())
	written, slowest := 0, time.Duration(0)
	var wg sync.WaitGroup
	wg.Go(func() {
		for ctx.Err() == nil {
			began := time.Now()
			err := server.Spend(ctx, storage.Spent{TenantID: "default", Purpose: "test", Value: fmt.Sprint(written),
				ExpiresAt: began.Add(time.Hour)})
			if err != nil && ctx.Err() == nil {
				t.Error(err)
			}
			written++
			slowest = max(slowest, time.Since(began))
			time.Sleep(time.Millisecond) // a server does other things, too
		}
	})
	out := sh.do(t, "user", "import", "people.jsonl")
	stop()
	wg.Wait()
	if !strings.HasPrefix(out, fmt.Sprint(people, " added")) {
		t.Errorf("got %s, want %d people added", out, people)
	}
	t.Logf("%d writes beside the import of %d people, the slowest took %v", written, people, slowest)
	const batches = people / 128 // see batchSize of people/importing
	if written < batches {
		t.Errorf("the server wrote %d times beside %d batches", written, batches)
	}
}
