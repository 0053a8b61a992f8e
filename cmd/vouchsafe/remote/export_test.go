package remote_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/remote"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/remote/api"
	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/storage"
)

// TestExportReadsAllPages begins after an event, goes on from page to page, and leaves out what is not asked for.
func TestExportReadsAllPages(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var asked []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Query().Get("after_id")+"/"+r.URL.Query().Get("after"))
		items, next := []map[string]any{}, ""
		if page := r.URL.Query().Get("after"); page != "end" {
			for i := range 1000 {
				items = append(items, map[string]any{"id": fmt.Sprint(page, i), "kind": "user.added", "at": at})
			}
			items[7]["kind"], items[8]["at"], next = "login.failed", at.Add(time.Hour), map[string]string{"": "two"}[page]
			if next == "" {
				next = "end"
			}
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"items": items, "next": next})
	}))
	defer srv.Close()
	d, err := remote.New(api.Config{Server: srv.URL, Tenant: storage.DefaultTenant,
		Credentials: api.Credentials{Token: "t"}})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	x := audit.Export{After: "last", Until: at, Kinds: []string{"user.added"}}
	err = d.ExportEvents(t.Context(), x, func(events []storage.Event) error { n += len(events); return nil })
	if got := strings.Join(asked, " "); err != nil || n != 2*998 || got != "last/ /two /end" {
		t.Errorf("got %d events, %v, by %s", n, err, got)
	}
	if err := d.ExportEvents(t.Context(), audit.Export{Mark: true}, nil); err == nil {
		t.Error("a mark was promised")
	}
}
