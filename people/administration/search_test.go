package administration_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// counting is a store that counts the users it has read.
type counting struct {
	*sqldb.Store
	read int
}

// UsersIn implements storage.Users.
func (s *counting) UsersIn(
	ctx context.Context, tenant string, in storage.UserSpan, behind storage.UserPlace, limit int,
) ([]storage.FoundUser, error) {
	users, err := s.Store.UsersIn(ctx, tenant, in, behind, limit)
	s.read += len(users)
	return users, err
}

// TestAPageOfASearchReadsFewUsers: a filter of many conditions asks for the same users again and again.
func TestAPageOfASearchReadsFewUsers(t *testing.T) {
	t.Parallel()
	store, s, a := accounts(t)
	const name = "annabellamariaconstantinatheodora"
	const many, most = 300, 1000 + 500
	for i := range many {
		id := fmt.Sprintf("user-%04d", i)
		u := storage.User{TenantID: a.Tenant.ID, ID: id, Profile: storage.Profile{Name: name}, CreatedAt: time.Now()}
		if err := storagetest.AddUser(t.Context(), store, u, nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	counted := &counting{Store: store}
	s.Store = counted
	table := administration.UserTable(nil)
	equal, unequal := slices.Repeat([]string{`profile.name sw "ann"`}, 50), make([]string, 30)
	for i := range unequal {
		unequal[i] = fmt.Sprintf(`profile.name sw %q`, name[:len(name)-i])
	}
	for what, test := range map[string]struct {
		conditions []string
		all        int // how many users are read for all pages
	}{"equal": {equal, 2 * many}, "unequal": {unequal, 31 * many}} {
		f, err := table.Parse(strings.Join(test.conditions, " or "))
		if err != nil {
			t.Fatal(err)
		}
		q, seen, all := administration.Query{Filter: f, Table: table}, map[string]bool{}, 0
		for at := (administration.Place{}); !at.End; {
			var found []administration.Listed
			counted.read = 0
			if found, at, err = s.Search(t.Context(), a, q, at, 200); err != nil {
				t.Fatal(err)
			}
			if all += counted.read; counted.read > most {
				t.Errorf("%s: a page has read %d users, want %d at most", what, counted.read, most)
			}
			for _, u := range found {
				if seen[u.ID] {
					t.Errorf("%s: %s is found again", what, u.ID)
				}
				seen[u.ID] = true
			}
		}
		if len(seen) != many || all > test.all {
			t.Errorf("%s: got %d users of %d that were read, want %d of %d at most", what, len(seen), all, many, test.all)
		}
	}
}

// leaving is a store whose client goes while it reads.
type leaving struct {
	*sqldb.Store
	leave func()
}

// UsersIn implements storage.Users.
func (s *leaving) UsersIn(
	ctx context.Context, tenant string, in storage.UserSpan, behind storage.UserPlace, limit int,
) ([]storage.FoundUser, error) {
	users, err := s.Store.UsersIn(ctx, tenant, in, behind, limit)
	s.leave()
	return users, err
}

func TestASearchEndsWhenItsClientHasGone(t *testing.T) {
	t.Parallel()
	store, s, a := accounts(t)
	u := storage.User{TenantID: a.Tenant.ID, ID: "ann", CreatedAt: time.Now()}
	if err := storagetest.AddUser(t.Context(), store, u, nil, nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s.Store = &leaving{store, cancel}
	table := administration.UserTable(nil)
	f, err := table.Parse(`disabled eq true`)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = s.Search(ctx, a, administration.Query{Filter: f, Table: table}, administration.Place{}, 2)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that the client has gone", err)
	}
}
