package login

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/people/reread"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// TestNamesOfEarlierReleasesAreReadAnew: what a release stored that folded domains, or that took
// names which look alike. Each account can be signed in to before and after, and none falls
// together with another.
func TestNamesOfEarlierReleasesAreReadAnew(t *testing.T) {
	t.Parallel()
	s := newSite(t, free)
	hash, err := s.hasher.Hash(t.Context(), right)
	if err != nil {
		t.Fatal(err)
	}
	old := func(email, key, name string) storage.User {
		t.Helper()
		now := time.Now().Truncate(time.Microsecond)
		u := storage.User{
			TenantID: "default", ID: uuid.Must(uuid.NewV7()).String(), Email: email, EmailKey: key, EmailVerified: email != "",
			Username: name, UsernameKey: name, CreatedAt: now, UpdatedAt: now,
		}
		cred := storage.Credential{Kind: storage.PasswordCredential, Data: hash, CreatedAt: now, UpdatedAt: now}
		if err := storagetest.AddUser(t.Context(), s.store, u, []storage.Credential{cred}, nil); err != nil {
			t.Fatal(err)
		}
		return u
	}
	people := []struct {
		was             storage.User
		email, key      string
		verified        bool
		skeleton        string
		found           []reread.Found
		signsInBy       []string
		signsInNoMoreBy string
	}{
		{old("jo@example.com", "jo@example.com", "jo"), "jo@example.com", "jo@example.com", true, "jo", nil,
			[]string{"jo@example.com", "jo"}, ""},
		{old("boss@fa\u00df.example", "boss@fass.example", ""), "boss@xn--fa-hia.example", "boss@xn--fa-hia.example", false,
			"", []reread.Found{reread.Domain}, []string{"boss@fa\u00df.example"}, "boss@fass.example"},
		{old("Jo@B\u00fccher.example", "jo@xn--bcher-kva.example", ""), "Jo@xn--bcher-kva.example",
			"jo@xn--bcher-kva.example", true, "", []reread.Found{reread.Spelling}, []string{"jo@b\u00fccher.example"}, ""},
		{old("two@stra\u00dfe.example", "two@strasse.example", ""), "two@stra\u00dfe.example", "two@strasse.example", false,
			"", []reread.Found{reread.Twice}, []string{"two@strasse.example"}, ""},
		{old("two@xn--strae-oqa.example", "two@xn--strae-oqa.example", ""), "two@xn--strae-oqa.example",
			"two@xn--strae-oqa.example", true, "", nil, []string{"two@stra\u00dfe.example"}, ""},
		{old("\ufb01ona@example.com", "fiona@example.com", ""), "fiona@example.com", "fiona@example.com", false, "",
			[]reread.Found{reread.Domain}, []string{"fiona@example.com"}, ""},
		{old("x%y.example@example.com", "x%y.example@example.com", ""), "x%y.example@example.com", "x%y.example@example.com",
			true, "", nil, []string{"x%y.example@example.com"}, ""},
		{old("", "", "alice"), "", "", false, "alice", nil, []string{"alice"}, ""},
		{old("", "", "a1ice"), "", "", false, "", nil, []string{"a1ice"}, ""},
		{old("", "", "\u0430lice"), "", "", false, "", nil, []string{"\u0430lice"}, ""},
		{old("", "", "root"), "", "", false, "root", nil, []string{"root"}, ""},
	}
	for round := range 3 { // what has been read anew stays as it is
		told := map[string][]reread.Found{}
		if err := reread.All(t.Context(), s.store, func(u storage.User, what reread.Found) {
			told[u.ID] = append(told[u.ID], what)
		}); err != nil {
			t.Fatal(err)
		}
		for _, p := range people {
			now := s.stored(p.was)
			if now.Email != p.email || now.EmailKey != p.key || now.EmailVerified != p.verified ||
				now.UsernameSkeleton != p.skeleton || now.UsernameKey != p.was.UsernameKey {
				t.Errorf("round %d: of %+v became %+v", round, p.was, now)
			}
			if want := p.found; round == 0 && !slices.Equal(told[p.was.ID], want) || round > 0 && len(told[p.was.ID]) > 0 {
				t.Errorf("round %d: of %s is told %q, want %q", round, p.was.Email, told[p.was.ID], want)
			}
		}
	}
	for _, p := range people {
		for _, name := range p.signsInBy {
			v := s.visitor()
			v.goes(v.signIn(name, right), "/")
			if got := v.session().UserID; got != p.was.ID {
				t.Errorf("%s signs in as %s, want %s", name, got, p.was.ID)
			}
		}
		if p.signsInNoMoreBy != "" {
			if got := s.visitor().signIn(p.signsInNoMoreBy, right); got.status != http.StatusUnprocessableEntity {
				t.Errorf("%s: got %d to %q", p.signsInNoMoreBy, got.status, got.location())
			}
		}
	}
}
