package log_test

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/console/consoletest"
	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/storage"
)

const hostile = `"><script>alert(1)</script>`

// record stores an event of an hour ago at a tenant.
func record(t *testing.T, s *consoletest.Server, tenant string, e storage.Event) storage.Event {
	t.Helper()
	e.TenantID = tenant
	e = audit.Origin{RequestID: e.RequestID, IP: e.IP}.Event(e)
	e.At = time.Now().Add(-time.Hour).UTC()
	e.ID = storage.IDAt(e.At)[:24] + e.ID[24:]
	if err := s.Store.Record(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	return e
}

// TestTheLogSaysWhatHappened: in sentences with names, by each of the filters, with why and what to change; nothing of
// another tenant, and text of strangers as text.
func TestTheLogSaysWhatHappened(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t)
	s.Tenant("north")
	owner, jo := s.User(storage.DefaultTenant, "owner", storage.RoleOwner), s.User(storage.DefaultTenant, "jo", "")
	b := s.Browser(owner, time.Time{})
	failed := record(t, s, storage.DefaultTenant, storage.Event{Kind: storage.EventLoginFailed, UserID: jo.ID,
		Actor: "anonymous", RequestID: "req-1", IP: "192.0.2.7", Detail: map[string]string{"reason": "password"}})
	record(t, s, storage.DefaultTenant, storage.Event{Kind: storage.EventGroupJoined, UserID: jo.ID, Actor: "cli",
		IP: "192.0.2.8", Detail: map[string]string{"group": hostile}})
	record(t, s, storage.DefaultTenant, storage.Event{Kind: storage.EventClientAdded, ClientID: "=cmd()", Actor: owner.ID})
	foreign := record(t, s, "north", storage.Event{Kind: storage.EventGroupAdded, Actor: "cli",
		Detail: map[string]string{"group": "foreign"}})

	joined, added := "Name of jo joined the group", "The app =cmd() was added"
	const refused = "A sign-in as Name of jo was refused"
	b.Open("/admin/log")
	b.Says(joined, refused, added, "by the command line", "by Name of owner", "The password was wrong", "192.0.2.7")
	b.SaysNot("foreign")
	if strings.Contains(b.Last.Body, "<script>alert") {
		t.Error("the name of a group is a script")
	}
	for query, want := range map[string][2]string{
		"person=jo%40default.example":         {refused, added},
		"person=" + jo.ID:                     {joined, added},
		"app=" + url.QueryEscape("=cmd()"):    {added, refused},
		"actor=cli":                           {joined, refused},
		"actor=" + owner.ID:                   {added, joined},
		"kind=group.joined":                   {joined, refused},
		"of=refused":                          {refused, joined},
		"address=192.0.2.7":                   {refused, joined},
		"request=req-1":                       {refused, joined},
		"reason=password":                     {refused, joined},
		"until=2020-01-01T00:00":              {"No entry matches", refused},
		"address=" + url.QueryEscape(hostile): {"No entry matches", refused},
		"person=nobody%40default.example":     {"There’s no such person", refused},
		"since=yesterday":                     {"Enter a time such as", refused},
	} {
		b.Open("/admin/log?" + query)
		b.Says(want[0])
		b.SaysNot(want[1])
		if strings.Contains(b.Last.Body, "<script>alert") {
			t.Errorf("%s: the page has a script", query)
		}
	}
	b.Open("/admin/log/" + failed.ID)
	b.Says(refused, "Why, and what to change", "send them a reset", "req-1", "192.0.2.7", "reason", "Only these entries")
	for _, id := range []string{foreign.ID, "x", failed.ID + "0"} {
		if p := b.Get("/admin/log/" + id); p.Status != http.StatusNotFound {
			t.Errorf("the entry %s: got %d", id, p.Status)
		}
	}
	b.Open("/admin/log?live=1")
	if !strings.Contains(b.Last.Body, `data-refresh="5"`) {
		t.Error("the page is not followed")
	}
	b.Says("Stop following")

	// The downloads have what the list has, oldest first, and no formulas.
	p := b.Open("/admin/log/export?app=" + url.QueryEscape("=cmd()"))
	rows, err := csv.NewReader(strings.NewReader(p.Body)).ReadAll()
	if err != nil || len(rows) != 2 || rows[1][1] != storage.EventClientAdded || rows[1][4] != "'=cmd()" {
		t.Errorf("got %q, %v", rows, err)
	}
	if d := p.Header.Get("Content-Disposition"); !strings.HasPrefix(d, "attachment") {
		t.Errorf("got the disposition %q", d)
	}
	p = b.Open("/admin/log/export?format=json&of=refused")
	var e struct{ ID, Kind string }
	if err := json.Unmarshal([]byte(p.Body), &e); err != nil || e.ID != failed.ID {
		t.Errorf("got %s, %v", p.Body, err)
	}
	p = b.Open("/admin/log/export?since=2020-01-01")
	if !strings.Contains(p.Body, failed.ID) || strings.Contains(p.Body, foreign.ID) {
		t.Errorf("got %s", p.Body)
	}

	for _, role := range []string{storage.RoleAdministrator, storage.RoleSupport, storage.RoleAuditor} {
		s.Browser(s.User(storage.DefaultTenant, role, role), time.Time{}).Open("/admin/log")
	}
	if p := s.Browser(jo, time.Time{}).Get("/admin/log/export"); p.Status != http.StatusForbidden {
		t.Errorf("a user without a role: got %d", p.Status)
	}
}

// TestTheLogHasPages: a cursor leads on, and none of another list is taken.
func TestTheLogHasPages(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t)
	b := s.Browser(s.User(storage.DefaultTenant, "owner", storage.RoleOwner), time.Time{})
	for range 30 {
		record(t, s, storage.DefaultTenant, storage.Event{Kind: storage.EventGroupAdded, Actor: "cli",
			Detail: map[string]string{"group": "one of many"}})
	}
	b.Open("/admin/log?kind=group.added")
	if n := strings.Count(b.Last.Text(), "one of many"); n != 25 {
		t.Errorf("the first page has %d entries", n)
	}
	next := ""
	for _, link := range b.Links() {
		if strings.Contains(link, "after=") {
			next = link
		}
	}
	b.Open(next)
	if n := strings.Count(b.Last.Text(), "one of many"); n != 5 {
		t.Errorf("the second page has %d entries", n)
	}
	b.Says("First page")
}
