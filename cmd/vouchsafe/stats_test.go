package main

import (
	"encoding/binary"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/operations"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb"
)

// TestEveryDoorHasTheSameStatistics asks the command, the management API and the route of Keratin AuthN for active
// users: over a change of day in a zone other than UTC, and over the last change of its clocks.
func TestEveryDoorHasTheSameStatistics(t *testing.T) {
	t.Parallel()
	const name = "America/New_York"
	sh := newShell(t, "VOUCHSAFE_STATISTICS_ZONE="+name)
	sh.do(t, "migrate")
	store, err := sqldb.Open(t.Context(), "sqlite:"+filepath.Join(sh.dir, "data", "vouchsafe.db"))
	if err != nil {
		t.Fatal(err)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	change, _ := time.Now().Add(-48 * time.Hour).In(zone).ZoneBounds()
	y, m, d := change.Date() // a day of 23 or 25 hours
	days, weeks, months := map[string]map[string]bool{}, map[string]map[string]bool{}, map[string]map[string]bool{}
	count := func(of map[string]map[string]bool, period, user string) {
		if of[period] == nil {
			of[period] = map[string]bool{}
		}
		of[period][user] = true
	}
	for i, e := range []struct {
		day, hour, minute int
		user              string
	}{
		{-1, 23, 50, "ann"}, {0, 0, 10, "ann"}, {0, 0, 20, "bob"}, {0, 23, 50, "bob"}, {0, 23, 55, "cleo"}, {1, 0, 5, "ann"},
		{1, 23, 59, "cleo"}, {2, 0, 0, "dan"}, {-8, 12, 0, "ann"},
	} {
		at := time.Date(y, m, d+e.day, e.hour, e.minute, 0, 0, zone)
		id := uuid.Must(uuid.NewV7())
		var ms [8]byte
		binary.BigEndian.PutUint64(ms[:], uint64(at.UnixMilli()))
		copy(id[:6], ms[2:])
		kind := []string{storage.EventLoginSucceeded, storage.EventSessionRefreshed}[i%2]
		if err := store.Record(t.Context(), storage.Event{
			TenantID: storage.DefaultTenant, ID: id.String(), At: at, Kind: kind, UserID: e.user,
		}); err != nil {
			t.Fatal(err)
		}
		count(days, at.Format(time.DateOnly), e.user)
		count(weeks, administration.WeekName(at), e.user)
		count(months, at.Format("2006-01"), e.user)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	want := [3]map[string]int64{counts(days), counts(weeks), counts(months)}

	door := serveKeratin(t, sh)
	var theirs struct {
		Actives struct{ Daily, Weekly, Monthly map[string]int64 }
	}
	answer := door.ask(t, "/stats", nil)
	if err := json.Unmarshal([]byte(answer), &theirs); err != nil {
		t.Fatal(err, answer)
	}
	same := func(where string, got [3]map[string]int64) {
		t.Helper()
		for _, periods := range got {
			for period, n := range periods {
				if n == 0 {
					delete(periods, period)
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", where, diff)
		}
	}
	same("Keratin's route", [3]map[string]int64{theirs.Actives.Daily, theirs.Actives.Weekly, theirs.Actives.Monthly})

	here := &inside{t, []string{"VOUCHSAFE_DATA=" + filepath.Join(sh.dir, "data"), "VOUCHSAFE_ISSUER=" + door.issuer,
		"VOUCHSAFE_STATISTICS_ZONE=" + name}}
	out, errs, code := here.run("", "client", "add", "ops", "--kind", "service", "--audience", door.issuer+"/api/v1",
		"--scope", "stats:read")
	if code != 0 {
		t.Fatal(errs)
	}
	secret := strings.TrimSpace(out[strings.Index(out, "client_secret")+len("client_secret"):])
	there := &inside{t, append([]string{"VOUCHSAFE_CLIENT_ID=ops", "VOUCHSAFE_CLIENT_SECRET=" + secret}, here.environ...)}
	for where, run := range map[string]func() (string, string, int){
		"the command": func() (string, string, int) { return here.run("", "stats", "--json", "--days", "366") },
		"the management API": func() (string, string, int) {
			return there.run("", "stats", "--json", "--days", "366", "--server", door.issuer)
		},
	} {
		out, errs, code := run()
		var got operations.StatsView
		if err := json.Unmarshal([]byte(out), &got); err != nil || code != 0 || got.Zone != name {
			t.Fatalf("%s: exit %d, zone %q, %v: %s", where, code, got.Zone, err, errs)
		}
		all := [3]map[string]int64{{}, {}, {}}
		for _, v := range got.Days {
			all[0][v.Date] = v.Active
		}
		for _, v := range got.Weeks {
			all[1][v.Week] = v.Active
		}
		for _, v := range got.Months {
			all[2][v.Month] = v.Active
		}
		same(where, all)
	}
}

// counts returns how many users there are in each period.
func counts(of map[string]map[string]bool) map[string]int64 {
	out := map[string]int64{}
	for period, users := range of {
		out[period] = int64(len(users))
	}
	return out
}
